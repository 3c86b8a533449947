#include "server/events/model_stats.h"

#include <algorithm>
#include <map>

namespace godwit::server {
namespace {

constexpr int64_t kDayMs = 24 * 3600 * 1000;

Status ReadAdoption(SqlConnection& sql, const Model& model, ModelStats& stats) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      sql.Query("SELECT sha256, COUNT(*) FROM held_models WHERE project_number = $1 AND "
                "model_id = $2 AND seen_ms >= $3 GROUP BY sha256",
                {model.project_number, model.id, stats.first_day * kDayMs}));
  std::map<std::string, int64_t> numbers;  // Of two versions with one file the newer.
  for (const Version& version : model.versions) numbers[version.digest.ToHex()] = version.number;
  std::map<int64_t, int64_t, std::greater<>> installations;
  for (const SqlRow& row : rows) {
    const auto found = numbers.find(row.Text(0));
    installations[found == numbers.end() ? 0 : found->second] += row.Int(1);
  }
  for (const auto& [version, count] : installations) stats.adoption.push_back({version, count});
  return Status::Ok();
}

Status ReadTotals(SqlConnection& sql, const Model& model, ModelStats& stats) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      sql.Query("SELECT day, version, kind, reason, count, bytes, duration_ms FROM event_totals "
                "WHERE project_number = $1 AND model_id = $2 AND day BETWEEN $3 AND $4 "
                "ORDER BY day, version, kind, reason",
                {model.project_number, model.id, stats.first_day, stats.last_day}));
  for (const SqlRow& row : rows) {
    const auto kind = ParseEventKind(row.Text(2));
    const auto reason = ParseEventReason(row.Text(3));
    if (!kind || !reason) continue;  // A newer server wrote it.
    stats.totals.push_back(
        {row.Int(0), row.Int(1), *kind, *reason, {row.Int(4), row.Int(5), row.Int(6)}});
  }
  return Status::Ok();
}

}  // namespace

Result<ModelStats> ReadModelStats(Database& database, const Model& model, int64_t days,
                                  int64_t now_ms) {
  ModelStats stats;
  stats.last_day = DayOf(now_ms);
  stats.first_day = stats.last_day - std::min(days, kStatsDaysMax) + 1;
  GODWIT_RETURN_IF_ERROR(database.Read([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(ReadAdoption(sql, model, stats));
    return ReadTotals(sql, model, stats);
  }));
  return stats;
}

}  // namespace godwit::server
