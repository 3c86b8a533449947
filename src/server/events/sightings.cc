#include "server/events/sightings.h"

#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <new>
#include <string>
#include <tuple>
#include <type_traits>

#include "protocol/device_context.h"
#include "protocol/model_messages.h"

namespace godwit::server {
namespace {

// So many a ring: at one flush in two seconds, a thousand devices a second and loop.
constexpr uint64_t kRingEntries = 2048;
// Other writers wait at most for so many rows.
constexpr size_t kRowsPerTransaction = 1000;

// Text of a fixed size at most.
template <size_t kSize>
class ShortText {
 public:
  // A text that is longer is none.
  void Set(std::string_view text) noexcept {
    size_ = text.size() <= kSize ? static_cast<uint16_t>(text.size()) : 0;
    text.copy(bytes_, size_);  // Nothing of an absent header, whose data may be null.
  }
  std::string_view view() const { return {bytes_, size_}; }

 private:
  uint16_t size_;
  char bytes_[kSize];
};

// Empty for what is no context: the one that was said before stays then.
std::string WellFormed(std::string_view context) {
  return DeviceContext::Parse(context).ok() ? std::string(context) : "";
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

// A bounded queue of many writers and one reader: a slot's turn says whose it is. It counts twice
// the rounds that the slot was emptied, and is odd while an entry is in it, so that zeroed memory
// is an empty ring: the system gives its pages when they are first written, and rings that no loop
// uses, or not yet, cost nothing.
class Sightings::Ring {
 public:
  Ring() {
    void* const memory = mmap(nullptr, kRingEntries * sizeof(Slot), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    slots_.reset(static_cast<Slot*>(memory));
  }

  // False when it is full.
  template <typename Fill>
  bool Push(Fill fill) noexcept {
    uint64_t place = next_.load(std::memory_order_relaxed);
    for (;;) {
      Slot& slot = slots_.get()[place % kRingEntries];
      const uint64_t empty = place / kRingEntries * 2;
      const std::atomic_ref<uint64_t> slot_turn(slot.turn);
      const uint64_t turn = slot_turn.load(std::memory_order_acquire);
      if (turn == empty) {
        if (!next_.compare_exchange_weak(place, place + 1, std::memory_order_relaxed)) continue;
        fill(slot.entry);
        slot_turn.store(empty + 1, std::memory_order_release);
        return true;
      }
      if (turn < empty) return false;  // Its last entry was not taken yet.
      place = next_.load(std::memory_order_relaxed);
    }
  }

  // REQUIRES: one thread at a time.
  void TakeAll(std::vector<Entry>& entries) {
    for (uint64_t taken = 0; taken < kRingEntries; ++taken, ++first_) {
      Slot& slot = slots_.get()[first_ % kRingEntries];
      const uint64_t full = first_ / kRingEntries * 2 + 1;
      const std::atomic_ref<uint64_t> turn(slot.turn);
      if (turn.load(std::memory_order_acquire) != full) return;
      entries.push_back(slot.entry);
      turn.store(full + 1, std::memory_order_release);
    }
  }

 private:
  struct Slot {
    uint64_t turn;
    Entry entry;
  };
  static_assert(std::is_trivial_v<Slot>, "zeroed memory is one");
  struct Unmap {
    void operator()(Slot* slots) const { munmap(slots, kRingEntries * sizeof(Slot)); }
  };

  std::unique_ptr<Slot, Unmap> slots_;
  alignas(64) std::atomic<uint64_t> next_{0};
  alignas(64) uint64_t first_ = 0;
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
    entry.held_hash.Set(sighting.held_hash);
    entry.context.Set(sighting.context);
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
  // The latest one of each device and model says it all.
  std::map<std::tuple<int64_t, std::string_view, std::string_view>, const Entry*> latest;
  for (const Entry& entry : entries) {
    const Entry*& kept = latest[{entry.project_number, entry.fid.view(), entry.model.view()}];
    if (kept == nullptr || kept->time_ms <= entry.time_ms) kept = &entry;
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
                // Another ring may have held a later one.
                "UPDATE installations SET last_seen_ms = CASE WHEN last_seen_ms < $3 THEN $3 ELSE "
                "last_seen_ms END, context = CASE WHEN $4 = '' OR last_seen_ms > $3 THEN context "
                "ELSE $4 END WHERE project_number = $1 AND fid = $2",
                {entry.project_number, fid, entry.time_ms, WellFormed(entry.context.view())}));
        const ModelPointer model =
            registry->FindByNameOrId(entry.project_number, entry.model.view());
        if (known == 0 || !model || !IsSha256Hex(entry.held_hash.view())) continue;
        GODWIT_RETURN_IF_ERROR(
            sql.Execute("INSERT INTO held_models (project_number, fid, model_id, sha256, seen_ms) "
                        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (project_number, fid, model_id) "
                        "DO UPDATE SET sha256 = excluded.sha256, seen_ms = excluded.seen_ms "
                        "WHERE held_models.seen_ms <= excluded.seen_ms",
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
