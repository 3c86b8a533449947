#include "server/events/event_store.h"

#include <algorithm>
#include <charconv>

#include "crypto/crypto.h"

namespace godwit::server {
namespace {

constexpr int64_t kDayMs = 24 * 3600 * 1000;
constexpr int64_t kForgetStep = 5000;

// "count = the sum", and so on. Sums stop at the largest number that every reader of JSON keeps
// exactly, and never overflow.
std::string AddingTo(const std::string& table) {
  std::string text;
  for (const std::string column : {"count", "bytes", "duration_ms"}) {
    const std::string sum = table + "." + column + " + excluded." + column;
    text += text.empty() ? "" : ", ";
    text.append(column).append(" = CASE WHEN ").append(sum).append(" < 9007199254740991 THEN ");
    text.append(sum).append(" ELSE 9007199254740991 END");
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
    ModelPointer model = registry.FindByName(project_number, name);
    if (!model) model = registry.FindById(project_number, name);
    if (model) known.push_back({&row, std::move(model)});
  }
  return known;
}

Status Add(SqlConnection& sql, int64_t project_number, const std::string& fid,
           const KnownRow& known) {
  const EventKey& key = known.row->key;
  const EventSums& sums = known.row->sums;
  const std::string kind(EventKindName(key.kind));
  const std::string reason(EventReasonName(key.reason));
  static const std::string add_to_events =
      "INSERT INTO events (project_number, fid, day, model_id, sha256, kind, reason, count, bytes, "
      "duration_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (project_number, "
      "fid, day, model_id, sha256, kind, reason) DO UPDATE SET " +
      AddingTo("events");
  static const std::string add_to_totals =
      "INSERT INTO event_totals (project_number, model_id, day, version, kind, reason, count, "
      "bytes, duration_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT "
      "(project_number, model_id, day, version, kind, reason) DO UPDATE SET " +
      AddingTo("event_totals");
  GODWIT_RETURN_IF_ERROR(
      sql.Execute(add_to_events, {project_number, fid, key.day, known.model->id, key.hash, kind,
                                  reason, sums.count, sums.bytes, sums.duration_ms})
          .status());
  return sql
      .Execute(add_to_totals,
               {project_number, known.model->id, key.day, VersionOf(*known.model, key.hash), kind,
                reason, sums.count, sums.bytes, sums.duration_ms})
      .status();
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

Status AddAll(SqlConnection& sql, int64_t project_number, const std::string& fid,
              std::vector<KnownRow> known) {
  std::stable_sort(known.begin(), known.end(), [](const KnownRow& a, const KnownRow& b) {
    return a.row->key.day < b.row->key.day;
  });
  int64_t day = -1;
  int64_t room = 0;
  for (const KnownRow& row : known) {
    if (row.row->key.day != day) {
      day = row.row->key.day;
      GODWIT_ASSIGN_OR_RETURN(room, RoomOn(sql, project_number, fid, day));
    }
    if (room-- <= 0) continue;
    GODWIT_RETURN_IF_ERROR(Add(sql, project_number, fid, row));
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
  auto known = RowsOfKnownModels(project_number, batch, registry);
  EventReply reply{batch.sequence};
  GODWIT_RETURN_IF_ERROR(database_.WriteTelemetry([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const int64_t changed,
        sql.Execute("UPDATE installations SET event_sequence = $3, last_seen_ms = $4 WHERE "
                    "project_number = $1 AND fid = $2 AND event_sequence < $3",
                    {project_number, id, batch.sequence, clock_.NowMs()}));
    if (changed != 0) return AddAll(sql, project_number, id, std::move(known));
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
  page_size = std::clamp(page_size, 1, kPageSizeMax);
  std::vector<SqlValue> params = {
      project_number, std::max(range.first_day, std::get<int64_t>(place[0])), range.last_day};
  params.insert(params.end(), place.begin(), place.end());
  params.emplace_back(int64_t{page_size});
  SqlRows rows;
  GODWIT_RETURN_IF_ERROR(database_.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        rows,
        sql.Query("SELECT day, fid, model_id, sha256, kind, reason, count, bytes, duration_ms "
                  "FROM events WHERE project_number = $1 AND day BETWEEN $2 AND $3 AND "
                  "(day, fid, model_id, sha256, kind, reason) > ($4, $5, $6, $7, $8, $9) "
                  "ORDER BY day, fid, model_id, sha256, kind, reason LIMIT $10",
                  params));
    return Status::Ok();
  }));
  StoredEventPage page;
  for (const SqlRow& row : rows) page.events.push_back(ReadEvent(row, project_number, registry));
  if (rows.size() == static_cast<size_t>(page_size)) {
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
