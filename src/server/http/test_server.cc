#include "server/http/test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <utility>

#include "server/http/header_text.h"

namespace godwit::testing {

using namespace server;

namespace {

constexpr uint64_t kFileBytes = 3'000'017;

std::string Pattern(size_t size_bytes) {
  // Slowly changing, so that bytes from a wrong offset cannot pass.
  std::string bytes(size_bytes, '\0');
  for (size_t i = 0; i < size_bytes; ++i) bytes[i] = static_cast<char>((i * 2654435761u) >> 24);
  return bytes;
}

std::string_view MethodName(Method method) {
  constexpr std::string_view kNames[] = {"GET",   "HEAD",   "POST",   "PUT",
                                         "PATCH", "DELETE", "OPTIONS"};
  return kNames[static_cast<size_t>(method)];
}

}  // namespace

class TestHandler::Receiver final : public BodyReceiver {
 public:
  Receiver(TestHandler& handler, const Request& request)
      : handler_(handler), path_(request.head.path) {}

  ~Receiver() override {
    const std::lock_guard lock(handler_.mutex_);
    ++handler_.receivers_gone_;
    handler_.changed_.notify_all();
  }

  std::optional<Response> Append(std::span<const std::byte> data) override {
    if (path_.find("hold") != std::string::npos) handler_.Hold();
    if (path_.find("throw") != std::string::npos) throw std::runtime_error("append");
    if (path_.find("refuse") != std::string::npos) {
      Response response;
      response.status = 409;
      response.body = "refused";
      return response;
    }
    count_ += data.size();
    for (const std::byte byte : data) sum_ = sum_ * 31 + static_cast<uint8_t>(byte);
    return std::nullopt;
  }

  Response Finish() override {
    Response response;
    response.body = std::to_string(count_) + " " + std::to_string(sum_);
    return response;
  }

 private:
  TestHandler& handler_;
  const std::string path_;
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
};

TestHandler::TestHandler(std::shared_ptr<File> file, uint64_t file_size_bytes)
    : file_(std::move(file)), file_size_bytes_(file_size_bytes) {
  const std::string body = Pattern(4 << 20);
  large_ = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

bool TestHandler::TryFast(const RequestHead& head, FastReply* reply) {
  if (head.path == "/hold-loop") Hold();
  if (head.path == "/fast" || head.path == "/hold-loop") {
    reply->after_date = "Content-Length: 4\r\n\r\nfast";
  } else if (head.path == "/large") {
    reply->after_date = large_;
  } else if (head.path == "/fast-file") {
    reply->after_date = "X-Extra: yes\r\n";
    reply->file = file_;
    reply->file_size_bytes = file_size_bytes_;
    reply->file_etag = "\"tag\"";
  } else {
    return false;
  }
  return true;
}

RoutePlan TestHandler::Plan(const RequestHead& head) {
  if (head.path.starts_with("/stream")) return {BodyPlan::kStreamed, kStreamMaxBytes};
  return {BodyPlan::kBuffered, kBodyMaxBytes};
}

void TestHandler::Hold() {
  std::unique_lock lock(mutex_);
  ++held_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return released_; });
  --held_;
}

void TestHandler::AwaitHeld(int count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return held_ == count; });
}

void TestHandler::Release() {
  const std::lock_guard lock(mutex_);
  released_ = true;
  changed_.notify_all();
}

void TestHandler::AwaitReceiversGone(int count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return receivers_gone_ >= count; });
}

void TestHandler::AwaitUnsent(int count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return unsent_ >= count; });
}

int TestHandler::unsent() {
  const std::lock_guard lock(mutex_);
  return unsent_;
}

Response TestHandler::Handle(const Request& request) {
  const RequestHead& head = request.head;
  Response response;
  response.on_unsent = [this] {
    const std::lock_guard lock(mutex_);
    ++unsent_;
    changed_.notify_all();
  };
  if (head.path == "/file") {
    response.body = FileBody{file_, file_size_bytes_, "\"tag\""};
  } else if (head.path == "/secure") {
    response.body = head.secure ? "secure" : "plain";
  } else if (head.path == "/throw") {
    throw std::runtime_error("handle");
  } else if (head.path == "/broken-header") {
    response.headers.emplace_back("X-Name", "a\r\nX-Injected: yes");
  } else if (head.path == "/no-content") {
    response.status = 204;
  } else {
    if (head.path == "/hold") Hold();
    std::string text(MethodName(head.method));
    for (const std::string_view part : {head.path, head.query, head.host, head.Find("x-echo")}) {
      text.append("|").append(part);
    }
    response.body = text + "|" + request.body;
  }
  return response;
}

std::unique_ptr<BodyReceiver> TestHandler::StartBody(const Request& request) {
  return std::make_unique<Receiver>(*this, request);
}

RawClient::RawClient(const std::string& address, Over over, const TlsTestClient::Options& options)
    : RawClient(address) {
  if (over == Over::kTls) tls_ = TlsTestClient::Connect(descriptor_, options);
}

RawClient::RawClient(const std::string& address) {
  const size_t colon = address.rfind(':');
  const auto port = htons(static_cast<uint16_t>(std::atoi(address.c_str() + colon + 1)));
  sockaddr_storage storage = {};
  socklen_t size = 0;
  if (address.starts_with("unix:")) {
    auto& unix_address = reinterpret_cast<sockaddr_un&>(storage);
    unix_address.sun_family = AF_UNIX;
    address.copy(unix_address.sun_path, sizeof unix_address.sun_path - 1, 5);
    size = sizeof unix_address;
  } else if (address.front() == '[') {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    v6.sin6_port = port;
    size = sizeof v6;
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v4.sin_port = port;
    size = sizeof v4;
  }
  descriptor_ = ::socket(storage.ss_family, SOCK_STREAM, 0);
  const timeval limit = {10, 0};
  const int on = 1;
  ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    ::close(descriptor_);
    descriptor_ = -1;
  }
}

RawClient::~RawClient() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool RawClient::Send(std::string_view bytes) {
  if (tls_) return tls_->Write(bytes);
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void RawClient::ShutdownWrite() {
  if (tls_) tls_->Shutdown();
  ::shutdown(descriptor_, SHUT_WR);
}

void RawClient::Reset() {
  const linger at_once = {1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(descriptor_, -1));
}

int64_t RawClient::Receive(std::span<char> out) {
  return tls_ ? tls_->Read(out) : ::recv(descriptor_, out.data(), out.size(), 0);
}

bool RawClient::Fill() {
  char bytes[65536];
  const int64_t count = Receive(bytes);
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

std::string RawClient::Reply::Header(const std::string& name) const {
  size_t line = head.find("\r\n");
  while (line != std::string::npos && line + 2 < head.size()) {
    const size_t start = line + 2;
    line = head.find("\r\n", start);
    const std::string_view text = std::string_view(head).substr(start, line - start);
    const size_t colon = text.find(':');
    if (colon != std::string_view::npos && EqualsIgnoringCase(text.substr(0, colon), name)) {
      return std::string(TrimBlanks(text.substr(colon + 1)));
    }
  }
  return "";
}

RawClient::Reply RawClient::Read(bool is_head) {
  Reply reply;
  size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return reply;
  }
  reply.head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  reply.status = std::atoi(reply.head.substr(9, 3).c_str());
  const std::string length = reply.Header("Content-Length");
  const size_t size = is_head || length.empty() ? 0 : std::stoull(length);
  while (buffer_.size() < size) {
    if (!Fill()) {
      reply.status = 0;
      return reply;
    }
  }
  reply.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return reply;
}

bool RawClient::AtEnd() {
  if (!buffer_.empty()) return false;
  char byte;
  const int64_t count = Receive({&byte, 1});
  return count == 0 || (count < 0 && errno == ECONNRESET);
}

TlsIdentity NewTestIdentity(const std::vector<std::string>& names) {
  // Any time will do: the tests' client asks who it is, not until when.
  CertificateRequest request{"test authority", {"test"}, 0, int64_t{4'000'000'000} * 1000};
  const IssuedCertificate authority = NewAuthority(request).value();
  request.common_name = names.front();
  request.names = names;
  const IssuedCertificate issued = IssueServerCertificate(authority, request).value();
  return {issued.certificate + authority.certificate, issued.private_key, names.front() + ".pem",
          names.front() + ".key"};
}

TestServer::TestServer(HttpServerOptions options, Over over)
    : file_bytes(Pattern(kFileBytes)), over_(over) {
  char path[] = "/tmp/godwit_http_test_XXXXXX";
  ::close(::mkstemp(path));
  path_ = path;
  auto file = NewPosixFileSystem()->Open(path_, OpenMode::kReadWrite);
  if (!file.ok() || !(*file)->WriteAt(0, std::as_bytes(std::span(file_bytes))).ok()) {
    std::abort();
  }
  handler = std::make_unique<TestHandler>(std::shared_ptr<File>(std::move(*file)), kFileBytes);
  if (options.listen == HttpServerOptions().listen) options.listen = {"127.0.0.1:0"};
  if (over == Over::kTls || !options.listen_tls.empty()) {
    if (options.listen_tls.empty()) std::swap(options.listen, options.listen_tls);
    if (!options.tls) options.tls = TlsContext::New({NewTestIdentity({"server.test"})}).value();
  }
  if (options.loop_threads == 0) options.loop_threads = 2;
  auto started = HttpServer::Start(options, *handler, *clock, logger);
  if (!started.ok()) {
    std::fprintf(stderr, "%s\n", started.status().ToString().c_str());
    std::abort();
  }
  http = std::move(*started);
}

TestServer::~TestServer() {
  handler->Release();
  http.reset();
  ::unlink(path_.c_str());
}

}  // namespace godwit::testing
