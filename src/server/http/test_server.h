// A server with a small application of its own, and a client that writes raw bytes: for the
// tests of this folder.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/certificate.h"
#include "crypto/tls_test_client.h"
#include "server/http/http_server.h"

namespace godwit::testing {

// The application:
//   GET /fast            "fast", from the loop
//   GET /large           4 MiB of a pattern, from the loop
//   GET /file /fast-file the file given to the constructor, by a worker or from the loop
//   GET /secure          "secure" over TLS, else "plain"
//   GET /throw           its handler throws
//   GET /broken-header   a header with a line break in it
//   GET /hold            answers when Release was called
//   GET /hold-loop       "fast" when Release was called, from the loop, which stands still
//   PUT /stream...       streamed; answers count and a sum; "refuse" in the path refuses the
//                        first part, "hold" waits for Release in each part
//   any other            worker; echoes method, path, query, host and body
class TestHandler final : public server::Handler {
 public:
  static constexpr uint64_t kBodyMaxBytes = 1 << 20;
  static constexpr uint64_t kStreamMaxBytes = 64 << 20;

  TestHandler(std::shared_ptr<File> file, uint64_t file_size_bytes);

  bool TryFast(const server::RequestHead& head, server::FastReply* reply) override;
  server::RoutePlan Plan(const server::RequestHead& head) override;
  server::Response Handle(const server::Request& request) override;
  std::unique_ptr<server::BodyReceiver> StartBody(const server::Request& request) override;

  // How many calls of Handle or Append wait in "hold".
  void AwaitHeld(int count);
  void Release();
  // Blocks until so many receivers were destroyed.
  void AwaitReceiversGone(int count);
  // Blocks until so many responses of workers were reported unsent.
  void AwaitUnsent(int count);
  int unsent();

 private:
  class Receiver;
  void Hold();

  const std::shared_ptr<File> file_;
  const uint64_t file_size_bytes_;
  std::string large_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int held_ = 0;
  int receivers_gone_ = 0;
  int unsent_ = 0;
  bool released_ = false;
};

enum class Over { kPlain, kTls };

// A blocking socket with a time limit on each read (10 s), so that no test hangs.
class RawClient {
 public:
  // address: as HttpServer gives it (loopback only), or "unix:PATH".
  explicit RawClient(const std::string& address);
  // Connects and, over TLS, shakes hands.
  RawClient(const std::string& address, Over over, const TlsTestClient::Options& options = {});
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  const TlsTestClient* tls() const { return tls_.get(); }  // nullptr when it failed.
  TlsTestClient* tls() { return tls_.get(); }
  // False when the peer is gone.
  bool Send(std::string_view bytes);
  void ShutdownWrite();
  void Reset();  // Ends the connection so that the server's next send fails.

  struct Reply {
    int status = 0;  // 0: the connection ended instead.
    std::string head;
    std::string body;
    // A header's value; empty when absent.
    std::string Header(const std::string& name) const;
  };
  // Reads one response by its Content-Length. is_head: no body follows.
  Reply Read(bool is_head = false);
  // Whether the server closed (or reset) the connection, with nothing more before.
  bool AtEnd();

 private:
  bool Fill();
  int64_t Receive(std::span<char> out);
  int descriptor_ = -1;
  std::unique_ptr<TlsTestClient> tls_;
  std::string buffer_;
};

// A certificate for the names, and what vouches for it.
TlsIdentity NewTestIdentity(const std::vector<std::string>& names);

struct TestServer {
  // Listens on one port, unless the options say more. Over TLS as "server.test".
  explicit TestServer(server::HttpServerOptions options = {}, Over over = Over::kPlain);
  explicit TestServer(Over over) : TestServer(server::HttpServerOptions(), over) {}
  ~TestServer();

  std::string address(size_t index = 0) const {
    return (over_ == Over::kTls ? http->tls_addresses() : http->addresses())[index];
  }

  std::unique_ptr<Clock> clock = NewSystemClock();
  NullLogger logger;
  std::string file_bytes;
  std::unique_ptr<TestHandler> handler;
  std::unique_ptr<server::HttpServer> http;

 private:
  const Over over_;
  std::string path_;
};

}  // namespace godwit::testing
