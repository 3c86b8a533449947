// UploadHandler: bytes on their way to become objects: media, multipart and resumable uploads.
#pragma once

#include <memory>

#include "server/api/request_target.h"
#include "server/api/services.h"
#include "server/api/storage_request.h"
#include "server/api/upload_receivers.h"

namespace godwit::server {

// Thread-safe; blocks on the disk.
class UploadHandler {
 public:
  explicit UploadHandler(const ApiServices& services) : services_(services) {}

  // True for /upload/ paths, also behind /storage/v1.
  static bool Accepts(const RequestHead& head);

  // True when the body is an object's bytes, to be streamed.
  static bool Streams(const RequestHead& head);

  // What does not stream: the start of a session and its end.
  Response Handle(const Request& request, const RequestTarget& target);
  std::unique_ptr<BodyReceiver> Start(const Request& request, const RequestTarget& target);

 private:
  Result<Response> Route(const Request& request, const RequestTarget& target);
  Result<Response> StartSession(const Request& request, ObjectWrite write);
  Result<std::unique_ptr<BodyReceiver>> OpenReceiver(const Request& request,
                                                     const RequestTarget& target);
  Result<std::unique_ptr<BodyReceiver>> OpenSession(const RequestHead& head, const std::string& id);
  Result<ObjectWrite> ReadWrite(const RequestHead& head, const RequestTarget& target,
                                const StoragePath& path) const;
  // kResourceExhausted when it is known to be more than the server takes.
  Status CheckSize(std::optional<uint64_t> size_bytes) const;
  ObjectReply ReplyFor(const RequestHead& head) const;

  const ApiServices& services_;
};

}  // namespace godwit::server
