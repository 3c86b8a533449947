// StorageHandler: the part of Cloud Storage's JSON API that uploads models, on our blobs.
#pragma once

#include <memory>

#include "server/api/request_target.h"
#include "server/api/services.h"
#include "server/api/upload_receivers.h"

namespace godwit::server {

// Thread-safe; blocks on the disk.
class StorageHandler {
 public:
  explicit StorageHandler(const ApiServices& services) : services_(services) {}

  // True for /upload/, /download/, /storage/ and /b paths.
  static bool Accepts(const RequestHead& head);

  // True when the body is an object's bytes, to be streamed.
  static bool IsUpload(const RequestHead& head);

  Response Handle(const Request& request, const RequestTarget& target);
  std::unique_ptr<BodyReceiver> StartUpload(const Request& request, const RequestTarget& target);

 private:
  struct Path {
    std::string bucket;
    std::string object_name;
    bool upload = false;
    bool download = false;
    bool objects = false;  // "…/o" or below.
  };
  struct Call {
    const Request& request;
    const QueryParameters& query;
    const Path& path;
    int64_t project_number;
  };

  static Result<Path> ParsePath(const RequestTarget& target);
  Result<int64_t> Authorize(const RequestHead& head) const;
  Result<Response> Route(const Request& request, const RequestTarget& target);
  Result<Response> HandleObject(const Call& call);
  Result<Response> HandleBucket(const Call& call);
  Result<Response> ListObjects(const Call& call);
  Result<Response> SendMedia(const Call& call, const Object& object);
  Result<Response> StartSession(const Call& call);
  Result<std::unique_ptr<BodyReceiver>> OpenReceiver(const Request& request,
                                                     const RequestTarget& target);
  Result<ObjectWrite> ReadWrite(const Call& call) const;
  Result<std::unique_ptr<BodyReceiver>> OpenSession(const Request& request, const std::string& id);
  ObjectReply ReplyFor(const RequestHead& head) const;
  // "http://host" for links in the answer.
  std::string OriginOf(const RequestHead& head) const;

  const ApiServices& services_;
};

}  // namespace godwit::server
