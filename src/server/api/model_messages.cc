#include "server/api/model_messages.h"

#include <algorithm>

#include "base/time_format.h"
#include "crypto/crypto.h"

namespace godwit::server {
namespace {

Status Invalid(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

enum class Field { kDisplayName, kTags, kSourceUri, kPublished, kPublishedVersion };

struct FieldName {
  std::string_view path;
  Field field;
};

constexpr FieldName kFieldNames[] = {
    {"displayName", Field::kDisplayName},
    {"display_name", Field::kDisplayName},
    {"tags", Field::kTags},
    {"tfliteModel", Field::kSourceUri},
    {"tflite_model", Field::kSourceUri},
    {"tfliteModel.gcsTfliteUri", Field::kSourceUri},
    {"tflite_model.gcs_tflite_uri", Field::kSourceUri},
    {"state", Field::kPublished},
    {"state.published", Field::kPublished},
    {"publishedVersion", Field::kPublishedVersion},
    {"published_version", Field::kPublishedVersion},
};

Result<std::vector<Field>> ParseMask(std::string_view mask) {
  std::vector<Field> fields;
  while (!mask.empty()) {
    const size_t end = std::min(mask.find(','), mask.size());
    const std::string_view path = mask.substr(0, end);
    mask.remove_prefix(std::min(mask.size(), end + 1));
    const auto found = std::find_if(std::begin(kFieldNames), std::end(kFieldNames),
                                    [&](const FieldName& name) { return name.path == path; });
    if (found == std::end(kFieldNames)) {
      return Invalid("updateMask: the field '" + std::string(path.substr(0, 100)) +
                     "' is unknown or cannot be changed");
    }
    fields.push_back(found->field);
  }
  if (fields.empty()) return Invalid("updateMask is empty: name at least one field");
  return fields;
}

Result<std::vector<std::string>> ReadTags(const Json& value) {
  std::vector<std::string> tags;
  if (!value.is_null() && !value.is_array()) return Invalid("tags must be a list of texts");
  for (const Json& tag : value.items()) {
    if (!tag.is_string()) return Invalid("tags must be a list of texts");
    tags.push_back(tag.AsString());
  }
  return tags;
}

Status ReadField(const Json& body, Field field, ModelEdit* edit) {
  switch (field) {
    case Field::kDisplayName:
      if (!body["displayName"].is_string()) return Invalid("displayName must be a text");
      edit->display_name = body["displayName"].AsString();
      return Status::Ok();
    case Field::kTags: {
      GODWIT_ASSIGN_OR_RETURN(edit->tags, ReadTags(body["tags"]));
      return Status::Ok();
    }
    case Field::kSourceUri: {
      const Json& uri = body["tfliteModel"]["gcsTfliteUri"];
      if (!uri.is_string()) return Invalid("tfliteModel.gcsTfliteUri must be a text");
      edit->source_uri = uri.AsString();
      return Status::Ok();
    }
    case Field::kPublished: {
      const Json& published = body["state"]["published"];
      if (!published.is_null() && published.kind() != Json::Kind::kBool) {
        return Invalid("state.published must be true or false");
      }
      edit->published = published.AsBool();
      return Status::Ok();
    }
    case Field::kPublishedVersion:
      edit->published_version = body["publishedVersion"].AsInt();
      if (*edit->published_version < 1) return Invalid("publishedVersion must be 1 or more");
      return Status::Ok();
  }
  return Status::Ok();
}

std::string OperationName(std::string_view project, std::string_view operation_id) {
  return "projects/" + std::string(project) + "/operations/" + std::string(operation_id);
}

// Of an operation that was done within its request. The model's id leads, so that the name alone
// finds the model again.
std::string DoneOperationName(std::string_view project, std::string_view id) {
  return OperationName(project, std::string(id) + "-" + HexEncode(AsBytes(RandomBytes(8))));
}

// An operation that is not done.
Json ActiveOperationJson(std::string_view project, const Model& model) {
  return Json::Object(
      {{"name", OperationName(project, model.active_operation)},
       {"metadata",
        Json::Object(
            {{"@type", "type.googleapis.com/google.firebase.ml.v1beta2.ModelOperationMetadata"},
             {"name", ModelName(project, model)},
             {"basicOperationStatus", "BASIC_OPERATION_STATUS_VERIFYING"}})},
       {"done", false}});
}

Json StatusJson(const Status& status) {
  return Json::Object({{"code", static_cast<int>(status.code())}, {"message", status.message()}});
}

Json DoneOperationJson(std::string name, std::string_view project, const Model& model) {
  Json response = Json::Object({{"@type", "type.googleapis.com/google.firebase.ml.v1beta2.Model"}});
  const Json resource = ModelJson(project, model);
  for (const auto& [field, value] : resource.members()) response.Set(field, value);
  return Json::Object(
      {{"name", std::move(name)}, {"done", true}, {"response", std::move(response)}});
}

// The member as a version's number; 0 when it is absent.
Result<int64_t> ReadVersion(const Json& body, std::string_view name) {
  if (!body.Has(name)) return 0;
  const int64_t version = body[name].AsInt();
  if (version >= 1) return version;
  return Invalid(std::string(name) + " must be a version, a number from 1");
}

}  // namespace

Result<ModelEdit> ParseModelEdit(std::string_view body_text, std::optional<std::string_view> mask) {
  JsonLimits limits;
  limits.bytes_max = 256 << 10;
  GODWIT_ASSIGN_OR_RETURN(const Json body, Json::Parse(body_text, limits));
  if (!body.is_object()) return Invalid("the body must be a JSON object that describes a model");
  for (const char* name : {"tfliteModel", "state"}) {
    if (!body[name].is_null() && !body[name].is_object()) {
      return Invalid(std::string(name) + " must be an object");
    }
  }
  ModelEdit edit;
  std::vector<Field> fields;
  if (mask && *mask != "*") {
    GODWIT_ASSIGN_OR_RETURN(fields, ParseMask(*mask));
  } else {
    if (body.Has("displayName")) fields.push_back(Field::kDisplayName);
    if (body.Has("tags")) fields.push_back(Field::kTags);
    if (body["tfliteModel"].Has("gcsTfliteUri")) fields.push_back(Field::kSourceUri);
  }
  for (const Field field : fields) GODWIT_RETURN_IF_ERROR(ReadField(body, field, &edit));
  return edit;
}

Result<RollbackRequest> ParseRollback(std::string_view body_text) {
  RollbackRequest request;
  if (body_text.empty()) return request;
  GODWIT_ASSIGN_OR_RETURN(const Json body, Json::Parse(body_text));
  if (!body.is_object()) return Invalid("the body must be a JSON object or absent");
  if (body["fromVersion"].AsInt(-1) == 0) {
    request.from_version = 0;
  } else if (body.Has("fromVersion")) {
    GODWIT_ASSIGN_OR_RETURN(request.from_version, ReadVersion(body, "fromVersion"));
  }
  GODWIT_ASSIGN_OR_RETURN(request.to_version, ReadVersion(body, "toVersion"));
  return request;
}

Result<int64_t> ParseAliasVersion(std::string_view body_text) {
  GODWIT_ASSIGN_OR_RETURN(const Json body, Json::Parse(body_text));
  GODWIT_ASSIGN_OR_RETURN(const int64_t version, ReadVersion(body, "version"));
  if (version == 0) return Invalid("the body must say which: {\"version\": 3}");
  return version;
}

Result<std::string> ParseRevocation(std::string_view body_text) {
  std::string reason;
  if (body_text.empty()) return reason;
  GODWIT_ASSIGN_OR_RETURN(const Json body, Json::Parse(body_text));
  if (!body.is_object()) return Invalid("the body must be a JSON object or absent");
  GODWIT_RETURN_IF_ERROR(body.ReadString("reason", &reason));
  return reason;
}

Result<std::string> ParseGoldenUri(std::string_view body_text) {
  GODWIT_ASSIGN_OR_RETURN(const Json body, Json::Parse(body_text));
  std::string uri;
  GODWIT_RETURN_IF_ERROR(body.ReadString("gcsGoldenUri", &uri));
  if (uri.empty()) return Invalid("the body must say where it is: {\"gcsGoldenUri\": \"gs://…\"}");
  return uri;
}

Result<TestDeviceEdit> ParseTestDevice(std::string_view body_text) {
  GODWIT_ASSIGN_OR_RETURN(const Json body, Json::Parse(body_text));
  TestDeviceEdit edit;
  GODWIT_ASSIGN_OR_RETURN(edit.version, ReadVersion(body, "version"));
  if (edit.version == 0) return Invalid("the body must say which: {\"version\": 3}");
  GODWIT_RETURN_IF_ERROR(body.ReadString("note", &edit.note));
  return edit;
}

Status NotAModelId() {
  return Invalid(
      "a model's id is decimal digits; to find a model by its name, list with "
      "filter=display_name=NAME");
}

std::string ModelName(std::string_view project, const Model& model) {
  return "projects/" + std::string(project) + "/models/" + model.id;
}

Json ModelJson(std::string_view project, const Model& model) {
  Json json = Json::Object({{"name", ModelName(project, model)},
                            {"displayName", model.display_name},
                            {"createTime", FormatTimeMicros(model.create_time_ms)},
                            {"updateTime", FormatTimeMicros(model.update_time_ms)},
                            {"etag", std::to_string(model.etag)}});
  if (!model.tags.empty()) {
    Json tags = Json::Array();
    for (const std::string& tag : model.tags) tags.Add(tag);
    json.Set("tags", std::move(tags));
  }
  Json state = Json::Object({{"published", model.published != 0}});
  if (!model.validation_error.empty()) {
    state.Set("validationError",
              Json::Object({{"code", static_cast<int>(StatusCode::kInvalidArgument)},
                            {"message", model.validation_error}}));
  }
  json.Set("state", std::move(state));
  const Version* latest = model.FindVersion(model.latest);
  const bool valid = latest != nullptr && model.validation_error.empty();
  if (valid) json.Set("modelHash", latest->digest.ToHex());
  if (!model.source_uri.empty()) {
    Json file = Json::Object({{"gcsTfliteUri", model.source_uri}});
    if (valid) file.Set("sizeBytes", std::to_string(latest->size_bytes));
    json.Set("tfliteModel", std::move(file));
  }
  if (model.latest != 0) json.Set("latestVersion", model.latest);
  if (model.published != 0) json.Set("publishedVersion", model.published);
  const Version* published = model.FindVersion(model.published);
  if (published != nullptr && model.FindRevoked(published->digest) != nullptr) {
    const Version* served = model.NewestUsable(model.published);
    json.Set("servedVersion", served == nullptr ? int64_t{0} : served->number);
  }
  if (model.rollback_version != 0) json.Set("rollbackVersion", model.rollback_version);
  if (!model.aliases.empty()) {
    Json aliases = Json::Object();
    for (const Alias& alias : model.aliases) aliases.Set(alias.name, alias.version);
    json.Set("aliases", std::move(aliases));
  }
  if (!model.active_operation.empty()) {
    json.Set("activeOperations", Json::Array({ActiveOperationJson(project, model)}));
  }
  return json;
}

Json VersionJson(std::string_view project, const Model& model, const VersionRecord& record,
                 const std::string& download_uri, const std::string& golden_uri,
                 int64_t expire_time_ms) {
  const Version& version = record.version;
  Json json = Json::Object(
      {{"name", ModelName(project, model) + "/versions/" + std::to_string(version.number)},
       {"version", version.number},
       {"sha256", version.digest.ToHex()},
       {"sizeBytes", std::to_string(version.size_bytes)},
       {"createTime", FormatTimeMicros(version.create_time_ms)},
       {"published", version.number == model.published}});
  if (const Version* revoked = model.FindRevoked(version.digest); revoked != nullptr) {
    const Revocation& revocation = *revoked->revocation;
    json.Set("revoked", Json::Object({{"time", FormatTimeMicros(revocation.time_ms)},
                                      {"by", revocation.actor},
                                      {"reason", revocation.reason}}));
  }
  if (version.golden) {
    json.Set("golden", Json::Object({{"sha256", version.golden->digest.ToHex()},
                                     {"sizeBytes", std::to_string(version.golden->size_bytes)},
                                     {"downloadUri", golden_uri}}));
  }
  const auto structure = Json::Parse(record.structure);
  if (structure.ok()) {
    for (const auto& [name, value] : structure->members()) json.Set(name, value);
  }
  json.Set("downloadUri", download_uri);
  json.Set("expireTime", FormatTimeMillis(expire_time_ms));
  return json;
}

Json PublicationJson(const Publication& publication) {
  Json json = Json::Object({{"publication", publication.number},
                            {"action", publication.action},
                            {"time", FormatTimeMicros(publication.time_ms)},
                            {"by", publication.actor}});
  if (publication.version != 0) json.Set("version", publication.version);
  if (!publication.reason.empty()) json.Set("reason", publication.reason);
  return json;
}

Json OperationJson(std::string_view project, const Model& model) {
  if (!model.active_operation.empty()) return ActiveOperationJson(project, model);
  return DoneOperationJson(DoneOperationName(project, model.id), project, model);
}

Json OperationJson(std::string_view project, const Operation& operation, const Model& model) {
  if (model.active_operation == operation.id) return ActiveOperationJson(project, model);
  std::string name = OperationName(project, operation.id);
  if (operation.error.ok()) return DoneOperationJson(std::move(name), project, model);
  return Json::Object(
      {{"name", std::move(name)}, {"done", true}, {"error", StatusJson(operation.error)}});
}

Json FailedOperationJson(std::string_view project, const Status& status) {
  return Json::Object(
      {{"name", DoneOperationName(project, "0")}, {"done", true}, {"error", StatusJson(status)}});
}

}  // namespace godwit::server
