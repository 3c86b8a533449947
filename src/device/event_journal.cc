#include "device/event_journal.h"

#include <algorithm>
#include <utility>

#include "device/store_layout.h"

namespace godwit {
namespace {

constexpr std::string_view kMagic = "GWEV";

int64_t Limited(uint64_t value) {
  return static_cast<int64_t>(std::min<uint64_t>(value, kEventSumMax));
}

void AddTo(EventSums& sums, const EventSums& more) {
  sums.count = std::min(sums.count + more.count, kEventCountMax);
  sums.bytes = std::min(sums.bytes + more.bytes, kEventSumMax);
  sums.duration_ms = std::min(sums.duration_ms + more.duration_ms, kEventSumMax);
}

std::vector<EventRow> RowsOf(const std::map<EventKey, EventSums>& added) {
  std::vector<EventRow> rows;
  for (const auto& [key, sums] : added) rows.push_back({key, sums});
  return rows;
}

}  // namespace

EventJournal::EventJournal(FileSystem& fs, const Clock& clock, Logger& logger,
                           std::string directory)
    : fs_(fs),
      clock_(clock),
      logger_(logger),
      path_(JoinPath(directory, kEventsFile)),
      lock_path_(JoinPath(JoinPath(directory, kLockFolder), kEventsLock)),
      file_(fs, logger, kMagic, path_) {}

Result<std::unique_ptr<FileLock>> EventJournal::Lock() {
  return fs_.Lock(lock_path_, LockMode::kExclusive);
}

Result<EventJournal::State> EventJournal::Parse(const Json& json) {
  State state;
  state.last_sequence = json["last_sequence"].AsInt();
  state.sent_day = json["sent_day"].AsInt();
  state.sent_bytes = json["sent_bytes"].AsInt();
  state.batch.sequence = json["batch"]["sequence"].AsInt();
  GODWIT_ASSIGN_OR_RETURN(state.batch.rows, ParseEventRows(json["batch"]["events"]));
  GODWIT_ASSIGN_OR_RETURN(const auto added, ParseEventRows(json["events"]));
  for (const EventRow& row : added) AddTo(state.added[row.key], row.sums);
  return state;
}

Result<EventJournal::State> EventJournal::Read() {
  GODWIT_ASSIGN_OR_RETURN(const Json json, file_.Read());
  auto state = Parse(json);
  if (state.ok()) return state;
  logger_.Warning("the log of events is damaged and begins anew",
                  {{"path", path_}, {"cause", state.status().message()}});
  return State();
}

Status EventJournal::Write(const State& state) {
  Json json = Json::Object({{"last_sequence", state.last_sequence},
                            {"sent_day", state.sent_day},
                            {"sent_bytes", state.sent_bytes},
                            {"events", EventRowsJson(RowsOf(state.added))}});
  if (!state.batch.rows.empty()) {
    json.Set("batch", Json::Object({{"sequence", state.batch.sequence},
                                    {"events", EventRowsJson(state.batch.rows)}}));
  }
  return file_.Write(json);
}

Status EventJournal::Add(const DeviceEvent& event) {
  const std::lock_guard guard(mutex_);
  GODWIT_ASSIGN_OR_RETURN(const auto lock, Lock());
  GODWIT_ASSIGN_OR_RETURN(State state, Read());
  const EventKey key{DayOf(clock_.NowMs()), event.model, event.hash, event.kind, event.reason};
  const auto found = state.added.find(key);
  if (found == state.added.end() && state.added.size() >= kEventRowsKept) return Status::Ok();
  AddTo(state.added[key],
        {1, Limited(event.bytes),
         Limited(static_cast<uint64_t>(std::max<int64_t>(event.duration_ms, 0)))});
  return Write(state);
}

Result<std::optional<EventBatch>> EventJournal::NextBatch() {
  const std::lock_guard guard(mutex_);
  GODWIT_ASSIGN_OR_RETURN(const auto lock, Lock());
  GODWIT_ASSIGN_OR_RETURN(State state, Read());
  const int64_t today = DayOf(clock_.NowMs());
  if (state.batch.rows.empty()) {
    // A clock that was wrong for a while, or a device without a network for a month, may have left
    // days that the server refuses.
    std::erase_if(state.added, [&](const auto& row) {
      return row.first.day < today - kEventDaysPastMax ||
             row.first.day > today + kEventDaysFutureMax;
    });
    if (state.added.empty()) return std::optional<EventBatch>();
    // By the clock, so that a log that was erased or lost does not begin with numbers that the
    // server has taken already.
    state.last_sequence = std::max(state.last_sequence + 1, clock_.NowMs());
    state.batch = {state.last_sequence, RowsOf(std::exchange(state.added, {}))};
  }
  if (std::exchange(state.sent_day, today) != today) state.sent_bytes = 0;
  state.sent_bytes += static_cast<int64_t>(SerializeEventBatch(state.batch).size());
  if (state.sent_bytes > kSentBytesPerDayMax) return std::optional<EventBatch>();
  // Before it is sent: whoever sends it after a crash does so under the same number.
  GODWIT_RETURN_IF_ERROR(Write(state));
  return std::optional<EventBatch>(std::move(state.batch));
}

Status EventJournal::Acknowledge(int64_t last_sequence) {
  const std::lock_guard guard(mutex_);
  GODWIT_ASSIGN_OR_RETURN(const auto lock, Lock());
  GODWIT_ASSIGN_OR_RETURN(State state, Read());
  if (state.batch.sequence <= last_sequence) state.batch = {};
  state.last_sequence = std::max(state.last_sequence, last_sequence);
  return Write(state);
}

Status EventJournal::Erase() {
  const std::lock_guard guard(mutex_);
  GODWIT_ASSIGN_OR_RETURN(const auto lock, Lock());
  GODWIT_RETURN_IF_ERROR(fs_.Remove(path_));
  GODWIT_RETURN_IF_ERROR(fs_.Remove(path_ + ".tmp"));
  return fs_.SyncDirectory(ParentPath(path_));
}

}  // namespace godwit
