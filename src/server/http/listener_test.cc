#include <gtest/gtest.h>

#include "server/http/test_server.h"

namespace godwit::server {
namespace {

using testing::Over;
using testing::RawClient;
using testing::TestServer;

TEST(Listener, ListensOnIpv6BesideIpv4AndTlsBesidePlain) {
  HttpServerOptions options;
  options.listen = {"127.0.0.1:0", "[::1]:0"};
  options.listen_tls = options.listen;
  for (const Over over : {Over::kPlain, Over::kTls}) {
    TestServer server(options, over);
    for (size_t i = 0; i < 2; ++i) {
      RawClient client(server.address(i), over);
      ASSERT_TRUE(client.Send("GET /secure HTTP/1.1\r\nHost: test\r\n\r\n"));
      EXPECT_EQ(client.Read().body, over == Over::kTls ? "secure" : "plain");
    }
  }
}

TEST(Listener, RefusesATakenPortAndWhatIsNoAddress) {
  HttpServerOptions options;
  TestServer server;
  options.listen = {server.address()};
  const auto second = HttpServer::Start(options, *server.handler, *server.clock, server.logger);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.status().message().find("another program"), std::string::npos);
  for (const char* bad : {"", "8484", "127.0.0.1", "host.example:1", "127.0.0.1:99999", "[::1"}) {
    options.listen = {bad};
    EXPECT_FALSE(HttpServer::Start(options, *server.handler, *server.clock, server.logger).ok())
        << bad;
  }
}

}  // namespace
}  // namespace godwit::server
