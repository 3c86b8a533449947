// Servers: which of a deployment's servers a request goes to, and what its answer says of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "http/http_client.h"

namespace godwit {

struct ServersOptions {
  // "https://models.example.org", without a slash at the end. REQUIRES: at least one.
  std::vector<std::string> urls;
  // Of every request; HttpRequest says what they mean.
  int64_t stall_timeout_ms = 30'000;
  int64_t stall_bytes_per_s = 1;
};

// The first server and those that stand in for it: mirrors of one deployment, which share its
// data and its signing keys, so that a token or a link of one holds at each.
//
// A server is out when it gives no connection, stalls, refuses TLS, answers 5xx, or answers what
// no godwit server would (a redirect, or a page where JSON was to come: a network's login page).
// Any other answer, 403, 404 and 429 among them, is an answer. One that is out is passed over for
// a minute, then for twice as long each time, at most half an hour, or as long as it asked for;
// then the first one of the list gets the next request again. When all are out, all are tried.
//
// Thread-safe.
class Servers {
 public:
  // All but the options are borrowed.
  Servers(const ServersOptions& options, HttpClient& http, const Clock& clock, Logger& logger);

  struct Reply {
    HttpResponse response;
    std::string server_url;  // Who answered.
  };

  // Sends a request whose url is a path to one server after the other until one is not out.
  // When all are: the last one's outcome, which may be its answer with 5xx. Blocks.
  Result<Reply> Send(HttpRequest request, const std::atomic<bool>* cancelled);

  // Asks once for the file that a link leads to: a link to one of the servers at whichever is not
  // out now, a link to a foreign host there. Blocks.
  Result<HttpResponse> Fetch(HttpRequest request, HttpSink& sink,
                             const std::atomic<bool>* cancelled);

  // Whether this is the server that speaks for all; the others stand in for it.
  bool IsFirst(std::string_view server_url) const { return servers_.front().url == server_url; }

 private:
  struct Server {
    std::string url;
    int failures = 0;                  // In a row.
    int64_t passed_over_until_ms = 0;  // Of the monotonic clock.
  };

  // Indices of servers_: those that are not passed over, then the others.
  std::vector<size_t> Order();
  Result<HttpResponse> SendOnce(HttpRequest& request, HttpSink* sink,
                                const std::atomic<bool>* cancelled);
  // Remembers how a request to this server went. cause is Ok unless the server is out.
  void Learn(size_t index, const Status& cause, int64_t retry_after_ms);

  const ServersOptions options_;
  HttpClient& http_;
  const Clock& clock_;
  Logger& logger_;
  std::mutex mutex_;
  std::vector<Server> servers_;  // The urls never change; the rest is guarded by mutex_.
};

// "https://host:8443" of an address; the whole text when it has no path.
std::string_view OriginOf(std::string_view url);

// Why a redirect is an error here: for a person.
Status RedirectError(const HttpResponse& response);

}  // namespace godwit
