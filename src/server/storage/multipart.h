// MultipartReader: a multipart/related body of two parts, JSON metadata and the bytes.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::server {

// The boundary of `multipart/related; boundary="…"`; kInvalidArgument when there is none.
Result<std::string> MultipartBoundary(std::string_view content_type);

// Push parser for a body that arrives in pieces. Not thread-safe. It holds at most the metadata
// part and one boundary; the content passes through.
class MultipartReader {
 public:
  static constexpr size_t kMetadataMax = 64 << 10;

  class Receiver {
   public:
    virtual ~Receiver() = default;
    // The first part is complete. content_type is the second part's.
    virtual Status OnMetadata(std::string_view metadata, std::string_view content_type) = 0;
    virtual Status OnContent(std::span<const std::byte> data) = 0;
  };

  // receiver must outlive the reader.
  MultipartReader(std::string_view boundary, Receiver& receiver);

  // kInvalidArgument when the bytes are no such body, else the receiver's error.
  Status Append(std::span<const std::byte> data);

  // kInvalidArgument when the closing boundary did not come.
  Status Finish() const;

 private:
  enum class State { kPreamble, kMetadata, kContentHead, kContent, kDone };
  Status AppendContent();
  // Moves one step on; false when more bytes are needed.
  Result<bool> Step();

  const std::string delimiter_;  // "\r\n--boundary".
  Receiver& receiver_;
  State state_ = State::kPreamble;
  std::string pending_;
  std::string metadata_;
  bool content_start_ = false;  // pending_ still begins with the line end before the content.
};

}  // namespace godwit::server
