#include "server/api/storage_handler.h"

#include <algorithm>

#include "server/api/replies.h"
#include "server/api/storage_messages.h"

namespace godwit::server {
namespace {

bool IsAccessList(std::string_view action) {
  return action == "acl" || action == "defaultObjectAcl" || action == "iam";
}

Response Empty(int status) {
  Response response;
  response.status = status;
  return response;
}

}  // namespace

bool StorageHandler::Accepts(const RequestHead& head) {
  const std::string_view path = head.path;
  return path.starts_with("/download/") || path.starts_with("/storage/") || path == "/b" ||
         path.starts_with("/b/");
}

Response StorageHandler::Handle(const Request& request, const RequestTarget& target) {
  auto response = Route(request, target);
  return response.ok() ? *std::move(response) : StorageErrorResponse(response.status());
}

Result<Response> StorageHandler::Route(const Request& request, const RequestTarget& target) {
  GODWIT_ASSIGN_OR_RETURN(const StoragePath path, ParseStoragePath(target));
  GODWIT_ASSIGN_OR_RETURN(const int64_t project_number, AuthorizeStorage(services_, request.head));
  GODWIT_RETURN_IF_ERROR(RefuseAccessLists(target.query));
  const Call call{request, target.query, path, project_number,
                  StorageOrigin(services_, request.head)};
  if (path.bucket.empty()) return HandleBuckets(call);
  if (!path.actions.empty()) return HandleAction(call);
  if (!path.objects) return HandleBucket(call);
  if (path.object_name.empty()) return ListObjects(call);
  return HandleObject(call);
}

Result<Response> StorageHandler::HandleBuckets(const Call& call) {
  ObjectStore& objects = services_.objects;
  if (call.request.head.method == Method::kGet) {
    GODWIT_ASSIGN_OR_RETURN(const auto buckets, objects.ListBuckets(call.project_number));
    Json items = Json::Array();
    for (const Bucket& bucket : buckets) items.Add(BucketJson(call.origin, bucket));
    return JsonResponse(200,
                        Json::Object({{"kind", "storage#buckets"}, {"items", std::move(items)}}));
  }
  if (call.request.head.method != Method::kPost) return NoSuchMethod();
  GODWIT_ASSIGN_OR_RETURN(const Json resource, ParseResource(call.request.body));
  GODWIT_ASSIGN_OR_RETURN(const Bucket bucket,
                          objects.CreateBucket(call.project_number, resource["name"].AsString()));
  return JsonResponse(200, BucketJson(call.origin, bucket));
}

Result<Response> StorageHandler::HandleBucket(const Call& call) {
  if (call.request.head.method == Method::kDelete) {
    GODWIT_RETURN_IF_ERROR(services_.objects.DeleteBucket(call.project_number, call.path.bucket));
    return Empty(204);
  }
  if (call.request.head.method == Method::kPatch || call.request.head.method == Method::kPut) {
    return Status(
        StatusCode::kInvalidArgument,
        "a bucket has no settings on this server: no lifecycle, versions, CORS or labels");
  }
  if (call.request.head.method != Method::kGet) return NoSuchMethod();
  GODWIT_ASSIGN_OR_RETURN(const Bucket bucket,
                          services_.objects.FindBucket(call.project_number, call.path.bucket));
  return JsonResponse(200, BucketJson(call.origin, bucket));
}

Result<Response> StorageHandler::ListObjects(const Call& call) {
  if (call.request.head.method != Method::kGet) return NoSuchMethod();
  ObjectQuery query;
  query.prefix = call.query.Get("prefix");
  query.delimiter = call.query.Get("delimiter");
  query.page_token = call.query.Get("pageToken");
  query.start_offset = call.query.Get("startOffset");
  query.end_offset = call.query.Get("endOffset");
  if (!call.query.Get("matchGlob").empty()) {
    return Status(StatusCode::kInvalidArgument, "matchGlob is not offered; list with a prefix");
  }
  if (const std::string_view limit = call.query.Get("maxResults"); !limit.empty()) {
    // More than a page holds is a page, as in Cloud Storage.
    query.limit = static_cast<int>(std::clamp<int64_t>(ParseInt(limit).value_or(0), 0, 1000));
  }
  GODWIT_ASSIGN_OR_RETURN(const ObjectPage page,
                          services_.objects.List(call.project_number, call.path.bucket, query));
  Json body = Json::Object({{"kind", "storage#objects"}});
  Json items = Json::Array();
  for (const Object& object : page.objects) items.Add(ObjectJson(call.origin, object));
  if (!page.objects.empty()) body.Set("items", std::move(items));
  Json prefixes = Json::Array();
  for (const std::string& prefix : page.prefixes) prefixes.Add(prefix);
  if (!page.prefixes.empty()) body.Set("prefixes", std::move(prefixes));
  if (!page.next_page_token.empty()) body.Set("nextPageToken", page.next_page_token);
  return JsonResponse(200, body);
}

Result<ObjectSource> StorageHandler::ReadSource(const Call& call) const {
  ObjectSource source{call.path.bucket, call.path.object_name, {}, {}};
  GODWIT_ASSIGN_OR_RETURN(source.generation, ReadNumber(call.query, "generation"));
  GODWIT_ASSIGN_OR_RETURN(source.precondition, ReadPrecondition(call.query));
  return source;
}

Result<Response> StorageHandler::HandleObject(const Call& call) {
  const Method method = call.request.head.method;
  if (call.path.download && method != Method::kGet && method != Method::kHead) {
    return NoSuchMethod();
  }
  switch (method) {
    case Method::kGet:
    case Method::kHead:
      return ReadObject(call);
    case Method::kPatch:
    case Method::kPut:
      return EditObject(call);
    case Method::kDelete: {
      GODWIT_ASSIGN_OR_RETURN(const ObjectSource source, ReadSource(call));
      GODWIT_RETURN_IF_ERROR(services_.objects.Delete(call.project_number, source));
      return Empty(204);
    }
    default:
      return NoSuchMethod();
  }
}

Result<Response> StorageHandler::ReadObject(const Call& call) {
  const std::string_view alt = call.query.Get("alt");
  if (!alt.empty() && alt != "json" && alt != "media") {
    return Status(StatusCode::kInvalidArgument, "alt must be json or media");
  }
  GODWIT_ASSIGN_OR_RETURN(ObjectSource source, ReadSource(call));
  GODWIT_ASSIGN_OR_RETURN(const Object object,
                          services_.objects.Find(call.project_number, source.bucket, source.name));
  if (source.generation && *source.generation != object.generation) {
    return Status(StatusCode::kNotFound, "No such object: " + source.bucket + "/" + source.name +
                                             " in that generation; only the last one is kept");
  }
  Precondition matches = source.precondition;
  matches.generation_not_match.reset();
  matches.metageneration_not_match.reset();
  GODWIT_RETURN_IF_ERROR(CheckPrecondition(matches, &object));
  // To a reader the Not forms mean "I have it already".
  if (!CheckPrecondition(source.precondition, &object).ok()) return Empty(304);
  if (!call.path.download && alt != "media") {
    return JsonResponse(200, ObjectJson(call.origin, object));
  }
  GODWIT_ASSIGN_OR_RETURN(auto file, services_.objects.blobs().Open(object.digest));
  return Response{200, MediaHeaders(object),
                  FileBody{std::move(file), object.size_bytes, QuotedEtag(object)}};
}

Result<Response> StorageHandler::EditObject(const Call& call) {
  GODWIT_ASSIGN_OR_RETURN(const ObjectSource source, ReadSource(call));
  GODWIT_ASSIGN_OR_RETURN(const Json resource, ParseResource(call.request.body));
  const bool replaces = call.request.head.method == Method::kPut;
  GODWIT_ASSIGN_OR_RETURN(
      const Object object, services_.objects.Edit(call.project_number, source, [&](Object* edited) {
        if (replaces) edited->metadata.clear();
        return EditObjectMetadata(resource, &edited->content_type, &edited->metadata);
      }));
  return JsonResponse(200, ObjectJson(call.origin, object));
}

Result<Response> StorageHandler::HandleAction(const Call& call) {
  const std::string& action = call.path.actions.front();
  if (IsAccessList(action)) return NoAccessLists();
  if (!call.path.objects || call.request.head.method != Method::kPost) return NoSuchMethod();
  if (action == "compose" && call.path.actions.size() == 1) return ComposeObject(call);
  return CopyObject(call);
}

Result<Response> StorageHandler::CopyObject(const Call& call) {
  const std::vector<std::string>& actions = call.path.actions;  // rewriteTo/b/BUCKET/o/NAME
  const bool rewrites = actions[0] == "rewriteTo";
  const bool moves = actions[0] == "moveTo";  // moveTo/o/NAME
  const size_t at = moves ? 1 : 3;
  if ((!rewrites && !moves && actions[0] != "copyTo") || actions.size() != at + 2 ||
      actions[at] != "o" || (!moves && actions[1] != "b")) {
    return NoSuchMethod();
  }
  ObjectSource source{call.path.bucket, call.path.object_name, {}, {}};
  GODWIT_ASSIGN_OR_RETURN(source.generation, ReadNumber(call.query, "sourceGeneration"));
  GODWIT_ASSIGN_OR_RETURN(source.precondition, ReadSourcePrecondition(call.query));
  GODWIT_ASSIGN_OR_RETURN(const Json resource, ParseResource(call.request.body));
  ObjectWrite write;
  GODWIT_RETURN_IF_ERROR(ReadObjectMetadata(resource, &write));
  write.hashes = {};  // A client sends what it knows of another object.
  write.project_number = call.project_number;
  write.bucket = moves ? call.path.bucket : actions[2];
  write.name = actions[at + 1];
  GODWIT_ASSIGN_OR_RETURN(write.precondition, ReadPrecondition(call.query));
  const auto mode = moves ? ObjectStore::CopyMode::kMove : ObjectStore::CopyMode::kKeepSource;
  GODWIT_ASSIGN_OR_RETURN(const Object object,
                          services_.objects.Copy(source, std::move(write), mode));
  if (!rewrites) return JsonResponse(200, ObjectJson(call.origin, object));
  const std::string size = std::to_string(object.size_bytes);
  return JsonResponse(200, Json::Object({{"kind", "storage#rewriteResponse"},
                                         {"totalBytesRewritten", size},
                                         {"objectSize", size},
                                         {"done", true},
                                         {"resource", ObjectJson(call.origin, object)}}));
}

Result<Response> StorageHandler::ComposeObject(const Call& call) {
  GODWIT_ASSIGN_OR_RETURN(const Json body, ParseResource(call.request.body));
  std::vector<ObjectSource> sources;
  for (const Json& item : body["sourceObjects"].items()) {
    ObjectSource source{call.path.bucket, item["name"].AsString(), {}, {}};
    if (!item["generation"].is_null()) source.generation = item["generation"].AsInt();
    const Json& condition = item["objectPreconditions"]["ifGenerationMatch"];
    if (!condition.is_null()) source.precondition.generation_match = condition.AsInt();
    sources.push_back(std::move(source));
  }
  ObjectWrite write;
  GODWIT_RETURN_IF_ERROR(ReadObjectMetadata(body["destination"], &write));
  write.hashes = {};
  write.project_number = call.project_number;
  write.bucket = call.path.bucket;
  write.name = call.path.object_name;
  GODWIT_ASSIGN_OR_RETURN(write.precondition, ReadPrecondition(call.query));
  GODWIT_ASSIGN_OR_RETURN(const Object object, services_.objects.Compose(sources, write));
  return JsonResponse(200, ObjectJson(call.origin, object));
}

}  // namespace godwit::server
