#include "server/api/blob_handler.h"

#include "server/api/replies.h"

namespace godwit::server {
namespace {

constexpr std::string_view kPrefix = "/blobs/sha256/";
// The name is the content's digest, so it never changes; the link is the right to read it and the
// same for all devices of an hour, so shared caches may keep it, too.
constexpr std::string_view kFastHeaders =
    "Content-Type: application/octet-stream\r\n"
    "Cache-Control: public, max-age=86400, immutable\r\n";

}  // namespace

bool BlobHandler::Accepts(const RequestHead& head) {
  return (head.method == Method::kGet || head.method == Method::kHead) &&
         head.path.starts_with(kPrefix);
}

bool BlobHandler::TryFast(const RequestHead& head, FastReply* reply) {
  const std::shared_ptr<const View>& view = view_.Local();
  if (!view || view->access_generation != services_.access.generation()) return false;
  const auto digest = Digest::Parse(head.path.substr(kPrefix.size()));
  if (!digest.ok()) return false;
  if (view->access->VerifyBlobLink(head.path, head.query, services_.clock.NowMs()) !=
      LinkCheck::kValid) {
    return false;
  }
  const auto found = view->open.find(*digest);
  if (found == view->open.end()) return false;
  const std::shared_ptr<const OpenBlob>& blob = found->second;
  reply->status = 200;
  reply->after_date = kFastHeaders;
  reply->file = blob->file;
  reply->file_size_bytes = blob->size_bytes;
  reply->file_etag = blob->etag;
  reply->owner = blob;
  return true;
}

Response BlobHandler::Handle(const RequestHead& head) {
  const auto access = services_.access.snapshot();
  switch (access->VerifyBlobLink(head.path, head.query, services_.clock.NowMs())) {
    case LinkCheck::kBadSignature:
      return ErrorResponse(Status(StatusCode::kPermissionDenied,
                                  "the link's signature is wrong; ask for the model again"));
    case LinkCheck::kExpired:
      return ErrorResponse(
          Status(StatusCode::kInvalidArgument, "the link has expired; ask for the model again"));
    case LinkCheck::kValid:
      break;
  }
  const auto digest = Digest::Parse(head.path.substr(kPrefix.size()));
  if (!digest.ok()) return ErrorResponse(digest.status());
  const auto blob = Open(*digest);
  if (!blob.ok()) return ErrorResponse(blob.status());
  return {200,
          {{"Content-Type", "application/octet-stream"},
           {"Cache-Control", "public, max-age=86400, immutable"}},
          FileBody{(*blob)->file, (*blob)->size_bytes, (*blob)->etag}};
}

Result<std::shared_ptr<const BlobHandler::OpenBlob>> BlobHandler::Open(const Digest& digest) {
  const std::lock_guard lock(open_mutex_);
  auto found = open_.find(digest);
  if (found == open_.end()) {
    auto blob = std::make_shared<OpenBlob>();
    GODWIT_ASSIGN_OR_RETURN(blob->file, services_.objects.blobs().Open(digest));
    GODWIT_ASSIGN_OR_RETURN(blob->size_bytes, blob->file->Size());
    blob->etag = '"' + digest.ToHex() + '"';
    if (open_.size() >= kOpenFilesMax) open_.erase(open_.begin());
    found = open_.emplace(digest, std::move(blob)).first;
  }
  SetView();
  return found->second;
}

void BlobHandler::ForgetRemoved() {
  const std::lock_guard lock(open_mutex_);
  const size_t removed = std::erase_if(open_, [this](const auto& entry) {
    return services_.objects.blobs().SizeOf(entry.first).status().code() == StatusCode::kNotFound;
  });
  if (removed > 0) SetView();
}

void BlobHandler::SetView() {
  // The generation first: if it moves meanwhile, the view is stale from the start.
  const uint64_t generation = services_.access.generation();
  view_.Set(std::make_shared<const View>(View{generation, services_.access.snapshot(), open_}));
}

}  // namespace godwit::server
