#include "server/api/models_handler.h"

#include <algorithm>
#include <shared_mutex>

#include "server/api/authentication.h"
#include "server/api/replies.h"
#include "server/api/xml_object_handler.h"
#include "server/registry/listing.h"

namespace godwit::server {
namespace {

Status EntityNotFound() { return Status(StatusCode::kNotFound, "Requested entity was not found."); }

// Create and patch carry these in the operation: Firebase's Node SDK maps an operation's error
// codes, but only few HTTP statuses.
bool TravelsInOperation(StatusCode code) {
  return code == StatusCode::kAlreadyExists || code == StatusCode::kFailedPrecondition ||
         code == StatusCode::kNotFound;
}

Response OperationResponse(std::string_view project, const Result<ModelPointer>& model) {
  if (model.ok()) return JsonResponse(200, OperationJson(project, **model));
  if (!TravelsInOperation(model.status().code())) return ErrorResponse(model.status());
  return JsonResponse(200, FailedOperationJson(project, model.status()));
}

std::optional<std::string_view> MaskOf(const ModelCall& call) {
  const auto mask = call.target.query.Find("updateMask");
  return mask ? mask : call.target.query.Find("update_mask");
}

}  // namespace

Response ModelsHandler::Handle(const Request& request, const RequestTarget& target) {
  const std::string_view project = target.At(2);
  auto principal = AuthorizeProject(services_, request.head, project, RoleFor(request.head.method));
  if (!principal.ok()) return ErrorResponse(principal.status());
  const Method method = request.head.method;
  if (method == Method::kGet || method == Method::kHead) {
    return Route({request, target, *std::move(principal), project, ""});
  }
  return Change({request, target, *std::move(principal), project, ""});
}

Response ModelsHandler::Change(Call call) {
  // What does not parse has no source and no name, and is refused by its method.
  const auto edit = ParseModelEdit(call.request.body, MaskOf(call));
  const std::string source =
      edit.ok() && edit->source_uri ? SourceState(call, *edit->source_uri) : "";
  const std::string key = LostReplies::KeyOf(call.principal.email, call.request, source);
  call.request_key = key;
  const bool creates = call.target.segments.size() == 4;
  const auto state = [&]() -> std::string {
    const int64_t project = call.principal.project_number;
    if (creates) {
      const std::string name = edit.ok() ? edit->display_name.value_or("") : "";
      const ModelPointer made = services_.registry.snapshot()->FindByName(project, name);
      return made ? made->id : "";
    }
    const std::string_view id = call.target.At(4).substr(0, call.target.At(4).find(':'));
    const ModelPointer model = services_.registry.snapshot()->FindById(project, id);
    return model ? std::to_string(model->etag) : "";
  };
  return lost_replies_.Answer(key, state, [&] { return Route(call); });
}

Response ModelsHandler::Route(const Call& call) {
  const RequestTarget& target = call.target;
  const Method method = call.request.head.method;
  const size_t depth = target.segments.size();
  const std::string_view id = target.At(4);
  if (TargetingHandler::Accepts(target)) return targeting_.Handle(call);
  if (VersionsHandler::Accepts(target)) return versions_.Handle(call);
  if (target.At(3) == "operations" && depth == 5 && method == Method::kGet) {
    return GetOperation(call, id);
  }
  if (target.At(3) == "models") {
    if (depth == 4 && method == Method::kPost) return Create(call);
    if (depth == 4 && method == Method::kGet) return List(call);
    if (depth == 5 && !IsModelId(id)) return ErrorResponse(NotAModelId());
    if (depth == 5 && method == Method::kGet) return Get(call, id);
    if (depth == 5 && method == Method::kPatch) return Patch(call, id);
    if (depth == 5 && method == Method::kDelete) return Delete(call, id);
  }
  return ErrorResponse(NoSuchMethod());
}

Result<StorageUri> ModelsHandler::ParseSource(const Call& call, const std::string& uri) const {
  const std::vector<std::string>& hosts = services_.options.storage_hosts;
  const std::string_view own_host = call.request.head.host;
  return ParseStorageUri(uri, [&](std::string_view host) {
    return host == own_host || std::find(hosts.begin(), hosts.end(), host) != hosts.end();
  });
}

std::string ModelsHandler::SourceState(const Call& call, const std::string& uri) const {
  const auto source = ParseSource(call, uri);
  if (!source.ok()) return "";
  const auto object =
      services_.objects.Find(call.principal.project_number, source->bucket, source->object_name);
  if (!object.ok()) return "";
  return std::to_string(object->generation) + " " + object->digest.ToHex();
}

Status ModelsHandler::TakeFile(const Call& call, const std::string& uri, ModelChange* change) {
  GODWIT_ASSIGN_OR_RETURN(const StorageUri parsed, ParseSource(call, uri));
  GODWIT_RETURN_IF_ERROR(CheckStorageLink(services_, uri, call.principal.project_number));
  GODWIT_ASSIGN_OR_RETURN(PendingFile file,
                          services_.intake.Find(call.principal.project_number, parsed));
  if (file.size_bytes > services_.options.verify_at_once_max_bytes) {
    change->pending_file = std::move(file);
    return Status::Ok();
  }
  GODWIT_ASSIGN_OR_RETURN(change->file, services_.intake.Validate(file));
  return Status::Ok();
}

Result<ModelPointer> ModelsHandler::Apply(const Call& call, std::string_view id,
                                          const ModelEdit& edit) {
  ModelChange change;
  change.display_name = edit.display_name;
  change.tags = edit.tags;
  change.published = edit.published;
  change.published_version = edit.published_version;
  const std::string_view publish = call.target.query.Get("publish");
  if (!publish.empty() && publish != "true" && publish != "false") {
    return Status(StatusCode::kInvalidArgument, "publish must be true or false");
  }
  change.file_moves_published = publish != "false";
  // The collector must not take the file between its reading and the version's row.
  const std::shared_lock references(services_.objects.reference_mutex());
  if (edit.source_uri) {
    GODWIT_RETURN_IF_ERROR(TakeFile(call, *edit.source_uri, &change));
  }
  const Principal& principal = call.principal;
  auto model =
      id.empty() ? services_.registry.Create(principal.project_number, change, principal.email,
                                             call.request_key)
                 : services_.registry.Update(principal.project_number, id, change, principal.email);
  if (model.ok() && change.pending_file) services_.verifier.Wake();
  if (model.ok()) {
    services_.logger.Info(id.empty() ? "model created" : "model changed",
                          {{"id", (*model)->id},
                           {"name", (*model)->display_name},
                           {"latest", std::to_string((*model)->latest)},
                           {"published", std::to_string((*model)->published)},
                           {"by", principal.email}});
  }
  return model;
}

Response ModelsHandler::Create(const Call& call) {
  const auto edit = ParseModelEdit(call.request.body, std::nullopt);
  if (!edit.ok()) return ErrorResponse(edit.status());
  auto model = Apply(call, "", *edit);
  if (model.status().code() == StatusCode::kAlreadyExists) {
    model = FindCreated(call, *edit, model.status());
  }
  return OperationResponse(call.project, model);
}

Result<ModelPointer> ModelsHandler::FindCreated(const Call& call, const ModelEdit& edit,
                                                const Status& refused) const {
  const int64_t oldest_ms = services_.clock.NowMs() - LostReplies::kLifetimeMs;
  GODWIT_ASSIGN_OR_RETURN(const std::optional<ModelPointer> model,
                          services_.registry.FindRepeatedCreate(call.principal.project_number,
                                                                edit.display_name.value_or(""),
                                                                call.request_key, oldest_ms));
  // This process knows which of its answers were lost.
  if (!model || (*model)->create_time_ms >= started_ms_) return refused;
  return *model;
}

Response ModelsHandler::Patch(const Call& call, std::string_view id) {
  const auto edit = ParseModelEdit(call.request.body, MaskOf(call));
  if (!edit.ok()) return ErrorResponse(edit.status());
  if (!Find(call, id).ok()) {
    const std::string name = "projects/" + std::string(call.project) + "/models/" + std::string(id);
    return OperationResponse(call.project,
                             Status(StatusCode::kNotFound, "Model '" + name + "' was not found"));
  }
  return OperationResponse(call.project, Apply(call, id, *edit));
}

Result<ModelPointer> ModelsHandler::Find(const Call& call, std::string_view id) const {
  ModelPointer model = services_.registry.snapshot()->FindById(call.principal.project_number, id);
  if (!model) return EntityNotFound();
  return model;
}

Response ModelsHandler::Get(const Call& call, std::string_view id) {
  const auto model = Find(call, id);
  if (!model.ok()) return ErrorResponse(model.status());
  return JsonResponse(200, ModelJson(call.project, **model));
}

Response ModelsHandler::Delete(const Call& call, std::string_view id) {
  const Principal& principal = call.principal;
  const Status deleted = services_.registry.Delete(principal.project_number, id, principal.email);
  if (!deleted.ok()) return ErrorResponse(deleted);
  services_.logger.Info("model deleted", {{"id", id}, {"by", principal.email}});
  return JsonResponse(200, Json::Object());
}

Response ModelsHandler::List(const Call& call) {
  const QueryParameters& query = call.target.query;
  const auto page_size = PageSize(query);
  if (!page_size.ok()) return ErrorResponse(page_size.status());
  const auto page =
      ListModels(*services_.registry.snapshot(), call.principal.project_number, query.Get("filter"),
                 *page_size, query.Get("pageToken", "page_token"));
  if (!page.ok()) {
    // Firebase's Python tests compare this message; the precise one goes to the log.
    services_.logger.Info("list refused", {{"reason", page.status().message()}});
    return ErrorResponse(Status(page.status().code(), "Request contains an invalid argument."));
  }
  Json models = Json::Array();
  for (const ModelPointer& model : page->models) models.Add(ModelJson(call.project, *model));
  Json body = Json::Object();
  if (!page->models.empty()) body.Set("models", std::move(models));
  if (!page->next_page_token.empty()) body.Set("nextPageToken", page->next_page_token);
  return JsonResponse(200, body);
}

Response ModelsHandler::GetOperation(const Call& call, std::string_view id) {
  // The model first: what is not active in it any more has its outcome in its row.
  const auto model = Find(call, id.substr(0, id.find('-')));
  if (!model.ok()) return ErrorResponse(model.status());
  const auto kept = services_.registry.FindOperation(call.principal.project_number, id);
  if (!kept.ok()) return ErrorResponse(kept.status());
  if (*kept) return JsonResponse(200, OperationJson(call.project, **kept, **model));
  // One that is not kept was done when its request was answered, so its model is its outcome.
  Operation done;
  done.id = id;
  return JsonResponse(200, OperationJson(call.project, done, **model));
}

}  // namespace godwit::server
