#include "proxy/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <thread>

namespace godwit {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kConnect =
    "CONNECT firebaseml.googleapis.com:443 HTTP/1.1\r\nHost: firebaseml.googleapis.com:443\r\n\r\n";
constexpr const char* kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";

class LineLogger final : public Logger {
 public:
  void Log(LogLevel, std::string_view message, std::initializer_list<LogField> fields) override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(message);
    for (const LogField& field : fields) lines_.back().append(" ").append(field.value);
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

// A blocking end of a TCP connection, with ten seconds of patience.
class Peer {
 public:
  explicit Peer(Descriptor socket) : socket_(std::move(socket)) {
    if (!socket_.is_open()) return;
    pollfd entry{socket_.get(), POLLIN | POLLOUT, 0};
    ::poll(&entry, 1, 10'000);
  }

  void Send(std::string_view bytes) const {
    while (!bytes.empty() && Wait(POLLOUT)) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0) return;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }
  void EndSending() const { ::shutdown(socket_.get(), SHUT_WR); }

  // Exactly so many bytes, fewer at the end.
  std::string Read(size_t size) const {
    std::string bytes(size, '\0');
    size_t have = 0;
    while (have < size && Wait(POLLIN)) {
      const ssize_t count = ::recv(socket_.get(), bytes.data() + have, size - have, 0);
      if (count <= 0) break;
      have += static_cast<size_t>(count);
    }
    bytes.resize(have);
    return bytes;
  }
  std::string ReadAll() const {
    std::string all;
    for (std::string part; !(part = Read(64 << 10)).empty();) all += part;
    return all;
  }

 private:
  bool Wait(int events) const {
    pollfd entry{socket_.get(), static_cast<short>(events), 0};
    return ::poll(&entry, 1, 10'000) == 1;
  }

  Descriptor socket_;
};

class ProxyTest : public ::testing::Test {
 protected:
  ~ProxyTest() override { Stop(); }

  void Start() {
    if (options_.server.empty()) options_.server = LocalAddress(server_);
    options_.listen = "127.0.0.1:0";
    auto proxy = Proxy::Listen(options_, *clock_, logger_);
    ASSERT_TRUE(proxy.ok()) << proxy.status().message();
    proxy_ = std::move(*proxy);
    thread_ = std::thread([this] { proxy_->Run(); });
  }
  void Stop() {
    if (!thread_.joinable()) return;
    proxy_->Stop();
    thread_.join();
  }

  Peer Client() const { return Peer(BeginConnect(ResolveAddress(proxy_->address())->front())); }
  Peer AcceptAtServer() const {
    pollfd entry{server_.get(), POLLIN, 0};
    ::poll(&entry, 1, 10'000);
    return Peer(AcceptFrom(server_));
  }
  std::string Ask(std::string_view request) const {
    const Peer client = Client();
    client.Send(request);
    return client.ReadAll();
  }

  const Descriptor server_ = ListenOn(ResolveAddress("127.0.0.1:0")->front()).value();
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  LineLogger logger_;
  ProxyOptions options_;
  std::unique_ptr<Proxy> proxy_;
  std::thread thread_;
};

TEST_F(ProxyTest, LeadsBytesBothWaysAndEachWayEndsForItself) {
  Start();
  const Peer client = Client();
  client.Send(std::string(kConnect) + "early");  // Without waiting for the reply.
  const Peer server = AcceptAtServer();
  EXPECT_EQ(server.Read(5), "early");
  EXPECT_EQ(client.Read(39), kEstablished);
  client.Send("more");
  EXPECT_EQ(server.Read(4), "more");
  client.EndSending();
  EXPECT_EQ(server.Read(1), "");
  server.Send("the answer comes after the client's end");
  EXPECT_THAT(client.Read(10), "the answer");
  server.EndSending();
  EXPECT_THAT(client.ReadAll(), HasSubstr("client's end"));
}

TEST_F(ProxyTest, LosesNoByteOfALongTransferToASlowReader) {
  Start();
  const Peer client = Client();
  client.Send(kConnect);
  const Peer server = AcceptAtServer();
  EXPECT_EQ(client.Read(39), kEstablished);
  std::string sent(8 << 20, '\0');
  for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7919 >> 8);
  std::thread up([&] {
    client.Send(sent);
    client.EndSending();
  });
  std::thread down([&] {
    server.Send(sent);
    server.EndSending();
  });
  std::string at_server;
  for (std::string part; !(part = server.Read(1000)).empty();) at_server += part;
  EXPECT_TRUE(at_server == sent);
  EXPECT_TRUE(client.ReadAll() == sent);
  up.join();
  down.join();
}

TEST_F(ProxyTest, RefusesAllOtherHostsAndLogsEachOnce) {
  Start();
  for (const char* target : {"example.org:443", "storage.googleapis.com:80", "googleapis.com:443",
                             "127.0.0.1:443", "storage.googleapis.com.evil.org:443",
                             "xfirebaseml.googleapis.com:443", "example.org:443"}) {
    const std::string reply = Ask("CONNECT " + std::string(target) + " HTTP/1.1\r\n\r\n");
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 403 Forbidden\r\n")) << target;
    EXPECT_THAT(reply, HasSubstr("\r\n\r\nthis proxy leads Firebase's hosts")) << target;
    EXPECT_THAT(reply, HasSubstr(std::string(target) + " is not one of them")) << target;
  }
  EXPECT_EQ(logger_.lines().size(), 6u);
  EXPECT_EQ(logger_.lines().front(), "refused a host that is not Firebase's example.org:443");
}

TEST_F(ProxyTest, ExplainsWhatItDoesNotTake) {
  Start();
  struct Row {
    std::string request;
    const char* reply;
  };
  for (const Row& row : {
           Row{"GET http://storage.googleapis.com/a HTTP/1.1\r\n\r\n",
               "HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\n"},
           Row{"GET /proxy.pac HTTP/1.1\r\n\r\n", "HTTP/1.1 405 "},
           Row{"CONNECT firebaseml.googleapis.com HTTP/1.1\r\n\r\n",
               "HTTP/1.1 400 Bad Request\r\n"},
           Row{"\x16\x03\x01\x02", "HTTP/1.1 400 Bad Request\r\n"},
           Row{"GET /" + std::string(kProxyHeadMaxBytes, 'a'), "HTTP/1.1 431 "},
       }) {
    EXPECT_THAT(Ask(row.request), StartsWith(row.reply)) << row.request.substr(0, 60);
  }
}

TEST_F(ProxyTest, GivesAConfigurationThatUsesItForFirebaseAlone) {
  Start();
  const std::string reply = Ask("GET /proxy.pac HTTP/1.1\r\nHost: 10.0.2.2:8480\r\n\r\n");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: "
                                "application/x-ns-proxy-autoconfig\r\n"));
  EXPECT_THAT(reply, HasSubstr("\"storage.googleapis.com\""));
  EXPECT_THAT(reply, HasSubstr("return \"PROXY 10.0.2.2:8480\""));
  EXPECT_THAT(reply, HasSubstr("return \"DIRECT\""));
}

TEST_F(ProxyTest, SaysWhenTheServerCannotBeReached) {
  options_.server = LocalAddress(ListenOn(ResolveAddress("127.0.0.1:0")->front()).value());
  Start();
  const std::string reply = Ask(kConnect);
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 502 Bad Gateway\r\n"));
  EXPECT_THAT(reply, HasSubstr(options_.server + " cannot be reached"));
}

TEST_F(ProxyTest, EndsThoseWhoAreTooSlow) {
  options_.timeouts.head_ms = options_.timeouts.idle_ms = 20;
  Start();
  EXPECT_EQ(Ask(""), "");
  EXPECT_THAT(Ask("CONNECT fire"), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  const Peer client = Client();
  client.Send(kConnect);
  const Peer server = AcceptAtServer();
  EXPECT_EQ(client.ReadAll(), kEstablished);
  EXPECT_EQ(server.ReadAll(), "");
}

TEST_F(ProxyTest, LetsOneMoreClientInWhenOneLeaves) {
  options_.clients_max = 1;
  Start();
  auto first = std::make_unique<Peer>(Client());
  first->Send(kConnect);
  const Peer server = AcceptAtServer();
  EXPECT_EQ(first->Read(39), kEstablished);
  const Peer second = Client();
  second.Send("CONNECT example.org:443 HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(logger_.lines().empty());
  first.reset();
  server.EndSending();
  EXPECT_THAT(second.ReadAll(), StartsWith("HTTP/1.1 403 "));
}

TEST_F(ProxyTest, EndsTheTunnelWhenTheServerBreaksOff) {
  Start();
  const Peer client = Client();
  client.Send(kConnect);
  {
    const Peer server = AcceptAtServer();
    client.Send("never read, so that closing resets the connection");
    EXPECT_EQ(server.Read(1), "n");
  }
  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 200"));
}

TEST_F(ProxyTest, ClosesItsTunnelsWhenStopped) {
  Start();
  const Peer client = Client();
  client.Send(kConnect);
  const Peer server = AcceptAtServer();
  EXPECT_EQ(client.Read(39), kEstablished);
  Stop();
  EXPECT_EQ(client.ReadAll(), "");
  EXPECT_EQ(server.ReadAll(), "");
}

TEST_F(ProxyTest, SaysWhyItCannotListen) {
  ProxyOptions options;
  options.server = "127.0.0.1:1";
  options.listen = LocalAddress(server_);
  const auto taken = Proxy::Listen(options, *clock_, logger_);
  EXPECT_EQ(taken.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(taken.status().message(), HasSubstr("listen on " + options.listen));
  for (const char* wrong : {"", ":1", "localhost", "localhost:", "localhost:x", "::1:80",
                            "localhost:65536", "localhost:-1"}) {
    options.listen = wrong;
    EXPECT_EQ(Proxy::Listen(options, *clock_, logger_).status().code(),
              StatusCode::kInvalidArgument)
        << wrong;
  }
}

}  // namespace
}  // namespace godwit
