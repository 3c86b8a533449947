// DataBudget: how many bytes of model files this store may still fetch today.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "device/state_file.h"
#include "fs/file_system.h"

namespace godwit {

// Thread-safe; shared with other processes through the store. A day is one of UTC. Bytes are
// taken before they come, so no death of a process lets more through.
class DataBudget {
 public:
  // fs, clock and logger are borrowed. daily_bytes_max 0: no limit, and nothing is written.
  DataBudget(FileSystem& fs, Clock& clock, Logger& logger, const std::string& store_directory,
             uint64_t daily_bytes_max);

  bool limited() const { return daily_bytes_max_ != 0; }

  // Takes bytes from today's; fewer than wanted when so many are not left. 0 when none are, and
  // used_up() is true then until tomorrow. Blocks on the disk.
  Result<uint64_t> Take(uint64_t wanted);
  // What was taken and did not come. A failure costs no more than these bytes.
  void GiveBack(uint64_t bytes);

  // Does not block.
  bool used_up() const;
  // kConditionsUnmet, for a person.
  Status UsedUp() const;

 private:
  int64_t Today() const;
  Result<uint64_t> Change(uint64_t take, uint64_t give_back);

  FileSystem& fs_;
  Clock& clock_;
  const uint64_t daily_bytes_max_;
  const std::string lock_path_;
  const StateFile file_;
  std::atomic<int64_t> day_used_up_ = -1;
};

// One transfer's share of the budget, taken in slices; what is left goes back at its end. Not
// thread-safe.
class DataAllowance {
 public:
  explicit DataAllowance(DataBudget& budget) : budget_(budget) {}
  ~DataAllowance() {
    if (left_bytes_ > 0) budget_.GiveBack(left_bytes_);
  }
  DataAllowance(const DataAllowance&) = delete;
  DataAllowance& operator=(const DataAllowance&) = delete;

  // kConditionsUnmet when today's data does not reach so far.
  Status Spend(uint64_t bytes);

 private:
  DataBudget& budget_;
  uint64_t left_bytes_ = 0;
};

}  // namespace godwit
