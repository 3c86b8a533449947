#include "server/config.h"

#include <gtest/gtest.h>

namespace godwit::server {
namespace {

TEST(ServerConfig, ReadsEveryKey) {
  ServerConfig config;
  const Status read = ApplyConfigText(R"(
listen = ["127.0.0.1:1", "[::1]:2"]
listen_tls = ["127.0.0.1:3"]
public_url = "https://models.example/"
storage_hosts = ["storage.example"]
storage_emulator = true
require_installation_token = false
loop_threads = 3
worker_threads = 5
[[tls]]
cert = "one.pem"
key = "one.key"
[[tls]]
cert = "two.pem"
key = "two.key"
[log]
level = "debug"
format = "json"
[limits]
model_max_bytes = 2048
free_disk_reserve_bytes = 7
versions_kept = 0
connections_max = 9
[garbage]
period_ms = 50
blob_age_min_ms = 0
)",
                                      &config);
  ASSERT_TRUE(read.ok()) << read.ToString();
  EXPECT_EQ(config.listen, (std::vector<std::string>{"127.0.0.1:1", "[::1]:2"}));
  EXPECT_EQ(config.listen_tls, std::vector<std::string>{"127.0.0.1:3"});
  ASSERT_EQ(config.tls.size(), 2u);
  EXPECT_EQ(config.tls[0].certificate, "one.pem");
  EXPECT_EQ(config.tls[1].private_key, "two.key");
  EXPECT_EQ(PublicUrl(config, {"x:1"}, {"y:1"}), "https://models.example");
  EXPECT_EQ(config.storage_hosts, std::vector<std::string>{"storage.example"});
  EXPECT_TRUE(config.storage_emulator);
  EXPECT_FALSE(config.require_installation_token);
  EXPECT_EQ(config.loop_threads, 3);
  EXPECT_EQ(config.worker_threads, 5);
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_EQ(config.log_format, "json");
  EXPECT_EQ(config.model_max_bytes, 2048u);
  EXPECT_EQ(config.free_disk_reserve_bytes, 7u);
  EXPECT_EQ(config.versions_kept, 0);
  EXPECT_EQ(config.connections_max, 9);
  EXPECT_EQ(config.garbage_period_ms, 50);
  EXPECT_EQ(config.garbage_blob_age_min_ms, 0);
}

TEST(ServerConfig, NamesLineAndKeyOfAMistake) {
  const struct {
    const char* text;
    const char* message_part;
  } rows[] = {
      {"listen = ", "line 1"},
      {"\nlisten = \"127.0.0.1:1\"", "line 2: 'listen' must be a list of texts"},
      {"listen = [1]", "'listen' must be a list of texts"},
      {"worker_threads = \"4\"", "'worker_threads' must be a number"},
      {"worker_threads = -1", "'worker_threads' must be a number"},
      {"worker_threads = 99999999999", "'worker_threads' must be a number"},
      {"storage_emulator = 1", "'storage_emulator' must be true or false"},
      {"public_url = 1", "'public_url' must be a text"},
      {"lisen = []", "the key 'lisen' is unknown"},
      {"[limits]\nmodel_max = 1", "line 2: the key 'limits.model_max' is unknown"},
      {"tls = 1", "'tls' must be a list of tables: write [[tls]]"},
      {"[tls]\ncert = \"a\"", "line 1: 'tls' must be a list of tables"},
      {"[[tls]]\ncertificate = \"a\"", "line 2: the key 'tls.certificate' is unknown"},
      {"[log]\nlevel = 3", "'log.level' must be a text"},
  };
  for (const auto& row : rows) {
    ServerConfig config;
    const Status read = ApplyConfigText(row.text, &config);
    EXPECT_EQ(read.code(), StatusCode::kInvalidArgument) << row.text;
    EXPECT_NE(read.message().find(row.message_part), std::string::npos) << read.message();
  }
}

TEST(ServerConfig, RefusesSettingsThatCannotWork) {
  ServerConfig good;
  good.data_directory = "data";
  ASSERT_TRUE(CheckConfig(good).ok());
  const auto refused = [&good](auto change) {
    ServerConfig config = good;
    change(config);
    return CheckConfig(config).code() == StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](ServerConfig& c) { c.data_directory.clear(); }));
  EXPECT_TRUE(refused([](ServerConfig& c) { c.listen_tls = {"127.0.0.1:1"}; }));
  EXPECT_TRUE(refused([](ServerConfig& c) { c.tls = {{"a.pem", "a.key"}}; }));
  EXPECT_TRUE(refused([](ServerConfig& c) {
    c.listen_tls = {"127.0.0.1:1"};
    c.tls = {{"a.pem", ""}};
  }));
  EXPECT_TRUE(refused([](ServerConfig& c) {
    c.listen_tls = {"0.0.0.0:1"};
    c.tls = {{"a.pem", "a.key"}};
  }));
  EXPECT_TRUE(refused([](ServerConfig& c) { c.listen = {"0.0.0.0:8484"}; }));
  EXPECT_TRUE(refused([](ServerConfig& c) { c.public_url = "models.example"; }));
  EXPECT_TRUE(refused([](ServerConfig& c) { c.worker_threads = 0; }));
  EXPECT_TRUE(refused([](ServerConfig& c) { c.model_max_bytes = 10; }));
  EXPECT_TRUE(refused([](ServerConfig& c) { c.connections_max = 0; }));
  EXPECT_TRUE(refused([](ServerConfig& c) { c.garbage_period_ms = 0; }));
  EXPECT_TRUE(refused([](ServerConfig& c) {
    c.storage_emulator = true;
    c.listen = {"127.0.0.1:1", "192.0.2.1:2"};
  }));
}

TEST(ServerConfig, ListensOnLoopbackWhenNothingElseIsAskedFor) {
  ServerConfig config;
  EXPECT_EQ(PlainListen(config), std::vector<std::string>{"127.0.0.1:8484"});
  config.listen_tls = {"127.0.0.1:1"};
  EXPECT_TRUE(PlainListen(config).empty());
}

TEST(ServerConfig, TakesThePublicUrlFromTheAddressWhenNoneIsSet) {
  ServerConfig config;
  EXPECT_EQ(PublicUrl(config, {"127.0.0.1:4711"}, {}), "http://127.0.0.1:4711");
  EXPECT_EQ(PublicUrl(config, {"127.0.0.1:4711"}, {"127.0.0.1:4712"}), "https://127.0.0.1:4712");
  EXPECT_EQ(HostOfUrl("https://models.example:8443/path"), "models.example:8443");
}

}  // namespace
}  // namespace godwit::server
