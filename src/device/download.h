// The life of one download as a table: what follows what, and what each failure may cost.
// Pure; the I/O lies in downloader.cc.
#pragma once

#include <array>

namespace godwit {

enum class DownloadState {
  kCheck,     // Ask the server what the model is.
  kTransfer,  // Fetch the file, or the rest of it.
  kCommit,    // Verify it and make it the model.
  kDone,
  kFailed,
};

enum class DownloadEvent {
  kSucceeded,
  kUnchanged,     // The local model is the server's, or somebody else just brought it.
  kTransient,     // Network, or a server that is busy.
  kTokenRefused,  // 401.
  kInterrupted,   // Something goes first, a condition was lost, or another one has the lock.
  kStale,         // The answer waited so long that it may not be true any more.
  kLinkExpired,   // The link no longer leads to the file.
  kMismatch,      // Other bytes than announced, or the local model vanished meanwhile.
  kFatal,
};

// What a step may use up; when it is gone the download fails with the last error.
enum class DownloadBudget { kNone, kRetries, kTokens, kLinks, kRestarts };

struct DownloadStep {
  DownloadState next = DownloadState::kFailed;
  DownloadBudget budget = DownloadBudget::kNone;
};

// What follows. A pair that has no row is a bug and asserts.
DownloadStep NextStep(DownloadState state, DownloadEvent event);

// How much is left of each budget. A value type.
class DownloadBudgets {
 public:
  // Takes one; false when there is none left. kNone is never used up.
  bool Spend(DownloadBudget budget);

  // Bytes arrived, so the network works: retries are counted anew.
  void Refill();

  // Retries taken since the start or the last Refill.
  int retries_spent() const;

 private:
  static constexpr std::array<int, 5> kFull = {0, 4, 1, 2, 1};
  std::array<int, 5> left_ = kFull;
};

}  // namespace godwit
