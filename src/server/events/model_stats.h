// ModelStats: who has which version of a model, and how its downloads went.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "protocol/event_messages.h"
#include "server/db/database.h"
#include "server/registry/model.h"

namespace godwit::server {

struct VersionAdoption {
  int64_t version = 0;        // 0: a file that is no kept version of the model.
  int64_t installations = 0;  // That said they hold it when they were last seen.
};

struct DayTotal {
  int64_t day = 0;      // Since 1970-01-01 UTC.
  int64_t version = 0;  // 0: not known.
  EventKind kind = EventKind::kStarted;
  EventReason reason = EventReason::kNone;
  EventSums sums;
};

struct ModelStats {
  int64_t first_day = 0;
  int64_t last_day = 0;
  std::vector<VersionAdoption> adoption;  // The newest version first, 0 last.
  std::vector<DayTotal> totals;           // By day, version, kind, reason; without empty ones.
};

inline constexpr int64_t kStatsDaysMax = 400;

// Of the last `days` days, today among them: installations seen since then, and sums of events.
// Blocks on the disk. REQUIRES: days >= 1.
Result<ModelStats> ReadModelStats(Database& database, const Model& model, int64_t days,
                                  int64_t now_ms);

}  // namespace godwit::server
