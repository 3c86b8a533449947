// XmlObjectHandler: Cloud Storage's XML paths, "/bucket/object", which signed URLs have.
#pragma once

#include <memory>

#include "server/api/request_target.h"
#include "server/api/services.h"
#include "server/api/upload_receivers.h"

namespace godwit::server {

// Whether `uri`, a link into this server's storage, may be followed for an account of the
// project: true of links without a signature, for the caller has authenticated itself.
// kInvalidArgument when it bears a signature that has expired or does not hold.
Status CheckStorageLink(const ApiServices& services, std::string_view uri, int64_t project_number);

// Thread-safe; blocks on the disk. A signed URL decides, else an access token. These paths
// stand beside all others, so they are to be asked last; but a bucket's own host has no others.
class XmlObjectHandler {
 public:
  explicit XmlObjectHandler(const ApiServices& services) : services_(services) {}

  // True for BUCKET.storage.googleapis.com.
  static bool AcceptsHost(const RequestHead& head);

  // True when the body is an object's bytes, to be streamed.
  static bool Streams(const RequestHead& head);

  // nullopt when there is no such bucket and nobody who says that there should be.
  std::optional<Response> Handle(const Request& request);
  std::unique_ptr<BodyReceiver> Start(const RequestHead& head);

 private:
  struct Target {
    std::string bucket;
    std::string object_name;
  };

  static Result<Target> ParseTarget(const RequestHead& head);
  Result<int64_t> Authorize(const RequestHead& head) const;
  Result<Response> Route(const RequestHead& head, const Target& target, int64_t project_number);
  Result<Response> Read(const RequestHead& head, const Target& target, int64_t project_number);
  Result<Response> StartSession(const RequestHead& head, const Target& target,
                                int64_t project_number);
  Result<ObjectWrite> ReadWrite(const RequestHead& head, const Target& target,
                                int64_t project_number) const;
  Result<std::unique_ptr<BodyReceiver>> OpenReceiver(const RequestHead& head);

  const ApiServices& services_;
};

}  // namespace godwit::server
