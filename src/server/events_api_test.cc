// What devices tell, and what administrators see of it, over HTTP.
#include <gtest/gtest.h>

#include "digest/digest.h"
#include "server/server_under_test.h"

namespace godwit::server {
namespace {

constexpr char kFid[] = "cAAAAAAAAAAAAAAAAAAAAA";
constexpr char kProject[] = "/v1beta2/projects/godwit";

class EventsApiTest : public ::testing::Test {
 protected:
  Headers DeviceHeaders() {
    return {{"x-goog-api-key", server_.api_key()},
            {"X-Goog-Firebase-Installations-Auth", server_.installation_token()}};
  }
  Reply Post(const std::string& body) { return Post(body, DeviceHeaders()); }
  Reply Post(const std::string& body, Headers headers, const std::string& fid = kFid) {
    return server_.Send("POST", kProject + ("/installations/" + fid) + "/events:batch",
                        std::move(headers), body);
  }
  static std::string Batch(int sequence, const std::string& kind = "FINISHED") {
    return R"({"sequence":")" + std::to_string(sequence) +
           R"(","events":[{"day":"2026-01-02","model":"face","kind":")" + kind +
           R"(","count":"2","bytes":"1000","durationMs":"70"}]})";
  }

  ServerUnderTest server_;
  const std::string v1_ = DigitsModel("digits_v1.tflite");
};

TEST_F(EventsApiTest, TakesABatchOnceAndShowsItInStatsAndExport) {
  const std::string id = server_.CreatePublished("face", v1_);
  for (int i = 0; i < 2; ++i) {
    const Reply taken = Post(Batch(7));
    EXPECT_EQ(taken.status, 200) << taken.body;
    EXPECT_EQ(taken.json()["lastSequence"].AsString(), "7");
  }
  ASSERT_EQ(
      server_
          .Device(std::string(kProject) + "/models/face:download",
                  {{"If-None-Match", DigestOf(v1_).ToHex()}, {"X-Godwit-Context", "app_version=1"}})
          .status,
      304);
  const Reply stats = server_.Admin("GET", std::string(kProject) + "/models/" + id + ":stats");
  ASSERT_EQ(stats.status, 200) << stats.body;
  EXPECT_EQ(stats.json()["adoption"].items().at(0)["version"].AsString(), "1");
  EXPECT_EQ(stats.json()["adoption"].items().at(0)["installations"].AsString(), "1");
  const Json total = stats.json()["totals"].items().at(0);
  EXPECT_EQ(total["kind"].AsString(), "FINISHED");
  EXPECT_EQ(total["count"].AsString(), "2");
  EXPECT_EQ(total["bytes"].AsString(), "1000");
  const Reply exported = server_.Admin("GET", std::string(kProject) + "/events?from=2026-01-01");
  ASSERT_EQ(exported.json()["events"].items().size(), 1u) << exported.body;
  EXPECT_EQ(exported.json()["events"].items()[0]["installation"].AsString(), kFid);
  EXPECT_EQ(exported.json()["events"].items()[0]["durationMs"].AsString(), "70");
  const Reply metrics = server_.Send("GET", "/metrics");
  EXPECT_NE(metrics.body.find("godwit_sightings_written_total 1"), std::string::npos);
}

TEST_F(EventsApiTest, SightingsSurviveARestart) {
  const std::string id = server_.CreatePublished("face", v1_);
  ASSERT_EQ(server_
                .Device(std::string(kProject) + "/models/face@1:download",
                        {{"If-None-Match", '"' + DigestOf(v1_).ToHex() + '"'}})
                .status,
            304);
  server_.Restart();
  const Reply stats = server_.Admin("GET", std::string(kProject) + "/models/" + id + ":stats");
  EXPECT_EQ(stats.json()["adoption"].items().size(), 1u) << stats.body;
}

TEST_F(EventsApiTest, RefusesWhoIsNotTheInstallationAndWhatIsNoBatch) {
  server_.CreatePublished("face", v1_);
  Headers no_key = {DeviceHeaders()[1]};
  Headers no_token = {DeviceHeaders()[0]};
  Headers bad_token = no_token;
  bad_token.push_back({"X-Goog-Firebase-Installations-Auth", "a.b.c"});
  EXPECT_EQ(Post(Batch(1), no_key).status, 403);
  EXPECT_EQ(Post(Batch(1), no_token).status, 401);
  EXPECT_EQ(Post(Batch(1), bad_token).status, 401);
  EXPECT_EQ(Post(Batch(1), DeviceHeaders(), "dAAAAAAAAAAAAAAAAAAAAA").status, 401);
  EXPECT_EQ(Post("{}").status, 400);
  EXPECT_EQ(Post(Batch(1, "ATE_LUNCH")).status, 400);
  EXPECT_EQ(Post(Batch(1) + std::string(70'000, ' ')).status, 400);
  const std::string path = kProject;
  EXPECT_EQ(server_.Send("GET", path + "/events").status, 401);
  for (const std::string query : {"/events?from=soon", "/events?pageSize=0", "/events?pageToken=x",
                                  "/models/1:stats?days=0", "/models/1:stats?days=401"}) {
    EXPECT_EQ(server_.Admin("GET", path + query).status, 400) << query;
  }
  EXPECT_EQ(server_.Admin("GET", path + "/models/1:stats").status, 404);
  EXPECT_EQ(server_.Admin("POST", path + "/events").status, 404);
}

}  // namespace
}  // namespace godwit::server
