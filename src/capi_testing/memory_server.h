// MemoryServer: the server of an app's unit tests, behind the seam to the network.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "http/http_client.h"

namespace godwit {

// Thread-safe. Answers as a godwit server does, and fails as it is told.
class MemoryServer final : public HttpClient {
 public:
  // The clock is borrowed.
  explicit MemoryServer(const Clock& clock) : clock_(clock) {}

  void SetModel(const std::string& address, std::string bytes, uint64_t version);
  void RemoveModel(const std::string& address);
  // REQUIRES: !failure.ok().
  void FailNext(Status failure);
  void SetOffline(bool offline);
  uint64_t request_count() const;

  Result<HttpResponse> Send(const HttpRequest& request, HttpSink* sink,
                            const std::atomic<bool>* cancelled) override;

 private:
  struct Offer {
    std::string bytes;
    std::string hash;
    uint64_t version = 0;
  };

  Result<HttpResponse> Check(const HttpRequest& request);
  Result<HttpResponse> File(const HttpRequest& request) const;

  const Clock& clock_;
  mutable std::mutex mutex_;
  // All guarded by mutex_.
  std::map<std::string, Offer> offers_;  // By address.
  std::deque<Status> failures_;
  bool offline_ = false;
  uint64_t request_count_ = 0;
};

}  // namespace godwit
