// Upload receivers: bodies that become objects, as they arrive.
#pragma once

#include <functional>
#include <memory>

#include "http/range.h"
#include "server/http/handler.h"
#include "server/storage/multipart.h"
#include "server/storage/upload_sessions.h"

namespace godwit::server {

// The forms of the answers to an upload.
struct ObjectReply {
  std::function<Response(const Object&)> object;
  std::function<Response(const Status&)> error;
};

// The whole body is the object. The bytes are dropped when the client goes away.
std::unique_ptr<BodyReceiver> NewMediaReceiver(ObjectStore& objects, ObjectWrite write,
                                               std::unique_ptr<BlobUpload> upload,
                                               ObjectReply reply);

// Two parts: the object's metadata, then its bytes. `write` holds what the query said.
std::unique_ptr<BodyReceiver> NewMultipartReceiver(ObjectStore& objects, ObjectWrite write,
                                                   std::unique_ptr<BlobUpload> upload,
                                                   std::string_view boundary, ObjectReply reply);

// A piece of a resumable upload, by its Content-Range (absent: the whole object). What arrived
// is kept when the client goes away.
std::unique_ptr<BodyReceiver> NewSessionReceiver(std::unique_ptr<SessionLease> lease,
                                                 std::optional<ContentRange> range,
                                                 DeclaredHashes hashes, ObjectReply reply);

// Answers at once, whatever the body.
std::unique_ptr<BodyReceiver> NewRefusingReceiver(Response response);

// 308 with the stored bytes: "go on from there".
Response ResumeResponse(uint64_t stored_bytes);

}  // namespace godwit::server
