// The file seeds.json: which models an app ships with itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit {

constexpr std::string_view kSeedManifestName = "seeds.json";
constexpr size_t kSeedManifestMaxBytes = 256 << 10;

// One model whose file lies beside the manifest. A value type.
struct SeedModel {
  std::string name;  // As the app asks for it: "face".
  std::string file;  // A name, no path.
  std::string hash;  // Lower-case hex SHA-256 of the file.
  uint64_t size_bytes = 0;
  std::optional<uint64_t> version;  // Counts from 1.
  friend bool operator==(const SeedModel&, const SeedModel&) = default;
};

std::string SerializeSeedManifest(const std::vector<SeedModel>& seeds);

// kDataLoss with the reason when the text is no manifest. A member that is not known is skipped.
Result<std::vector<SeedModel>> ParseSeedManifest(std::string_view text);

}  // namespace godwit
