#include "device/context.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "device/device_fixture.h"

namespace godwit {
namespace {

TEST(ContextSource, TellsTheDeviceTheAppAndWhatTheAppAdds) {
  testing::FaultFileSystem disk;
  ASSERT_TRUE(disk.CreateDirectories("/proc/device-tree").ok());
  ASSERT_TRUE(ReplaceFile(disk, "/proc/device-tree/model", std::string_view("Board 4\0", 8)).ok());
  ASSERT_EQ(setenv("LC_ALL", "de_DE.UTF-8", 1), 0);
  ContextSource source(disk, "2.1.0", "godwit:1");
  ASSERT_TRUE(source.Set("tier", "paid").ok());
  const auto context = DeviceContext::Parse(source.Header());
  ASSERT_TRUE(context.ok()) << context.status().ToString();
  EXPECT_EQ(*context->Find(kContextOs), "linux");
  EXPECT_NE(context->Find(kContextOsVersion), nullptr);
  EXPECT_EQ(*context->Find(kContextDevice), "Board 4");
  EXPECT_EQ(*context->Find(kContextLocale), "de-DE");
  EXPECT_EQ(*context->Find(kContextAppVersion), "2.1.0");
  EXPECT_EQ(*context->Find(kContextSdkVersion), "godwit:1");
  EXPECT_EQ(*context->Find("tier"), "paid");
}

TEST(ContextSource, LeavesOutWhatDoesNotFit) {
  testing::FaultFileSystem disk;
  ASSERT_EQ(setenv("LC_ALL", "C", 1), 0);
  ContextSource source(disk, "line\nbreak", "godwit:1");
  const auto context = DeviceContext::Parse(source.Header());
  ASSERT_TRUE(context.ok()) << context.status().ToString();
  EXPECT_EQ(context->Find(kContextAppVersion), nullptr);
  EXPECT_EQ(context->Find(kContextDevice), nullptr);
  EXPECT_EQ(context->Find(kContextLocale), nullptr);
}

TEST(Client, SendsItsContextWithEveryCheck) {
  testing::Device device;
  device.server.Publish("face", "model");
  std::string header;
  testing::ScriptedHttpClient http([&](const HttpRequest& request) {
    if (const auto value = FindHeader(request.headers, kContextHeader)) header = *value;
    return device.server.Answer(request);
  });
  ClientOptions options = device.options();
  options.app_version = "3.0";
  const auto client = Client::Open(options, {device.disk, http, device.clock, device.logger});
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE((*client)->SetContext("tier", "free").ok());
  ASSERT_TRUE((*client)->GetModel("face", DownloadType::kLatestModel).ok());
  const auto context = DeviceContext::Parse(header);
  ASSERT_TRUE(context.ok()) << context.status().ToString();
  EXPECT_EQ(*context->Find(kContextAppVersion), "3.0");
  EXPECT_EQ(*context->Find("tier"), "free");
  EXPECT_EQ((*client)->SetContext("Tier", "x").code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace godwit
