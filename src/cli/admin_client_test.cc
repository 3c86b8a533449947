#include "cli/admin_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/crypto.h"
#include "testing/manual_clock.h"
#include "testing/scripted_http_client.h"

namespace godwit::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ScriptedReply;

// A reply without the ways to break it.
ScriptedReply Reply(int status, std::string body, std::vector<HttpHeader> headers = {}) {
  ScriptedReply reply;
  reply.status = status;
  reply.headers = std::move(headers);
  reply.body = std::move(body);
  return reply;
}

const RsaKey& Key() {
  static const RsaKey key = *RsaKey::Generate();
  return key;
}

AdminSettings TestSettings() {
  return {.url = "http://server",
          .token_uri = "http://server/token",
          .project_id = "godwit",
          .client_email = "admin@godwit",
          .private_key_id = "k1",
          .private_key = Key().PrivatePem(),
          .source = "admin.json"};
}

ScriptedReply Unreachable() {
  ScriptedReply reply;
  reply.failure = Status(StatusCode::kUnavailable, "reset");
  return reply;
}

class AdminClientTest : public ::testing::Test {
 protected:
  using Handler = std::function<ScriptedReply(const HttpRequest&)>;

  // handler answers everything but /token.
  AdminClient Make(Handler handler) {
    http_ = std::make_unique<testing::ScriptedHttpClient>(
        [this, handler](const HttpRequest& request) -> ScriptedReply {
          if (request.url != "http://server/token") return handler(request);
          return Reply(200, R"({"access_token": "t)" + std::to_string(++tokens_) +
                                R"(", "expires_in": 3600})");
        });
    return AdminClient(*http_, clock_, TestSettings());
  }

  std::unique_ptr<testing::ScriptedHttpClient> http_;
  testing::ManualClock clock_;
  int tokens_ = 0;
};

TEST(Assertion, IsSignedAndSaysWhoAsksForWhat) {
  const auto assertion = SignAssertion(TestSettings(), 1'700'000'000'000);
  ASSERT_TRUE(assertion.ok()) << assertion.status().ToString();
  const size_t first = assertion->find('.');
  const size_t second = assertion->find('.', first + 1);
  EXPECT_TRUE(Key().VerifySha256(assertion->substr(0, second),
                                 *Base64UrlDecode(assertion->substr(second + 1))));
  const Json header = *Json::Parse(*Base64UrlDecode(assertion->substr(0, first)));
  EXPECT_EQ(header["alg"].AsString(), "RS256");
  EXPECT_EQ(header["kid"].AsString(), "k1");
  const Json claims =
      *Json::Parse(*Base64UrlDecode(assertion->substr(first + 1, second - first - 1)));
  EXPECT_EQ(claims["iss"].AsString(), "admin@godwit");
  EXPECT_EQ(claims["aud"].AsString(), "http://server/token");
  EXPECT_EQ(claims["iat"].AsInt(), 1'700'000'000);
  EXPECT_EQ(claims["exp"].AsInt(), 1'700'003'600);
}

TEST_F(AdminClientTest, ReadsAListOverAllItsPages) {
  AdminClient client = Make([](const HttpRequest& request) -> ScriptedReply {
    EXPECT_EQ(FindHeader(request.headers, "Authorization"), "Bearer t1");
    if (request.url.find("pageToken=n%3D2") != std::string::npos) {
      return Reply(200, R"({"models": [{"displayName": "b"}]})");
    }
    EXPECT_THAT(request.url,
                HasSubstr("/v1beta2/projects/godwit/models?filter=tags%3Ax&pageSize=100"));
    return Reply(200, R"({"models": [{"displayName": "a"}], "nextPageToken": "n=2"})");
  });
  const auto models = client.ListModels("tags:x");
  ASSERT_TRUE(models.ok()) << models.status().ToString();
  ASSERT_EQ(models->size(), 2U);
  EXPECT_EQ((*models)[1]["displayName"].AsString(), "b");
}

TEST_F(AdminClientTest, AsksForANewTokenWhenTheOldOneIsRefusedOrRunsOut) {
  AdminClient client = Make([](const HttpRequest& request) -> ScriptedReply {
    if (FindHeader(request.headers, "Authorization") == "Bearer t1") return Reply(401, "");
    return Reply(200, "{}");
  });
  EXPECT_TRUE(client.ListModels("").ok());
  EXPECT_EQ(tokens_, 2);
  EXPECT_TRUE(client.ListModels("").ok());
  EXPECT_EQ(tokens_, 2);
  clock_.Advance(3600'000);
  EXPECT_TRUE(client.ListModels("").ok());
  EXPECT_EQ(tokens_, 3);
}

TEST_F(AdminClientTest, NeverShowsItsTokenToAnotherHost) {
  AdminClient client = Make([](const HttpRequest& request) -> ScriptedReply {
    EXPECT_FALSE(FindHeader(request.headers, "Authorization").has_value()) << request.url;
    return {};
  });
  for (const char* url : {"http://elsewhere/x", "http://server.evil/x", "http://server:81/x"}) {
    HttpRequest request;
    request.url = url;
    EXPECT_TRUE(client.Send(request).ok());
  }
}

TEST_F(AdminClientTest, WaitsAsLongAsABusyServerAsks) {
  int answers = 0;
  AdminClient client = Make([&](const HttpRequest&) -> ScriptedReply {
    if (++answers == 1) return Reply(503, "", {{"Retry-After", "7"}});
    return Reply(200, "{}");
  });
  const int64_t before_ms = clock_.NowMs();
  EXPECT_TRUE(client.ListModels("").ok());
  EXPECT_EQ(clock_.NowMs() - before_ms, 7000);
}

TEST_F(AdminClientTest, SitsOutARestartOfAServerThatHasAnswered) {
  int calls = 0;
  AdminClient client = Make([&](const HttpRequest&) -> ScriptedReply {
    if (++calls < 3) return Unreachable();
    return Reply(200, "{}");
  });
  EXPECT_TRUE(client.ListModels("").ok());  // The token was answered before.
  EXPECT_EQ(calls, 3);
}

TEST_F(AdminClientTest, DoesNotDeleteTwice) {
  int calls = 0;
  AdminClient client = Make([&](const HttpRequest&) -> ScriptedReply {
    ++calls;
    return Unreachable();
  });
  EXPECT_EQ(client.DeleteModel("12").code(), StatusCode::kUnavailable);
  EXPECT_EQ(calls, 1);
}

TEST_F(AdminClientTest, RepeatsOnlyThePostsThatAreHarmlessTwice) {
  const std::pair<const char*, bool> rows[] = {
      {"/v1beta2/projects/godwit/models", true},
      {"/v1beta2/projects/godwit/models/12:rollback", true},
      {"/upload/storage/v1/b/x/o?uploadType=resumable&name=y", true},
      {"/v1/projects/godwit/serviceAccounts", false},
      {"/v1/projects/godwit/serviceAccounts/a%40b/keys", false},
      {"/v2/projects/godwit/locations/global/keys", false},
      {"/v1beta1/projects/godwit/androidApps", false},
      {"/v1/projects", false}};
  for (const auto& [path, repeated] : rows) {
    int calls = 0;
    AdminClient client = Make([&](const HttpRequest&) -> ScriptedReply {
      ++calls;
      return Unreachable();
    });
    EXPECT_EQ(client.Call("POST", path, Json::Object()).status().code(), StatusCode::kUnavailable);
    EXPECT_EQ(calls > 1, repeated) << path;
  }
}

TEST_F(AdminClientTest, SaysFromWhatARollbackIsAlsoWhenNothingIsPublished) {
  AdminClient client = Make([](const HttpRequest& request) -> ScriptedReply {
    EXPECT_EQ(request.body, R"({"fromVersion":0})");
    return Reply(200, "{}");
  });
  EXPECT_TRUE(client.RollBack("12", 0, 0).ok());
}

TEST_F(AdminClientTest, PollsAnOperationUntilItIsDone) {
  std::vector<std::string> urls;
  AdminClient client = Make([&](const HttpRequest& request) -> ScriptedReply {
    urls.push_back(request.url);
    if (urls.size() < 3) return Reply(200, R"({"name": "projects/godwit/operations/1"})");
    return Reply(200, R"({"done": true, "response": {"displayName": "face"}})");
  });
  const auto model = client.CreateModel(Json::Object());
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ((*model)["displayName"].AsString(), "face");
  EXPECT_THAT(urls, ElementsAre("http://server/v1beta2/projects/godwit/models",
                                "http://server/v1beta2/projects/godwit/operations/1",
                                "http://server/v1beta2/projects/godwit/operations/1"));
}

TEST_F(AdminClientTest, TurnsAnOperationsErrorIntoAStatus) {
  AdminClient client = Make([](const HttpRequest& request) -> ScriptedReply {
    EXPECT_EQ(request.method, "PATCH");
    EXPECT_THAT(request.url, HasSubstr("/models/12?updateMask=tags%2CdisplayName&publish=false"));
    return Reply(200, R"({"done": true, "error": {"code": 9, "message": "not verified"}})");
  });
  const Status status =
      client.PatchModel("12", "tags,displayName", Json::Object(), "publish=false").status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("not verified"));
}

TEST_F(AdminClientTest, SaysThatAWrongServerIsNoGodwit) {
  AdminClient client = Make(
      [](const HttpRequest&) -> ScriptedReply { return Reply(200, "<html>It works!</html>"); });
  EXPECT_THAT(client.ListModels("").status().message(), HasSubstr("no such server"));
}

TEST_F(AdminClientTest, FindsAModelByItsExactName) {
  AdminClient client = Make([](const HttpRequest&) -> ScriptedReply {
    return Reply(200,
                 R"({"models": [{"name": "projects/godwit/models/12", "displayName": "face"}]})");
  });
  EXPECT_EQ(ModelId(*client.FindModel("face")), "12");
  const auto other = client.FindModel("Face");
  EXPECT_EQ(other.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(other.status().message(), HasSubstr("godwit model list"));
}

}  // namespace
}  // namespace godwit::cli
