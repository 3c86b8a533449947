#include "cli/firebase_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "crypto/crypto.h"
#include "http/range.h"
#include "protocol/installation_messages.h"
#include "testing/manual_clock.h"
#include "testing/scripted_http_client.h"
#include "testing/temp_directory.h"

namespace godwit::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ScriptedReply;

constexpr const char* kObjectUrl = "http://storage/storage/v1/b/bucket/o/dir%2Fface.tflite";

// Google's hosts, played: lists one model, holds one object, serves one file to apps.
class Google {
 public:
  ScriptedReply Answer(const HttpRequest& request) {
    const std::string_view bearer = FindHeader(request.headers, "Authorization").value_or("");
    ScriptedReply reply;
    if (request.url == "http://oauth/token") {
      reply.body = R"({"access_token": "secret", "expires_in": 3600})";
    } else if (request.url == "http://fis/v1/projects/p/installations") {
      ++installations;
      reply.body = R"({"fid": "cAAAAAAAAAAAAAAAAAAAAA", "refreshToken": "r",
                       "authToken": {"token": "t.o.k", "expiresIn": "604800s"}})";
    } else if (request.url == "http://ml/v1beta2/projects/p/models/face:download") {
      const bool known = FindHeader(request.headers, kApiKeyHeader) == "key" &&
                         FindHeader(request.headers, kInstallationTokenHeader) == "t.o.k";
      reply.status = known ? 200 : 403;
      reply.headers = {{"ETag", DigestOf(file).ToHex()}};
      reply.body = R"({"downloadUri": "http://anywhere/file?sig=1", "sizeBytes": "20000"})";
    } else if (request.url == "http://anywhere/file?sig=1") {
      EXPECT_EQ(bearer, "") << "the token must not leave for other hosts";
      reply = Serve(request, file);
    } else if (!has_object || bearer != "Bearer secret") {
      reply.status = bearer.empty() ? 401 : 404;
    } else if (request.url == kObjectUrl) {
      const std::string crc = crc32c.empty() ? Crc32cOf(object) : crc32c;
      reply.body = R"({"size": "20000", "generation": "7", "crc32c": ")" + crc + "\"}";
    } else if (request.url == std::string(kObjectUrl) + "?alt=media&generation=7") {
      reply = Serve(request, object);
    }
    return reply;
  }

  static std::string Crc32cOf(const std::string& bytes) {
    const uint32_t crc = Crc32c(0, AsBytes(bytes));
    std::string big_endian;
    for (int shift = 24; shift >= 0; shift -= 8) big_endian += static_cast<char>(crc >> shift);
    return Base64Encode(AsBytes(big_endian));
  }

  std::string file = std::string(20'000, 'm');
  std::string object = file;
  std::string crc32c;  // Empty: the right one.
  bool has_object = true;
  std::optional<size_t> cut_after_bytes;
  int installations = 0;
  std::vector<std::string> ranges;  // Asked for, of files.

 private:
  ScriptedReply Serve(const HttpRequest& request, const std::string& bytes) {
    const std::string range(FindHeader(request.headers, "Range").value_or(""));
    ranges.push_back(range);
    const RangeDecision decision = DecideRange(range, bytes.size());
    ScriptedReply reply;
    reply.body = bytes;
    reply.cut_after_bytes = cut_after_bytes;
    if (decision.outcome == RangeOutcome::kPart) {
      reply.status = 206;
      reply.body = bytes.substr(decision.range.first, decision.range.size_bytes());
      reply.headers = {{"Content-Range", FormatContentRange(decision.range, bytes.size())}};
    }
    return reply;
  }
};

class FirebaseSourceTest : public ::testing::Test {
 protected:
  FirebaseSourceTest() {
    model_.name = "face";
    model_.id = "1";
    model_.published = true;
    model_.gcs_uri = "gs://bucket/dir/face.tflite";
    model_.hash = DigestOf(google_.file).ToHex();
    model_.digest = DigestOf(google_.file);
  }

  // As a run of the command: nothing but the folder is kept.
  Result<std::string> Fetch(std::optional<FirebaseApp> app = std::nullopt) {
    static const std::string pem = RsaKey::Generate()->PrivatePem();
    AdminSettings key;
    key.token_uri = "http://oauth/token";
    key.project_id = "p";
    key.client_email = "a@p";
    key.private_key = pem;
    FirebaseSource source(context_, key, {"http://ml", "http://storage", "http://fis"}, app,
                          folder_.path() + "/import");
    return source.Fetch(model_);
  }
  std::string Contents(const Result<std::string>& path) {
    EXPECT_TRUE(path.ok()) << path.status().message();
    return path.ok() ? ReadWholeFile(*fs_, *path, 1 << 20).value() : "";
  }

  const testing::TempDirectory folder_;
  const std::unique_ptr<FileSystem> fs_ = NewPosixFileSystem();
  testing::ManualClock clock_;
  Google google_;
  testing::ScriptedHttpClient http_{
      [this](const HttpRequest& request) { return google_.Answer(request); }};
  Console console_{stdout, stderr, {}};
  Settings settings_{*fs_, [](const char*) { return std::string(); }, {}};
  UnknownPlatform platform_;
  Context context_{console_, *fs_, clock_, http_, http_, settings_, platform_};
  FirebaseModel model_;
};

TEST_F(FirebaseSourceTest, GetsAFileFromCloudStorage) {
  EXPECT_EQ(Contents(Fetch()), google_.file);
  EXPECT_THAT(google_.ranges, ElementsAre(""));
  EXPECT_EQ(Contents(Fetch()), google_.file);  // It is here already.
  EXPECT_EQ(google_.ranges.size(), 1u);
}

TEST_F(FirebaseSourceTest, GoesOnWhereAnEarlierRunBrokeOff) {
  google_.cut_after_bytes = 0;
  ASSERT_EQ(Fetch().status().code(), StatusCode::kUnavailable);
  google_.cut_after_bytes = 3000;
  google_.ranges.clear();
  EXPECT_EQ(Contents(Fetch()), google_.file);  // Seven pieces, for each brought something.
  EXPECT_THAT(google_.ranges, ElementsAre("", "bytes=3000-", "bytes=6000-", "bytes=9000-",
                                          "bytes=12000-", "bytes=15000-", "bytes=18000-"));
}

TEST_F(FirebaseSourceTest, KeepsWhatCameForTheNextRun) {
  // The first run dies with 3,000 bytes; its file stays as it is.
  const std::string whole = *Fetch();
  const auto file = fs_->Open(whole, OpenMode::kReadWrite).value();
  ASSERT_TRUE(file->Truncate(3000).ok());
  google_.ranges.clear();
  EXPECT_EQ(Contents(Fetch()), google_.file);
  EXPECT_THAT(google_.ranges, ElementsAre("bytes=3000-"));
  // Another file of the model starts afresh.
  google_.ranges.clear();
  google_.file = google_.object = std::string(20'000, 'n');
  model_.hash = DigestOf(google_.file).ToHex();
  model_.digest = DigestOf(google_.file);
  EXPECT_EQ(Contents(Fetch()), google_.file);
  EXPECT_THAT(google_.ranges, ElementsAre(""));
}

TEST_F(FirebaseSourceTest, TrustsNoBytesThatDoNotMatch) {
  google_.crc32c = "AAAAAA==";
  const Status changed = Fetch().status();
  EXPECT_EQ(changed.code(), StatusCode::kUnavailable);
  EXPECT_THAT(changed.message(), HasSubstr("gs://bucket/dir/face.tflite: the bytes changed"));
  google_.crc32c.clear();
  google_.object[7] = 'x';
  const Status other = Fetch().status();
  EXPECT_EQ(other.code(), StatusCode::kModelHashMismatch);
  EXPECT_THAT(other.message(), HasSubstr("give --app-id and --api-key"));
  google_.object = google_.file;
  EXPECT_EQ(Contents(Fetch()), google_.file);  // Nothing wrong was kept.
}

TEST_F(FirebaseSourceTest, GetsWhatIsInNoBucketAsAnApp) {
  const FirebaseApp app{"1:7:web:x", "key"};
  google_.has_object = false;
  for (const char* uri : {"", "gs://bucket/dir/face.tflite"}) {
    model_.gcs_uri = uri;
    EXPECT_EQ(Contents(Fetch(app)), google_.file) << uri;
  }
  EXPECT_EQ(google_.installations, 2);
  EXPECT_EQ(google_.ranges.size(), 1u);  // The second time it was here.
  model_.published = false;
  EXPECT_THAT(Fetch(app).status().message(), HasSubstr("publish the model there"));
  model_.published = true;
  EXPECT_EQ(Fetch(FirebaseApp{"1:7:web:x", "other"}).status().code(),
            StatusCode::kPermissionDenied);
}

TEST_F(FirebaseSourceTest, VerifiesByTheEtagWhereTheListHasNoSha256) {
  model_.gcs_uri.clear();
  model_.hash = "7";
  model_.digest.reset();
  const FirebaseApp app{"1:7:web:x", "key"};
  EXPECT_EQ(Contents(Fetch(app)), google_.file);
}

}  // namespace
}  // namespace godwit::cli
