// StorageHandler: buckets and objects as Cloud Storage's JSON API has them, on our blobs.
#pragma once

#include "server/api/request_target.h"
#include "server/api/services.h"
#include "server/api/storage_request.h"

namespace godwit::server {

// Thread-safe; blocks on the disk. Uploads are UploadHandler's.
class StorageHandler {
 public:
  explicit StorageHandler(const ApiServices& services) : services_(services) {}

  // True for /download/, /storage/ and /b paths.
  static bool Accepts(const RequestHead& head);

  Response Handle(const Request& request, const RequestTarget& target);

 private:
  struct Call {
    const Request& request;
    const QueryParameters& query;
    const StoragePath& path;
    int64_t project_number;
    std::string origin;
  };

  Result<Response> Route(const Request& request, const RequestTarget& target);
  Result<Response> HandleBuckets(const Call& call);
  Result<Response> HandleBucket(const Call& call);
  Result<Response> HandleObject(const Call& call);
  Result<Response> HandleAction(const Call& call);
  Result<Response> ReadObject(const Call& call);
  Result<Response> EditObject(const Call& call);
  Result<Response> ListObjects(const Call& call);
  Result<Response> CopyObject(const Call& call);
  Result<Response> ComposeObject(const Call& call);
  Result<ObjectSource> ReadSource(const Call& call) const;

  const ApiServices& services_;
};

}  // namespace godwit::server
