// Aim: whatever the store does when the machine dies, it then holds the old state or the new one,
// whole; what it acknowledged stays; and it dies as safely while it recovers. Method: each thing
// that a store does is one row; die at each of its operations on the disk, in each manner of
// losing unsynced data, look, and die again at each operation of doing the same anew.
#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "device/model_store.h"
#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"

namespace godwit {
namespace {

using testing::kAllPowerLossModes;
using testing::PowerLossMode;
using testing::PowerLossModeName;
using testing::SeedCount;

constexpr int64_t kDayMs = 24 * 60 * 60 * 1000;
constexpr size_t kPieceBytes = 700;  // So that there are writes between which to die.

std::string BytesOf(char seed, size_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  for (size_t i = 0; i < size_bytes; ++i) bytes[i] = static_cast<char>(seed + i * 31 % 97);
  return bytes;
}

const std::string kOldBytes = BytesOf('o', 900);
const std::string kNewBytes = BytesOf('n', 1300);
const std::string kAbsent = "absent";

// A device whose machine can die.
class Machine {
 public:
  bool Open() {
    auto store = ModelStore::Open(disk, clock, logger_, directory, "http://h", "p", "1:1:linux:a",
                                  {bytes_max, "app"});
    store_ = store.ok() ? *std::move(store) : nullptr;
    return store_ != nullptr;
  }
  bool Opened() const { return store_ != nullptr; }
  ModelStore& store() { return *store_; }

  // Downloads what is missing and commits; once more from zero when what was on disk was torn.
  bool Put(const std::string& name, std::string_view bytes) {
    const StatusCode code = PutOnce(name, bytes);
    return (code == StatusCode::kModelHashMismatch ? PutOnce(name, bytes) : code) ==
           StatusCode::kOk;
  }

  // The model's bytes, kAbsent, or an error's text.
  std::string Get(const std::string& name) {
    const auto model = store_->Find(name);
    if (!model.ok()) return model.status().ToString();
    if (!model->has_value()) return kAbsent;
    const auto bytes = ReadWholeFile(disk, (*model)->path, 1 << 20);
    return bytes.ok() ? *bytes : bytes.status().ToString();
  }

  void Die(PowerLossMode mode, uint64_t seed) {
    store_.reset();
    disk.PowerLoss(mode, seed);
  }

  testing::ManualClock clock;
  testing::FaultFileSystem disk{&clock};
  std::string directory = "store";
  uint64_t bytes_max = 0;

 private:
  StatusCode PutOnce(const std::string& name, std::string_view bytes) {
    const auto download = store_->OpenPartial(name, DigestOf(bytes), bytes.size());
    if (!download.ok()) return download.status().code();
    for (auto at = static_cast<size_t>((*download)->size_bytes()); at < bytes.size();
         at += kPieceBytes) {
      const auto piece = bytes.substr(at, kPieceBytes);
      const Status appended = (*download)->Append(std::as_bytes(std::span(piece)));
      if (!appended.ok()) return appended.code();
    }
    return (*download)->Commit(7).status().code();
  }

  NullLogger logger_;
  std::unique_ptr<ModelStore> store_;
};

// One thing that a store does. "voice", if it was there before, is there afterwards, always.
struct Row {
  std::string name;
  std::function<bool(Machine&)> prepare;
  std::function<bool(Machine&)> act;  // True once it is acknowledged. May be done twice.
  std::set<std::string> before;       // What "face" may be until then,
  std::set<std::string> after;        // and from then on.
  std::function<bool(Machine&)> stands = [](Machine&) { return true; };  // What else must be then.
};

bool PutOldOnes(Machine& machine) {
  return machine.Open() && machine.Put("face", kOldBytes) && machine.Put("voice", kOldBytes);
}

bool PutOneToCollect(Machine& machine) {
  const bool put = PutOldOnes(machine) && machine.Put("gone", BytesOf('g', 800)) &&
                   machine.store().Delete("gone").ok();
  const bool noted = put && machine.store().CollectGarbage().ok();
  machine.clock.Advance(2 * kDayMs);
  return noted;
}

bool PutOnesThatFillTheBudget(Machine& machine) {
  machine.bytes_max = 3000;
  return machine.Open() && machine.Put("voice", kNewBytes) && machine.Put("face", kOldBytes) &&
         machine.store().SetPinned("voice", true).ok();
}

bool PutADamagedOne(Machine& machine) {
  if (!machine.Open() || !machine.Put("voice", kNewBytes)) return false;
  if (!machine.Put("face", kOldBytes)) return false;
  const auto file =
      machine.disk.Open(machine.store().Find("face").value()->path, OpenMode::kReadWrite);
  return (*file)->WriteAt(0, std::as_bytes(std::span(std::string_view("?")))).ok() &&
         (*file)->Sync().ok();
}

bool ShipASeed(Machine& machine) {
  const SeedModel seed{"face", "f", DigestOf(std::string_view(kOldBytes)).ToHex(), kOldBytes.size(),
                       7};
  return machine.disk.CreateDirectories("app").ok() && machine.disk.SyncDirectory("/").ok() &&
         ReplaceFile(machine.disk, "app/f", kOldBytes).ok() &&
         ReplaceFile(machine.disk, "app/seeds.json", SerializeSeedManifest({seed})).ok() &&
         machine.Open() && machine.Put("voice", kNewBytes);
}

bool PutNew(Machine& machine) { return machine.Open() && machine.Put("face", kNewBytes); }

bool MoveAndPutNew(Machine& machine) {
  if (!machine.disk.Stat("moved").ok()) {
    if (!machine.disk.Rename("store", "moved").ok()) return false;
    if (!machine.disk.SyncDirectory("/").ok()) return false;
  }
  machine.directory = "moved";
  return PutNew(machine);
}

bool PinsStand(Machine& machine) {
  const auto pins = machine.disk.List(JoinPath(machine.store().directory(), "pins"));
  return pins.ok() && pins->size() == 1;
}

// clang-format off
const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"first install", [](Machine&) { return true; }, PutNew, {kAbsent}, {kNewBytes}},
      {"update", PutOldOnes, PutNew, {kOldBytes}, {kNewBytes}},
      {"switch to a file that is here",
       [](Machine& machine) { return PutOldOnes(machine) && machine.Put("voice", kNewBytes); },
       PutNew, {kOldBytes}, {kNewBytes}},
      {"delete", PutOldOnes,
       [](Machine& machine) { return machine.Open() && machine.store().Delete("face").ok(); },
       {kOldBytes}, {kAbsent}},
      {"collect", PutOneToCollect,
       [](Machine& machine) { return machine.Open() && machine.store().CollectGarbage().ok(); },
       {kOldBytes}, {kOldBytes}},
      {"evict", PutOnesThatFillTheBudget,
       [](Machine& machine) { return machine.Open() && machine.Put("third", BytesOf('t', 1200)); },
       {kOldBytes, kAbsent}, {kAbsent},
       [](Machine& machine) { return machine.Get("third") == BytesOf('t', 1200); }},
      {"pin", PutOldOnes,
       [](Machine& machine) { return machine.Open() && machine.store().SetPinned("face", true).ok(); },
       {kOldBytes}, {kOldBytes}, PinsStand},
      {"verify", PutADamagedOne,
       [](Machine& machine) { return machine.Open() && machine.store().Verify().ok(); },
       {"?" + kOldBytes.substr(1), kAbsent}, {kAbsent}},
      {"seed", ShipASeed,
       [](Machine& machine) { return machine.Open() && machine.store().Find("face").ok(); },
       {kOldBytes}, {kOldBytes}},
      {"update of a seed", ShipASeed, PutNew, {kOldBytes}, {kNewBytes}},
      {"move the folder", PutOldOnes, MoveAndPutNew, {kOldBytes}, {kNewBytes}},
  };
  return rows;
}
// clang-format on

// What one death may look like.
struct Death {
  uint64_t at;  // The operation.
  PowerLossMode mode;
  uint64_t seed;
};

// Lives and dies as told; returns whether the last death came before its act was done.
bool LiveAndDie(const Row& row, const std::vector<Death>& deaths, uint64_t* state_count) {
  Machine machine;
  EXPECT_TRUE(row.prepare(machine));
  const std::string voice = machine.Opened() ? machine.Get("voice") : kAbsent;
  bool acknowledged = false;
  bool cut = false;
  for (const Death& death : deaths) {
    machine.disk.CrashAt(death.at);
    acknowledged |= row.act(machine);
    cut = machine.disk.crashed();
    machine.Die(death.mode, death.seed);
    machine.directory = machine.disk.Stat("moved").ok() ? "moved" : "store";
  }
  ++*state_count;
  EXPECT_TRUE(machine.Open());
  const std::string found = machine.Get("face");
  EXPECT_TRUE(row.after.contains(found) || (!acknowledged && row.before.contains(found))) << found;
  EXPECT_TRUE(machine.Get("voice") == voice) << "nobody touched it";
  EXPECT_TRUE(!acknowledged || row.stands(machine));
  EXPECT_TRUE(row.act(machine)) << "and then it can be done";
  EXPECT_TRUE(row.after.contains(machine.Get("face")) && row.stands(machine));
  return cut;
}

// What GoogleTest prints of a row.
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

std::string Describe(const Row& row, const std::vector<Death>& deaths) {
  std::string text = row.name;
  for (const Death& death : deaths) {
    text += "; dies at operation " + std::to_string(death.at) + ", unsynced data " +
            PowerLossModeName(death.mode) + ", seed " + std::to_string(death.seed);
  }
  return text;
}

class StoreCrash : public ::testing::TestWithParam<Row> {};

TEST_P(StoreCrash, LeavesTheOldStateOrTheNewAndSoDoesACrashInTheRecovery) {
  const Row& row = GetParam();
  uint64_t once = 0;
  uint64_t twice = 0;
  for (const PowerLossMode first : kAllPowerLossModes) {
    for (uint64_t seed = 0; seed < SeedCount(first, 2); ++seed) {
      bool first_cut = true;
      for (uint64_t at = 0; first_cut; ++at) {
        std::vector<Death> deaths = {{at, first, seed}};
        SCOPED_TRACE(Describe(row, deaths));
        first_cut = LiveAndDie(row, deaths, &once);
        if (HasFailure()) return;
        // The second death's manner changes from one instant to the next: all come often.
        bool second_cut = seed == 0;
        for (uint64_t again = 0; second_cut; ++again) {
          const PowerLossMode second = kAllPowerLossModes[(at + again) % 4];
          deaths = {{at, first, seed}, {again, second, at + again}};
          second_cut = LiveAndDie(row, deaths, &twice);
          if (HasFailure()) FAIL() << Describe(row, deaths);
        }
      }
    }
  }
  std::cout << "crash states of \"" << row.name << "\": " << once << ", and " << twice
            << " in its recovery\n";
}

INSTANTIATE_TEST_SUITE_P(Rows, StoreCrash, ::testing::ValuesIn(Rows()), [](const auto& info) {
  std::string name = info.param.name;
  for (char& c : name) c = c == ' ' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace godwit
