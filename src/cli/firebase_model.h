// FirebaseModel: one entry of Firebase ML's models.list, as an import needs it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "digest/digest.h"
#include "protocol/json.h"

namespace godwit::cli {

struct FirebaseModel {
  std::string name;  // displayName; not empty.
  std::string id;    // The end of the resource name.
  std::vector<std::string> tags;
  bool published = false;
  std::string gcs_uri;  // "gs://bucket/object"; empty for a file that the console took.
  std::string hash;     // As it came.
  std::optional<Digest> digest;
  uint64_t size_bytes = 0;  // 0: not said.
  std::string obstacle;     // Why there is no file that devices could have got; empty: there is.
};

// kInvalidArgument for what is no model.
Result<FirebaseModel> ReadFirebaseModel(const Json& json);

// A saved answer of models.list, or its list alone. kInvalidArgument for another text.
Result<std::vector<FirebaseModel>> ReadModelsList(const std::string& text);

// The SHA-256 that a modelHash is, in hex or base64; nullopt when it looks like neither.
std::optional<Digest> ReadModelHash(std::string_view text);

struct GcsObject {
  std::string bucket;
  std::string name;
};
// "gs://bucket/object"; nullopt for anything else.
std::optional<GcsObject> ReadGcsUri(std::string_view uri);

}  // namespace godwit::cli
