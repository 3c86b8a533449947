#include "testing/unsynced_data.h"

#include <algorithm>
#include <numeric>

#include "testing/fault_file_system.h"

namespace godwit::testing {
namespace {

// True with the given chance out of 4.
bool Chance(uint64_t out_of_4, std::mt19937_64& random) { return random() % 4 < out_of_4; }

}  // namespace

std::vector<size_t> SurvivingChanges(PowerLossMode mode, size_t count, std::mt19937_64& random) {
  std::vector<size_t> all(count);
  std::iota(all.begin(), all.end(), size_t{0});
  switch (mode) {
    case PowerLossMode::kKept:
      return all;
    case PowerLossMode::kDropped:
      return {};
    case PowerLossMode::kTorn:
      all.resize(static_cast<size_t>(random() % (count + 1)));
      return all;
    case PowerLossMode::kReordered: {
      // "All" and "none" are drawn often, for the worst disks keep all names and no data, or
      // the other way round, and a fair coin for each change would hardly ever do that.
      const uint64_t out_of_4 = random() % 3 * 2;
      std::erase_if(all, [&](size_t) { return !Chance(out_of_4, random); });
      return all;
    }
  }
  return all;
}

size_t UnsyncedData::ReadAt(uint64_t offset, std::span<std::byte> out) const {
  if (offset >= visible_.size()) return 0;
  const size_t count = std::min<size_t>(out.size(), visible_.size() - static_cast<size_t>(offset));
  std::copy_n(visible_.begin() + static_cast<ptrdiff_t>(offset), count, out.begin());
  return count;
}

void UnsyncedData::WriteAt(uint64_t offset, std::span<const std::byte> data) {
  if (data.empty()) return;
  unsynced_.push_back({false, offset, Bytes(data.begin(), data.end())});
  Apply(unsynced_.back(), visible_);
}

void UnsyncedData::Truncate(uint64_t size_bytes) {
  unsynced_.push_back({true, size_bytes, {}});
  Apply(unsynced_.back(), visible_);
}

void UnsyncedData::Sync() {
  for (const Write& write : unsynced_) Apply(write, durable_);
  unsynced_.clear();
}

void UnsyncedData::Apply(const Write& write, Bytes& bytes) {
  if (write.is_truncate) {
    bytes.resize(static_cast<size_t>(write.offset));
    return;
  }
  const size_t end = static_cast<size_t>(write.offset) + write.bytes.size();
  if (end > bytes.size()) bytes.resize(end);
  std::copy(write.bytes.begin(), write.bytes.end(),
            bytes.begin() + static_cast<ptrdiff_t>(write.offset));
}

// A first part of the write. Half of the time the rest reads as zeros: the size reached the
// platter and the bytes did not.
UnsyncedData::Write UnsyncedData::CutSomewhere(const Write& write, std::mt19937_64& random) {
  if (write.is_truncate) return write;
  Write cut = write;
  const size_t size_bytes = cut.bytes.size();
  cut.bytes.resize(static_cast<size_t>(random() % (size_bytes + 1)));
  if (Chance(2, random)) cut.bytes.resize(size_bytes);
  return cut;
}

UnsyncedData UnsyncedData::AfterPowerLoss(PowerLossMode mode, std::mt19937_64& random) const {
  UnsyncedData found;
  found.durable_ = durable_;
  const std::vector<size_t> survivors = SurvivingChanges(mode, unsynced_.size(), random);
  for (const size_t i : survivors) {
    const bool tear = mode == PowerLossMode::kTorn        ? i + 1 == survivors.size()
                      : mode == PowerLossMode::kReordered ? Chance(1, random)
                                                          : false;
    Apply(tear ? CutSomewhere(unsynced_[i], random) : unsynced_[i], found.durable_);
  }
  found.visible_ = found.durable_;
  return found;
}

}  // namespace godwit::testing
