#include "server/http/inflate.h"

#define ZLIB_CONST  // Input as pointer to const.
#include <zlib.h>

#include <algorithm>

namespace godwit::server {
namespace {

constexpr size_t kStepBytes = 64 << 10;
constexpr int kGzipOnly = 15 + 16;  // zlib's window bits: 15, and the gzip wrapper alone.

class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, kGzipOnly) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool ready() const { return ready_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_ = {};
  bool ready_ = false;
};

Status BrokenGzip() {
  return Status(StatusCode::kInvalidArgument,
                "the body is no whole gzip file although Content-Encoding says gzip");
}

}  // namespace

Result<std::string> InflateGzip(std::string_view gzip, uint64_t max_bytes) {
  Inflater inflater;
  if (!inflater.ready()) {
    return Status(StatusCode::kResourceExhausted, "no memory to inflate the body: try again");
  }
  z_stream& stream = inflater.stream();
  std::string plain;
  stream.next_in = reinterpret_cast<const Bytef*>(gzip.data());
  size_t unread = gzip.size();
  for (;;) {
    const size_t offered = std::min<size_t>(unread, UINT32_MAX);
    stream.avail_in = static_cast<uInt>(offered);
    const size_t before = plain.size();
    plain.resize(before + kStepBytes);
    stream.next_out = reinterpret_cast<Bytef*>(plain.data()) + before;
    stream.avail_out = static_cast<uInt>(kStepBytes);
    const int outcome = inflate(&stream, Z_NO_FLUSH);
    unread -= offered - stream.avail_in;
    plain.resize(before + kStepBytes - stream.avail_out);
    if (plain.size() > max_bytes) {
      return Status(StatusCode::kOutOfRange,
                    "the inflated body is larger than this request may have");
    }
    if (outcome == Z_STREAM_END) {
      if (unread == 0) return plain;
      if (inflateReset(&stream) != Z_OK) return BrokenGzip();
    } else if (outcome != Z_OK) {
      return BrokenGzip();
    }
  }
}

}  // namespace godwit::server
