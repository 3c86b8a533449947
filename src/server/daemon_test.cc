#include "server/daemon.h"

#include <gtest/gtest.h>

#include "server/db/database.h"
#include "server/server_under_test.h"

namespace godwit::server {
namespace {

TEST(Daemon, SetsItselfUpAndKeepsEverythingOverARestart) {
  ServerUnderTest server;
  const std::string bytes = DigitsModel("digits_v1.tflite");
  server.CreatePublished("face", bytes);
  server.Restart();
  const Reply reply = server.Device("/v1beta2/projects/godwit/models/face:download");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(server.Send("GET", reply.json()["downloadUri"].AsString()).body, bytes);
  EXPECT_EQ(server.Admin("GET", "/v1beta2/projects/godwit/models").status, 200)
      << "access tokens live on";
}

TEST(Daemon, TellsItsState) {
  ServerUnderTest server;
  EXPECT_EQ(server.Send("GET", "/healthz").body, "ok\n");
  EXPECT_EQ(server.Send("GET", "/readyz").body, "ready\n");
  const Reply metrics = server.Send("GET", "/metrics");
  EXPECT_NE(metrics.body.find("# TYPE godwit_http_requests_total counter"), std::string::npos);
  EXPECT_NE(metrics.body.find("godwit_registry_entries{kind=\"model\"} 0"), std::string::npos);
}

TEST(Daemon, AnswersUnknownPathsInJson) {
  ServerUnderTest server;
  for (const char* path : {"/", "/nowhere", "/v1beta2/projects", "/v1/projects/godwit/nothing",
                           "/blobs/sha256/short", "/storage/v2/x"}) {
    const Reply reply = server.Send("GET", path);
    EXPECT_GE(reply.status, 400) << path;
    EXPECT_LT(reply.status, 500) << path;
    EXPECT_EQ(reply.json()["error"]["code"].AsInt(), reply.status) << path;
  }
}

TEST(Daemon, RefusesAFolderThatAnotherOneHolds) {
  ServerUnderTest server;
  ServerConfig config;
  config.data_directory = server.folder();
  config.listen = {"127.0.0.1:0"};
  const auto fs = NewPosixFileSystem();
  NullLogger logger;
  const auto second = Daemon::Start(config, *fs, server.clock(), logger);
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(second.status().message().find("another godwitd is running on " + server.folder()),
            std::string::npos);
}

TEST(Daemon, RefusesDataOfANewerVersionAndLeavesItAlone) {
  const testing::TempDirectory directory;
  const testing::ManualClock clock;
  NullLogger logger;
  {
    auto database =
        OpenSqliteDatabase(JoinPath(directory.path(), "godwit.db"), clock, logger).value();
    ASSERT_TRUE(database
                    ->Write([](SqlConnection& connection) {
                      return connection
                          .Execute(
                              "INSERT INTO schema_migrations (number, name, sha256, "
                              "applied_ms) SELECT MAX(number) + 1, 'of the future', '', 0 "
                              "FROM schema_migrations")
                          .status();
                    })
                    .ok());
  }
  ServerConfig config;
  config.data_directory = directory.path();
  config.listen = {"127.0.0.1:0"};
  const auto fs = NewPosixFileSystem();
  const auto daemon = Daemon::Start(config, *fs, clock, logger);
  EXPECT_EQ(daemon.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(daemon.status().message().find("newer"), std::string::npos);
  EXPECT_FALSE(fs->Stat(JoinPath(directory.path(), "credentials")).ok());
}

TEST(Daemon, RefusesAnAddressInUse) {
  ServerUnderTest server;
  const testing::TempDirectory directory;
  ServerConfig config;
  config.data_directory = directory.path();
  config.listen = {server.url().substr(7)};
  const auto fs = NewPosixFileSystem();
  NullLogger logger;
  EXPECT_FALSE(Daemon::Start(config, *fs, server.clock(), logger).ok());
}

}  // namespace
}  // namespace godwit::server
