// Models that an app ships: used in place, hashed once, and left for what the server chooses.
#include "device/seed_models.h"

#include <gtest/gtest.h>

#include "device/model_store.h"
#include "testing/fault_file_system.h"
#include "testing/fault_points.h"
#include "testing/manual_clock.h"

namespace godwit {
namespace {

class Seeds : public ::testing::Test {
 protected:
  static SeedModel SeedOf(std::string_view bytes, std::optional<uint64_t> version) {
    return {"face", "face.tflite", DigestOf(bytes).ToHex(), bytes.size(), version};
  }
  void Ship(const SeedModel& seed, const std::string& bytes) {
    ASSERT_TRUE(disk_.CreateDirectories("app").ok());
    ASSERT_TRUE(ReplaceFile(disk_, "app/face.tflite", bytes).ok());
    ASSERT_TRUE(ReplaceFile(disk_, "app/seeds.json", SerializeSeedManifest({seed})).ok());
  }
  // A new process, perhaps of another version of the app.
  void Open() {
    auto store = ModelStore::Open(*fs_, clock_, logger_, "store", "http://h", "p", "a",
                                  {.seed_directory = "app"});
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
  }
  void Put(std::string_view bytes, uint64_t version) {
    const auto download = store_->OpenPartial("face", DigestOf(bytes), bytes.size());
    ASSERT_TRUE(download.ok()) << download.status().ToString();
    const auto rest = bytes.substr(static_cast<size_t>((*download)->size_bytes()));
    ASSERT_TRUE((*download)->Append(std::as_bytes(std::span(rest))).ok());
    ASSERT_TRUE((*download)->Commit(version).ok());
  }
  std::string Get() {
    const auto model = store_->Find("face").value();
    return model ? ReadWholeFile(disk_, model->path, 100).value() : "absent";
  }

  testing::ManualClock clock_;
  NullLogger logger_;
  testing::FaultFileSystem disk_{&clock_};
  testing::FaultPoints points_;
  const std::unique_ptr<FileSystem> fs_ = testing::NewFaultPointFileSystem(disk_, points_);
  std::unique_ptr<ModelStore> store_;
};

TEST_F(Seeds, AreUsedWhereTheyLieUntilTheStoreHasANewerModel) {
  Ship(SeedOf("seed", 3), "seed");
  Open();
  const auto model = store_->Find("face").value();
  ASSERT_TRUE(model.has_value());
  EXPECT_EQ(model->path, "app/face.tflite");
  EXPECT_EQ(model->version, 3u);
  EXPECT_TRUE(store_->List().value().empty());
  Put("newer", 4);
  EXPECT_EQ(Get(), "newer");
  ASSERT_TRUE(store_->Delete("face").ok());
  EXPECT_EQ(Get(), "seed");
}

TEST_F(Seeds, AreHashedOnceInAllProcesses) {
  Ship(SeedOf("seed", 3), "seed");
  Open();
  EXPECT_EQ(Get(), "seed");
  points_.FailNothing();
  ASSERT_TRUE(store_->Find("face").value().has_value());
  EXPECT_EQ(points_.count(), 2u);
  Open();
  ASSERT_TRUE(disk_.Open("app/face.tflite", OpenMode::kReadWrite)
                  .value()
                  ->WriteAt(0, std::as_bytes(std::span(std::string_view("S"))))
                  .ok());
  EXPECT_EQ(Get(), "Seed") << "same size and time: not hashed again";
  clock_.Advance(1000);
  Ship(SeedOf("seed", 3), "Seed");
  EXPECT_EQ(Get(), "absent") << "another file is";
  Ship(SeedOf("seed", 3), "seed");
  EXPECT_EQ(Get(), "seed");
}

TEST_F(Seeds, OfANewAppWinOverAnOlderModelUntilTheServerChooses) {
  Open();
  Put("version 7", 7);
  Ship(SeedOf("version 9", 9), "version 9");
  Open();
  EXPECT_EQ(Get(), "version 9");
  Put("version 7", 7);
  EXPECT_EQ(Get(), "version 7") << "the server went back, and knew of the seed";
  Open();
  EXPECT_EQ(Get(), "version 7");
  Ship(SeedOf("version 8", 8), "version 8");
  Open();
  EXPECT_EQ(Get(), "version 8") << "another seed is another question";
  Ship(SeedOf("version 5", 5), "version 5");
  Open();
  EXPECT_EQ(Get(), "version 7");
}

TEST_F(Seeds, ThatAreWrongRevokedOrMissingAreNotUsed) {
  Ship(SeedOf("seed", 3), "other");
  Open();
  EXPECT_EQ(Get(), "absent");
  Ship(SeedOf("seed", 3), "seed");
  EXPECT_EQ(Get(), "seed");
  EXPECT_TRUE(store_->FallBack("face", DigestOf(std::string_view("seed"))).value());
  EXPECT_EQ(Get(), "absent");
  Open();
  EXPECT_EQ(Get(), "absent") << "for ever";
  Ship(SeedOf("better", 4), "better");
  Open();
  EXPECT_EQ(Get(), "better");
  ASSERT_TRUE(disk_.Remove("app/face.tflite").ok());
  EXPECT_EQ(Get(), "absent");
  ASSERT_TRUE(ReplaceFile(disk_, "app/seeds.json", "{").ok());
  Open();
  EXPECT_EQ(Get(), "absent");
}

TEST_F(Seeds, ServeFromAReadOnlyDisk) {
  Open();
  Ship(SeedOf("seed", 3), "seed");
  disk_.SetReadOnly(true);
  Open();
  EXPECT_EQ(Get(), "seed");
}

}  // namespace
}  // namespace godwit
