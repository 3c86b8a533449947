#include "server/http/http_server.h"

#include <gtest/gtest.h>

#include <thread>

#include "server/http/test_server.h"

namespace godwit::server {
namespace {

using testing::RawClient;
using testing::TestHandler;
using testing::TestServer;

std::string Get(const std::string& path, const std::string& headers = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: test\r\n" + headers + "\r\n";
}

std::string Put(const std::string& path, const std::string& body, const std::string& headers = "") {
  return "PUT " + path +
         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

TEST(HttpServer, AnswersFromTheLoopAndFromAWorkerOnOneConnection) {
  TestServer server;
  RawClient client(server.address());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send(Get("/fast")));
    const RawClient::Reply fast = client.Read();
    EXPECT_EQ(fast.status, 200);
    EXPECT_EQ(fast.body, "fast");
    EXPECT_EQ(fast.Header("Date").size(), 29u);
    EXPECT_EQ(fast.Header("Connection"), "");
    ASSERT_TRUE(client.Send(Get("/echo?a=1&b", "X-Echo: value\r\n")));
    EXPECT_EQ(client.Read().body, "GET|/echo|a=1&b|test|value|");
    ASSERT_TRUE(client.Send(Put("/echo", "body")));
    EXPECT_EQ(client.Read().body, "PUT|/echo||test||body");
  }
}

}  // namespace
}  // namespace godwit::server
