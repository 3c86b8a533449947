#include "device/download.h"

#include <cassert>
#include <cstddef>

namespace godwit {
namespace {

using State = DownloadState;
using Event = DownloadEvent;
using Budget = DownloadBudget;

struct Row {
  State state;
  Event event;
  State next;
  Budget budget;
};

// clang-format off
constexpr Row kRows[] = {
    // in             on                     go to             at the cost of
    {State::kCheck,    Event::kSucceeded,    State::kTransfer, Budget::kNone},
    {State::kCheck,    Event::kUnchanged,    State::kDone,     Budget::kNone},
    {State::kCheck,    Event::kTransient,    State::kCheck,    Budget::kRetries},
    {State::kCheck,    Event::kTokenRefused, State::kCheck,    Budget::kTokens},
    {State::kCheck,    Event::kMismatch,     State::kCheck,    Budget::kRestarts},
    {State::kCheck,    Event::kFatal,        State::kFailed,   Budget::kNone},
    {State::kTransfer, Event::kSucceeded,    State::kCommit,   Budget::kNone},
    {State::kTransfer, Event::kUnchanged,    State::kDone,     Budget::kNone},
    {State::kTransfer, Event::kTransient,    State::kTransfer, Budget::kRetries},
    {State::kTransfer, Event::kInterrupted,  State::kTransfer, Budget::kNone},
    {State::kTransfer, Event::kStale,        State::kCheck,    Budget::kNone},
    {State::kTransfer, Event::kLinkExpired,  State::kCheck,    Budget::kLinks},
    {State::kTransfer, Event::kMismatch,     State::kCheck,    Budget::kRestarts},
    {State::kTransfer, Event::kFatal,        State::kFailed,   Budget::kNone},
    {State::kCommit,   Event::kSucceeded,    State::kDone,     Budget::kNone},
    {State::kCommit,   Event::kTransient,    State::kCommit,   Budget::kRetries},
    {State::kCommit,   Event::kLinkExpired,  State::kCheck,    Budget::kLinks},
    {State::kCommit,   Event::kMismatch,     State::kCheck,    Budget::kRestarts},
    {State::kCommit,   Event::kFatal,        State::kFailed,   Budget::kNone},
};
// clang-format on

}  // namespace

DownloadStep NextStep(DownloadState state, DownloadEvent event) {
  for (const Row& row : kRows) {
    if (row.state == state && row.event == event) return {row.next, row.budget};
  }
  assert(false && "no row for this state and event");
  return {};
}

bool DownloadBudgets::Spend(DownloadBudget budget) {
  if (budget == DownloadBudget::kNone) return true;
  int& left = left_[static_cast<size_t>(budget)];
  if (left == 0) return false;
  --left;
  return true;
}

void DownloadBudgets::Refill() {
  constexpr auto kRetries = static_cast<size_t>(DownloadBudget::kRetries);
  left_[kRetries] = kFull[kRetries];
}

int DownloadBudgets::retries_spent() const {
  constexpr auto kRetries = static_cast<size_t>(DownloadBudget::kRetries);
  return kFull[kRetries] - left_[kRetries];
}

}  // namespace godwit
