#include "protocol/seed_manifest.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

const std::string kHash(64, 'a');

TEST(SeedManifest, ReadsWhatItWrote) {
  const std::vector<SeedModel> seeds = {{"face", "face.tflite", kHash, 12, 7},
                                        {"voice@stable", "v.bin", kHash, 0, {}}};
  EXPECT_EQ(ParseSeedManifest(SerializeSeedManifest(seeds)).value(), seeds);
  EXPECT_TRUE(ParseSeedManifest(R"({"models":[],"more":1})").value().empty());
}

TEST(SeedManifest, RefusesWhatCouldLeadElsewhereOrSaysTooLittle) {
  const auto item = [](const std::string& name, const std::string& file, const std::string& hash,
                       const std::string& size) {
    return R"({"name":")" + name + R"(","file":")" + file + R"(","sha256":")" + hash +
           R"(","sizeBytes":)" + size + "}";
  };
  const std::string good = item("face", "f", kHash, "1");
  EXPECT_TRUE(ParseSeedManifest(R"({"models":[)" + good + "]}").ok());
  std::string many = good;
  for (int i = 0; i < 256; ++i) many += "," + item("m" + std::to_string(i), "f", kHash, "1");
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"),
        R"({"models":[)" + item("a/b", "f", kHash, "1") + "]}",
        R"({"models":[)" + item("face", "../f", kHash, "1") + "]}",
        R"({"models":[)" + item("face", "..", kHash, "1") + "]}",
        R"({"models":[)" + item("face", "a\\\\b", kHash, "1") + "]}",
        R"({"models":[)" + item("face", "", kHash, "1") + "]}",
        R"({"models":[)" + item("face", "f", "abc", "1") + "]}",
        R"({"models":[)" + item("face", "f", kHash, "-1") + "]}",
        R"({"models":[)" + good + "," + good + "]}", R"({"models":[)" + many + "]}"}) {
    EXPECT_EQ(ParseSeedManifest(text).status().code(), StatusCode::kDataLoss) << text.substr(0, 99);
  }
}

}  // namespace
}  // namespace godwit
