#include "server/api/events_handler.h"

#include <charconv>

#include "protocol/event_messages.h"
#include "protocol/installation_messages.h"
#include "server/api/authentication.h"
#include "server/api/client_identity.h"
#include "server/api/replies.h"
#include "server/events/model_stats.h"

namespace godwit::server {
namespace {

constexpr std::string_view kBatch = "events:batch";
constexpr std::string_view kStatsSuffix = ":stats";
constexpr int64_t kPageSize = 1000;
constexpr int64_t kStatsDays = 30;

// Ok when the key is the project's, open to this client, and the token the installation's own.
// Returns the project's number.
Result<int64_t> CheckDevice(const ApiServices& services, const RequestHead& head,
                            std::string_view project, std::string_view fid) {
  const auto access = services.access.snapshot();
  std::string_view text = head.Find(kApiKeyHeader);
  if (text.empty()) text = RawQueryValue(head.query, "key");
  const ApiKey* key = access->FindApiKey(text);
  const Project* asked = access->FindProject(project);
  if (key == nullptr || asked == nullptr || asked->number != key->project_number) {
    return Status(StatusCode::kPermissionDenied,
                  "API key not valid. Pass a valid API key of this project.");
  }
  if (!key->restrictions.Allow(ReadClientIdentity(head))) {
    return BlockedClient(key->restrictions.kind());
  }
  InstallationClaims claims;
  const TokenCheck check = access->VerifyInstallationToken(head.Find(kInstallationTokenHeader),
                                                           services.clock.NowMs(), &claims);
  if (check != TokenCheck::kValid || !access->Fits(claims, *key) || claims.fid.text() != fid) {
    return Status(StatusCode::kUnauthenticated,
                  "The installation token is missing, has expired or is another installation's: "
                  "send X-Goog-Firebase-Installations-Auth.");
  }
  return key->project_number;
}

Response TakeBatch(const ApiServices& services, const Request& request,
                   const RequestTarget& target) {
  const std::string_view fid = target.At(4);
  const auto project = CheckDevice(services, request.head, target.At(2), fid);
  if (!project.ok()) return ErrorResponse(project.status());
  const auto batch = ParseEventBatch(request.body, DayOf(services.clock.NowMs()));
  if (!batch.ok()) return ErrorResponse(batch.status());
  const auto reply = services.events.Take(*project, fid, *batch, *services.registry.snapshot());
  if (!reply.ok()) return ErrorResponse(reply.status());
  return {200, {{"Content-Type", "application/json; charset=UTF-8"}}, SerializeEventReply(*reply)};
}

// A whole number of the query; the fallback when it is absent.
Result<int64_t> ReadNumber(const QueryParameters& query, std::string_view name, int64_t fallback,
                           int64_t max) {
  const auto text = query.Find(name);
  if (!text) return fallback;
  int64_t number = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), number);
  if (read.ec != std::errc() || read.ptr != text->data() + text->size() || number < 1 ||
      number > max) {
    return Status(StatusCode::kInvalidArgument,
                  std::string(name) + " must be 1 to " + std::to_string(max));
  }
  return number;
}

Result<int64_t> ReadDay(const QueryParameters& query, std::string_view name, int64_t fallback) {
  const auto text = query.Find(name);
  if (!text) return fallback;
  const int64_t day = ParseDay(*text);
  if (day >= 0) return day;
  return Status(StatusCode::kInvalidArgument,
                std::string(name) + " must be a day such as 2026-01-02");
}

Json SumsJson(Json json, const EventSums& sums) {
  json.Set("count", std::to_string(sums.count));
  if (sums.bytes != 0) json.Set("bytes", std::to_string(sums.bytes));
  if (sums.duration_ms != 0) json.Set("durationMs", std::to_string(sums.duration_ms));
  return json;
}

Json EventJson(const StoredEvent& event) {
  const EventKey& key = event.row.key;
  Json json = Json::Object(
      {{"day", FormatDay(key.day)}, {"installation", event.fid}, {"modelId", event.model_id}});
  if (!key.model.empty()) json.Set("model", key.model);
  if (!key.hash.empty()) json.Set("modelHash", key.hash);
  json.Set("kind", EventKindName(key.kind));
  if (key.reason != EventReason::kNone) json.Set("reason", EventReasonName(key.reason));
  return SumsJson(std::move(json), event.row.sums);
}

Result<Json> ListEvents(const ApiServices& services, int64_t project,
                        const QueryParameters& query) {
  const int64_t today = DayOf(services.clock.NowMs());
  GODWIT_ASSIGN_OR_RETURN(const int64_t last_day, ReadDay(query, "to", today));
  GODWIT_ASSIGN_OR_RETURN(const int64_t first_day, ReadDay(query, "from", last_day));
  GODWIT_ASSIGN_OR_RETURN(const int64_t page_size,
                          ReadNumber(query, "pageSize", kPageSize, EventStore::kPageSizeMax));
  GODWIT_ASSIGN_OR_RETURN(
      const StoredEventPage page,
      services.events.Export(project, {first_day, last_day}, static_cast<int>(page_size),
                             query.Get("pageToken"), *services.registry.snapshot()));
  Json events = Json::Array();
  for (const StoredEvent& event : page.events) events.Add(EventJson(event));
  Json body = Json::Object({{"events", std::move(events)}});
  if (!page.next_page_token.empty()) body.Set("nextPageToken", page.next_page_token);
  return body;
}

Json StatsJson(const Model& model, const ModelStats& stats) {
  Json adoption = Json::Array();
  for (const VersionAdoption& row : stats.adoption) {
    Json json = Json::Object({{"installations", std::to_string(row.installations)}});
    if (row.version != 0) json.Set("version", std::to_string(row.version));
    adoption.Add(std::move(json));
  }
  Json totals = Json::Array();
  for (const DayTotal& total : stats.totals) {
    Json json = Json::Object({{"day", FormatDay(total.day)}});
    if (total.version != 0) json.Set("version", std::to_string(total.version));
    json.Set("kind", EventKindName(total.kind));
    if (total.reason != EventReason::kNone) json.Set("reason", EventReasonName(total.reason));
    totals.Add(SumsJson(std::move(json), total.sums));
  }
  return Json::Object({{"model", model.display_name},
                       {"firstDay", FormatDay(stats.first_day)},
                       {"lastDay", FormatDay(stats.last_day)},
                       {"adoption", std::move(adoption)},
                       {"totals", std::move(totals)}});
}

Result<Json> ReadStats(const ApiServices& services, int64_t project, std::string_view id,
                       const QueryParameters& query) {
  GODWIT_ASSIGN_OR_RETURN(const int64_t days, ReadNumber(query, "days", kStatsDays, kStatsDaysMax));
  const ModelPointer model = services.registry.snapshot()->FindById(project, id);
  if (!model) return Status(StatusCode::kNotFound, "Requested entity was not found.");
  // So that who asks sees what devices said a moment ago.
  GODWIT_RETURN_IF_ERROR(services.sightings.Flush());
  GODWIT_ASSIGN_OR_RETURN(const ModelStats stats,
                          ReadModelStats(services.database, *model, days, services.clock.NowMs()));
  return StatsJson(*model, stats);
}

}  // namespace

bool IsEventsRequest(const RequestTarget& target) {
  const size_t depth = target.segments.size();
  return (depth == 6 && target.At(3) == "installations" && target.At(5) == kBatch) ||
         (depth == 4 && target.At(3) == "events") ||
         (depth == 5 && target.At(3) == "models" && target.At(4).ends_with(kStatsSuffix));
}

Response HandleEventsRequest(const ApiServices& services, const Request& request,
                             const RequestTarget& target) {
  const Method method = request.head.method;
  const bool batch = target.At(3) == "installations";
  if (method != (batch ? Method::kPost : Method::kGet)) return ErrorResponse(NoSuchMethod());
  if (batch) return TakeBatch(services, request, target);
  const auto principal = AuthorizeProject(services, request.head, target.At(2), Role::kViewer);
  if (!principal.ok()) return ErrorResponse(principal.status());
  std::string_view id = target.At(4);
  const int64_t project = principal->project_number;
  const auto json = id.empty()
                        ? ListEvents(services, project, target.query)
                        : ReadStats(services, project,
                                    id.substr(0, id.size() - kStatsSuffix.size()), target.query);
  return json.ok() ? JsonResponse(200, *json) : ErrorResponse(json.status());
}

}  // namespace godwit::server
