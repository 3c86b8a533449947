#include "server/storage/object_store.h"

#include <gtest/gtest.h>

#include "server/storage/storage_under_test.h"

namespace godwit::server {
namespace {

class ObjectStoreTest : public ::testing::Test {
 protected:
  testing::ManualClock clock_;
  NullLogger logger_;
  testing::FaultFileSystem fs_{&clock_};
  Storage storage_{fs_, clock_, logger_};
};

TEST_F(ObjectStoreTest, AFullDiskRefusesAndKeepsWhatWasThere) {
  ASSERT_TRUE(storage_.Put(WriteOf("x"), "first").ok());
  fs_.SetFreeBytes(1 << 20);
  EXPECT_EQ(storage_.Put(WriteOf("x"), std::string(2 << 20, 'x')).status().code(),
            StatusCode::kNotEnoughSpace);
  EXPECT_EQ(storage_.Read(*storage_.objects.Find(kProject, "bucket", "x")), "first");
  fs_.SetFreeBytes(std::nullopt);
  fs_.SetReadOnly(true);
  EXPECT_FALSE(storage_.Put(WriteOf("x"), "second").ok());
  fs_.SetReadOnly(false);
  EXPECT_TRUE(storage_.Put(WriteOf("x"), "third").ok());
  EXPECT_EQ(storage_.Read(*storage_.objects.Find(kProject, "bucket", "x")), "third");
}

TEST_F(ObjectStoreTest, OtherBytesThanWereSealedGetNoName) {
  auto upload = storage_.blobs->StartUpload().value();
  ASSERT_TRUE(upload->Append(AsBytes("other")).ok());
  const BlobDescriptor sealed{Digest{}, 5, 0};
  EXPECT_EQ(
      storage_.objects.FinishSealed(WriteOf("x"), sealed, upload.get(), nullptr).status().code(),
      StatusCode::kDataLoss);
  EXPECT_EQ(storage_.objects.Find(kProject, "bucket", "x").status().code(), StatusCode::kNotFound);
}

TEST_F(ObjectStoreTest, BytesOtherThanTheWriterBoundGetNoName) {
  ObjectWrite write = WriteOf("x");
  write.size_range = SizeRange{2, 5};
  const struct {
    const char* bytes;
    StatusCode code;
  } rows[] = {{"1", StatusCode::kInvalidArgument},
              {"12", StatusCode::kOk},
              {"12345", StatusCode::kOk},
              {"123456", StatusCode::kInvalidArgument}};
  for (const auto& row : rows) {
    EXPECT_EQ(storage_.Put(write, row.bytes).status().code(), row.code) << row.bytes;
  }
  write.sha256 = storage_.Put(write, "right")->digest;
  EXPECT_TRUE(storage_.Put(write, "right").ok());
  EXPECT_EQ(storage_.Put(write, "wrong").status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(storage_.Read(*storage_.objects.Find(kProject, "bucket", "x")), "right");
}

TEST_F(ObjectStoreTest, ABucketBelongsToTheProjectThatWroteItFirst) {
  ASSERT_TRUE(storage_.objects.CreateBucket(kProject, "bucket").ok());
  constexpr int64_t kOther = kProject + 1;
  EXPECT_EQ(storage_.objects.CreateBucket(kOther, "bucket").status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(storage_.objects.Find(kOther, "bucket", "x").status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(storage_.objects.List(kOther, "bucket", {}).status().code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(storage_.objects.Delete(kOther, {"bucket", "x", {}, {}}).code(),
            StatusCode::kPermissionDenied);
  EXPECT_TRUE(storage_.objects.ListBuckets(kOther)->empty());
}

TEST_F(ObjectStoreTest, ARequestThatComesAgainIsAnsweredAsItWas) {
  ObjectWrite write = WriteOf("x");
  write.idempotency_token = "once";
  write.precondition.generation_match = 0;
  const Object first = storage_.Put(write, "bytes").value();
  clock_.Advance(1000);
  const auto again = storage_.Put(write, "bytes");
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->generation, first.generation);
  EXPECT_EQ(again->create_time_ms, first.create_time_ms);
  // Other bytes, or another token, are another write.
  EXPECT_EQ(storage_.Put(write, "other").status().code(), StatusCode::kFailedPrecondition);
  write.idempotency_token = "twice";
  EXPECT_EQ(storage_.Put(write, "bytes").status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(ObjectStoreTest, CopiesShareTheBlob) {
  ObjectWrite original = WriteOf("original");
  original.content_type = "a/b";
  original.metadata = R"({"metadata":{"k":"v"}})";
  original.wants_md5 = true;
  const Object object = storage_.Put(original, "bytes").value();
  const Object copy =
      storage_.objects
          .Copy({"bucket", "original", {}, {}}, WriteOf("copy"), ObjectStore::CopyMode::kKeepSource)
          .value();
  EXPECT_EQ(copy.digest, object.digest);
  EXPECT_EQ(copy.md5, object.md5);
  EXPECT_EQ(copy.content_type, "a/b");
  EXPECT_EQ(copy.metadata, original.metadata);
  EXPECT_EQ(storage_.blobs->List()->size(), 1u);
  // The second move is one to its own name.
  ObjectWrite write = WriteOf("moved");
  write.content_type = "c/d";
  for (const char* from : {"copy", "moved"}) {
    const auto moved =
        storage_.objects.Copy({"bucket", from, {}, {}}, write, ObjectStore::CopyMode::kMove);
    ASSERT_TRUE(moved.ok()) << moved.status().ToString();
    EXPECT_EQ(moved->content_type, "c/d");
    EXPECT_EQ(moved->metadata, original.metadata);
  }
  EXPECT_FALSE(storage_.objects.Find(kProject, "bucket", "copy").ok());
  EXPECT_EQ(storage_.objects.List(kProject, "bucket", {})->objects.size(), 2u);
}

TEST_F(ObjectStoreTest, ComposesInOrder) {
  const Object a = storage_.Put(WriteOf("a"), "one ").value();
  ASSERT_TRUE(storage_.Put(WriteOf("b"), "two").ok());
  const ObjectSource first{"bucket", "a", {}, {}};
  const ObjectSource second{"bucket", "b", {}, {}};
  const auto whole = storage_.objects.Compose({first, second, first}, WriteOf("a"));
  ASSERT_TRUE(whole.ok()) << whole.status().ToString();
  EXPECT_EQ(storage_.Read(*whole), "one twoone ");
  const struct {
    const char* what;
    std::vector<ObjectSource> sources;
    StatusCode code;
  } rows[] = {
      {"nothing", {}, StatusCode::kInvalidArgument},
      {"too many", std::vector<ObjectSource>(33, second), StatusCode::kInvalidArgument},
      {"none such", {second, {"bucket", "none", {}, {}}}, StatusCode::kNotFound},
      {"an old generation", {{"bucket", "a", a.generation, {}}}, StatusCode::kNotFound},
      {"a condition", {{"bucket", "b", {}, {5, {}, {}, {}}}}, StatusCode::kFailedPrecondition},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(storage_.objects.Compose(row.sources, WriteOf("c")).status().code(), row.code)
        << row.what;
  }
  EXPECT_TRUE(storage_.blobs->ListUploadsBefore(INT64_MAX)->empty());
}

TEST_F(ObjectStoreTest, EditsCountAndNewBytesBeginAnew) {
  ASSERT_TRUE(storage_.Put(WriteOf("x"), "bytes").ok());
  const ObjectSource x{"bucket", "x", {}, {}};
  clock_.Advance(5);
  const auto edited = storage_.objects.Edit(kProject, x, [](Object* object) {
    object->content_type = "";
    object->metadata = "{}";
    return Status::Ok();
  });
  ASSERT_TRUE(edited.ok());
  EXPECT_EQ(edited->metageneration, 2);
  EXPECT_EQ(edited->update_time_ms, edited->create_time_ms + 5);
  EXPECT_EQ(edited->content_type, kDefaultContentType);
  ObjectSource stale = x;
  stale.precondition.metageneration_match = 1;
  EXPECT_EQ(storage_.objects.Delete(kProject, stale).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(storage_.Put(WriteOf("x"), "bytes")->metageneration, 1);
}

TEST_F(ObjectStoreTest, BucketsAreMadeFoundAndRemovedWhenEmpty) {
  EXPECT_EQ(storage_.objects.FindBucket(kProject, "bucket").status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(storage_.Put(WriteOf("x"), "bytes").ok());
  EXPECT_TRUE(storage_.objects.FindBucket(kProject, "bucket").ok());
  EXPECT_EQ(storage_.objects.CreateBucket(kProject, "bucket").status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(storage_.objects.DeleteBucket(kProject, "bucket").code(), StatusCode::kAlreadyExists);
  ASSERT_TRUE(storage_.objects.Delete(kProject, {"bucket", "x", {}, {}}).ok());
  EXPECT_TRUE(storage_.objects.DeleteBucket(kProject, "bucket").ok());
  EXPECT_EQ(storage_.objects.DeleteBucket(kProject, "bucket").code(), StatusCode::kNotFound);
  // Another project may have the name then.
  EXPECT_TRUE(storage_.objects.CreateBucket(kProject + 1, "bucket").ok());
}

TEST_F(ObjectStoreTest, RefusesNamesThatCannotBe) {
  const std::string longest(1024, 'x');
  const struct {
    std::string bucket, name;
    bool ok;
  } rows[] = {
      {"bucket", "a", true},
      {"my-app.appspot.com", "Firebase/ML/Models/face.tflite", true},
      {"bucket", "../../etc/passwd", true},  // A name in a table, nothing more.
      {"bucket", "/", true},
      {"bucket", longest, true},
      {"bucket", longest + "x", false},
      {"bucket", "", false},
      {"bucket", ".", false},
      {"bucket", "..", false},
      {"bucket", "a\nb", false},
      {"bucket", std::string("a\0b", 3), false},
      {"bucket", "\xC0\xAF", false},
      {"Bucket", "a", false},
      {"ab", "a", false},
      {"../etc", "a", false},
      {"v1beta2", "a", false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(CheckObjectName(row.bucket, row.name).ok(), row.ok) << row.bucket << "/" << row.name;
  }
}

// Aim: many uploads on a small disk end early and cleanly, and what was taken stays whole.
TEST_F(ObjectStoreTest, AFloodOnASmallDiskEndsEarly) {
  BlobStoreOptions options;
  options.free_disk_reserve_bytes = 1 << 20;
  const auto blobs = OpenBlobStore(fs_, "flood", options).value();
  constexpr uint64_t kEach = 1 << 20;
  fs_.SetFreeBytes(options.free_disk_reserve_bytes + 3 * kEach + kEach / 2);
  std::vector<std::unique_ptr<BlobUpload>> taken;
  int refused = 0;
  for (int i = 0; i < 10; ++i) {
    auto upload = blobs->StartUpload();
    ASSERT_TRUE(upload.ok()) << upload.status().ToString();
    const Status promised = (*upload)->Reserve(kEach);
    if (promised.ok()) {
      taken.push_back(*std::move(upload));
    } else {
      EXPECT_EQ(promised.code(), StatusCode::kNotEnoughSpace);
      ASSERT_TRUE((*upload)->Cancel().ok());
      ++refused;
    }
  }
  EXPECT_EQ(taken.size(), 3u);
  EXPECT_EQ(refused, 7);
  const std::string bytes(kEach, 'x');
  // Who announced nothing gets what is over, and no more.
  auto silent = blobs->StartUpload().value();
  EXPECT_EQ(silent->Append(AsBytes(bytes)).code(), StatusCode::kNotEnoughSpace);
  EXPECT_TRUE(silent->Append(AsBytes(bytes.substr(0, kEach / 4))).ok());
  for (const auto& upload : taken) {
    ASSERT_TRUE(upload->Append(AsBytes(bytes)).ok());
    ASSERT_TRUE(upload->Commit().ok());
  }
  // A promise ends with its upload.
  ASSERT_TRUE(silent->Cancel().ok());
  auto next = blobs->StartUpload().value();
  EXPECT_TRUE(next->Reserve(kEach / 4).ok());
  EXPECT_TRUE(next->Reserve(0).ok());
  EXPECT_EQ(blobs->SizeOf(DigestOf(bytes)).value(), kEach);
}

}  // namespace
}  // namespace godwit::server
