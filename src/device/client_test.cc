#include "device/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "device/device_fixture.h"

namespace godwit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing;  // NOLINT: the fakes of the project
using Route = FakeModelServer::Route;

const std::string kV1 = ModelBytes(3000, 1);
const std::string kV2 = ModelBytes(4000, 2);

TEST(Client, ReturnsTheLocalModelWithoutTheNetwork) {
  Device device;
  device.server.Publish("face", kV1);
  const auto client = device.Open();
  ASSERT_TRUE(client->GetModel("face", DownloadType::kLocalModel).ok());
  const size_t requests = device.server.log().size();
  device.server.Publish("face", kV2);
  const auto model = client->GetModel("face", DownloadType::kLocalModel);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(device.Read(*model), kV1);
  EXPECT_EQ(device.server.log().size(), requests);
}

TEST(Client, DownloadsForEveryTypeWhenThereIsNoLocalModel) {
  for (const DownloadType type :
       {DownloadType::kLocalModel, DownloadType::kLocalModelUpdateInBackground,
        DownloadType::kLatestModel}) {
    Device device;
    device.server.Publish("face", kV1);
    const auto model = device.Open()->GetModel("face", type);
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    EXPECT_EQ(model->name, "face");
    EXPECT_EQ(model->size_bytes, kV1.size());
    EXPECT_EQ(device.Read(*model), kV1);
    EXPECT_THAT(device.server.log(), ElementsAre("install", "check", "blob"));
  }
}

TEST(Client, UpdatesInTheBackgroundForTheNextCall) {
  Device device;
  device.server.Publish("face", kV1);
  const auto client = device.Open();
  ASSERT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
  device.server.Publish("face", kV2);
  const auto now = client->GetModel("face", DownloadType::kLocalModelUpdateInBackground);
  ASSERT_TRUE(now.ok());
  EXPECT_EQ(device.Read(*now), kV1);
  client->WaitForBackgroundWork();
  const auto next = client->GetModel("face", DownloadType::kLocalModel);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(device.Read(*next), kV2);
  EXPECT_EQ(device.Read(*now), kV1);  // The old file stays for those who have it open.
}

TEST(Client, AsksForTheLatestAndKeepsWhatIsUnchanged) {
  Device device;
  device.server.Publish("face", kV1);
  const auto client = device.Open();
  const auto first = client->GetModel("face", DownloadType::kLatestModel);
  const auto second = client->GetModel("face", DownloadType::kLatestModel);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first->path, second->path);
  EXPECT_THAT(device.server.log(),
              ElementsAre("install", "check", "blob", "check " + first->hash.substr(0, 4)));
}

// As Firebase does: who asks for the latest must not be given less without a word.
TEST(Client, FailsForTheLatestWithoutANetworkEvenWithALocalModel) {
  Device device;
  device.server.Publish("face", kV1);
  const auto client = device.Open();
  ASSERT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
  device.server.FailNext(Route::kCheck, NoAnswer(StatusCode::kNoNetworkConnection));
  EXPECT_EQ(client->GetModel("face", DownloadType::kLatestModel).status().code(),
            StatusCode::kNoNetworkConnection);
  EXPECT_TRUE(client->GetModel("face", DownloadType::kLocalModel).ok());
}

TEST(Client, TakesAnUndecidedConditionForUnmetAndSaysSo) {
  Device device;
  device.server.Publish("face", kV1);
  const auto client = device.Open();
  DownloadConditions conditions;
  conditions.wifi_required = true;
  conditions.wait_ms = 0;
  const auto undecided = client->GetModel("face", DownloadType::kLocalModel, conditions);
  EXPECT_EQ(undecided.status().code(), StatusCode::kConditionsUnmet);
  EXPECT_THAT(undecided.status().message(), HasSubstr("Wi-Fi is not known"));
  client->SetDeviceState({.on_wifi = Answer::kNo, .charging = Answer::kYes, .idle = Answer::kYes});
  EXPECT_EQ(client->GetModel("face", DownloadType::kLatestModel, conditions).status().code(),
            StatusCode::kConditionsUnmet);
  client->SetDeviceState({.on_wifi = Answer::kYes});
  EXPECT_TRUE(client->GetModel("face", DownloadType::kLatestModel, conditions).ok());
}

TEST(Client, ReturnsALocalModelUnderAnyConditions) {
  Device device;
  device.server.Publish("face", kV1);
  const auto client = device.Open();
  ASSERT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
  DownloadConditions conditions;
  conditions.charging_required = true;
  for (const DownloadType type :
       {DownloadType::kLocalModel, DownloadType::kLocalModelUpdateInBackground,
        DownloadType::kLatestModel}) {
    EXPECT_TRUE(client->GetModel("face", type, conditions).ok());
  }
  device.server.Publish("face", kV2);
  EXPECT_TRUE(
      client->GetModel("face", DownloadType::kLocalModelUpdateInBackground, conditions).ok());
  client->WaitForBackgroundWork();
  EXPECT_EQ(device.Read(*client->GetModel("face", DownloadType::kLocalModel)), kV1);
}

TEST(Client, ListsAndDeletes) {
  Device device;
  device.server.Publish("pose", kV1);
  device.server.Publish("face", kV2);
  device.server.Publish("face@7", kV1);
  const auto client = device.Open();
  for (const char* address : {"pose", "face", "face@7"}) {
    ASSERT_TRUE(client->GetModel(address, DownloadType::kLocalModel).ok());
  }
  const auto models = client->ListDownloadedModels();
  ASSERT_TRUE(models.ok());
  ASSERT_EQ(models->size(), 3u);
  EXPECT_EQ((*models)[0].name, "face");
  EXPECT_EQ((*models)[1].name, "face@7");
  EXPECT_TRUE(client->DeleteDownloadedModel("face").ok());
  EXPECT_EQ(client->DeleteDownloadedModel("face").code(), StatusCode::kNotFound);
  EXPECT_EQ(client->ListDownloadedModels()->size(), 2u);
  EXPECT_EQ(client->DeleteDownloadedModel("../x").code(), StatusCode::kInvalidArgument);
}

TEST(Client, RefusesABadAddressBeforeAnyRequest) {
  Device device;
  const auto client = device.Open();
  for (const char* address : {"", "a/b", "a@", "a b"}) {
    EXPECT_EQ(client->GetModel(address, DownloadType::kLatestModel).status().code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(device.server.log().empty());
}

TEST(Client, RefusesOptionsThatCannotBeRight) {
  Device device;
  const struct {
    std::string ClientOptions::* field;
    const char* value;
  } kRows[] = {
      {&ClientOptions::server_url, ""},
      {&ClientOptions::server_url, "models.test"},
      {&ClientOptions::server_url, "ftp://models.test"},
      {&ClientOptions::server_url, "http://models.test/path"},
      {&ClientOptions::project_id, ""},
      {&ClientOptions::project_id, "a/b"},
      {&ClientOptions::app_id, ""},
      {&ClientOptions::api_key, "AIza\r\nX: y"},
      {&ClientOptions::directory, ""},
  };
  for (const auto& row : kRows) {
    ClientOptions options = device.options();
    options.*row.field = row.value;
    const auto client =
        Client::Open(options, {device.disk, device.http, device.clock, device.logger});
    EXPECT_EQ(client.status().code(), StatusCode::kInvalidArgument) << row.value;
  }
}

// Aim: threads that ask for one model at once cause one download. Method: they start while the
// first check is held back until all have asked.
TEST(Client, SharesOneDownloadAmongThreads) {
  Device device;
  device.server.Publish("face", kV1);
  std::atomic<int> started = 0;
  ScriptedHttpClient http([&](const HttpRequest& request) {
    if (request.url.ends_with(":download")) {
      while (started < 8) std::this_thread::yield();
    }
    return device.server.Answer(request);
  });
  auto client = *Client::Open(device.options(), {device.disk, http, device.clock, device.logger});
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto request = client->StartGetModel("face", DownloadType::kLatestModel);
      ++started;
      if (request->Wait().ok()) ++good;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
  EXPECT_THAT(device.server.log(), ElementsAre("install", "check", "blob"));
}

// Two clients on one store are what two processes are: they share the disk and its locks alone.
TEST(Client, SharesOneDownloadAmongProcesses) {
  Device device;
  device.server.Publish("face", kV1);
  const auto first = device.Open();
  const auto second = device.Open();
  auto one = first->StartGetModel("face", DownloadType::kLatestModel);
  auto two = second->StartGetModel("face", DownloadType::kLatestModel);
  ASSERT_TRUE(one->Wait().ok());
  ASSERT_TRUE(two->Wait().ok());
  const auto log = device.server.log();
  EXPECT_EQ(std::count(log.begin(), log.end(), "install"), 1);
  EXPECT_EQ(std::count(log.begin(), log.end(), "blob"), 1);
}

// Holds the file back until the test lets it go; then the rest arrives.
class HeldServer {
 public:
  explicit HeldServer(Device& device)
      : http_([this, &device](const HttpRequest& request) {
          if (request.url.find("/blobs/") != std::string::npos) {
            reached_ = true;
            while (held_) std::this_thread::yield();
          }
          return device.server.Answer(request);
        }) {}
  void WaitUntilReached() const {
    while (!reached_) std::this_thread::yield();
  }
  void Release() { held_ = false; }
  HttpClient& http() { return http_; }

 private:
  std::atomic<bool> reached_ = false;
  std::atomic<bool> held_ = true;
  ScriptedHttpClient http_;
};

TEST(Client, CancelRemovesOneWaiterAndTheLastOneEndsTheTransfer) {
  Device device;
  device.server.Publish("face", kV1);
  HeldServer server(device);
  auto client =
      *Client::Open(device.options(), {device.disk, server.http(), device.clock, device.logger});
  const auto leaver = client->StartGetModel("face", DownloadType::kLatestModel);
  const auto stayer = client->StartGetModel("face", DownloadType::kLatestModel);
  server.WaitUntilReached();
  EXPECT_FALSE(leaver->finished());
  EXPECT_EQ(leaver->Wait(0).status().code(), StatusCode::kDeadlineExceeded);
  leaver->Cancel();
  leaver->Cancel();
  EXPECT_TRUE(leaver->finished());
  EXPECT_EQ(leaver->Wait().status().code(), StatusCode::kCancelled);
  EXPECT_FALSE(stayer->finished());
  server.Release();
  EXPECT_TRUE(stayer->Wait().ok());
}

TEST(Client, EndsATransferThatNobodyWaitsFor) {
  Device device;
  device.server.Publish("face", kV1);
  HeldServer server(device);
  auto client =
      *Client::Open(device.options(), {device.disk, server.http(), device.clock, device.logger});
  client->StartGetModel("face", DownloadType::kLatestModel);  // Closed at once.
  server.Release();
  client->WaitForBackgroundWork();
  EXPECT_TRUE(client->ListDownloadedModels()->empty());
  EXPECT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
}

TEST(Client, CancelsEverythingWhenItCloses) {
  Device device;
  device.server.Publish("face", kV1);
  HeldServer server(device);
  auto client =
      *Client::Open(device.options(), {device.disk, server.http(), device.clock, device.logger});
  const auto request = client->StartGetModel("face", DownloadType::kLatestModel);
  server.WaitUntilReached();
  std::thread releaser([&] { server.Release(); });
  client.reset();
  releaser.join();
  const auto result = request->Wait();
  EXPECT_TRUE(result.ok() || result.status().code() == StatusCode::kCancelled);
}

TEST(Client, SaysThatAReadOnlyStoreCannotTakeAModelButReadsFromIt) {
  Device device;
  device.server.Publish("face", kV1);
  ASSERT_TRUE(device.Open()->GetModel("face", DownloadType::kLatestModel).ok());
  device.server.Publish("face", kV2);
  device.disk.SetReadOnly(true);
  const auto client = device.Open();
  EXPECT_TRUE(client->GetModel("face", DownloadType::kLocalModel).ok());
  EXPECT_EQ(client->GetModel("face", DownloadType::kLatestModel).status().code(),
            StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace godwit
