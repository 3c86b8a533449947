// The one door to libcurl. Easy handles are pooled: a handle keeps its connections, so the next
// request to the same server needs no new handshake.
#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <mutex>

#include "http/http_client.h"

namespace godwit {
namespace {

constexpr size_t kIdleHandlesMax = 8;
constexpr size_t kHeaderBytesMax = 64 << 10;

void InitializeCurlOnce() {
  // libcurl wants one call before any other, from one thread; there is no right time to undo it.
  static const bool initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  static_cast<void>(initialized);
}

struct EasyDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using EasyHandle = std::unique_ptr<CURL, EasyDeleter>;

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, ListDeleter>;

bool Append(HeaderList& list, const std::string& line) {
  curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return false;
  static_cast<void>(list.release());
  list.reset(longer);
  return true;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) {
    text.remove_suffix(1);
  }
  return text;
}

// A request on its way: what libcurl's callbacks see. Lives on the stack of Send.
class Exchange {
 public:
  Exchange(const HttpRequest& request, HttpSink* sink, const std::atomic<bool>* cancelled)
      : request_(request), sink_(sink), cancelled_(cancelled) {}

  Result<HttpResponse> Run(CURL* easy, const CurlHttpClientOptions& options);

 private:
  bool Configure(CURL* easy, const CurlHttpClientOptions& options);
  bool ConfigureBody(CURL* easy);
  Status FromCurl(CURLcode code, const char* detail) const;

  static size_t OnHeader(char* data, size_t, size_t size, void* self) {
    return static_cast<Exchange*>(self)->TakeHeader({data, size}) ? size : 0;
  }
  static size_t OnBody(char* data, size_t, size_t size, void* self) {
    return static_cast<Exchange*>(self)->TakeBody({data, size}) ? size : 0;
  }
  static size_t OnRead(char* data, size_t, size_t size, void* self) {
    return static_cast<Exchange*>(self)->GiveBody({data, size});
  }
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Exchange*>(self)->IsCancelled() ? 1 : 0;
  }

  bool TakeHeader(std::string_view line);
  bool TakeBody(std::string_view data);
  size_t GiveBody(std::span<char> out);
  bool TellSink();
  bool IsCancelled() const { return cancelled_ != nullptr && *cancelled_; }

  const HttpRequest& request_;
  HttpSink* const sink_;
  const std::atomic<bool>* const cancelled_;
  HeaderList header_list_;
  HttpResponse response_;
  size_t header_bytes_ = 0;
  uint64_t body_sent_ = 0;
  bool sink_told_ = false;
  Status failure_;  // What a callback gave up for; wins over libcurl's own code.
};

bool Exchange::TakeHeader(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kHeaderBytesMax) {
    failure_ = Status(StatusCode::kUnavailable,
                      "the server sent more than 64 KiB of headers; check its address");
    return false;
  }
  line = Trim(line);
  if (line.starts_with("HTTP/")) {  // A new head: forget that of a 100 Continue.
    response_ = HttpResponse();
    return true;
  }
  const size_t colon = line.find(':');
  if (colon != line.npos) {
    response_.headers.push_back(
        {std::string(Trim(line.substr(0, colon))), std::string(Trim(line.substr(colon + 1)))});
  }
  return true;
}

bool Exchange::TellSink() {
  if (sink_ == nullptr || sink_told_) return true;
  sink_told_ = true;
  failure_ = sink_->OnResponse(response_);
  return failure_.ok();
}

bool Exchange::TakeBody(std::string_view data) {
  if (response_.status == 0) return false;
  if (!TellSink()) return false;
  if (sink_ != nullptr) {
    failure_ = sink_->OnData(std::as_bytes(std::span(data.data(), data.size())));
    return failure_.ok();
  }
  if (data.size() > request_.response_body_max_bytes - response_.body.size()) {
    failure_ = Status(StatusCode::kResourceExhausted,
                      "the server's answer is over the limit of " +
                          std::to_string(request_.response_body_max_bytes) +
                          " bytes; check its address");
    return false;
  }
  response_.body.append(data);
  return true;
}

size_t Exchange::GiveBody(std::span<char> out) {
  const uint64_t left = request_.body_size_bytes - body_sent_;
  if (left == 0) return 0;
  out = out.first(static_cast<size_t>(std::min<uint64_t>(out.size(), left)));
  const Result<size_t> count = request_.body_source(std::as_writable_bytes(out));
  if (!count.ok()) {
    failure_ = count.status();
    return CURL_READFUNC_ABORT;
  }
  if (*count == 0) {
    failure_ = Status(StatusCode::kDataLoss,
                      "the data to send ended " + std::to_string(left) +
                          " bytes early; nothing was stored; send it again when it is whole");
    return CURL_READFUNC_ABORT;
  }
  body_sent_ += *count;
  return *count;
}

}  // namespace
}  // namespace godwit
