#include "server/http/http_server.h"

#include <gtest/gtest.h>

#include <thread>

#include "server/http/test_server.h"

namespace godwit::server {
namespace {

using testing::Over;
using testing::RawClient;
using testing::TestHandler;
using testing::TestServer;

// All of it is the same over TLS.
class HttpServerTest : public ::testing::TestWithParam<Over> {};
INSTANTIATE_TEST_SUITE_P(Over, HttpServerTest, ::testing::Values(Over::kPlain, Over::kTls),
                         [](const auto& row) {
                           return std::string(row.param == Over::kTls ? "Tls" : "Plain");
                         });

std::string Get(const std::string& path, const std::string& headers = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: test\r\n" + headers + "\r\n";
}

std::string Put(const std::string& path, const std::string& body, const std::string& headers = "") {
  return "PUT " + path +
         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

TEST_P(HttpServerTest, AnswersFromTheLoopAndFromAWorkerOnOneConnection) {
  TestServer server(GetParam());
  RawClient client(server.address(), GetParam());
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

TEST_P(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  TestServer server(GetParam());
  RawClient client(server.address(), GetParam());
  std::string requests;
  for (int i = 0; i < 200; ++i) {
    requests += i % 3 == 0 ? Get("/fast") : Put("/echo", std::to_string(i));
  }
  ASSERT_TRUE(client.Send(requests));
  for (int i = 0; i < 200; ++i) {
    const RawClient::Reply reply = client.Read();
    ASSERT_EQ(reply.status, 200) << i;
    ASSERT_EQ(reply.body, i % 3 == 0 ? "fast" : "PUT|/echo||test||" + std::to_string(i));
  }
}

TEST_P(HttpServerTest, TakesARequestThatArrivesByteByByte) {
  TestServer server(GetParam());
  RawClient client(server.address(), GetParam());
  const std::string request =
      "\r\n\r\nPUT /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;name=value\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n" +
      Get("/fast");
  for (const char c : request) ASSERT_TRUE(client.Send({&c, 1}));
  EXPECT_EQ(client.Read().body, "PUT|/echo||test||abcde");
  EXPECT_EQ(client.Read().body, "fast");
}

TEST_P(HttpServerTest, KeepsOrClosesTheConnectionAsTheVersionAndTheClientSay) {
  const struct {
    const char* request;
    const char* connection;
    bool closes;
  } rows[] = {
      {"GET /fast HTTP/1.1\r\nHost: t\r\n\r\n", "", false},
      {"GET /fast HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", "close", true},
      {"GET /fast HTTP/1.1\r\nHost: t\r\nConnection: TE, Close\r\n\r\n", "close", true},
      {"GET /fast HTTP/1.0\r\n\r\n", "close", true},
      {"GET /fast HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", false},
      {"GET /echo HTTP/1.0\r\n\r\n", "close", true},
  };
  TestServer server(GetParam());
  for (const auto& row : rows) {
    SCOPED_TRACE(row.request);
    RawClient client(server.address(), GetParam());
    ASSERT_TRUE(client.Send(row.request));
    const RawClient::Reply reply = client.Read();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.Header("Connection"), row.connection);
    if (row.closes) {
      EXPECT_TRUE(client.AtEnd());
    } else {
      ASSERT_TRUE(client.Send(Get("/fast")));
      EXPECT_EQ(client.Read().status, 200);
    }
  }
}

struct RefusedRow {
  std::string request;
  int status;
};

// Each row's request gets its status, a sentence in Firebase's envelope, and no second chance
// where the next request's start is unknown.
void ExpectRefused(Over over, const std::vector<RefusedRow>& rows) {
  TestServer server(over);
  for (const auto& row : rows) {
    SCOPED_TRACE(::testing::PrintToString(row.request.substr(0, 200)));
    RawClient client(server.address(), over);
    ASSERT_TRUE(client.Send(row.request));
    const RawClient::Reply reply = client.Read();
    EXPECT_EQ(reply.status, row.status) << reply.body;
    EXPECT_EQ(reply.body.substr(0, 21), "{\"error\":{\"code\":" + std::to_string(row.status) + ",");
    EXPECT_EQ(reply.Header("X-Injected"), "");
    // Only a body that was framed well, and read, leaves the connection usable.
    const bool framed = row.request.find("Content-Encoding") != std::string::npos;
    EXPECT_EQ(reply.Header("Connection"), framed ? "" : "close");
    client.ShutdownWrite();
    EXPECT_TRUE(client.AtEnd());
  }
}

TEST_P(HttpServerTest, RefusesBrokenHeads) {
  const std::string host = "Host: t\r\n";
  ExpectRefused(GetParam(), {
                                {"GET / HTTP/1.1\r\n\r\n", 400},
                                {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
                                {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
                                {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
                                {"GET /\x80 HTTP/1.1\r\n" + host + "\r\n", 400},
                                {"GET /\x01 HTTP/1.1\r\n" + host + "\r\n", 400},
                                {"GET /a#b HTTP/1.1\r\n" + host + "\r\n", 400},
                                {"GET a HTTP/1.1\r\n" + host + "\r\n", 400},
                                {"GET * HTTP/1.1\r\n" + host + "\r\n", 400},
                                {"GET http:///a HTTP/1.1\r\n" + host + "\r\n", 400},
                                {"GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", 400},
                                {"GET / HTTP/1.1\r\n" + host + "A : b\r\n\r\n", 400},
                                {"GET / HTTP/1.1\r\n" + host + "A\r\n\r\n", 400},
                                {"GET / HTTP/1.1\r\n" + host + ": b\r\n\r\n", 400},
                                {"GET / HTTP/1.1\r\n" + host + "A: b\x01\r\n\r\n", 400},
                                {"GET / HTTP/1.1\r\n" + host + "A: b\rc\r\n\r\n", 400},
                                {"GET / HTTP/1.1\n" + host + "\n\n", 400},
                                {"GET / HTTP/1.1\r\nHost: t\r\n\n", 400},
                                {"GET / HTTP/1.1\r\nHost: t\n\r\n", 400},
                                {"\nGET / HTTP/1.1\r\n" + host + "\r\n", 400},
                                {"GET  / HTTP/1.1\r\n" + host + "\r\n", 400},
                                {"GET /\r\n\r\n", 400},
                                {std::string("\x16\x03\x01\x02\x00\x01", 6), 400},
                            });
}

TEST_P(HttpServerTest, RefusesBodiesWhoseEndTwoServersCouldSeeInTwoPlaces) {
  const std::string host = "Host: t\r\n";
  ExpectRefused(
      GetParam(),
      {
          {"PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n", 501},
          {"PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
          {"PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, identity\r\n\r\n", 501},
          {"PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding:\r\n\r\n", 501},
          {"PUT / HTTP/1.1\r\n" + host +
               "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
           400},
          {"PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: x\r\nContent-Length: 1\r\n\r\na", 400},
          {"PUT / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           400},
          {"PUT / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
          {"PUT / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
          {"PUT / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\na", 400},
          {"PUT / HTTP/1.1\r\n" + host + "Content-Length: 1, 1\r\n\r\na", 400},
          {"PUT / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
          {"PUT / HTTP/1.1\r\n" + host + "Content-Length: +1\r\n\r\na", 400},
          {"PUT / HTTP/1.1\r\n" + host + "Content-Length: 0x1\r\n\r\na", 400},
          {"PUT / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\n", 400},
          {"PUT / HTTP/1.1\r\n" + host + "Content-Length: 18446744073709551616\r\n\r\n", 400},
          {"PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400},
          {"PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400},
          {"PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
           400},
          {"PUT / HTTP/1.1\r\n" + host +
               "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\na\r\n0\r\n\r\n",
           400},
          {"PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1;" +
               std::string(20'000, 'a'),
           400},
      });
}

TEST_P(HttpServerTest, RefusesWhatItDoesNotServeAndSurvivesHandlersThatThrow) {
  const std::string host = "Host: t\r\n";
  const std::string long_text(20'000, 'a');
  std::string many_headers;
  for (int i = 0; i < 101; ++i) many_headers += "A: b\r\n";
  ExpectRefused(
      GetParam(),
      {
          {"PUT / HTTP/1.1\r\n" + host + "Expect: a-miracle\r\nContent-Length: 1\r\n\r\na", 417},
          {"PUT / HTTP/1.1\r\n" + host + "Content-Length: 99999999999\r\n\r\na", 413},
          {"PUT / HTTP/1.1\r\n" + host + "Content-Encoding: br\r\nContent-Length: 1\r\n\r\na", 415},
          {"PUT / HTTP/1.1\r\n" + host + "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
           400},
          {"GET /" + long_text + " HTTP/1.1\r\n" + host + "\r\n", 414},
          {"GET / HTTP/1.1\r\n" + host + "A: " + long_text + "\r\n\r\n", 431},
          {"GET / HTTP/1.1\r\n" + host + many_headers + "\r\n", 431},
          {"BREW / HTTP/1.1\r\n" + host + "\r\n", 501},
          {"CONNECT t:1 HTTP/1.1\r\n" + host + "\r\n", 501},
          {"GET / HTTP/2.0\r\n" + host + "\r\n", 505},
          {"GET / HTTP/1.2\r\n" + host + "\r\n", 505},
          {"GET / HTTP/11\r\n" + host + "\r\n", 400},
          {"GET /throw HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", 500},
          {"GET /broken-header HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", 500},
          {"PUT /stream/throw HTTP/1.1\r\n" + host +
               "Connection: close\r\nContent-Length: 1\r\n\r\na",
           500},
      });
}

TEST_P(HttpServerTest, AcceptsWhatTheStandardAllows) {
  const struct {
    const char* request;
    const char* body;
  } rows[] = {
      {"GET http://other:80/a?b HTTP/1.1\r\nHost: t\r\n\r\n", "GET|/a|b|other:80||"},
      {"GET HTTP://other?b HTTP/1.1\r\nHost: t\r\n\r\n", "GET|/|b|other||"},
      {"OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n", "OPTIONS|*||t||"},
      {"GET /a HTTP/1.1\r\nHost:\r\n\r\n", "GET|/a||||"},
      {"GET /a HTTP/1.1\r\nhOST:t\r\nX-ECHO:\tv w \r\n\r\n", "GET|/a||t|v w|"},
      {"GET /a?b?c HTTP/1.1\r\nHost: [::1]:8\r\n\r\n", "GET|/a|b?c|[::1]:8||"},
      {"PUT /a HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n", "PUT|/a||t||"},
      {"PUT /a HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", "PUT|/a||t||"},
      {"DELETE /%E2%82%AC HTTP/1.1\r\nHost: t\r\n\r\n", "DELETE|/%E2%82%AC||t||"},
  };
  TestServer server(GetParam());
  for (const auto& row : rows) {
    SCOPED_TRACE(row.request);
    RawClient client(server.address(), GetParam());
    ASSERT_TRUE(client.Send(row.request));
    EXPECT_EQ(client.Read().body, row.body);
  }
}

TEST_P(HttpServerTest, AnswersHeadWithTheLengthAndWithoutTheBody) {
  TestServer server(GetParam());
  RawClient client(server.address(), GetParam());
  for (const char* path : {"/fast", "/file", "/fast-file", "/echo"}) {
    SCOPED_TRACE(path);
    ASSERT_TRUE(client.Send("HEAD " + std::string(path) + " HTTP/1.1\r\nHost: t\r\n\r\n"));
    const RawClient::Reply reply = client.Read(/*is_head=*/true);
    EXPECT_EQ(reply.status, 200);
    EXPECT_NE(reply.Header("Content-Length"), "");
  }
  ASSERT_TRUE(client.Send(Get("/no-content")));
  const RawClient::Reply reply = client.Read();
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.Header("Content-Length"), "");
}

TEST_P(HttpServerTest, SendsFilesWholeInPartsOrNotAtAll) {
  const struct {
    std::string headers;
    int status;
    size_t first, size;
  } rows[] = {
      {"", 200, 0, 3'000'017},
      {"Range: bytes=0-0\r\n", 206, 0, 1},
      {"Range: bytes=100000-165535\r\n", 206, 100'000, 65'536},
      {"Range: bytes=2999999-\r\n", 206, 2'999'999, 18},
      {"Range: bytes=-17\r\n", 206, 3'000'000, 17},
      {"Range: bytes=3000017-\r\n", 416, 0, 0},
      {"Range: bytes=0-1,3-4\r\n", 200, 0, 3'000'017},
      {"Range: bytes=5-9\r\nIf-Range: \"tag\"\r\n", 206, 5, 5},
      {"Range: bytes=5-9\r\nIf-Range: \"other\"\r\n", 200, 0, 3'000'017},
      {"Range: bytes=5-9\r\nIf-Range: W/\"tag\"\r\n", 200, 0, 3'000'017},
      {"Range: bytes=5-9\r\nIf-Range: Fri, 02 Jan 2026 03:04:05 GMT\r\n", 200, 0, 3'000'017},
      {"If-None-Match: \"tag\"\r\n", 304, 0, 0},
      {"If-None-Match: *\r\nRange: bytes=5-9\r\n", 304, 0, 0},
      {"If-None-Match: \"other\", W/\"tag\"\r\n", 304, 0, 0},
      {"If-None-Match: \"other\"\r\nRange: bytes=5-9\r\n", 206, 5, 5},
      {"If-Match: \"tag\"\r\nRange: bytes=5-9\r\n", 206, 5, 5},
      {"If-Match: \"other\"\r\nRange: bytes=5-9\r\n", 412, 0, 0},
      {"If-Match: W/\"tag\"\r\n", 412, 0, 0},
      {"If-Match: \"other\"\r\nIf-None-Match: \"tag\"\r\n", 412, 0, 0},
      {"If-Match: other, tag\r\nRange: bytes=5-9\r\n", 206, 5, 5},
      {"If-Match: ta\r\n", 412, 0, 0},
      {"If-Match: tag\"\r\n", 412, 0, 0},
      {"If-Match: \"tag\r\n", 412, 0, 0},
      {"If-None-Match: tag\r\n", 304, 0, 0},
  };
  TestServer server(GetParam());
  RawClient client(server.address(), GetParam());
  for (const char* path : {"/file", "/fast-file"}) {
    for (const auto& row : rows) {
      SCOPED_TRACE(path + row.headers);
      ASSERT_TRUE(client.Send(Get(path, row.headers)));
      const RawClient::Reply reply = client.Read();
      EXPECT_EQ(reply.status, row.status);
      EXPECT_EQ(reply.Header("ETag"), "\"tag\"");
      EXPECT_TRUE(reply.body == server.file_bytes.substr(row.first, row.size));
      std::string range;
      if (row.status == 206) {
        range = "bytes " + std::to_string(row.first) + "-" +
                std::to_string(row.first + row.size - 1) + "/3000017";
      }
      if (row.status == 416) range = "bytes */3000017";
      EXPECT_EQ(reply.Header("Content-Range"), range);
    }
  }
}

TEST_P(HttpServerTest, SendsALargeAnswerToASlowReaderWhole) {
  TestServer server(GetParam());
  RawClient slow(server.address(), GetParam());
  ASSERT_TRUE(slow.Send(Get("/large") + Get("/fast")));
  RawClient other(server.address(),
                  GetParam());  // Is answered while the first one's buffer is full.
  ASSERT_TRUE(other.Send(Get("/fast")));
  EXPECT_EQ(other.Read().body, "fast");
  const RawClient::Reply reply = slow.Read();
  EXPECT_EQ(reply.body.size(), size_t{4} << 20);
  EXPECT_EQ(reply.body[(4 << 20) - 1], static_cast<char>((((4u << 20) - 1) * 2654435761u) >> 24));
  EXPECT_EQ(slow.Read().body, "fast");
}

TEST_P(HttpServerTest, AsksForTheBodyAtOnceWhenTheClientExpectsIt) {
  TestServer server(GetParam());
  for (const char* path : {"/echo", "/stream"}) {
    RawClient client(server.address(), GetParam());
    ASSERT_TRUE(client.Send("PUT " + std::string(path) +
                            " HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n"
                            "Expect: 100-Continue\r\n\r\n"));
    EXPECT_EQ(client.Read().status, 100);
    ASSERT_TRUE(client.Send("body"));
    EXPECT_EQ(client.Read().status, 200);
  }
}

TEST_P(HttpServerTest, RefusesABodyThatGrowsTooLargeAndIsHeard) {
  TestServer server(GetParam());
  RawClient client(server.address(), GetParam());
  ASSERT_TRUE(client.Send("PUT /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"));
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  for (int i = 0; i < 40; ++i) {
    if (!client.Send(chunk)) break;
  }
  EXPECT_EQ(client.Read().status, 413);
}

TEST_P(HttpServerTest, InflatesABodyThatCameCompressed) {
  const std::string hello(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30\x3a\x36"
      "\x06\x00\x00\x00",
      26);
  TestServer server(GetParam());
  RawClient client(server.address(), GetParam());
  ASSERT_TRUE(client.Send(Put("/echo", hello, "Content-Encoding: gzip\r\n")));
  EXPECT_EQ(client.Read().body, "PUT|/echo||test||hello\n");
}

TEST_P(HttpServerTest, StreamsABodyInOrderWhateverItsFraming) {
  TestServer server(GetParam());
  std::string body(5'000'000, '\0');
  uint64_t sum = 0;
  for (size_t i = 0; i < body.size(); ++i) {
    body[i] = static_cast<char>((i * 40503u) >> 8);
    sum = sum * 31 + static_cast<uint8_t>(body[i]);
  }
  const std::string expected = std::to_string(body.size()) + " " + std::to_string(sum);
  RawClient client(server.address(), GetParam());
  ASSERT_TRUE(client.Send(Put("/stream", body)));
  EXPECT_EQ(client.Read().body, expected);
  std::string chunked = "PUT /stream HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (size_t at = 0; at < body.size(); at += 77'777) {
    const std::string part = body.substr(at, 77'777);
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", part.size());
    chunked += size + part + "\r\n";
  }
  ASSERT_TRUE(client.Send(chunked + "0\r\n\r\n" + Put("/stream", "")));
  EXPECT_EQ(client.Read().body, expected);
  EXPECT_EQ(client.Read().body, "0 0");
}

TEST_P(HttpServerTest, StopsReadingABodyWhileItsWorkerIsBusy) {
  TestServer server(GetParam());
  RawClient client(server.address(), GetParam());
  ASSERT_TRUE(
      client.Send("PUT /stream/hold HTTP/1.1\r\nHost: t\r\nContent-Length: 10000000\r\n\r\n"));
  std::thread sender([&] { client.Send(std::string(10'000'000, 'x')); });
  server.handler->AwaitHeld(1);
  // What the server took may grow only by what its chunks and the kernel's buffers hold.
  EXPECT_LT(server.http->stats().bytes_received, 2'000'000u);
  server.handler->Release();
  EXPECT_EQ(client.Read().body.substr(0, 9), "10000000 ");
  sender.join();
}

TEST_P(HttpServerTest, LetsAReceiverRefuseBeforeTheBodyHasEnded) {
  TestServer server(GetParam());
  RawClient client(server.address(), GetParam());
  ASSERT_TRUE(client.Send(
      "PUT /stream/refuse HTTP/1.1\r\nHost: t\r\nContent-Length: 9000000\r\n\r\nstart"));
  const RawClient::Reply reply = client.Read();
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(reply.Header("Connection"), "close");
  server.handler->AwaitReceiversGone(1);
}

TEST_P(HttpServerTest, DropsTheReceiverWhenTheClientGoesAwayInTheMiddle) {
  TestServer server(GetParam());
  for (const char* path : {"/stream", "/stream/hold"}) {
    RawClient client(server.address(), GetParam());
    ASSERT_TRUE(client.Send("PUT " + std::string(path) +
                            " HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nstart"));
    if (std::string(path) == "/stream/hold") server.handler->AwaitHeld(1);
  }
  server.handler->Release();
  server.handler->AwaitReceiversGone(2);
}

TEST_P(HttpServerTest, TellsTheHandlerOfAResponseThatCouldNotBeSentWhole) {
  TestServer server(GetParam());
  RawClient client(server.address(), GetParam());
  ASSERT_TRUE(client.Send(Get("/echo") + Get("/file")));
  EXPECT_EQ(client.Read().status, 200);
  EXPECT_EQ(client.Read().status, 200);
  RawClient gone(server.address(), GetParam());
  ASSERT_TRUE(gone.Send(Get("/hold")));
  server.handler->AwaitHeld(1);
  gone.Reset();
  server.handler->Release();
  server.handler->AwaitUnsent(1);
  RawClient halfway(server.address(), GetParam());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(halfway.Send(Get("/file")));  // The kernel takes a few.
  EXPECT_EQ(halfway.Read().status, 200);
  halfway.Reset();
  server.handler->AwaitUnsent(2);
  ASSERT_TRUE(client.Send(Get("/hold")));
  EXPECT_EQ(client.Read().status, 200);
  EXPECT_EQ(server.handler->unsent(), 2);
}

TEST_P(HttpServerTest, SaysThatItIsBusyWhenTheQueueIsFull) {
  HttpServerOptions options;
  options.worker_threads = 1;
  options.worker_queue_max = 1;
  TestServer server(options, GetParam());
  RawClient first(server.address(), GetParam());
  ASSERT_TRUE(first.Send(Get("/hold")));
  server.handler->AwaitHeld(1);
  // One of these waits in the queue; the other is refused. Which one is up to the loops.
  RawClient second(server.address(), GetParam());
  RawClient third(server.address(), GetParam());
  ASSERT_TRUE(second.Send(Get("/second")));
  ASSERT_TRUE(third.Send(Put("/stream", "x", "Expect: 100-continue\r\n")));
  while (server.http->stats().refused_busy == 0) std::this_thread::yield();
  ASSERT_TRUE(first.Send(Get("/fast")));
  server.handler->Release();
  EXPECT_EQ(first.Read().status, 200);
  EXPECT_EQ(first.Read().body, "fast");
  const RawClient::Reply replies[] = {second.Read(), third.Read()};
  const bool second_refused = replies[0].status == 503;
  EXPECT_EQ(replies[second_refused ? 0 : 1].status, 503);
  EXPECT_EQ(replies[second_refused ? 0 : 1].Header("Retry-After"), "1");
  EXPECT_LE(replies[second_refused ? 1 : 0].status, 200);
}

TEST_P(HttpServerTest, RefusesConnectionsBeyondItsLimit) {
  HttpServerOptions options;
  options.connections_max = 2;
  TestServer server(options, GetParam());
  RawClient first(server.address(), GetParam());
  RawClient second(server.address(), GetParam());
  for (RawClient* client : {&first, &second}) {
    ASSERT_TRUE(client->Send(Get("/fast")));
    EXPECT_EQ(client->Read().status, 200);
  }
  RawClient third(server.address(), GetParam());
  EXPECT_EQ(third.Read().status, GetParam() == Over::kTls ? 0 : 503);  // No handshake for it.
  EXPECT_TRUE(third.AtEnd());
}

TEST_P(HttpServerTest, EndsClientsThatKeepItWaiting) {
  HttpServerOptions options;
  options.head_timeout_ms = 60;
  options.idle_timeout_ms = 60;
  options.transfer_stall_ms = 60;
  TestServer server(options, GetParam());
  RawClient idle(server.address(), GetParam());
  EXPECT_TRUE(idle.AtEnd());
  RawClient slow_head(server.address(), GetParam());
  ASSERT_TRUE(slow_head.Send("GET / HT"));
  EXPECT_EQ(slow_head.Read().status, 408);
  RawClient slow_body(server.address(), GetParam());
  ASSERT_TRUE(slow_body.Send("PUT / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nab"));
  EXPECT_EQ(slow_body.Read().status, 408);
  RawClient slow_stream(server.address(), GetParam());
  ASSERT_TRUE(slow_stream.Send("PUT /stream HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nab"));
  EXPECT_EQ(slow_stream.Read().status, 408);
  server.handler->AwaitReceiversGone(1);
}

// The loop learns of both at once, so the end makes no event of its own.
TEST_P(HttpServerTest, SeesTheEndOfAClientThatLeavesRightBehindItsRequest) {
  HttpServerOptions options;
  options.loop_threads = 1;
  options.transfer_stall_ms = 60;  // What the ticks follow; the idle timeout stays long.
  TestServer server(options, GetParam());
  RawClient holder(server.address(), GetParam());
  RawClient leaver(server.address(), GetParam());
  ASSERT_TRUE(leaver.Send(Get("/fast")));
  EXPECT_EQ(leaver.Read().status, 200);
  ASSERT_TRUE(holder.Send(Get("/hold-loop")));
  server.handler->AwaitHeld(1);
  ASSERT_TRUE(leaver.Send(Get("/fast")));
  leaver.ShutdownWrite();
  server.handler->Release();
  EXPECT_EQ(leaver.Read().status, 200);
  EXPECT_TRUE(leaver.AtEnd());
  EXPECT_EQ(holder.Read().status, 200);
}

TEST_P(HttpServerTest, EndsAClientThatReadsNothing) {
  HttpServerOptions options;
  options.transfer_stall_ms = 60;
  TestServer server(options, GetParam());
  RawClient slow_reader(server.address(), GetParam());
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += Get("/large");
  ASSERT_TRUE(slow_reader.Send(requests));
  while (server.http->stats().connections_accepted == 0 ||
         server.http->stats().connections_open > 0) {
    std::this_thread::yield();
  }
  int answered = 0;
  while (slow_reader.Read().status == 200) ++answered;
  EXPECT_LT(answered, 20);
}

TEST_P(HttpServerTest, FinishesWhatIsUnderWayWhenItStops) {
  HttpServerOptions options;
  options.loop_threads = 1;  // When the idle one is closed, the busy one knows.
  TestServer server(options, GetParam());
  RawClient idle(server.address(), GetParam());
  ASSERT_TRUE(idle.Send(Get("/fast")));
  EXPECT_EQ(idle.Read().status, 200);
  RawClient busy(server.address(), GetParam());
  ASSERT_TRUE(busy.Send(Get("/hold")));
  server.handler->AwaitHeld(1);
  std::thread stopper([&] { server.http->Stop(); });
  EXPECT_TRUE(idle.AtEnd());
  server.handler->Release();
  const RawClient::Reply reply = busy.Read();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Header("Connection"), "close");
  EXPECT_TRUE(busy.AtEnd());
  stopper.join();
  EXPECT_FALSE(RawClient(server.address()).connected());
}

TEST_P(HttpServerTest, CountsWhatItDoes) {
  TestServer server(GetParam());
  RawClient client(server.address(), GetParam());
  ASSERT_TRUE(client.Send(Get("/fast")));
  client.Read();
  ASSERT_TRUE(client.Send("BAD\r\n\r\n"));
  client.Read();
  const HttpServerStats stats = server.http->stats();
  EXPECT_EQ(stats.connections_accepted, 1u);
  EXPECT_EQ(stats.requests, 1u);
  EXPECT_EQ(stats.responses_by_class[2], 1u);
  EXPECT_EQ(stats.responses_by_class[4], 1u);
  EXPECT_EQ(stats.parse_errors, 1u);
  EXPECT_GT(stats.bytes_received, 20u);
  EXPECT_GT(stats.bytes_sent, 60u);
}

}  // namespace
}  // namespace godwit::server
