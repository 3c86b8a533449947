// The real client against a server of a few lines that answers what a row says, and breaks
// where a row says.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "http/http_client.h"

namespace godwit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Listens on a free port of 127.0.0.1. Answers the nth request with the nth text, whatever it
// was; an answer that ends with "<close>" closes the connection there, "<hang>" keeps it
// open, and "<trickle>" goes on a byte at a time.
class TinyServer {
 public:
  explicit TinyServer(std::vector<std::string> answers) : answers_(std::move(answers)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 8);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }

  ~TinyServer() { Stop(); }

  // Ends the server's thread; then requests() may be read.
  void Stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    if (const int connection = connection_; connection >= 0) ::shutdown(connection, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  const std::vector<std::string>& requests() const { return requests_; }
  int connection_count() const { return connection_count_; }

 private:
  void Serve() {
    while (!stopping_ && requests_.size() < answers_.size()) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      connection_ = connection;
      ++connection_count_;
      while (!stopping_ && requests_.size() < answers_.size() && Answer(connection)) {
      }
      connection_ = -1;
      ::close(connection);
    }
  }

  // Returns whether the connection stays open.
  bool Answer(int connection) {
    std::string request;
    char buffer[4096];
    size_t body_size = 0;
    size_t head_end = std::string::npos;
    while (head_end == std::string::npos || request.size() < head_end + 4 + body_size) {
      const ssize_t count = ::recv(connection, buffer, sizeof buffer, 0);
      if (count <= 0) return false;
      request.append(buffer, static_cast<size_t>(count));
      head_end = request.find("\r\n\r\n");
      if (const size_t at = request.find("Content-Length: "); at < head_end) {
        body_size = std::stoul(request.substr(at + 16));
      }
    }
    std::string answer = answers_[requests_.size()];
    requests_.push_back(request);
    const bool close = answer.ends_with("<close>");
    const bool trickle = answer.ends_with("<trickle>");
    if (trickle) answer.resize(answer.size() - 9);
    const bool hang = answer.ends_with("<hang>");
    if (close) answer.resize(answer.size() - 7);
    if (hang) answer.resize(answer.size() - 6);
    ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
    while (trickle && !stopping_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      if (::send(connection, "x", 1, MSG_NOSIGNAL) != 1) break;
    }
    if (hang) {
      while (::recv(connection, buffer, sizeof buffer, 0) > 0) {
      }
    }
    return !close && !hang && !trickle;
  }

  const std::vector<std::string> answers_;
  std::vector<std::string> requests_;  // Written by the thread alone until it is joined.
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> connection_ = -1;
  std::atomic<int> connection_count_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

std::string Ok(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
         "\r\n" + body;
}

class Collector final : public HttpSink {
 public:
  Status OnResponse(const HttpResponse& response) override {
    status = response.status;
    ++heads;
    return Status::Ok();
  }
  Status OnData(std::span<const std::byte> data) override {
    body.append(reinterpret_cast<const char*>(data.data()), data.size());
    if (cancel_on_data != nullptr) *cancel_on_data = true;
    return body.size() > refuse_after ? Status(StatusCode::kNotEnoughSpace, "full") : Status::Ok();
  }

  int status = 0;
  int heads = 0;
  std::string body;
  size_t refuse_after = std::string::npos;
  std::atomic<bool>* cancel_on_data = nullptr;
};

class CurlHttpClientTest : public ::testing::Test {
 protected:
  CurlHttpClientTest() {
    ::setenv("no_proxy", "*", 1);
    client_ = NewCurlHttpClient({.user_agent = "godwit-test/1", .ca_file = ""});
  }

  Result<HttpResponse> Get(const std::string& url, HttpSink* sink = nullptr) {
    HttpRequest request;
    request.url = url;
    return client_->Send(request, sink, nullptr);
  }

  std::unique_ptr<HttpClient> client_;
};

TEST_F(CurlHttpClientTest, ReturnsStatusHeadersAndBodyOfAnyAnswer) {
  TinyServer server({"HTTP/1.1 404 Not Found\r\nETag:  \"a\" \r\nContent-Length: 4\r\n\r\ngone"});
  const auto response = Get(server.url("/x"));
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "gone");
  EXPECT_EQ(FindHeader(response->headers, "etag"), "\"a\"");
  server.Stop();
  EXPECT_THAT(server.requests().at(0), HasSubstr("GET /x HTTP/1.1\r\n"));
  EXPECT_THAT(server.requests().at(0), HasSubstr("User-Agent: godwit-test/1\r\n"));
}

TEST_F(CurlHttpClientTest, KeepsTheConnectionForTheNextRequest) {
  TinyServer server({Ok("one"), "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", Ok("three")});
  EXPECT_EQ(Get(server.url())->body, "one");
  EXPECT_EQ(Get(server.url())->status, 304);
  EXPECT_EQ(Get(server.url())->body, "three");
  EXPECT_EQ(server.connection_count(), 1);
}

TEST_F(CurlHttpClientTest, DoesNotFollowRedirects) {
  TinyServer server({"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n"});
  EXPECT_EQ(Get(server.url())->status, 302);
}

TEST_F(CurlHttpClientTest, SendsABodyWithoutExpectAndOnlyTheHeadersGiven) {
  TinyServer server({Ok(""), Ok(""), Ok("")});
  HttpRequest request;
  request.method = "POST";
  request.url = server.url();
  request.headers = {{"X-Empty", ""}, {"Content-Type", "application/json"}};
  request.body = std::string(3000, 'b');
  ASSERT_TRUE(client_->Send(request, nullptr, nullptr).ok());
  request.method = "PATCH";
  request.headers.clear();
  request.body = "";
  int pieces = 0;
  request.body_source = [&](std::span<std::byte> out) -> Result<size_t> {
    out[0] = out[1] = std::byte{'p'};
    ++pieces;
    return size_t{2};
  };
  request.body_size_bytes = 6;
  ASSERT_TRUE(client_->Send(request, nullptr, nullptr).ok());
  request = HttpRequest();
  request.method = "DELETE";
  request.url = server.url();
  ASSERT_TRUE(client_->Send(request, nullptr, nullptr).ok());
  server.Stop();
  EXPECT_THAT(server.requests().at(0), HasSubstr("X-Empty:\r\n"));
  EXPECT_THAT(server.requests().at(0), HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(server.requests().at(0), Not(HasSubstr("Expect")));
  EXPECT_TRUE(server.requests().at(0).ends_with("bbb"));
  EXPECT_TRUE(server.requests().at(1).starts_with("PATCH / "));
  EXPECT_THAT(server.requests().at(1), Not(HasSubstr("Content-Type")));
  EXPECT_TRUE(server.requests().at(1).ends_with("\r\n\r\npppppp"));
  EXPECT_EQ(pieces, 3);
  EXPECT_TRUE(server.requests().at(2).starts_with("DELETE / "));
}

TEST_F(CurlHttpClientTest, GivesTheSinkOneHeadAndEveryByte) {
  TinyServer server({"HTTP/1.1 100 Continue\r\n\r\n" + Ok("0123456789"),
                     "HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n"});
  Collector sink;
  const auto response = Get(server.url(), &sink);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(sink.status, 200);
  EXPECT_EQ(sink.heads, 1);
  EXPECT_EQ(sink.body, "0123456789");
  EXPECT_EQ(response->body, "");
  Collector empty;
  ASSERT_TRUE(Get(server.url(), &empty).ok());
  EXPECT_EQ(empty.status, 416);
}

TEST_F(CurlHttpClientTest, EndsWithTheSinksError) {
  TinyServer server({Ok(std::string(100'000, 'x'))});
  Collector sink;
  sink.refuse_after = 10;
  EXPECT_EQ(Get(server.url(), &sink).status().code(), StatusCode::kNotEnoughSpace);
}

TEST_F(CurlHttpClientTest, SaysWhichWayTheNetworkFailed) {
  const struct {
    const char* answer;
    StatusCode code;
  } kRows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345<close>", StatusCode::kUnavailable},
      {"<close>", StatusCode::kUnavailable},
      {"nonsense\r\n\r\n<close>", StatusCode::kUnavailable},
      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345<hang>", StatusCode::kDeadlineExceeded},
  };
  for (const auto& row : kRows) {
    TinyServer server({row.answer, row.answer});
    HttpRequest request;
    request.url = server.url("/secret?sig=secret");
    request.stall_timeout_ms = 100;
    request.stall_bytes_per_s = 1000;
    const auto response = client_->Send(request, nullptr, nullptr);
    ASSERT_FALSE(response.ok()) << row.answer;
    EXPECT_EQ(response.status().code(), row.code) << response.status().ToString();
    EXPECT_THAT(response.status().message(), Not(HasSubstr("secret")));
  }
}

// The rate decides, never the time as a whole: what comes slowly but steadily may take for ever.
TEST_F(CurlHttpClientTest, LetsAnyTransferRunOnThatIsFastEnough) {
  TinyServer server({Ok(std::string(3000, 'x'))});
  HttpRequest request;
  request.url = server.url();
  request.receive_limit_bytes_per_s = 10'000;  // 300 ms, six stretches.
  request.stall_timeout_ms = 50;
  request.stall_bytes_per_s = 1000;
  const auto response = client_->Send(request, nullptr, nullptr);
  ASSERT_TRUE(response.ok()) << response.status().ToString();
}

TEST_F(CurlHttpClientTest, GivesUpWhatTricklesHoweverLongItWouldLast) {
  TinyServer server(
      {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(50, 'x') + "<trickle>"});
  HttpRequest request;
  request.url = server.url();
  request.stall_timeout_ms = 100;
  request.stall_bytes_per_s = 10'000;
  const auto response = client_->Send(request, nullptr, nullptr);
  EXPECT_EQ(response.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(response.status().message(), HasSubstr("fewer than 10000 bytes a second"));
}

TEST_F(CurlHttpClientTest, GoesThroughTheProxyThatItIsGiven) {
  const std::string answer = Ok("by proxy") + "<close>";
  TinyServer proxy({answer, answer, "HTTP/1.1 407 Who are you\r\n\r\n<close>"});
  ::unsetenv("no_proxy");
  const auto restore = [] { ::setenv("no_proxy", "*", 1); };
  const std::string url = "http://models.invalid/x";
  const auto send = [](HttpClient& client, const std::string& to) {
    HttpRequest request;
    request.url = to;
    return client.Send(request, nullptr, nullptr);
  };
  auto given =
      NewCurlHttpClient({.user_agent = "", .ca_file = "", .proxy_url = proxy.url(""), .pins = {}});
  EXPECT_EQ(send(*given, url)->body, "by proxy");
  ::setenv("http_proxy", proxy.url("").c_str(), 1);
  EXPECT_EQ(Get(url)->body, "by proxy");
  auto none = NewCurlHttpClient({.user_agent = "", .ca_file = "", .proxy_url = "", .pins = {}});
  EXPECT_EQ(send(*none, url).status().code(), StatusCode::kNoNetworkConnection);
  ::unsetenv("http_proxy");
  const auto refused = send(*given, "https://models.invalid/x");
  EXPECT_EQ(refused.status().code(), StatusCode::kUnavailable) << refused.status().ToString();
  EXPECT_THAT(refused.status().message(), HasSubstr("407"));
  restore();
  proxy.Stop();
  EXPECT_THAT(proxy.requests().at(0), HasSubstr("GET http://models.invalid/x HTTP/1.1\r\n"));
  EXPECT_THAT(proxy.requests().at(2), HasSubstr("CONNECT models.invalid:443 HTTP/1.1\r\n"));
}

TEST_F(CurlHttpClientTest, TellsARefusedConnectionFromAMissingHost) {
  std::string url;
  {
    TinyServer server({});
    url = server.url();
  }
  EXPECT_EQ(Get(url).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Get("http://no-such-host.invalid/").status().code(), StatusCode::kNoNetworkConnection);
  EXPECT_EQ(Get("ftp://127.0.0.1/").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Get("file:///etc/passwd").status().code(), StatusCode::kInvalidArgument);
}

TEST_F(CurlHttpClientTest, StopsWhenCancelled) {
  TinyServer server({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1<hang>"});
  std::atomic<bool> cancelled = false;
  Collector sink;
  sink.cancel_on_data = &cancelled;
  HttpRequest request;
  request.url = server.url();
  EXPECT_EQ(client_->Send(request, &sink, &cancelled).status().code(), StatusCode::kCancelled);
}

TEST_F(CurlHttpClientTest, ReceivesNoFasterThanItsLimit) {
  TinyServer server({Ok(std::string(20'000, 'x'))});
  HttpRequest request;
  request.url = server.url("/x");
  request.receive_limit_bytes_per_s = 100'000;
  const auto began = std::chrono::steady_clock::now();
  const auto response = client_->Send(request, nullptr, nullptr);
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response->body.size(), 20'000u);
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(200));
}

TEST_F(CurlHttpClientTest, LimitsWhatItKeepsInMemory) {
  TinyServer server({Ok("12345"), Ok("123456")});
  HttpRequest request;
  request.url = server.url();
  request.response_body_max_bytes = 5;
  EXPECT_EQ(client_->Send(request, nullptr, nullptr)->body, "12345");
  EXPECT_EQ(client_->Send(request, nullptr, nullptr).status().code(),
            StatusCode::kResourceExhausted);
}

TEST_F(CurlHttpClientTest, RefusesAHeaderThatWouldSmuggleAnother) {
  HttpRequest request;
  request.url = "http://127.0.0.1:9/";
  request.headers = {{"X-A", "b\r\nX-C: d"}};
  EXPECT_EQ(client_->Send(request, nullptr, nullptr).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace godwit
