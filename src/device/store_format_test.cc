#include "device/store_format.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "device/model_store.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit {
namespace {

// The first that was ever written; and one with all that came since.
const ModelRecord kFirst = {"face",      DigestOf(std::string_view("the bytes of a model\n")),
                            21,          1767323045678,
                            7,           std::nullopt,
                            std::nullopt};
const ModelRecord kRecord = {"face",
                             DigestOf(std::string_view("the bytes of a model\n")),
                             21,
                             1767323045678,
                             7,
                             PreviousVersion{DigestOf(std::string_view("old")), 3, 6},
                             DigestOf(std::string_view("seed"))};

std::string Framed(std::string_view payload) {
  // The frame is the same but for the letters that tell a record from an installation.
  std::string bytes = EncodeInstallation(payload);
  bytes.replace(0, 4, "GWMR");
  const auto checked = bytes.substr(0, 12) + std::string(payload);
  const uint32_t crc = Crc32c(0, std::as_bytes(std::span(checked)));
  for (size_t i = 0; i < 4; ++i) bytes[12 + i] = static_cast<char>(crc >> (8 * i));
  return bytes;
}

std::string PayloadOf(const std::string& record) { return record.substr(16); }

TEST(ModelRecord, ReadsWhatItWrote) {
  EXPECT_EQ(ParseModelRecord(EncodeModelRecord(kRecord)).value(), kRecord);
  EXPECT_EQ(ParseModelRecord(EncodeModelRecord(kFirst)).value(), kFirst);
  ModelRecord bare = kFirst;
  bare.version.reset();
  bare.name = std::string(kModelNameMaxBytes, 'x');
  bare.downloaded_at_ms = -1;
  EXPECT_EQ(ParseModelRecord(EncodeModelRecord(bare)).value(), bare);
}

TEST(ModelRecord, RefusesEveryCutAndEveryChangedBit) {
  const std::string bytes = EncodeModelRecord(kRecord);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ParseModelRecord(bytes.substr(0, size)).status().code(), StatusCode::kDataLoss);
  }
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(ParseModelRecord(changed).status().code(), StatusCode::kDataLoss) << bit;
  }
  EXPECT_EQ(ParseModelRecord(bytes + "x").status().code(), StatusCode::kDataLoss);
}

TEST(ModelRecord, SkipsFieldsOfLaterVersionsUnlessTheyMustBeUnderstood) {
  const std::string payload = PayloadOf(EncodeModelRecord(kRecord));
  const std::string may_skip("\x77\x00\x03\x00\x00\x00new", 9);
  const std::string must_know("\x01\x80\x03\x00\x00\x00new", 9);
  EXPECT_EQ(ParseModelRecord(Framed(payload + may_skip)).value(), kRecord);
  EXPECT_EQ(ParseModelRecord(Framed(payload + must_know)).status().code(), StatusCode::kDataLoss);
}

TEST(ModelRecord, RefusesFieldsThatLieAboutTheirLength) {
  const std::string payload = PayloadOf(EncodeModelRecord(kRecord));
  const std::string previous_size("\x07\x00\x08\x00\x00\x00xxxxxxxx", 14);
  const std::string previous_digest =
      std::string("\x06\x00\x20\x00\x00\x00", 6) + std::string(32, 'x');
  const std::pair<const char*, std::string> rows[] = {
      {"nothing", ""},
      {"half a field's head", std::string("\x01\x00\x03", 3)},
      {"longer than the record", std::string("\x01\x00\xff\xff\xff\xff"
                                             "face",
                                             10)},
      {"an empty name", std::string("\x01\x00\x00\x00\x00\x00", 6)},
      {"a short digest", payload + std::string("\x02\x00\x01\x00\x00\x00x", 7)},
      {"a short number", payload + std::string("\x03\x00\x01\x00\x00\x00x", 7)},
      {"no digest", payload.substr(0, 10)},
      {"a previous version without a digest", PayloadOf(EncodeModelRecord(kFirst)) + previous_size},
      {"a previous version without a size", PayloadOf(EncodeModelRecord(kFirst)) + previous_digest},
  };
  for (const auto& [name, bytes] : rows) {
    EXPECT_EQ(ParseModelRecord(Framed(bytes)).status().code(), StatusCode::kDataLoss) << name;
  }
}

TEST(Trial, ReadsWhatItWroteAndRefusesEveryChangedBit) {
  const Trial trial{"too slow", std::string(64, 'a'), 1, true};
  const std::string bytes = EncodeTrial(trial);
  EXPECT_EQ(ParseTrial(bytes).value(), trial);
  EXPECT_EQ(ParseTrial(EncodeTrial({})).value(), Trial());
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(ParseTrial(changed).status().code(), StatusCode::kDataLoss) << bit;
  }
}

TEST(StoreMarker, SaysItsVersionAndNothingElseIsOne) {
  const StoreOwner owner{"http://h", "p", "a"};
  EXPECT_EQ(ParseStoreMarker(EncodeStoreMarker(owner)).value(), kStoreFormatVersion);
  EXPECT_EQ(ParseStoreMarker("godwit store 2\n").value(), 2u);
  for (const char* const text : {"", "godwit store ", "godwit store 1", "godwit store x\n",
                                 "godwit store 0\n", "godwit store -1\n", "godwit store 1 \n",
                                 "godwit store 99999999999\n", "GODWIT store 1\n"}) {
    EXPECT_EQ(ParseStoreMarker(text).status().code(), StatusCode::kDataLoss) << text;
  }
}

// The bytes in tests/golden were made by another program after docs/formats/store.md. They must
// be read for ever: they lie on devices.
TEST(GoldenStore, OfVersion1IsReadAndWrittenByteForByte) {
  const testing::TempDirectory directory;
  std::filesystem::copy(GODWIT_GOLDEN_DIRECTORY "/store-v1", directory.path(),
                        std::filesystem::copy_options::recursive);
  const auto fs = NewPosixFileSystem();
  const testing::ManualClock clock;
  NullLogger logger;
  const StoreOwner owner{"http://127.0.0.1:8484", "godwit", "1:1234567890:linux:0123456789abcdef"};
  const auto opened = ModelStore::Open(*fs, clock, logger, directory.path(), owner.server_url,
                                       owner.project, owner.app_id);
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  ModelStore& store = **opened;
  const auto models = store.List().value();
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name, "Stimme ü");
  EXPECT_EQ(models[0].version, std::nullopt);
  EXPECT_EQ(models[1].name, "face");
  EXPECT_EQ(models[1].version, 7u);
  EXPECT_EQ(models[1].downloaded_at_ms, 1767323045678);
  EXPECT_EQ(ReadWholeFile(*fs, models[1].path, 100).value(), "the bytes of a model\n");
  EXPECT_EQ(store.ReadInstallation().value(), R"({"fid":"cRxyz0123456789abcdefg"})");

  const std::string record = "records/" + DigestOf(std::string_view("face")).ToHex();
  EXPECT_EQ(ReadWholeFile(*fs, JoinPath(store.directory(), record), 1000).value(),
            EncodeModelRecord(kFirst));
  EXPECT_EQ(ReadWholeFile(*fs, JoinPath(store.directory(), "format"), 1000).value(),
            EncodeStoreMarker(owner));
}

// A store with every kind of file and field, at a place where it was not made.
TEST(GoldenStore, OfVersion1WithAllThatCameSinceIsRead) {
  const testing::TempDirectory directory;
  std::filesystem::copy(GODWIT_GOLDEN_DIRECTORY "/store-v1-all", directory.path(),
                        std::filesystem::copy_options::recursive);
  const auto fs = NewPosixFileSystem();
  const testing::ManualClock clock;
  NullLogger logger;
  const std::string store_folder = JoinPath(directory.path(), "64ad1cae3543c9f1aff74969866ed7e9");
  for (const char* const empty : {"locks", "partial"}) {  // git keeps no empty folders.
    ASSERT_TRUE(fs->CreateDirectories(JoinPath(store_folder, empty)).ok());
  }
  const std::string app = JoinPath(directory.path(), "app");
  ASSERT_TRUE(fs->CreateDirectories(app).ok());
  const SeedModel seed{"face", "f", DigestOf(std::string_view("seed")).ToHex(), 4, 99};
  ASSERT_TRUE(ReplaceFile(*fs, JoinPath(app, "f"), "seed").ok());
  ASSERT_TRUE(ReplaceFile(*fs, JoinPath(app, "seeds.json"), SerializeSeedManifest({seed})).ok());
  const auto opened =
      ModelStore::Open(*fs, clock, logger, directory.path(), "http://127.0.0.1:8484", "godwit",
                       "1:1234567890:linux:0123456789abcdef", {30, app});
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  ModelStore& store = **opened;
  const std::string record = "records/" + DigestOf(std::string_view("face")).ToHex();
  EXPECT_EQ(ReadWholeFile(*fs, JoinPath(store.directory(), record), 1000).value(),
            EncodeModelRecord(kRecord));
  EXPECT_EQ(store.Find("face").value()->version, 7u) << "chosen while that seed was there";
  EXPECT_EQ(store.Verify().value().whole.size(), 1u);
  EXPECT_EQ(store.OpenPartial("voice", Digest(), 10).status().code(), StatusCode::kNotEnoughSpace)
      << "face is pinned";
  EXPECT_TRUE(store.FallBack("face", kRecord.digest).value());
  EXPECT_EQ(store.Find("face").value()->version, 6u);
  ASSERT_TRUE(store.Delete("face").ok());
  EXPECT_FALSE(store.Find("face").value().has_value()) << "the seed was revoked";
}

}  // namespace
}  // namespace godwit
