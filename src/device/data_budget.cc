#include "device/data_budget.h"

#include <algorithm>

#include "device/store_layout.h"

namespace godwit {
namespace {

constexpr std::string_view kMagic = "GWDB";
constexpr int64_t kDayMs = 86'400'000;
constexpr uint64_t kSliceBytes = 1 << 20;

}  // namespace

DataBudget::DataBudget(FileSystem& fs, Clock& clock, Logger& logger,
                       const std::string& store_directory, uint64_t daily_bytes_max)
    : fs_(fs),
      clock_(clock),
      daily_bytes_max_(daily_bytes_max),
      lock_path_(JoinPath(JoinPath(store_directory, kLockFolder), kDataBudgetFile)),
      file_(fs, logger, kMagic, JoinPath(store_directory, kDataBudgetFile)) {}

int64_t DataBudget::Today() const { return clock_.NowMs() / kDayMs; }

bool DataBudget::used_up() const { return limited() && day_used_up_ == Today(); }

Status DataBudget::UsedUp() const {
  return Status(StatusCode::kConditionsUnmet,
                "today's " + std::to_string(daily_bytes_max_) +
                    " bytes for models are used up, so the download stopped; what has arrived is "
                    "kept, and a call tomorrow (UTC) goes on from there");
}

Result<uint64_t> DataBudget::Change(uint64_t take, uint64_t give_back) {
  GODWIT_ASSIGN_OR_RETURN(const auto lock, fs_.Lock(lock_path_, LockMode::kExclusive));
  GODWIT_ASSIGN_OR_RETURN(const Json read, file_.Read());
  const int64_t today = Today();
  const bool is_today = read["day"].AsInt() == today;
  const uint64_t used =
      is_today ? static_cast<uint64_t>(std::max<int64_t>(read["used_bytes"].AsInt(), 0)) : 0;
  const uint64_t left = daily_bytes_max_ - std::min(used, daily_bytes_max_);
  const uint64_t taken = std::min(take, left);
  const uint64_t now_used = used + taken - std::min(give_back, used);
  if (now_used != used) {
    GODWIT_RETURN_IF_ERROR(file_.Write(Json::Object({{"day", today}, {"used_bytes", now_used}})));
  }
  if (now_used < daily_bytes_max_) day_used_up_ = -1;
  if (take > 0 && taken == 0) day_used_up_ = today;
  return taken;
}

Result<uint64_t> DataBudget::Take(uint64_t wanted) { return Change(wanted, 0); }

void DataBudget::GiveBack(uint64_t bytes) { (void)Change(0, bytes); }

Status DataAllowance::Spend(uint64_t bytes) {
  if (!budget_.limited()) return Status::Ok();
  while (left_bytes_ < std::max<uint64_t>(bytes, 1)) {
    GODWIT_ASSIGN_OR_RETURN(const uint64_t taken, budget_.Take(kSliceBytes));
    if (taken == 0) {
      // These bytes came, if in vain. Given back, they would open the day for the same request
      // again and again.
      left_bytes_ = 0;
      return budget_.UsedUp();
    }
    left_bytes_ += taken;
  }
  left_bytes_ -= bytes;
  return Status::Ok();
}

}  // namespace godwit
