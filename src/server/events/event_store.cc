#include "server/events/event_store.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "crypto/crypto.h"

namespace godwit::server {
namespace {

constexpr int64_t kDayMs = 24 * 3600 * 1000;
constexpr int64_t kForgetStep = 5000;

// "count = the sum", and so on, where `added` names the three that come to the stored ones. Sums
// stop at the largest number that every reader of JSON keeps exactly, and never overflow.
std::string AddingTo(const std::string& table, const std::array<std::string, 3>& added) {
  static const std::array<std::string, 3> columns = {"count", "bytes", "duration_ms"};
  std::string text;
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string sum = table + "." + columns[i] + " + " + added[i];
    text += text.empty() ? "" : ", ";
    text.append(columns[i]).append(" = CASE WHEN ").append(sum);
    text.append(" < 9007199254740991 THEN ").append(sum).append(" ELSE 9007199254740991 END");
  }
  return text;
}

// 0 when the model has no such version (any more).
int64_t VersionOf(const Model& model, std::string_view hash) {
  const auto digest = Digest::Parse(hash);
  if (!digest.ok()) return 0;
  const auto found =
      std::find_if(model.versions.rbegin(), model.versions.rend(),
                   [&](const Version& version) { return version.digest == *digest; });
  return found == model.versions.rend() ? 0 : found->number;
}

struct KnownRow {
  const EventRow* row;
  ModelPointer model;
};

std::vector<KnownRow> RowsOfKnownModels(int64_t project_number, const EventBatch& batch,
                                        const RegistrySnapshot& registry) {
  std::vector<KnownRow> known;
  for (const EventRow& row : batch.rows) {
    const std::string_view address = row.key.model;
    const std::string_view name = address.substr(0, address.find('@'));
    ModelPointer model = registry.FindByNameOrId(project_number, name);
    if (model) known.push_back({&row, std::move(model)});
  }
  return known;
}

// How many rows more the installation may have on this day.
Result<int64_t> RoomOn(SqlConnection& sql, int64_t project_number, const std::string& fid,
                       int64_t day) {
  GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                          sql.Query("SELECT COUNT(*) FROM events WHERE project_number = $1 AND "
                                    "fid = $2 AND day = $3",
                                    {project_number, fid, day}));
  return EventStore::kRowsPerDayMax - rows.at(0).Int(0);
}

// False when the row is new and its day is full.
Result<bool> AddToInstallation(SqlConnection& sql, int64_t project_number, const std::string& fid,
                               const KnownRow& known) {
  const EventKey& key = known.row->key;
  const EventSums& sums = known.row->sums;
  static const std::string add =
      "UPDATE events SET " + AddingTo("events", {"$8", "$9", "$10"}) +
      " WHERE project_number = $1 AND fid = $2 AND day = $3 AND model_id = $4 AND sha256 = $5 AND "
      "kind = $6 AND reason = $7";
  const std::vector<SqlValue> params = {project_number,
                                        fid,
                                        key.day,
                                        known.model->id,
                                        key.hash,
                                        std::string(EventKindName(key.kind)),
                                        std::string(EventReasonName(key.reason)),
                                        sums.count,
                                        sums.bytes,
                                        sums.duration_ms};
  GODWIT_ASSIGN_OR_RETURN(const int64_t changed, sql.Execute(add, params));
  if (changed != 0) return true;
  GODWIT_ASSIGN_OR_RETURN(const int64_t room, RoomOn(sql, project_number, fid, key.day));
  if (room <= 0) return false;
  GODWIT_RETURN_IF_ERROR(
      sql.Execute("INSERT INTO events (project_number, fid, day, model_id, sha256, kind, reason, "
                  "count, bytes, duration_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                  params)
          .status());
  return true;
}

Status AddToTotals(SqlConnection& sql, int64_t project_number, const KnownRow& known) {
  const EventKey& key = known.row->key;
  const EventSums& sums = known.row->sums;
  static const std::string add =
      "INSERT INTO event_totals (project_number, model_id, day, version, kind, reason, count, "
      "bytes, duration_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT "
      "(project_number, model_id, day, version, kind, reason) DO UPDATE SET " +
      AddingTo("event_totals", {"excluded.count", "excluded.bytes", "excluded.duration_ms"});
  return sql
      .Execute(add, {project_number, known.model->id, key.day, VersionOf(*known.model, key.hash),
                     std::string(EventKindName(key.kind)), std::string(EventReasonName(key.reason)),
                     sums.count, sums.bytes, sums.duration_ms})
      .status();
}

Status AddAll(SqlConnection& sql, int64_t project_number, const std::string& fid,
              const std::vector<KnownRow>& known) {
  for (const KnownRow& row : known) {
    GODWIT_ASSIGN_OR_RETURN(const bool added, AddToInstallation(sql, project_number, fid, row));
    if (added) GODWIT_RETURN_IF_ERROR(AddToTotals(sql, project_number, row));
  }
  return Status::Ok();
}

// The row that a page ended with, which the next one goes on behind; as text its six columns
// in base64url.
using Place = std::vector<SqlValue>;

std::string PageToken(const SqlRow& row) {
  std::string text = std::to_string(row.Int(0));
  for (size_t column = 1; column <= 5; ++column) text += "\n" + row.Text(column);
  return Base64UrlEncode(AsBytes(text));
}

Result<Place> ParsePageToken(std::string_view token) {
  if (token.empty()) return Place{int64_t{-1}, "", "", "", "", ""};
  const auto text = Base64UrlDecode(token);
  Place place;
  if (text.ok()) {
    std::string_view rest = *text;
    int64_t day = -1;
    const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), day);
    rest.remove_prefix(static_cast<size_t>(read.ptr - rest.data()));
    place.emplace_back(day);
    while (rest.starts_with('\n')) {
      rest.remove_prefix(1);
      place.emplace_back(std::string(rest.substr(0, rest.find('\n'))));
      rest.remove_prefix(std::min(rest.size(), rest.find('\n')));
    }
    if (rest.empty() && place.size() == 6) return place;
  }
  return Status(StatusCode::kInvalidArgument,
                "the page token is none of an export; begin again without one");
}

// The first day of the range on which anybody told something; -1: none.
Result<int64_t> NextDay(SqlConnection& sql, int64_t first_day, int64_t last_day) {
  GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                          sql.Query(EventStore::kExportNextDayStatement, {first_day, last_day}));
  return rows.empty() ? -1 : rows[0].Int(0);
}

StoredEvent ReadEvent(const SqlRow& row, int64_t project_number, const RegistrySnapshot& registry) {
  StoredEvent event;
  event.fid = row.Text(1);
  event.model_id = row.Text(2);
  const ModelPointer model = registry.FindById(project_number, event.model_id);
  EventKey& key = event.row.key;
  key.day = row.Int(0);
  key.model = model ? model->display_name : "";
  key.hash = row.Text(3);
  key.kind = ParseEventKind(row.Text(4)).value_or(EventKind::kStarted);
  key.reason = ParseEventReason(row.Text(5)).value_or(EventReason::kOther);
  event.row.sums = {row.Int(6), row.Int(7), row.Int(8)};
  return event;
}

}  // namespace

Result<EventReply> EventStore::Take(int64_t project_number, std::string_view fid,
                                    const EventBatch& batch, const RegistrySnapshot& registry) {
  const std::string id(fid);
  const auto known = RowsOfKnownModels(project_number, batch, registry);
  EventReply reply{batch.sequence};
  GODWIT_RETURN_IF_ERROR(database_.WriteTelemetry([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const int64_t changed,
        sql.Execute("UPDATE installations SET event_sequence = $3, last_seen_ms = $4 WHERE "
                    "project_number = $1 AND fid = $2 AND event_sequence < $3",
                    {project_number, id, batch.sequence, clock_.NowMs()}));
    if (changed != 0) return AddAll(sql, project_number, id, known);
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows rows,
        sql.Query("SELECT event_sequence FROM installations WHERE project_number = $1 AND fid = $2",
                  {project_number, id}));
    if (rows.empty()) {
      return Status(StatusCode::kNotFound,
                    "the installation was deleted, so nothing about it is kept");
    }
    reply.last_sequence = rows[0].Int(0);
    return Status::Ok();
  }));
  return reply;
}

Result<StoredEventPage> EventStore::Export(int64_t project_number, const EventRange& range,
                                           int page_size, std::string_view page_token,
                                           const RegistrySnapshot& registry) {
  GODWIT_ASSIGN_OR_RETURN(const Place place, ParsePageToken(page_token));
  const auto rows_max = static_cast<size_t>(std::clamp(page_size, 1, kPageSizeMax));
  SqlRows rows;
  GODWIT_RETURN_IF_ERROR(database_.Read([&](SqlConnection& sql) -> Status {
    const int64_t begun = std::get<int64_t>(place[0]);
    GODWIT_ASSIGN_OR_RETURN(int64_t day,
                            NextDay(sql, std::max(range.first_day, begun), range.last_day));
    while (day >= 0 && rows.size() < rows_max) {
      std::vector<SqlValue> params = {project_number, day};
      for (size_t i = 1; i < place.size(); ++i) {
        params.push_back(day == begun ? place[i] : SqlValue(""));
      }
      params.emplace_back(static_cast<int64_t>(rows_max - rows.size()));
      GODWIT_ASSIGN_OR_RETURN(SqlRows of_day, sql.Query(kExportDayStatement, params));
      std::move(of_day.begin(), of_day.end(), std::back_inserter(rows));
      GODWIT_ASSIGN_OR_RETURN(day, NextDay(sql, day + 1, range.last_day));
    }
    return Status::Ok();
  }));
  StoredEventPage page;
  for (const SqlRow& row : rows) page.events.push_back(ReadEvent(row, project_number, registry));
  if (rows.size() == rows_max) {
    page.next_page_token = PageToken(rows.back());
  }
  return page;
}

Status EventStore::Forget(const EventRetention& retention) {
  const int64_t today = DayOf(clock_.NowMs());
  struct Step {
    std::string_view statement;
    int64_t before;
  };
  for (const Step& step :
       {Step{"DELETE FROM events WHERE (project_number, fid, day, model_id, sha256, kind, reason) "
             "IN (SELECT project_number, fid, day, model_id, sha256, kind, reason FROM events "
             "WHERE day < $1 LIMIT $2)",
             today - retention.rows_days},
        Step{
            "DELETE FROM event_totals WHERE (project_number, model_id, day, version, kind, reason) "
            "IN (SELECT project_number, model_id, day, version, kind, reason FROM event_totals "
            "WHERE day < $1 LIMIT $2)",
            today - retention.totals_days},
        Step{"DELETE FROM held_models WHERE (project_number, fid, model_id) IN (SELECT "
             "project_number, fid, model_id FROM held_models WHERE seen_ms < $1 LIMIT $2)",
             (today - retention.totals_days) * kDayMs},
        Step{"UPDATE installations SET last_seen_ms = 0, context = '' WHERE (project_number, fid) "
             "IN (SELECT project_number, fid FROM installations WHERE last_seen_ms < $1 AND "
             "last_seen_ms > 0 LIMIT $2)",
             (today - retention.totals_days) * kDayMs}}) {
    int64_t removed = kForgetStep;
    while (removed == kForgetStep) {
      GODWIT_RETURN_IF_ERROR(database_.WriteTelemetry([&](SqlConnection& sql) -> Status {
        GODWIT_ASSIGN_OR_RETURN(removed, sql.Execute(step.statement, {step.before, kForgetStep}));
        return Status::Ok();
      }));
    }
  }
  return Status::Ok();
}

Result<std::optional<HeldModel>> EventStore::FindHeld(int64_t project_number, std::string_view fid,
                                                      const std::string& model_id) const {
  std::optional<HeldModel> held;
  GODWIT_RETURN_IF_ERROR(database_.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                            sql.Query("SELECT sha256, seen_ms FROM held_models WHERE "
                                      "project_number = $1 AND fid = $2 AND model_id = $3",
                                      {project_number, std::string(fid), model_id}));
    if (!rows.empty()) held = HeldModel{rows[0].Text(0), rows[0].Int(1)};
    return Status::Ok();
  }));
  return held;
}

}  // namespace godwit::server
