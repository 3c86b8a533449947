#include "protocol/seed_manifest.h"

#include <algorithm>

#include "protocol/json.h"
#include "protocol/model_address.h"
#include "protocol/model_messages.h"

namespace godwit {
namespace {

constexpr size_t kSeedsMax = 256;
constexpr size_t kFileNameMax = 255;

Status Malformed(const std::string& reason) {
  return Status(StatusCode::kDataLoss,
                "seeds.json: " + reason + "; write it anew with `godwit model pull --seed`");
}

Result<SeedModel> ReadSeed(const Json& json) {
  SeedModel seed;
  seed.name = json["name"].AsString();
  if (!ModelAddress::Parse(seed.name).ok()) return Malformed("a model has no valid name");
  seed.file = json["file"].AsString();
  const bool is_name = !seed.file.empty() && seed.file.size() <= kFileNameMax &&
                       seed.file.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos &&
                       seed.file != "." && seed.file != "..";
  if (!is_name) return Malformed("model " + seed.name + " names no file beside it");
  seed.hash = json["sha256"].AsString();
  if (!IsSha256Hex(seed.hash)) return Malformed("model " + seed.name + " has no SHA-256");
  const int64_t size = json["sizeBytes"].AsInt(-1);
  const int64_t version = json["version"].AsInt(0);
  if (size < 0 || version < 0) return Malformed("model " + seed.name + " has a negative number");
  seed.size_bytes = static_cast<uint64_t>(size);
  if (version > 0) seed.version = static_cast<uint64_t>(version);
  return seed;
}

}  // namespace

std::string SerializeSeedManifest(const std::vector<SeedModel>& seeds) {
  Json list = Json::Array();
  for (const SeedModel& seed : seeds) {
    Json json = Json::Object({{"name", seed.name},
                              {"file", seed.file},
                              {"sha256", seed.hash},
                              {"sizeBytes", std::to_string(seed.size_bytes)}});
    if (seed.version) json.Set("version", std::to_string(*seed.version));
    list.Add(std::move(json));
  }
  return Json::Object({{"models", std::move(list)}}).Serialize(2) + "\n";
}

Result<std::vector<SeedModel>> ParseSeedManifest(std::string_view text) {
  const auto json = Json::Parse(text, {.bytes_max = kSeedManifestMaxBytes});
  if (!json.ok()) return Malformed(json.status().message());
  if (!(*json)["models"].is_array()) return Malformed("it has no list of models");
  std::vector<SeedModel> seeds;
  for (const Json& item : (*json)["models"].items()) {
    if (seeds.size() == kSeedsMax) return Malformed("it has too many models");
    GODWIT_ASSIGN_OR_RETURN(SeedModel seed, ReadSeed(item));
    const bool twice = std::any_of(seeds.begin(), seeds.end(),
                                   [&](const auto& other) { return other.name == seed.name; });
    if (twice) return Malformed("model " + seed.name + " is there twice");
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace godwit
