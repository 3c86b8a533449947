// The one door to libcurl. Easy handles are pooled: a handle keeps its connections, so the next
// request to the same server needs no new handshake.
#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <mutex>
#include <thread>

#include "http/http_client.h"

namespace godwit {
namespace {

constexpr size_t kIdleHandlesMax = 8;
constexpr size_t kHeaderBytesMax = 64 << 10;
// libcurl's own 16 KiB cost an eighth more processor time on a large file.
constexpr long kReceiveBufferBytes = 512 << 10;

void InitializeCurlOnce() {
  // libcurl wants one call before any other; there is no right time to undo it.
  static const bool initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  static_cast<void>(initialized);
}

// A transfer's handle and the loop that drives it, which owns the connections.
struct Handle {
  CURLM* multi = curl_multi_init();
  CURL* easy = curl_easy_init();

  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
};

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

  Result<HttpResponse> Run(Handle& handle, const CurlHttpClientOptions& options);

 private:
  Status BuildHeaders();
  void Configure(CURL* easy, const CurlHttpClientOptions& options);
  void ConfigureBody(CURL* easy);
  CURLcode Perform(Handle& handle);
  bool IsStalled(CURL* easy);
  Status Explain(CURL* easy, CURLcode code) const;

  static size_t OnHeader(char* data, size_t, size_t size, void* self) {
    return static_cast<Exchange*>(self)->TakeHeader({data, size}) ? size : 0;
  }
  static size_t OnBody(char* data, size_t, size_t size, void* self) {
    return static_cast<Exchange*>(self)->TakeBody({data, size}) ? size : 0;
  }
  static size_t OnRead(char* data, size_t, size_t size, void* self) {
    return static_cast<Exchange*>(self)->GiveBody({data, size});
  }
  bool TakeHeader(std::string_view line);
  bool TakeBody(std::string_view data);
  bool Pace(size_t received_bytes);
  size_t GiveBody(std::span<char> out);
  bool TellSink();
  bool HasBody() const { return !request_.body.empty() || request_.body_source != nullptr; }
  bool IsCancelled() const { return cancelled_ != nullptr && *cancelled_; }

  const HttpRequest& request_;
  HttpSink* const sink_;
  const std::atomic<bool>* const cancelled_;
  HeaderList header_list_;
  std::array<char, CURL_ERROR_SIZE> detail_{};
  HttpResponse response_;
  size_t header_bytes_ = 0;
  uint64_t body_sent_ = 0;
  uint64_t body_received_ = 0;  // Under a limit.
  uint64_t received_ = 0;       // With heads, since the request began.
  uint64_t moved_before_ = 0;   // Received and sent when the stretch began.
  std::chrono::steady_clock::time_point stretch_began_;
  std::chrono::steady_clock::time_point body_began_;
  bool sink_told_ = false;
  Status failure_;  // What a callback gave up for; wins over libcurl's own code.
};

bool Exchange::TakeHeader(std::string_view line) {
  header_bytes_ += line.size();
  received_ += line.size();
  if (header_bytes_ > kHeaderBytesMax) {
    failure_ = Status(StatusCode::kUnavailable,
                      "the server sent more than 64 KiB of headers; check its address");
    return false;
  }
  line = Trim(line);
  if (line.starts_with("HTTP/")) {  // A new head: forget that of a 100 Continue.
    response_ = HttpResponse();
    const size_t space = std::min(line.find(' '), line.size());
    const std::string_view code = Trim(line.substr(space)).substr(0, 3);
    std::from_chars(code.data(), code.data() + code.size(), response_.status);
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
  received_ += data.size();
  if (response_.status == 0) return false;
  if (!TellSink()) return false;
  if (!Pace(data.size())) return false;
  if (sink_ != nullptr) {
    failure_ = sink_->OnData(std::as_bytes(std::span(data.data(), data.size())));
    return failure_.ok();
  }
  if (data.size() > request_.response_body_max_bytes - response_.body.size()) {
    failure_ =
        Status(StatusCode::kResourceExhausted,
               "the server's answer is over the limit of " +
                   std::to_string(request_.response_body_max_bytes) + " bytes; check its address");
    return false;
  }
  response_.body.append(data);
  return true;
}

// Waits until the bytes are due under the limit, and reads no more meanwhile. libcurl's own limit
// lets through a megabyte and a half before it first looks at the clock.
bool Exchange::Pace(size_t received_bytes) {
  constexpr std::chrono::milliseconds kNapMax(100);
  const uint64_t limit = request_.receive_limit_bytes_per_s;
  if (limit == 0) return true;
  if (body_received_ == 0) body_began_ = std::chrono::steady_clock::now();
  body_received_ += received_bytes;
  const auto due =
      body_began_ + std::chrono::microseconds(static_cast<int64_t>(
                        1e6 * static_cast<double>(body_received_) / static_cast<double>(limit)));
  while (!IsCancelled()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= due) return true;
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(due - now, kNapMax));
  }
  return false;
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

Status Exchange::BuildHeaders() {
  if (!request_.url.starts_with("http://") && !request_.url.starts_with("https://")) {
    return Status(StatusCode::kInvalidArgument,
                  "the address starts with neither http:// nor https://, so the request was not "
                  "sent; give one like https://models.example.org");
  }
  bool complete = Append(header_list_, "Expect:");  // Costs a round trip, or a second's wait.
  if (HasBody() && !FindHeader(request_.headers, "Content-Type")) {
    complete = complete && Append(header_list_, "Content-Type:");
  }
  for (const HttpHeader& header : request_.headers) {
    if ((header.name + header.value).find_first_of(std::string_view("\r\n\0", 3)) !=
        std::string::npos) {
      return Status(StatusCode::kInvalidArgument,
                    "header " + header.name.substr(0, 40) +
                        " holds a line break, so the request was not sent; correct its value");
    }
    // "Name;" is libcurl's way to say a header without a value.
    complete =
        complete && Append(header_list_, header.value.empty() ? header.name + ";"
                                                              : header.name + ": " + header.value);
  }
  if (!complete) return Status(StatusCode::kResourceExhausted, "memory ran out; free some");
  return Status::Ok();
}

void Exchange::ConfigureBody(CURL* easy) {
  const std::string& method = request_.method;
  if (HasBody() || method == "POST" || method == "PUT" || method == "PATCH") {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    if (request_.body_source != nullptr) {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request_.body_size_bytes));
      curl_easy_setopt(easy, CURLOPT_READFUNCTION, &OnRead);
      curl_easy_setopt(easy, CURLOPT_READDATA, this);
    } else {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request_.body.size()));
    }
  }
  if (method == "HEAD") curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void Exchange::Configure(CURL* easy, const CurlHttpClientOptions& options) {
  curl_easy_reset(easy);  // Keeps the connections.
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kReceiveBufferBytes);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  if (!options.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);  // The system's, which would be trusted, too.
  }
  if (options.proxy_url) curl_easy_setopt(easy, CURLOPT_PROXY, options.proxy_url->c_str());
  if (!options.pins.empty()) {
    std::string pins;
    for (const std::string& pin : options.pins) pins += (pins.empty() ? "" : ";") + pin;
    curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, pins.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail_.data());
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout_ms));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, header_list_.get());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  ConfigureBody(easy);
}

// Compares what moved since the stretch began with what should have; then a new stretch begins.
// libcurl's own check counts in whole seconds.
bool Exchange::IsStalled(CURL* easy) {
  const auto now = std::chrono::steady_clock::now();
  const auto stretch = std::chrono::milliseconds(request_.stall_timeout_ms);
  if (now - stretch_began_ < stretch) return false;
  curl_off_t sent = 0;
  curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  const uint64_t moved = received_ + static_cast<uint64_t>(sent);
  const std::chrono::duration<double> took = now - stretch_began_;
  const bool stalled = static_cast<double>(moved - moved_before_) <
                       static_cast<double>(request_.stall_bytes_per_s) * took.count();
  stretch_began_ = now;
  moved_before_ = moved;
  return stalled;
}

// Drives the transfer by hand, because libcurl alone asks about cancellation once a second only.
CURLcode Exchange::Perform(Handle& handle) {
  constexpr int64_t kCheckMs = 200;
  const int wait_ms =
      static_cast<int>(std::clamp<int64_t>(request_.stall_timeout_ms / 4, 1, kCheckMs));
  CURLcode code = CURLE_FAILED_INIT;
  if (curl_multi_add_handle(handle.multi, handle.easy) != CURLM_OK) return code;
  stretch_began_ = std::chrono::steady_clock::now();
  bool stalled = false;
  for (int running = 1; running > 0 && !stalled && !IsCancelled();) {
    if (curl_multi_perform(handle.multi, &running) != CURLM_OK) break;
    if (running > 0) curl_multi_poll(handle.multi, nullptr, 0, wait_ms, nullptr);
    stalled = running > 0 && IsStalled(handle.easy);
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(handle.multi, &left)) {
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  }
  curl_multi_remove_handle(handle.multi, handle.easy);
  if (stalled) return CURLE_OPERATION_TIMEDOUT;
  return code;
}

Status Exchange::Explain(CURL* easy, CURLcode code) const {
  // The path and query may hold a signature or a key: the origin says enough.
  const size_t scheme = request_.url.find("://");
  const size_t path = scheme == std::string::npos ? 0 : request_.url.find('/', scheme + 3);
  const std::string origin = request_.url.substr(0, path);
  const bool stalled = code == CURLE_OPERATION_TIMEDOUT && detail_[0] == '\0';
  const std::string detail = stalled ? "fewer than " + std::to_string(request_.stall_bytes_per_s) +
                                           " bytes a second came and went"
                             : detail_[0] != '\0' ? detail_.data()
                                                  : curl_easy_strerror(code);
  const std::string what = "no answer from " + origin + ": " + detail;
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Status(StatusCode::kNoNetworkConnection,
                    what + "; check the network and the host's name");
    case CURLE_COULDNT_CONNECT: {
      long reason = 0;
      curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &reason);
      const bool no_route = reason == ENETUNREACH || reason == EHOSTUNREACH || reason == ENETDOWN;
      return Status(no_route ? StatusCode::kNoNetworkConnection : StatusCode::kUnavailable,
                    what + "; check that the server runs and can be reached, then try again");
    }
    case CURLE_OPERATION_TIMEDOUT:
      return Status(StatusCode::kDeadlineExceeded, what + "; try again on a better network");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return Status(
          StatusCode::kPermissionDenied,
          what + "; nothing was sent; check the server's certificate, the CA file and the pins");
    case CURLE_URL_MALFORMAT:
      return Status(StatusCode::kInvalidArgument,
                    what + "; give an address like https://models.example.org");
    case CURLE_OUT_OF_MEMORY:
      return Status(StatusCode::kResourceExhausted, "memory ran out; free some");
    default:
      return Status(StatusCode::kUnavailable, what + "; try again");
  }
}

Result<HttpResponse> Exchange::Run(Handle& handle, const CurlHttpClientOptions& options) {
  GODWIT_RETURN_IF_ERROR(BuildHeaders());
  Configure(handle.easy, options);
  const CURLcode code = Perform(handle);
  if (!failure_.ok()) return failure_;
  if (IsCancelled()) return Status(StatusCode::kCancelled, "cancelled by the caller");
  if (code != CURLE_OK) return Explain(handle.easy, code);
  if (!TellSink()) return failure_;  // An answer without a body.
  return std::move(response_);
}

class CurlHttpClient final : public HttpClient {
 public:
  explicit CurlHttpClient(const CurlHttpClientOptions& options) : options_(options) {}

  Result<HttpResponse> Send(const HttpRequest& request, HttpSink* sink,
                            const std::atomic<bool>* cancelled) override {
    InitializeCurlOnce();  // Not before: who has the model asks nobody.
    std::unique_ptr<Handle> handle = Take();
    if (handle->multi == nullptr || handle->easy == nullptr) {
      return Status(StatusCode::kResourceExhausted, "memory ran out; free some");
    }
    Result<HttpResponse> response = Exchange(request, sink, cancelled).Run(*handle, options_);
    curl_easy_reset(handle->easy);  // It must not point to this call's stack any more.
    Give(std::move(handle));
    return response;
  }

 private:
  std::unique_ptr<Handle> Take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Handle>();
    std::unique_ptr<Handle> handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }

  void Give(std::unique_ptr<Handle> handle) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleHandlesMax) idle_.push_back(std::move(handle));
  }

  const CurlHttpClientOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_;  // Guarded by mutex_. The last used comes first.
};

}  // namespace

std::unique_ptr<HttpClient> NewCurlHttpClient(const CurlHttpClientOptions& options) {
  return std::make_unique<CurlHttpClient>(options);
}

}  // namespace godwit
