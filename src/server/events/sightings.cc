#include "server/events/sightings.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <tuple>

namespace godwit::server {
namespace {

// So many a ring: at one flush in two seconds, some thousand devices a second and loop.
constexpr size_t kRingEntries = 4096;
// Other writers wait at most for so many rows.
constexpr size_t kRowsPerTransaction = 1000;

// Printable ASCII of a fixed size at most.
template <size_t kSize>
class ShortText {
 public:
  void Set(std::string_view text) noexcept {
    size_ = static_cast<uint16_t>(std::min(text.size(), kSize));
    std::memcpy(bytes_, text.data(), size_);
  }
  std::string_view view() const { return {bytes_, size_}; }

 private:
  uint16_t size_ = 0;
  char bytes_[kSize];
};

// No half of a pair, and nothing that a log or terminal would obey.
std::string_view CutContext(std::string_view context) {
  const bool printable =
      std::all_of(context.begin(), context.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  if (!printable) return "";
  if (context.size() <= Sightings::kContextMaxBytes) return context;
  const size_t end = context.substr(0, Sightings::kContextMaxBytes + 1).rfind(';');
  return context.substr(0, end == std::string_view::npos ? 0 : end);
}

bool IsSha256Hex(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

struct Sightings::Entry {
  int64_t project_number;
  int64_t time_ms;
  ShortText<22> fid;
  ShortText<32> model;
  ShortText<64> held_hash;
  ShortText<kContextMaxBytes> context;
};

// A bounded queue of many writers and one reader: a slot's turn says whose it is.
class Sightings::Ring {
 public:
  Ring() : slots_(std::make_unique_for_overwrite<Slot[]>(kRingEntries)) {
    for (size_t i = 0; i < kRingEntries; ++i) slots_[i].turn.store(i, std::memory_order_relaxed);
  }

  // False when it is full.
  template <typename Fill>
  bool Push(Fill fill) noexcept {
    size_t place = next_.load(std::memory_order_relaxed);
    for (;;) {
      Slot& slot = slots_[place % kRingEntries];
      const size_t turn = slot.turn.load(std::memory_order_acquire);
      if (turn == place) {
        if (!next_.compare_exchange_weak(place, place + 1, std::memory_order_relaxed)) continue;
        fill(slot.entry);
        slot.turn.store(place + 1, std::memory_order_release);
        return true;
      }
      if (turn < place) return false;  // Its last entry was not taken yet.
      place = next_.load(std::memory_order_relaxed);
    }
  }

  // REQUIRES: one thread at a time.
  void TakeAll(std::vector<Entry>& entries) {
    for (size_t taken = 0; taken < kRingEntries; ++taken) {
      Slot& slot = slots_[first_ % kRingEntries];
      if (slot.turn.load(std::memory_order_acquire) != first_ + 1) return;
      entries.push_back(slot.entry);
      slot.turn.store(first_ + kRingEntries, std::memory_order_release);
      ++first_;
    }
  }

 private:
  struct Slot {
    Slot() {}  // Leaves the entry as it is: memory that no device needs is not touched.
    std::atomic<size_t> turn;
    Entry entry;
  };

  const std::unique_ptr<Slot[]> slots_;
  alignas(64) std::atomic<size_t> next_{0};
  alignas(64) size_t first_ = 0;
};

Sightings::Sightings(Database& database, const Registry& registry)
    : database_(database), registry_(registry) {
  for (size_t i = 0; i < kRings; ++i) rings_.push_back(std::make_unique<Ring>());
}

Sightings::~Sightings() = default;

void Sightings::Note(const Sighting& sighting) noexcept {
  static std::atomic<size_t> threads{0};
  thread_local const size_t ring = threads.fetch_add(1, std::memory_order_relaxed) % kRings;
  const bool pushed = rings_[ring]->Push([&](Entry& entry) {
    entry.project_number = sighting.project_number;
    entry.time_ms = sighting.time_ms;
    entry.fid.Set(sighting.fid);
    entry.model.Set(sighting.model);
    entry.held_hash.Set(sighting.held_hash.size() == 64 ? sighting.held_hash : "");
    entry.context.Set(CutContext(sighting.context));
  });
  if (!pushed) dropped_.fetch_add(1, std::memory_order_relaxed);
}

Sightings::Stats Sightings::stats() const {
  return {written_.load(std::memory_order_relaxed), dropped_.load(std::memory_order_relaxed)};
}

Status Sightings::Flush() {
  const std::lock_guard lock(flush_mutex_);
  for (const auto& ring : rings_) {
    std::vector<Entry> entries;
    ring->TakeAll(entries);
    if (entries.empty()) continue;
    const Status written = Write(entries);
    if (!written.ok()) {
      dropped_.fetch_add(entries.size(), std::memory_order_relaxed);
      return written.WithContext("keep what devices hold");
    }
  }
  return Status::Ok();
}

Status Sightings::Write(const std::vector<Entry>& entries) {
  // The last one of each device and model says it all.
  std::map<std::tuple<int64_t, std::string_view, std::string_view>, const Entry*> latest;
  for (const Entry& entry : entries) {
    latest[{entry.project_number, entry.fid.view(), entry.model.view()}] = &entry;
  }
  const auto registry = registry_.snapshot();
  auto next = latest.begin();
  while (next != latest.end()) {
    size_t count = 0;
    GODWIT_RETURN_IF_ERROR(database_.WriteTelemetry([&](SqlConnection& sql) -> Status {
      for (; next != latest.end() && count < kRowsPerTransaction; ++next, ++count) {
        const Entry& entry = *next->second;
        const std::string fid(entry.fid.view());
        GODWIT_ASSIGN_OR_RETURN(
            const int64_t known,
            sql.Execute(
                "UPDATE installations SET last_seen_ms = $3, context = CASE WHEN "
                "$4 = '' THEN context ELSE $4 END WHERE project_number = $1 AND fid = $2",
                {entry.project_number, fid, entry.time_ms, std::string(entry.context.view())}));
        ModelPointer model = registry->FindByName(entry.project_number, entry.model.view());
        if (!model) model = registry->FindById(entry.project_number, entry.model.view());
        if (known == 0 || !model || !IsSha256Hex(entry.held_hash.view())) continue;
        GODWIT_RETURN_IF_ERROR(
            sql.Execute("INSERT INTO held_models (project_number, fid, model_id, sha256, seen_ms) "
                        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (project_number, fid, model_id) "
                        "DO UPDATE SET sha256 = excluded.sha256, seen_ms = excluded.seen_ms",
                        {entry.project_number, fid, model->id, std::string(entry.held_hash.view()),
                         entry.time_ms})
                .status());
      }
      return Status::Ok();
    }));
    written_.fetch_add(count, std::memory_order_relaxed);
  }
  return Status::Ok();
}

}  // namespace godwit::server
