#include "server/api/versions_handler.h"

#include <algorithm>
#include <shared_mutex>

#include "server/api/model_messages.h"
#include "server/api/replies.h"
#include "server/registry/listing.h"

namespace godwit::server {
namespace {

constexpr std::string_view kRollback = ":rollback";

Status EntityNotFound() { return Status(StatusCode::kNotFound, "Requested entity was not found."); }

Result<int64_t> VersionNumber(std::string_view text) {
  const auto number = ParseInt(text);
  if (number && *number >= 1 && *number < INT64_MAX) return *number;
  return Status(StatusCode::kInvalidArgument, "a version is a number from 1");
}

// A page of rows that are numbered, the newest first. The token is the last number that was shown.
struct NumberedPage {
  int64_t before = 0;  // 0: from the newest.
  int limit = 0;
};

Result<NumberedPage> ParsePage(const QueryParameters& query) {
  GODWIT_ASSIGN_OR_RETURN(const int size, PageSize(query));
  const std::string_view token = query.Get("pageToken", "page_token");
  const auto before = ParseInt(token.empty() ? "0" : token);
  if (!before || *before < 0) {
    return Status(StatusCode::kInvalidArgument,
                  "the page token is not one that this server gave out");
  }
  return NumberedPage{*before, size == 0 ? kPageSizeMax : size};
}

// `rows` may be one more than a page has; then there is a next one.
template <typename Row, typename NumberOf, typename Describe>
Json PageJson(const char* name, const std::vector<Row>& rows, int limit, NumberOf number_of,
              Describe describe) {
  Json items = Json::Array();
  Json body = Json::Object();
  for (const Row& row : rows) {
    if (items.items().size() == static_cast<size_t>(limit)) {
      body.Set("nextPageToken", std::to_string(number_of(row) + 1));
      break;
    }
    items.Add(describe(row));
  }
  body.Set(name, std::move(items));
  return body;
}

}  // namespace

Result<int> PageSize(const QueryParameters& query) {
  const std::string_view text = query.Get("pageSize", "page_size");
  if (text.empty()) return 0;
  const auto size = ParseInt(text);
  if (!size || *size < 1 || *size > kPageSizeMax) {
    return Status(StatusCode::kInvalidArgument,
                  "pageSize must be 1 to " + std::to_string(kPageSizeMax));
  }
  return static_cast<int>(*size);
}

bool VersionsHandler::Accepts(const RequestTarget& target) {
  return target.At(3) == "models" &&
         (target.segments.size() > 5 || target.At(4).ends_with(kRollback));
}

Response VersionsHandler::Handle(const ModelCall& call) {
  std::string_view id = call.target.At(4);
  if (id.ends_with(kRollback)) id.remove_suffix(kRollback.size());
  if (!IsModelId(id)) return ErrorResponse(NotAModelId());
  const auto body = Route(call, id);
  return body.ok() ? JsonResponse(200, *body) : ErrorResponse(body.status());
}

Result<Json> VersionsHandler::Route(const ModelCall& call, std::string_view id) {
  const RequestTarget& target = call.target;
  const Method method = call.request.head.method;
  const Principal& principal = call.principal;
  const size_t depth = target.segments.size();
  if (depth == 5 && method == Method::kPost) return RollBack(call, id);
  const ModelPointer model = services_.registry.snapshot()->FindById(principal.project_number, id);
  if (!model) return EntityNotFound();
  if (target.At(5) == "versions" && method == Method::kGet && depth == 6) {
    return ListVersions(call, *model);
  }
  if (target.At(5) == "versions" && (method == Method::kPost || depth == 8)) {
    return ChangeVersion(call, *model);
  }
  if (target.At(5) == "versions" && depth == 7) {
    GODWIT_ASSIGN_OR_RETURN(const int64_t number, VersionNumber(target.At(6)));
    if (method == Method::kGet) return GetVersion(call, *model, number);
    if (method == Method::kDelete) {
      GODWIT_ASSIGN_OR_RETURN(
          const ModelPointer after,
          services_.registry.DeleteVersion(principal.project_number, id, number, principal.email));
      LogChange(call, "version deleted", *after);
      return Json::Object();
    }
  }
  if (target.At(5) == "aliases" && depth == 7) {
    if (method == Method::kPut) return SetAlias(call, *model, target.At(6));
    if (method == Method::kDelete) {
      GODWIT_ASSIGN_OR_RETURN(const ModelPointer after,
                              services_.registry.DeleteAlias(principal.project_number, id,
                                                             target.At(6), principal.email));
      LogChange(call, "alias deleted", *after);
      return Json::Object();
    }
  }
  if (target.At(5) == "publications" && method == Method::kGet && depth == 6) {
    return ListPublications(call, *model);
  }
  return NoSuchMethod();
}

// What is done to a version: …/versions/7:revoke and …/versions/7/golden.
Result<Json> VersionsHandler::ChangeVersion(const ModelCall& call, const Model& model) {
  const Method method = call.request.head.method;
  const size_t depth = call.target.segments.size();
  const std::string_view text = call.target.At(6);
  const std::string_view verb = text.substr(std::min(text.find(':'), text.size()));
  const bool golden = depth == 8 && call.target.At(7) == "golden" && verb.empty();
  if (!golden && (depth != 7 || (verb != ":revoke" && verb != ":unrevoke"))) return NoSuchMethod();
  GODWIT_ASSIGN_OR_RETURN(const int64_t number,
                          VersionNumber(text.substr(0, text.size() - verb.size())));
  if (!golden) {
    return verb == ":revoke" ? Revoke(call, model, number) : Unrevoke(call, model, number);
  }
  if (method == Method::kPut) return SetGolden(call, model, number);
  if (method != Method::kDelete) return NoSuchMethod();
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer after,
                          services_.registry.SetGolden(model.project_number, model.id, number,
                                                       std::nullopt, call.principal.email));
  LogChange(call, "golden file removed", *after);
  return Json::Object();
}

Result<Json> VersionsHandler::Revoke(const ModelCall& call, const Model& model, int64_t number) {
  GODWIT_ASSIGN_OR_RETURN(const std::string reason, ParseRevocation(call.request.body));
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer after,
                          services_.registry.RevokeVersion(model.project_number, model.id, number,
                                                           reason, call.principal.email));
  LogChange(call, "version revoked", *after);
  return ModelJson(call.project, *after);
}

Result<Json> VersionsHandler::Unrevoke(const ModelCall& call, const Model& model, int64_t number) {
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer after,
                          services_.registry.UnrevokeVersion(model.project_number, model.id, number,
                                                             call.principal.email));
  LogChange(call, "version unrevoked", *after);
  return ModelJson(call.project, *after);
}

Result<Json> VersionsHandler::SetGolden(const ModelCall& call, const Model& model, int64_t number) {
  GODWIT_ASSIGN_OR_RETURN(const std::string text, ParseGoldenUri(call.request.body));
  const auto uri = ParseStorageUri(text, [](std::string_view) { return false; });
  if (!uri.ok()) {
    return Status(StatusCode::kInvalidArgument,
                  "gcsGoldenUri must be gs://bucket/object: upload the golden file here first");
  }
  // The collector must not take the file between its reading and the version's row.
  const std::shared_lock references(services_.objects.reference_mutex());
  GODWIT_ASSIGN_OR_RETURN(const PendingFile file,
                          services_.intake.Find(model.project_number, *uri));
  GODWIT_ASSIGN_OR_RETURN(const Golden golden, services_.intake.ValidateGolden(file));
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer after,
                          services_.registry.SetGolden(model.project_number, model.id, number,
                                                       golden, call.principal.email));
  LogChange(call, "golden file set", *after);
  return GetVersion(call, *after, number);
}

void VersionsHandler::LogChange(const ModelCall& call, std::string_view what,
                                const Model& model) const {
  services_.logger.Info(what, {{"id", model.id},
                               {"name", model.display_name},
                               {"latest", std::to_string(model.latest)},
                               {"published", std::to_string(model.published)},
                               {"by", call.principal.email}});
}

Result<Json> VersionsHandler::RollBack(const ModelCall& call, std::string_view id) {
  GODWIT_ASSIGN_OR_RETURN(const RollbackRequest request, ParseRollback(call.request.body));
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer model,
                          services_.registry.RollBack(call.principal.project_number, id, request,
                                                      call.principal.email));
  LogChange(call, "model rolled back", *model);
  return ModelJson(call.project, *model);
}

Result<Json> VersionsHandler::SetAlias(const ModelCall& call, const Model& model,
                                       std::string_view alias) {
  GODWIT_ASSIGN_OR_RETURN(const int64_t version, ParseAliasVersion(call.request.body));
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer after,
                          services_.registry.SetAlias(model.project_number, model.id, alias,
                                                      version, call.principal.email));
  LogChange(call, "alias set", *after);
  return ModelJson(call.project, *after);
}

Json VersionsHandler::DescribeVersion(const ModelCall& call, const Model& model,
                                      const VersionRecord& record) const {
  const int64_t now_ms = services_.clock.NowMs();
  const auto access = services_.access.snapshot();
  const std::optional<Golden>& golden = record.version.golden;
  return VersionJson(call.project, model, record,
                     access->SignBlobLink(record.version.digest.ToHex(), now_ms),
                     golden ? access->SignBlobLink(golden->digest.ToHex(), now_ms) : "",
                     AccessSnapshot::BlobLinkExpiryMs(now_ms));
}

Result<Json> VersionsHandler::ListVersions(const ModelCall& call, const Model& model) {
  GODWIT_ASSIGN_OR_RETURN(const NumberedPage page, ParsePage(call.target.query));
  GODWIT_ASSIGN_OR_RETURN(
      const std::vector<VersionRecord> records,
      services_.registry.ListVersions(model.project_number, model.id, page.before, page.limit + 1));
  return PageJson(
      "versions", records, page.limit, [](const VersionRecord& r) { return r.version.number; },
      [&](const VersionRecord& record) { return DescribeVersion(call, model, record); });
}

Result<Json> VersionsHandler::GetVersion(const ModelCall& call, const Model& model,
                                         int64_t number) {
  GODWIT_ASSIGN_OR_RETURN(
      const std::vector<VersionRecord> records,
      services_.registry.ListVersions(model.project_number, model.id, number + 1, 1));
  if (records.empty() || records.front().version.number != number) return EntityNotFound();
  return DescribeVersion(call, model, records.front());
}

Result<Json> VersionsHandler::ListPublications(const ModelCall& call, const Model& model) {
  GODWIT_ASSIGN_OR_RETURN(const NumberedPage page, ParsePage(call.target.query));
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Publication> publications,
                          services_.registry.ListPublications(model.project_number, model.id,
                                                              page.before, page.limit + 1));
  return PageJson(
      "publications", publications, page.limit,
      [](const Publication& publication) { return publication.number; }, PublicationJson);
}

}  // namespace godwit::server
