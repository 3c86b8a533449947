#include "protocol/event_messages.h"

#include <algorithm>

#include "base/time_format.h"
#include "protocol/model_address.h"
#include "protocol/model_messages.h"

namespace godwit {
namespace {

constexpr int64_t kDayMs = 24 * 3600 * 1000;
constexpr size_t kReplyMax = 16 << 10;

Status WrongRow(size_t index, std::string_view reason) {
  return Status(StatusCode::kInvalidArgument, "events[" + std::to_string(index) +
                                                  "]: " + std::string(reason) +
                                                  "; nothing of this batch was taken");
}

bool IsWithin(int64_t value, int64_t min, int64_t max) { return value >= min && value <= max; }

Result<EventRow> ParseRow(const Json& json, size_t index) {
  EventRow row;
  row.key.day = ParseDay(json["day"].AsString());
  row.key.model = json["model"].AsString();
  row.key.hash = json["modelHash"].AsString();
  row.sums.count = json["count"].AsInt(-1);
  row.sums.bytes = json["bytes"].AsInt(json.Has("bytes") ? -1 : 0);
  row.sums.duration_ms = json["durationMs"].AsInt(json.Has("durationMs") ? -1 : 0);
  const auto kind = ParseEventKind(json["kind"].AsString());
  const auto reason = ParseEventReason(json["reason"].AsString());
  if (!kind) return WrongRow(index, "kind is in no list");
  if (!reason) return WrongRow(index, "reason is in no list");
  row.key.kind = *kind;
  row.key.reason = *reason;
  if (row.key.day < 0) return WrongRow(index, "day is no date such as 2026-01-02");
  if (!ModelAddress::Parse(row.key.model).ok()) return WrongRow(index, "model is no address");
  if (!row.key.hash.empty() && !IsSha256Hex(row.key.hash)) {
    return WrongRow(index, "modelHash is no SHA-256 in hex");
  }
  if (!IsWithin(row.sums.count, 1, kEventCountMax)) return WrongRow(index, "count is no count");
  if (!IsWithin(row.sums.bytes, 0, kEventSumMax)) return WrongRow(index, "bytes are no size");
  if (!IsWithin(row.sums.duration_ms, 0, kEventSumMax)) {
    return WrongRow(index, "durationMs is no time");
  }
  return row;
}

}  // namespace

int64_t DayOf(int64_t time_ms) { return time_ms < 0 ? 0 : time_ms / kDayMs; }

std::string FormatDay(int64_t day) { return FormatTimeMillis(day * kDayMs).substr(0, 10); }

int64_t ParseDay(std::string_view text) {
  if (text.size() != 10) return -1;
  const int64_t time_ms = ParseTimeMs(std::string(text) + "T00:00:00Z");
  const int64_t day = time_ms < 0 ? -1 : DayOf(time_ms);
  return day >= 0 && FormatDay(day) == text ? day : -1;  // There is no 31st of February.
}

std::string EventBatchPath(std::string_view project_id, std::string_view fid) {
  return "/v1beta2/projects/" + std::string(project_id) + "/installations/" + std::string(fid) +
         "/events:batch";
}

Json EventRowsJson(const std::vector<EventRow>& rows) {
  Json events = Json::Array();
  for (const EventRow& row : rows) {
    Json event = Json::Object({{"day", FormatDay(row.key.day)}, {"model", row.key.model}});
    if (!row.key.hash.empty()) event.Set("modelHash", row.key.hash);
    event.Set("kind", EventKindName(row.key.kind));
    if (row.key.reason != EventReason::kNone) event.Set("reason", EventReasonName(row.key.reason));
    event.Set("count", std::to_string(row.sums.count));
    if (row.sums.bytes != 0) event.Set("bytes", std::to_string(row.sums.bytes));
    if (row.sums.duration_ms != 0) event.Set("durationMs", std::to_string(row.sums.duration_ms));
    events.Add(std::move(event));
  }
  return events;
}

Result<std::vector<EventRow>> ParseEventRows(const Json& events) {
  if (events.items().size() > kEventRowsMax) {
    return Status(StatusCode::kInvalidArgument,
                  "events must be a list of at most " + std::to_string(kEventRowsMax) + " rows");
  }
  std::vector<EventRow> rows;
  for (size_t i = 0; i < events.items().size(); ++i) {
    GODWIT_ASSIGN_OR_RETURN(EventRow row, ParseRow(events.items()[i], i));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string SerializeEventBatch(const EventBatch& batch) {
  return Json::Object(
             {{"sequence", std::to_string(batch.sequence)}, {"events", EventRowsJson(batch.rows)}})
      .Serialize();
}

std::string SerializeEventReply(const EventReply& reply) {
  return Json::Object({{"lastSequence", std::to_string(reply.last_sequence)}}).Serialize();
}

Result<EventBatch> ParseEventBatch(std::string_view body, int64_t today) {
  GODWIT_ASSIGN_OR_RETURN(
      const Json json,
      Json::Parse(body, {.bytes_max = kEventBatchMaxBytes, .depth_max = 4}).WithContext("events"));
  EventBatch batch;
  batch.sequence = json["sequence"].AsInt(0);
  if (batch.sequence < 1) {
    return Status(StatusCode::kInvalidArgument,
                  "sequence must be a number above 0, greater with each batch");
  }
  GODWIT_ASSIGN_OR_RETURN(batch.rows, ParseEventRows(json["events"]));
  if (batch.rows.empty()) {
    return Status(StatusCode::kInvalidArgument, "events must be a list of at least 1 row");
  }
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    if (!IsWithin(batch.rows[i].key.day, today - kEventDaysPastMax, today + kEventDaysFutureMax)) {
      return WrongRow(i, "day is too long ago or in the future");
    }
  }
  return batch;
}

Result<EventReply> ParseEventReply(std::string_view body) {
  GODWIT_ASSIGN_OR_RETURN(
      const Json json,
      Json::Parse(body, {.bytes_max = kReplyMax}).WithContext("answer to the events"));
  EventReply reply;
  reply.last_sequence = json["lastSequence"].AsInt(-1);
  if (reply.last_sequence < 0) {
    return Status(StatusCode::kDataLoss,
                  "the server's answer to the events has no lastSequence; check that the address "
                  "is a godwit server's");
  }
  return reply;
}

}  // namespace godwit
