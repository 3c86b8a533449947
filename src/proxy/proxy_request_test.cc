#include "proxy/proxy_request.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(ProxyRequest, ReadsConnect) {
  const std::string head = "CONNECT Storage.GoogleAPIs.com.:443 HTTP/1.1\r\nHost: anything\r\n\r\n";
  const auto request = ParseProxyRequest(head + "\x16\x03\x01");
  ASSERT_TRUE(request.ok());
  ASSERT_TRUE(request->has_value());
  EXPECT_EQ((*request)->method, "CONNECT");
  EXPECT_EQ((*request)->host, "storage.googleapis.com");
  EXPECT_EQ((*request)->port, 443);
  EXPECT_EQ((*request)->head_bytes, head.size());
}

TEST(ProxyRequest, ReadsTheHostHeaderOfOtherMethods) {
  struct Row {
    std::string headers;
    std::string host;
  };
  for (const Row& row : {
           Row{"", ""},
           Row{"Host: 10.0.2.2:8480\r\n", "10.0.2.2:8480"},
           Row{"Accept: */*\r\nhOST:[::1]:80\r\nHost: other\r\n", "[::1]:80"},
           Row{"Host: a\"; evil()\r\n", ""},
           Row{"Host:\r\n", ""},
           Row{"X-Host: a\r\n", ""},
       }) {
    const auto request = ParseProxyRequest("GET /proxy.pac HTTP/1.0\r\n" + row.headers + "\r\n");
    ASSERT_TRUE(request.ok()) << row.headers;
    EXPECT_EQ((*request)->method, "GET");
    EXPECT_EQ((*request)->target, "/proxy.pac");
    EXPECT_EQ((*request)->host, row.host) << row.headers;
  }
}

TEST(ProxyRequest, WaitsForTheEndOfTheHead) {
  const std::string head = "CONNECT [::1]:443 HTTP/1.1\r\nA: b\r\n\r\n";
  for (size_t size = 0; size < head.size(); ++size) {
    const auto request = ParseProxyRequest(head.substr(0, size));
    ASSERT_TRUE(request.ok()) << size;
    EXPECT_FALSE(request->has_value()) << size;
  }
  EXPECT_EQ((*ParseProxyRequest(head))->host, "[::1]");
}

TEST(ProxyRequest, RefusesAHeadOverTheLimit) {
  std::string head = "CONNECT a:1 HTTP/1.1\r\nA: ";
  head.resize(kProxyHeadMaxBytes - 1, 'x');
  EXPECT_FALSE((*ParseProxyRequest(head)).has_value());
  EXPECT_EQ(ParseProxyRequest(head + "x\r\n\r\n").status().code(), StatusCode::kResourceExhausted);
}

TEST(ProxyRequest, RefusesWhatIsNoRequest) {
  for (const std::string& line : {
           std::string("CONNECT"),
           std::string("CONNECT a:1"),
           std::string("CONNECT  HTTP/1.1"),
           std::string("CONNECT a HTTP/1.1"),
           std::string("CONNECT :1 HTTP/1.1"),
           std::string("CONNECT .:1 HTTP/1.1"),
           std::string("CONNECT a: HTTP/1.1"),
           std::string("CONNECT a:0 HTTP/1.1"),
           std::string("CONNECT a:65536 HTTP/1.1"),
           std::string("CONNECT a:-1 HTTP/1.1"),
           std::string("CONNECT a:+1 HTTP/1.1"),
           std::string("CONNECT a:1x HTTP/1.1"),
           std::string("CONNECT user@a:1 HTTP/1.1"),
           std::string("CONNECT a/b:1 HTTP/1.1"),
           std::string("CONNECT a%2e:1 HTTP/1.1"),
           std::string("CONNECT a\xc3\xa4:1 HTTP/1.1"),
           std::string("CONNECT a\0b:1 HTTP/1.1", 22),
           std::string("CONNECT a:1 b:1 HTTP/1.1"),
           std::string("CONNECT\ta:1 HTTP/1.1"),
           std::string("CONNECT a:1 HTTP/2.0"),
           std::string("CONNECT a:1 HTTP/1.1 "),
           std::string("connect a:1 HTTP/1.1"),
           std::string("GET /a\nb HTTP/1.1"),
           "CONNECT " + std::string(256, 'a') + ":1 HTTP/1.1",
       }) {
    EXPECT_EQ(ParseProxyRequest(line + "\r\n\r\n").status().code(), StatusCode::kInvalidArgument)
        << line;
  }
  // A TLS hello waits for no end.
  EXPECT_EQ(ParseProxyRequest("\x16\x03\x01").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace godwit
