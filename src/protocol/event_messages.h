// What a device tells the server about its models: sums by day, sent with consent only.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protocol/event_kinds.h"
#include "protocol/json.h"

namespace godwit {

// What a row counts. A value type, in the order of a log.
struct EventKey {
  int64_t day = 0;    // Since 1970-01-01 UTC, by the device's clock.
  std::string model;  // An address: "face", "face@7", "face@stable".
  std::string hash;   // Lower-case hex SHA-256 of the file; empty: not known.
  EventKind kind = EventKind::kStarted;
  EventReason reason = EventReason::kNone;
  friend auto operator<=>(const EventKey&, const EventKey&) = default;
};

struct EventSums {
  int64_t count = 0;
  int64_t bytes = 0;
  int64_t duration_ms = 0;
  friend bool operator==(const EventSums&, const EventSums&) = default;
};

struct EventRow {
  EventKey key;
  EventSums sums;
  friend bool operator==(const EventRow&, const EventRow&) = default;
};

// Sent again with the same sequence until it is answered; the next one has a greater sequence.
struct EventBatch {
  int64_t sequence = 0;
  std::vector<EventRow> rows;
};

struct EventReply {
  int64_t last_sequence = 0;  // The greatest that the server has taken of this installation.
};

inline constexpr size_t kEventBatchMaxBytes = 64 << 10;
inline constexpr size_t kEventRowsMax = 200;                    // Of one batch.
inline constexpr int64_t kEventDaysPastMax = 30;                // Older rows are refused,
inline constexpr int64_t kEventDaysFutureMax = 1;               // as are those of later days.
inline constexpr int64_t kEventCountMax = 1'000'000;            // Of one row; and
inline constexpr int64_t kEventSumMax = 1'000'000'000'000'000;  // bytes or ms of one row.

// Days since 1970-01-01 UTC; "2026-01-02"; -1 for what is no such text.
int64_t DayOf(int64_t time_ms);
std::string FormatDay(int64_t day);
int64_t ParseDay(std::string_view text);

// "/v1beta2/projects/{project}/installations/{fid}/events:batch".
std::string EventBatchPath(std::string_view project_id, std::string_view fid);

// The list of events in a batch, whatever their days. A list that is absent has none.
Json EventRowsJson(const std::vector<EventRow>& rows);
Result<std::vector<EventRow>> ParseEventRows(const Json& events);

std::string SerializeEventBatch(const EventBatch& batch);
std::string SerializeEventReply(const EventReply& reply);

// kInvalidArgument, naming the row, for whatever is over a limit or in no closed list. today: the
// day by the server's clock.
Result<EventBatch> ParseEventBatch(std::string_view body, int64_t today);
Result<EventReply> ParseEventReply(std::string_view body);

}  // namespace godwit
