// FaultPoints: every call through a seam counted, and the n-th or all from it on made to fail.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/status.h"
#include "fs/file_system.h"
#include "http/http_client.h"

namespace godwit::testing {

enum class FaultSpan { kOnce, kForEver };

// Thread-safe.
class FaultPoints {
 public:
  // The n-th call from now fails, 0 being the next; with kForEver those after it, too.
  void FailAt(uint64_t n, FaultSpan span);
  void FailNothing();

  // Calls since the start or the last FailAt or FailNothing.
  uint64_t count() const;
  // True once a call failed because of FailAt.
  bool reached() const;

  // Counts a call; the fault's status when it must fail. `what` names it in the message.
  Status Count(StatusCode code, const std::string& what);

 private:
  mutable std::mutex mutex_;
  uint64_t count_ = 0;  // Guarded by mutex_, as are all.
  uint64_t fail_at_ = UINT64_MAX;
  FaultSpan span_ = FaultSpan::kOnce;
  bool reached_ = false;
};

// A file system all of whose calls, those on its files too, are fault points (kIo). Borrows both.
std::unique_ptr<FileSystem> NewFaultPointFileSystem(FileSystem& fs, FaultPoints& points);

// A network where each request and each piece of an answer is one (kUnavailable). Borrows both.
std::unique_ptr<HttpClient> NewFaultPointHttpClient(HttpClient& http, FaultPoints& points);

}  // namespace godwit::testing
