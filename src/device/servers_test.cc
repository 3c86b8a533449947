// Aim: a server that is out costs one request, not the model; and whatever the others answer,
// no device loops. Method: two or three servers in memory with the same data, one of them broken.
#include "device/servers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "device/device_fixture.h"

namespace godwit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing;  // NOLINT: the fakes of the project

constexpr int64_t kMinuteMs = 60'000;

ScriptedReply Answered(int status, std::vector<HttpHeader> headers, std::string body) {
  ScriptedReply reply;
  reply.status = status;
  reply.headers = std::move(headers);
  reply.body = std::move(body);
  return reply;
}

ScriptedReply Failed(StatusCode code) {
  ScriptedReply reply;
  reply.failure = Status(code, "broken");
  return reply;
}

// Servers a, b and c with one data; `broken` may answer in place of any of them.
class ServersTest : public ::testing::Test {
 protected:
  using Breaker = std::function<std::optional<ScriptedReply>(const HttpRequest&)>;

  ServersTest() { device_.server.Publish("face", bytes_); }

  static Breaker BreakHost(const std::string& host, const ScriptedReply& reply) {
    return [=](const HttpRequest& request) -> std::optional<ScriptedReply> {
      return request.url.starts_with("http://" + host) ? std::optional(reply) : std::nullopt;
    };
  }

  void Open(const std::string& directory = "store") {
    ClientOptions options = device_.options();
    options.directory = directory;
    options.server_url = "http://a.test";
    options.fallback_urls = {"http://b.test/", "http://c.test"};
    auto client = Client::Open(options, {device_.disk, http_, device_.clock, device_.logger});
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    client_ = *std::move(client);
  }

  Status Get() { return client_->GetModel("face", DownloadType::kLatestModel).status(); }

  // "a" for each request to a.test since the last call.
  std::string TakeHosts() { return std::exchange(hosts_, ""); }

  Device device_;
  const std::string bytes_ = ModelBytes(500, 1);
  Breaker broken_ = [](const HttpRequest&) { return std::nullopt; };
  std::string hosts_;
  ScriptedHttpClient http_{[this](const HttpRequest& request) {
    hosts_ += request.url[7];
    const auto reply = broken_(request);
    return reply ? *reply : device_.server.Answer(request);
  }};
  std::unique_ptr<Client> client_;
};

TEST_F(ServersTest, GoesToTheNextOneWhenTheFirstIsOutAndOnlyThen) {
  const std::string page = "<html>Welcome to the hotel</html>";
  const struct {
    const char* name;
    ScriptedReply reply;
    const char* hosts;  // Of a first download: registration, question, file.
    StatusCode code;
  } kRows[] = {
      {"refused", Failed(StatusCode::kUnavailable), "abbb", StatusCode::kOk},
      {"no such host", Failed(StatusCode::kNoNetworkConnection), "abbb", StatusCode::kOk},
      {"stalled", Failed(StatusCode::kDeadlineExceeded), "abbb", StatusCode::kOk},
      {"certificate refused", Failed(StatusCode::kPermissionDenied), "abbb", StatusCode::kOk},
      {"broken", Answered(500, {}, "{}"), "abbb", StatusCode::kOk},
      {"no such method at its proxy", Answered(501, {}, "{}"), "abbb", StatusCode::kOk},
      {"behind a proxy without it", Answered(502, {}, page), "abbb", StatusCode::kOk},
      {"login page", Answered(200, {{"Content-Type", "text/html"}}, page), "abbb", StatusCode::kOk},
      {"nothing at all", Answered(200, {}, ""), "abbb", StatusCode::kOk},
      {"redirect to a login page", Answered(302, {{"Location", "http://login.test/"}}, ""), "abbb",
       StatusCode::kOk},
      {"not found", Answered(404, {}, "{}"), "a", StatusCode::kNotFound},
      {"not found, by a page", Answered(404, {}, page), "a", StatusCode::kNotFound},
      {"forbidden", Answered(403, {}, "{}"), "a", StatusCode::kPermissionDenied},
      {"wrong", Answered(400, {}, "{}"), "a", StatusCode::kInvalidArgument},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);
    broken_ = [](const HttpRequest&) { return std::nullopt; };
    Open(row.name);  // A device that has nothing yet.
    TakeHosts();
    broken_ = BreakHost("a.test", row.reply);
    const Status got = Get();
    EXPECT_EQ(got.code(), row.code) << got.ToString();
    EXPECT_EQ(TakeHosts(), row.hosts);
  }
}

TEST_F(ServersTest, ReturnsToTheFirstOneAfterAPauseThatDoubles) {
  Open();
  broken_ = BreakHost("a.test", Failed(StatusCode::kUnavailable));
  ASSERT_TRUE(Get().ok());
  TakeHosts();
  for (const int64_t pause_ms : {kMinuteMs, 2 * kMinuteMs, 4 * kMinuteMs}) {
    device_.clock.Advance(pause_ms - 1);
    ASSERT_TRUE(Get().ok());
    EXPECT_EQ(TakeHosts(), "b") << pause_ms;
    device_.clock.Advance(1);
    ASSERT_TRUE(Get().ok());
    EXPECT_EQ(TakeHosts(), "ab") << pause_ms;
  }
  device_.clock.Advance(8 * kMinuteMs);
  broken_ = [](const HttpRequest&) { return std::nullopt; };
  ASSERT_TRUE(Get().ok());
  EXPECT_EQ(TakeHosts(), "a");
  // It is trusted anew: the next pause is a minute again.
  broken_ = BreakHost("a.test", Failed(StatusCode::kUnavailable));
  ASSERT_TRUE(Get().ok());
  EXPECT_EQ(TakeHosts(), "ab");
  device_.clock.Advance(kMinuteMs);
  ASSERT_TRUE(Get().ok());
  EXPECT_EQ(TakeHosts(), "ab");
}

TEST_F(ServersTest, LeavesAServerAloneForAsLongAsItAskedFor) {
  Open();
  ASSERT_TRUE(Get().ok());
  broken_ = BreakHost("a.test", Answered(503, {{"Retry-After", "600"}}, "{}"));
  ASSERT_TRUE(Get().ok());
  TakeHosts();
  device_.clock.Advance(600'000 - 1);
  ASSERT_TRUE(Get().ok());
  EXPECT_EQ(TakeHosts(), "b");
  device_.clock.Advance(1);
  ASSERT_TRUE(Get().ok());
  EXPECT_EQ(TakeHosts(), "ab");
}

TEST_F(ServersTest, TriesAllOfThemWhenAllAreOutAndSaysWhatTheLastSaid) {
  Open();
  ASSERT_TRUE(Get().ok());
  TakeHosts();
  broken_ = [](const HttpRequest&) { return Failed(StatusCode::kNoNetworkConnection); };
  EXPECT_EQ(Get().code(), StatusCode::kNoNetworkConnection);
  EXPECT_EQ(TakeHosts(), "abc");
  EXPECT_EQ(Get().code(), StatusCode::kNoNetworkConnection);
  EXPECT_EQ(TakeHosts(), "abc");
  broken_ = [](const HttpRequest&) { return Answered(503, {{"Retry-After", "3600"}}, "{}"); };
  const Status busy = Get();
  EXPECT_EQ(busy.code(), StatusCode::kUnavailable);
  EXPECT_THAT(busy.message(), HasSubstr("3600 s"));
  EXPECT_EQ(TakeHosts(), "abc");
}

TEST_F(ServersTest, FetchesTheRestOfAFileFromTheNextServer) {
  Open();
  bool cut = false;
  broken_ = [&](const HttpRequest& request) -> std::optional<ScriptedReply> {
    if (!request.url.starts_with("http://a.test/blobs/")) return std::nullopt;
    if (cut) return Failed(StatusCode::kUnavailable);
    cut = true;
    ScriptedReply reply = device_.server.Answer(request);
    reply.cut_after_bytes = 200;
    return reply;
  };
  const auto model = client_->GetModel("face", DownloadType::kLatestModel);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(device_.Read(*model), bytes_);
  EXPECT_EQ(TakeHosts(), "aaab");  // The link of a holds at b.
  EXPECT_THAT(device_.server.log(), ElementsAre("install", "check", "blob", "blob bytes=200-"));
}

TEST_F(ServersTest, AsksAForeignFileHostWhereverTheQuestionWent) {
  Open();
  broken_ = [&](const HttpRequest& request) -> std::optional<ScriptedReply> {
    if (!request.url.ends_with(":download")) return std::nullopt;
    ScriptedReply reply = device_.server.Answer(request);
    reply.body.replace(reply.body.find("http://a.test"), 13, "http://files.test:8080");
    return reply;
  };
  ASSERT_TRUE(Get().ok());
  EXPECT_EQ(TakeHosts(), "aaf");
}

// The one that stands in has other signing keys, which is a fault in its set-up.
TEST_F(ServersTest, DoesNotLoopWhenAServerRefusesEveryToken) {
  Open();
  ASSERT_TRUE(Get().ok());
  const std::string id = *client_->InstallationId();
  TakeHosts();
  broken_ = [&](const HttpRequest& request) -> std::optional<ScriptedReply> {
    if (request.url.starts_with("http://a.test")) return Failed(StatusCode::kUnavailable);
    const bool registers = request.url.ends_with("/installations");
    return registers ? std::nullopt : std::optional(Answered(401, {}, "{}"));
  };
  EXPECT_EQ(Get().code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(TakeHosts(), "abbbb");  // Question; renewal, registration; question.
  EXPECT_EQ(*client_->InstallationId(), id);
  // The first one is back, and renews what the other gave: they share the keys.
  device_.clock.Advance(kMinuteMs);
  broken_ = [](const HttpRequest&) { return std::nullopt; };
  EXPECT_TRUE(Get().ok());
  EXPECT_EQ(TakeHosts(), "aa");
}

TEST_F(ServersTest, EndsAnInstallationOnlyByWhatTheFirstServerSays) {
  Open();
  ASSERT_TRUE(Get().ok());
  const std::string id = *client_->InstallationId();
  device_.server.ForgetInstallations();
  ASSERT_TRUE(Get().ok());
  EXPECT_NE(*client_->InstallationId(), id);
}

TEST_F(ServersTest, KeepsTheStoreOfTheFirstServerWhateverTheOthersAre) {
  Open();
  const std::string path = client_->GetModel("face", DownloadType::kLatestModel)->path;
  ClientOptions options = device_.options();
  options.server_url = "http://a.test";
  const auto alone = Client::Open(options, {device_.disk, http_, device_.clock, device_.logger});
  ASSERT_TRUE(alone.ok());
  EXPECT_EQ((*alone)->GetModel("face", DownloadType::kLocalModel)->path, path);
}

TEST_F(ServersTest, RefusesAListThatWouldBeNoneOrWouldWeakenTls) {
  const struct {
    const char* first;
    std::vector<std::string> others;
  } kRows[] = {
      {"http://a.test", {""}},
      {"http://a.test", {"b.test"}},
      {"http://a.test", {"http://b.test/path"}},
      {"https://a.test", {"http://b.test"}},
      {"http://a.test", std::vector<std::string>(9, "http://b.test")},
  };
  for (const auto& row : kRows) {
    ClientOptions options = device_.options();
    options.server_url = row.first;
    options.fallback_urls = row.others;
    const auto client = Client::Open(options, {device_.disk, http_, device_.clock, device_.logger});
    EXPECT_EQ(client.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(client.status().message(), HasSubstr("fallback_urls"));
  }
}

}  // namespace
}  // namespace godwit
