// What only TLS has; http_server_test.cc runs all the rest over it, too.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "server/http/http_server.h"
#include "server/http/test_server.h"

namespace godwit::server {
namespace {

using testing::NewTestIdentity;
using testing::Over;
using testing::RawClient;
using testing::TestServer;
using Options = TlsTestClient::Options;

std::string Get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n";
}

void AwaitFailures(const TestServer& server, uint64_t count) {
  while (server.http->stats().tls_handshake_failures < count) std::this_thread::yield();
}

// Stands between a client and the server and hands on the client's bytes one by one, up to a
// number of them; then it ends both.
class ByteByByte {
 public:
  ByteByByte(const std::string& address, int64_t bytes_max) : server_(address) {
    int ends[2];
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    client_end_ = ends[0];
    inner_end_ = ends[1];
    thread_ = std::thread([this, bytes_max] { Run(bytes_max); });
  }
  ~ByteByByte() {
    ::shutdown(inner_end_, SHUT_RDWR);
    thread_.join();
    ::close(client_end_);
    ::close(inner_end_);
  }
  int descriptor() const { return client_end_; }

 private:
  void Run(int64_t bytes_left) {
    for (;;) {
      pollfd both[2] = {{inner_end_, POLLIN, 0}, {server_.descriptor(), POLLIN, 0}};
      ::poll(both, 2, 10'000);
      char bytes[16384];
      if (both[1].revents != 0) {
        const ssize_t count = ::recv(server_.descriptor(), bytes, sizeof bytes, 0);
        if (count <= 0 || ::send(inner_end_, bytes, static_cast<size_t>(count), MSG_NOSIGNAL) < 0) {
          break;
        }
      } else if (bytes_left-- == 0 || ::recv(inner_end_, bytes, 1, 0) != 1 ||
                 !server_.Send({bytes, 1})) {
        break;
      }
    }
    server_.ShutdownWrite();
    ::shutdown(inner_end_, SHUT_RDWR);
  }

  RawClient server_;
  int client_end_ = -1;
  int inner_end_ = -1;
  std::thread thread_;
};

TEST(HttpOverTls, SpeaksTheVersionsThatAreSafe) {
  TestServer server(Over::kTls);
  for (const char* version : {"1.2", "1.3"}) {
    Options options;
    options.max_version = version;
    RawClient client(server.address(), Over::kTls, options);
    ASSERT_NE(client.tls(), nullptr) << version;
    EXPECT_EQ(client.tls()->version(), std::string("TLSv") + version);
    ASSERT_TRUE(client.Send(Get("/secure")));
    EXPECT_EQ(client.Read().body, "secure");
  }
  EXPECT_EQ(server.http->stats().tls_handshakes, 2u);
  RawClient old(server.address());
  Options options;
  options.max_version = "1.1";
  std::string alert;
  EXPECT_EQ(TlsTestClient::Connect(old.descriptor(), options, &alert), nullptr);
  EXPECT_NE(alert.find("protocol version"), std::string::npos) << alert;
  AwaitFailures(server, 1);
}

TEST(HttpOverTls, AgreesOnHttp11OrSaysThatItCannot) {
  TestServer server(Over::kTls);
  for (const char* protocol : {"http/1.1", ""}) {
    Options options;
    options.protocol = protocol;
    RawClient client(server.address(), Over::kTls, options);
    ASSERT_NE(client.tls(), nullptr) << protocol;
    EXPECT_EQ(client.tls()->protocol(), protocol);
  }
  RawClient other(server.address());
  Options options;
  options.protocol = "h2";
  std::string alert;
  EXPECT_EQ(TlsTestClient::Connect(other.descriptor(), options, &alert), nullptr);
  EXPECT_NE(alert.find("no application protocol"), std::string::npos) << alert;
}

TEST(HttpOverTls, ShowsTheCertificateOfTheNameThatIsAskedFor) {
  HttpServerOptions options;
  options.tls = TlsContext::New({NewTestIdentity({"first.test"}),
                                 NewTestIdentity({"second.test", "*.second.test"}),
                                 NewTestIdentity({"exact.second.test"})})
                    .value();
  TestServer server(options, Over::kTls);
  const struct {
    const char* asked;
    const char* shown;
  } rows[] = {{"first.test", "first.test"},      {"second.test", "second.test"},
              {"a.second.test", "second.test"},  {"A.Second.TEST", "second.test"},
              {"a.b.second.test", "first.test"}, {".second.test", "first.test"},
              {"unknown.test", "first.test"},    {"", "first.test"},
              {"secondxtest", "first.test"}};
  for (const auto& row : rows) {
    Options asks;
    asks.server_name = row.asked;
    RawClient client(server.address(), Over::kTls, asks);
    ASSERT_NE(client.tls(), nullptr) << row.asked;
    EXPECT_EQ(client.tls()->server_name(), row.shown) << row.asked;
  }
}

TEST(HttpOverTls, ShowsANewCertificateWhileOpenConnectionsGoOn) {
  TestServer server(Over::kTls);
  RawClient before(server.address(), Over::kTls);
  ASSERT_TRUE(before.Send(Get("/fast")));
  EXPECT_EQ(before.Read().status, 200);
  server.http->SetTls(TlsContext::New({NewTestIdentity({"renewed.test"})}).value());
  // A ticket of the old context opens nothing here; the client is served all the same.
  Options options;
  options.resume = before.tls();
  RawClient after(server.address(), Over::kTls, options);
  ASSERT_NE(after.tls(), nullptr);
  EXPECT_FALSE(after.tls()->resumed());
  EXPECT_EQ(after.tls()->server_name(), "renewed.test");
  for (RawClient* client : {&before, &after}) {
    ASSERT_TRUE(client->Send(Get("/file")));
    EXPECT_EQ(client->Read().body, server.file_bytes);
  }
  EXPECT_EQ(before.tls()->server_name(), "server.test");
}

TEST(HttpOverTls, ResumesASessionOnWhateverLoop) {
  TestServer server(Over::kTls);
  for (const char* version : {"1.2", "1.3"}) {
    Options options;
    options.max_version = version;
    RawClient first(server.address(), Over::kTls, options);
    ASSERT_TRUE(first.Send(Get("/fast")));
    EXPECT_EQ(first.Read().status, 200);
    options.resume = first.tls();
    for (int i = 0; i < 8; ++i) {
      RawClient again(server.address(), Over::kTls, options);
      ASSERT_NE(again.tls(), nullptr);
      EXPECT_TRUE(again.tls()->resumed()) << version;
      ASSERT_TRUE(again.Send(Get("/fast")));
      EXPECT_EQ(again.Read().body, "fast");
    }
  }
}

TEST(HttpOverTls, TakesAHandshakeThatArrivesByteByByte) {
  TestServer server(Over::kTls);
  for (const char* version : {"1.2", "1.3"}) {
    ByteByByte slow(server.address(), INT64_MAX);
    Options options;
    options.max_version = version;
    const auto client = TlsTestClient::Connect(slow.descriptor(), options);
    ASSERT_NE(client, nullptr) << version;
    ASSERT_TRUE(client->Write(Get("/fast")));
    char answer[4096];
    const int64_t count = client->Read(answer);
    ASSERT_GT(count, 0);
    EXPECT_NE(std::string_view(answer, static_cast<size_t>(count)).find("\r\n\r\nfast"),
              std::string_view::npos);
  }
}

TEST(HttpOverTls, OutlivesClientsThatBreakTheHandshakeOff) {
  TestServer server(Over::kTls);
  for (const int64_t bytes : {1, 5, 50, 100, 200}) {
    ByteByByte cut(server.address(), bytes);
    EXPECT_EQ(TlsTestClient::Connect(cut.descriptor(), {}), nullptr) << bytes;
  }
  for (const std::string& garbage :
       {std::string(300, 'x'), std::string(300, '\0'), std::string("\x16\x03\x01\x00\x05hello"),
        std::string("\x16\x03\x01\xff\xff") + std::string(70'000, 'y'),
        std::string("SSH-2.0-a\r\n"), std::string("\x15\x03\x01\x00\x02\x02\x28", 7)}) {
    RawClient client(server.address());
    client.Send(garbage);
    client.ShutdownWrite();
    client.Read();
  }
  AwaitFailures(server, 11);
  {
    RawClient silent(server.address());
  }  // A port scanner is no failure.
  RawClient good(server.address(), Over::kTls);
  ASSERT_TRUE(good.Send(Get("/fast")));
  EXPECT_EQ(good.Read().status, 200);
  EXPECT_EQ(server.http->stats().tls_handshake_failures, 11u);
}

TEST(HttpOverTls, TellsAClientThatForgotTheS) {
  TestServer server(Over::kTls);
  for (const std::string& request :
       {Get("/fast"), std::string("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 200000\r\n\r\n") +
                          std::string(200'000, 'x')}) {
    RawClient client(server.address());
    ASSERT_TRUE(client.Send(request));
    const RawClient::Reply reply = client.Read();
    EXPECT_EQ(reply.status, 400);
    EXPECT_NE(reply.body.find("https://"), std::string::npos);
    client.ShutdownWrite();
    EXPECT_TRUE(client.AtEnd());
  }
}

TEST(HttpOverTls, EndsAHandshakeThatTakesTooLong) {
  HttpServerOptions options;
  options.head_timeout_ms = 60;
  TestServer server(options, Over::kTls);
  RawClient silent(server.address());
  EXPECT_TRUE(silent.AtEnd());
  EXPECT_EQ(server.http->stats().tls_handshake_failures, 0u);
  RawClient stuck(server.address());
  ASSERT_TRUE(stuck.Send("\x16\x03\x01"));
  EXPECT_TRUE(stuck.AtEnd());
  EXPECT_EQ(server.http->stats().tls_handshake_failures, 1u);
}

TEST(HttpOverTls, ChangesKeysInTheMiddleButNegotiatesNothingAnew) {
  TestServer server(Over::kTls);
  RawClient client(server.address(), Over::kTls);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.tls()->RequestNewKeys());
    ASSERT_TRUE(client.Send(Get("/file")));
    EXPECT_EQ(client.Read().body, server.file_bytes);
  }
  Options options;
  options.max_version = "1.2";
  RawClient older(server.address(), Over::kTls, options);
  ASSERT_TRUE(older.Send(Get("/fast")));
  EXPECT_EQ(older.Read().status, 200);
  EXPECT_FALSE(older.tls()->Renegotiate());
}

TEST(HttpOverTls, AnswersAClientThatHasSaidItsLastWord) {
  TestServer server(Over::kTls);
  RawClient client(server.address(), Over::kTls);
  ASSERT_TRUE(client.Send(Get("/file") + Get("/echo")));
  client.tls()->Shutdown();
  EXPECT_EQ(client.Read().body, server.file_bytes);
  EXPECT_EQ(client.Read().status, 200);
  EXPECT_TRUE(client.AtEnd());
}

TEST(HttpOverTls, NeedsACertificate) {
  HttpServerOptions options;
  options.listen_tls = {"127.0.0.1:0"};
  TestServer server;
  EXPECT_EQ(
      HttpServer::Start(options, *server.handler, *server.clock, server.logger).status().code(),
      StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace godwit::server
