// Bodies that administrators send: a model's edit, an object's metadata, a multipart upload. A
// multipart body must come out the same however it is cut on its way.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "server/api/model_messages.h"
#include "server/api/storage_messages.h"
#include "server/storage/multipart.h"
#include "server/storage/storage_uri.h"

namespace {

using godwit::Status;
using godwit::server::MultipartReader;

struct Collector final : MultipartReader::Receiver {
  Status OnMetadata(std::string_view metadata, std::string_view content_type) override {
    text.append(metadata).append("|").append(content_type).append("|");
    return Status::Ok();
  }
  Status OnContent(std::span<const std::byte> data) override {
    text.append(reinterpret_cast<const char*>(data.data()), data.size());
    return Status::Ok();
  }
  std::string text;
};

// What the reader hands out when the body arrives in pieces of `step` bytes; "" for an error.
std::string ReadInPieces(std::span<const std::byte> body, size_t step) {
  Collector collector;
  MultipartReader reader("b", collector);
  for (size_t at = 0; at < body.size(); at += step) {
    if (!reader.Append(body.subspan(at, std::min(step, body.size() - at))).ok()) return "";
  }
  return reader.Finish().ok() ? collector.text : "";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(godwit::server::ParseModelEdit(text, std::nullopt).ok());
  static_cast<void>(godwit::server::ParseModelEdit("{}", text).ok());
  static_cast<void>(
      godwit::server::ParseModelEdit(text, "displayName,tags,tfliteModel,state.published").ok());
  godwit::server::ObjectWrite write;
  if (const auto resource = godwit::server::ParseResource(text); resource.ok()) {
    static_cast<void>(godwit::server::ReadObjectMetadata(*resource, &write).ok());
  }
  static_cast<void>(godwit::server::ParseHashHeader(text));
  static_cast<void>(godwit::server::MultipartBoundary(text).ok());
  static_cast<void>(
      godwit::server::ParseStorageUri(text, [](std::string_view) { return true; }).ok());
  const auto body = std::as_bytes(std::span(data, size));
  if (ReadInPieces(body, size + 1) != ReadInPieces(body, 1)) std::abort();
  return 0;
}
