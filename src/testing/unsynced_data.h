// UnsyncedData: a file's bytes as programs see them and as the platter has them.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace godwit::testing {

enum class PowerLossMode;

// Indices, ascending, of the changes that survive out of `count`, as the mode says.
std::vector<size_t> SurvivingChanges(PowerLossMode mode, size_t count, std::mt19937_64& random);

// A value type. Not thread-safe. A write costs a copy of its bytes, a sync their replay.
class UnsyncedData {
 public:
  uint64_t size() const { return visible_.size(); }
  size_t ReadAt(uint64_t offset, std::span<std::byte> out) const;
  void WriteAt(uint64_t offset, std::span<const std::byte> data);
  void Truncate(uint64_t size_bytes);
  void Sync();

  // The file that is found after the power came back, all of it durable.
  UnsyncedData AfterPowerLoss(PowerLossMode mode, std::mt19937_64& random) const;

 private:
  struct Write {
    bool is_truncate = false;
    uint64_t offset = 0;  // The new size of a truncate.
    std::vector<std::byte> bytes;
  };
  using Bytes = std::vector<std::byte>;

  static void Apply(const Write& write, Bytes& bytes);
  static Write CutSomewhere(const Write& write, std::mt19937_64& random);

  Bytes visible_;
  Bytes durable_;
  std::vector<Write> unsynced_;  // Oldest first: durable_ and these make visible_.
};

}  // namespace godwit::testing
