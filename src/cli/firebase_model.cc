#include "cli/firebase_model.h"

#include <algorithm>

#include "crypto/crypto.h"
#include "protocol/model_address.h"

namespace godwit::cli {

std::optional<Digest> ReadModelHash(std::string_view text) {
  std::string bytes;
  if (text.size() == 64) {
    const auto hex = HexDecode(text);
    if (hex.ok()) bytes = *hex;
  } else if (text.size() == 43 || text.size() == 44) {
    std::string url_form(text);
    std::ranges::replace(url_form, '+', '-');
    std::ranges::replace(url_form, '/', '_');
    const auto decoded = Base64UrlDecode(url_form);
    if (decoded.ok()) bytes = *decoded;
  }
  Digest digest;
  if (bytes.size() != digest.bytes.size()) return std::nullopt;
  std::ranges::transform(bytes, digest.bytes.begin(),
                         [](char c) { return static_cast<uint8_t>(c); });
  return digest;
}

std::optional<GcsObject> ReadGcsUri(std::string_view uri) {
  constexpr std::string_view kScheme = "gs://";
  if (!uri.starts_with(kScheme)) return std::nullopt;
  uri.remove_prefix(kScheme.size());
  const size_t slash = uri.find('/');
  if (slash == 0 || slash == uri.npos || slash + 1 == uri.size()) return std::nullopt;
  return GcsObject{std::string(uri.substr(0, slash)), std::string(uri.substr(slash + 1))};
}

Result<FirebaseModel> ReadFirebaseModel(const Json& json) {
  FirebaseModel model;
  model.name = json["displayName"].AsString();
  const std::string& resource = json["name"].AsString();
  model.id = resource.substr(resource.rfind('/') + 1);
  if (!IsModelName(model.name) || model.id.empty()) {
    return Status(StatusCode::kInvalidArgument, "the list holds an entry that is no model");
  }
  for (const Json& tag : json["tags"].items()) model.tags.push_back(tag.AsString());
  model.published = json["state"]["published"].AsBool();
  const Json& file = json["tfliteModel"];
  model.gcs_uri = file["gcsTfliteUri"].AsString();
  model.size_bytes = static_cast<uint64_t>(std::max<int64_t>(file["sizeBytes"].AsInt(), 0));
  model.hash = json["modelHash"].AsString();
  model.digest = ReadModelHash(model.hash);
  const std::string& refusal = json["state"]["validationError"]["message"].AsString();
  if (!refusal.empty()) {
    model.obstacle = "Firebase never accepted its file (" + refusal + ")";
  } else if (file["automlModel"].is_string() && model.gcs_uri.empty()) {
    model.obstacle = "its file is AutoML's; export it there, then: godwit import folder";
  } else if (file.is_null()) {
    model.obstacle = "it has no file";
  }
  return model;
}

Result<std::vector<FirebaseModel>> ReadModelsList(const std::string& text) {
  GODWIT_ASSIGN_OR_RETURN(const Json json, Json::Parse(text, {.bytes_max = 64 << 20}));
  if (!json.is_array() && !json["models"].is_array()) {
    return Status(StatusCode::kInvalidArgument,
                  "it holds no list of models; save the answer of Firebase's models.list");
  }
  std::vector<FirebaseModel> models;
  for (const Json& entry : (json.is_array() ? json : json["models"]).items()) {
    GODWIT_ASSIGN_OR_RETURN(FirebaseModel model, ReadFirebaseModel(entry));
    models.push_back(std::move(model));
  }
  return models;
}

}  // namespace godwit::cli
