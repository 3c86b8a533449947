#include "server/storage/multipart.h"

#include <cctype>

#include "crypto/crypto.h"

namespace godwit::server {
namespace {

Status Malformed(std::string_view what) {
  return Status(StatusCode::kInvalidArgument, "multipart body: " + std::string(what));
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// The Content-Type among a part's header lines; empty when there is none.
std::string_view ContentTypeOf(std::string_view head) {
  constexpr std::string_view kName = "content-type:";
  while (!head.empty()) {
    const size_t end = std::min(head.find("\r\n"), head.size());
    std::string_view line = head.substr(0, end);
    if (LowerCase(line.substr(0, kName.size())) == kName) {
      line.remove_prefix(kName.size());
      while (line.starts_with(' ')) line.remove_prefix(1);
      return line;
    }
    head.remove_prefix(std::min(head.size(), end + 2));
  }
  return {};
}

}  // namespace

Result<std::string> MultipartBoundary(std::string_view content_type) {
  constexpr size_t kBoundaryMax = 70;  // RFC 2046, section 5.1.1.
  const std::string lower = LowerCase(content_type);
  const size_t found = lower.find("boundary=");
  if (!lower.starts_with("multipart/") || found == std::string::npos) {
    return Malformed("the Content-Type must be multipart/related with a boundary");
  }
  std::string_view boundary = content_type.substr(found + 9);
  if (boundary.starts_with('"')) {
    boundary.remove_prefix(1);
    const size_t quote = boundary.find('"');
    if (quote == std::string_view::npos) return Malformed("the boundary's quote is not closed");
    boundary = boundary.substr(0, quote);
  } else {
    boundary = boundary.substr(0, boundary.find_first_of("; \t"));
    // Some clients quote with apostrophes, which are allowed in a boundary: leave them.
  }
  if (boundary.empty() || boundary.size() > kBoundaryMax) {
    return Malformed("the boundary must be 1 to 70 characters");
  }
  return std::string(boundary);
}

MultipartReader::MultipartReader(std::string_view boundary, Receiver& receiver)
    : delimiter_("\r\n--" + std::string(boundary)), receiver_(receiver) {
  pending_ = "\r\n";  // So that the first boundary looks like the others.
}

Status MultipartReader::Append(std::span<const std::byte> data) {
  pending_.append(reinterpret_cast<const char*>(data.data()), data.size());
  while (state_ != State::kDone) {
    if (state_ == State::kContent) return AppendContent();
    GODWIT_ASSIGN_OR_RETURN(const bool moved, Step());
    if (!moved) {
      if (pending_.size() > kMetadataMax) return Malformed("the metadata is too long");
      return Status::Ok();
    }
  }
  pending_.clear();  // An epilogue means nothing.
  return Status::Ok();
}

Result<bool> MultipartReader::Step() {
  switch (state_) {
    case State::kPreamble: {
      const size_t found = pending_.find(delimiter_);
      if (found == std::string::npos) return false;
      if (found > kMetadataMax) return Malformed("too much stands before its first part");
      const size_t line_end = pending_.find("\r\n", found + delimiter_.size());
      if (line_end == std::string::npos) return false;
      pending_.erase(0, line_end);
      state_ = State::kMetadata;
      return true;
    }
    case State::kMetadata: {
      const size_t end = pending_.find(delimiter_);
      const size_t head_end = pending_.find("\r\n\r\n");
      if (end == std::string::npos || head_end == std::string::npos) return false;
      const size_t line_end = pending_.find("\r\n", end + delimiter_.size());
      if (line_end == std::string::npos) return false;
      if (end > kMetadataMax) return Malformed("the metadata is too long");
      if (head_end + 4 > end) return Malformed("the metadata part has no body");
      metadata_ = pending_.substr(head_end + 4, end - head_end - 4);
      pending_.erase(0, line_end);
      state_ = State::kContentHead;
      return true;
    }
    case State::kContentHead: {
      const size_t head_end = pending_.find("\r\n\r\n");
      if (head_end == std::string::npos) return false;
      if (head_end > kMetadataMax) return Malformed("a part's head is too long");
      GODWIT_RETURN_IF_ERROR(receiver_.OnMetadata(
          metadata_, ContentTypeOf(std::string_view(pending_).substr(0, head_end))));
      // Two bytes stay: an empty content's boundary begins with them.
      pending_.erase(0, head_end + 2);
      state_ = State::kContent;
      content_start_ = true;
      return true;
    }
    case State::kContent:
    case State::kDone:
      break;
  }
  return false;
}

Status MultipartReader::AppendContent() {
  const size_t skipped = content_start_ ? 2 : 0;
  const size_t found = pending_.find(delimiter_);
  // What may be the beginning of the boundary waits for the next piece.
  size_t length = pending_.size() < delimiter_.size() ? 0 : pending_.size() - delimiter_.size() + 1;
  if (found != std::string::npos) {
    length = found;
    state_ = State::kDone;
  } else if (content_start_ && length < 2) {
    return Status::Ok();
  }
  if (length > skipped) {
    GODWIT_RETURN_IF_ERROR(
        receiver_.OnContent(AsBytes(std::string_view(pending_).substr(skipped, length - skipped))));
  }
  content_start_ = false;
  if (state_ == State::kDone) {
    pending_.clear();
  } else {
    pending_.erase(0, length);
  }
  return Status::Ok();
}

Status MultipartReader::Finish() const {
  if (state_ == State::kDone) return Status::Ok();
  return Malformed("it ended before its closing boundary; send it again");
}

}  // namespace godwit::server
