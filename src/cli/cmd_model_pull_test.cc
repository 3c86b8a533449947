#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "cli/commands.h"
#include "crypto/crypto.h"
#include "digest/digest.h"
#include "http/range.h"
#include "testing/manual_clock.h"
#include "testing/scripted_http_client.h"
#include "testing/temp_directory.h"

namespace godwit::cli {
namespace {

using ::testing::HasSubstr;
using testing::ScriptedReply;

ScriptedReply Reply(int status, std::string body) {
  ScriptedReply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

std::string AdminKey() {
  static const std::string pem = RsaKey::Generate()->PrivatePem();
  return Json::Object({{"project_id", Json("godwit")},
                       {"client_email", Json("a@godwit")},
                       {"private_key", Json(pem)},
                       {"token_uri", Json("http://server/token")}})
      .Serialize();
}

class ModelPullTest : public ::testing::Test {
 protected:
  ModelPullTest() : file_(20'000, '\0') {
    std::mt19937 random(3);
    for (char& c : file_) c = static_cast<char>(random());
  }

  // blob answers the requests for the file.
  Status Pull(const std::string& address, std::function<ScriptedReply(const HttpRequest&)> blob) {
    testing::ScriptedHttpClient http([&](const HttpRequest& request) -> ScriptedReply {
      if (request.url == "http://server/token") {
        return Reply(200, R"({"access_token": "t", "expires_in": 3600})");
      }
      if (request.url.starts_with("http://server/blob")) return blob(request);
      if (request.url.find("/versions/") != std::string::npos) {
        return Reply(200, Json::Object({{"downloadUri", Json("http://server/blob")},
                                        {"sizeBytes", Json(std::to_string(file_.size()))},
                                        {"sha256", Json(DigestOf(file_).ToHex())}})
                              .Serialize());
      }
      return Reply(200, R"({"models": [{"name": "projects/godwit/models/12",
                            "displayName": "face", "latestVersion": 3}]})");
    });
    EXPECT_TRUE(ReplaceFile(*fs_, JoinPath(folder_.path(), "admin.json"), AdminKey()).ok());
    Settings settings(*fs_, [](const char*) { return std::string(); },
                      {"", JoinPath(folder_.path(), "admin.json"), ""});
    std::FILE* sink = std::tmpfile();
    Console console(sink, sink, {});
    UnknownPlatform platform;
    Context context{console, *fs_, clock_, http, http, settings, platform};
    Status status = RunModelPull(context, {address, output(), ""});
    std::fclose(sink);
    return status;
  }

  std::string output() const { return JoinPath(folder_.path(), "out.tflite"); }
  // What the output holds; empty when it is absent, as a refused pull must leave it.
  std::string Written() {
    EXPECT_FALSE(fs_->Stat(output() + ".part").ok());
    auto text = ReadWholeFile(*fs_, output(), 1 << 20);
    return text.ok() ? *text : "";
  }

  std::string file_;
  testing::TempDirectory folder_;
  std::unique_ptr<FileSystem> fs_ = NewPosixFileSystem();
  testing::ManualClock clock_;
};

TEST_F(ModelPullTest, AsksOnlyForTheRestAfterABreak) {
  std::vector<std::string> ranges;
  const Status status = Pull("face@3", [&](const HttpRequest& request) {
    const auto header = FindHeader(request.headers, "Range");
    ranges.emplace_back(header.value_or(""));
    if (!header) {
      ScriptedReply cut = Reply(200, file_);
      cut.cut_after_bytes = 7000;
      return cut;
    }
    ScriptedReply rest = Reply(206, file_.substr(7000));
    rest.headers = {{"Content-Range", FormatContentRange({7000, file_.size() - 1}, file_.size())}};
    return rest;
  });
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_THAT(ranges, ::testing::ElementsAre("", "bytes=7000-"));
  EXPECT_EQ(Written(), file_);
}

TEST_F(ModelPullTest, StartsAnewWhenTheServerSendsTheWholeAgain) {
  bool broken = false;
  const Status status = Pull("face@3", [&](const HttpRequest&) {
    ScriptedReply reply = Reply(200, file_);
    if (!std::exchange(broken, true)) reply.cut_after_bytes = 7000;
    return reply;
  });
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Written(), file_);
}

TEST_F(ModelPullTest, WritesNothingThatIsNotTheVersion) {
  const struct {
    const char* what;
    std::function<ScriptedReply(const HttpRequest&)> blob;
    StatusCode code;
  } rows[] = {
      {"other bytes",
       [this](const HttpRequest&) { return Reply(200, std::string(file_.size(), 'x')); },
       StatusCode::kModelHashMismatch},
      {"too many", [this](const HttpRequest&) { return Reply(200, file_ + "x"); },
       StatusCode::kDataLoss},
      {"never all of it", [](const HttpRequest&) { return Reply(200, "x"); },
       StatusCode::kUnavailable},
      {"gone", [](const HttpRequest&) { return Reply(404, ""); }, StatusCode::kNotFound},
      {"another range",
       [this](const HttpRequest& request) {
         ScriptedReply reply = Reply(200, file_);
         reply.cut_after_bytes = 100;
         if (!FindHeader(request.headers, "Range")) return reply;
         reply.status = 206;
         reply.headers = {{"Content-Range", FormatContentRange({50, 99}, file_.size())}};
         return reply;
       },
       StatusCode::kDataLoss},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Pull("face@3", row.blob).code(), row.code) << row.what;
    EXPECT_EQ(Written(), "") << row.what;
  }
}

TEST_F(ModelPullTest, SaysThatAnUnpublishedModelNeedsAVersion) {
  const Status status = Pull("face", [](const HttpRequest&) { return Reply(500, ""); });
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("face@3"));
}

}  // namespace
}  // namespace godwit::cli
