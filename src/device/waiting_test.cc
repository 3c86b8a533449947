// Aim: a download goes on exactly when it may, whatever changes meanwhile, and says what it waits
// for. Method: the file is held back at the server while the test changes the world.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <climits>
#include <thread>

#include "device/background_checks.h"
#include "device/device_fixture.h"

namespace godwit {
namespace {

using ::testing::HasSubstr;
using namespace testing;  // NOLINT: the fakes of the project
using Route = FakeModelServer::Route;

constexpr auto kLatest = DownloadType::kLatestModel;
const std::string kV1 = ModelBytes(3000, 1);
const std::string kV2 = ModelBytes(4000, 2);

// A platform that the test moves.
class ManualPlatform final : public Platform {
 public:
  DeviceState State() override {
    const std::lock_guard lock(mutex_);
    return state_;
  }
  void OnChange(std::function<void()> listener) override { listener_ = std::move(listener); }
  void Set(const DeviceState& state) {
    {
      const std::lock_guard lock(mutex_);
      state_ = state;
    }
    if (listener_) listener_();
  }

 private:
  std::mutex mutex_;
  DeviceState state_;
  std::function<void()> listener_;
};

// Holds requests for files back, each until it is let go or interrupted.
class HeldFiles final : public HttpClient {
 public:
  explicit HeldFiles(HttpClient& http) : http_(http) {}

  Result<HttpResponse> Send(const HttpRequest& request, HttpSink* sink,
                            const std::atomic<bool>* cancelled) override {
    if (request.url.find("/blobs/") != std::string::npos) {
      const int number = ++reached_;
      while (number >= held_from_ && !*cancelled) std::this_thread::yield();
    }
    return http_.Send(request, sink, cancelled);
  }
  void HoldFrom(int number) { held_from_ = number; }  // Counted from 1.
  void Release() { held_from_ = INT_MAX; }
  int reached() const { return reached_; }
  void AwaitReached(int times) const {
    while (reached_ < times) std::this_thread::yield();
  }

 private:
  HttpClient& http_;
  std::atomic<int> held_from_ = INT_MAX;
  std::atomic<int> reached_ = 0;
};

class Waiting : public ::testing::Test {
 protected:
  void SetUp() override {
    device_.server.Publish("face", kV1);
    Open();
  }
  void Open() {
    client_.reset();
    auto client = Client::Open(
        options_, {device_.disk, files_, device_.clock, device_.logger, nullptr, &platform_});
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    client_ = *std::move(client);
  }
  std::unique_ptr<ModelRequest> Start(const std::string& address,
                                      const DownloadConditions& conditions = {}) {
    return client_->StartGetModel(address, kLatest, conditions);
  }
  static std::string Await(const ModelRequest& request, RequestState state) {
    while (request.status().state != state) std::this_thread::yield();
    return request.status().reason;
  }
  template <typename Condition>
  static void AwaitThat(const Condition& condition) {
    while (!condition()) std::this_thread::yield();
  }
  size_t pending_count() {
    const auto names = device_.disk.List(StoreFolder() + "/pending");
    return names.ok() ? names->size() : 0;
  }
  std::string StoreFolder() { return "store/" + device_.disk.List("store")->front(); }

  Device device_;
  HeldFiles files_{device_.http};
  ManualPlatform platform_;
  ClientOptions options_ = device_.options();
  std::unique_ptr<Client> client_;
};

TEST_F(Waiting, WaitsForEachConditionAndWakesWhenItHolds) {
  const DeviceState good = {Answer::kYes, Answer::kNo, Answer::kYes, Answer::kYes};
  const struct {
    bool DownloadConditions::* required;
    Answer DeviceState::* answer;
    const char* reason;
  } kRows[] = {
      {&DownloadConditions::wifi_required, &DeviceState::on_wifi, "waiting for Wi-Fi"},
      {&DownloadConditions::unmetered_required, &DeviceState::metered,
       "waiting for an unmetered network"},
      {&DownloadConditions::charging_required, &DeviceState::charging, "waiting for a charger"},
      {&DownloadConditions::idle_required, &DeviceState::idle, "waiting for the device to be idle"},
  };
  unsigned seed = 10;
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.reason);
    device_.server.Publish("face", ModelBytes(2000, ++seed));
    DownloadConditions conditions;
    conditions.*row.required = true;
    DeviceState bad = good;
    bad.*row.answer = good.*row.answer == Answer::kYes ? Answer::kNo : Answer::kYes;
    platform_.Set(bad);
    const auto request = Start("face", conditions);
    EXPECT_EQ(Await(*request, RequestState::kWaiting), row.reason);
    const auto early = request->Wait(0);
    EXPECT_EQ(early.status().code(), StatusCode::kDeadlineExceeded);
    EXPECT_THAT(early.status().message(), HasSubstr(row.reason));
    EXPECT_FALSE(request->finished());
    client_->WaitForBackgroundWork();  // What waits does not hold a program up.
    platform_.Set(good);
    EXPECT_TRUE(request->Wait().ok());
    EXPECT_EQ(request->status().state, RequestState::kFinished);
  }
}

TEST_F(Waiting, GivesUpAfterItsTimeAndAtOnceWhenNothingIsKnown) {
  DownloadConditions conditions;
  conditions.wifi_required = true;
  EXPECT_EQ(Start("face", conditions)->Wait().status().code(), StatusCode::kConditionsUnmet);
  platform_.Set({.on_wifi = Answer::kNo});
  conditions.wait_ms = 0;
  EXPECT_EQ(Start("face", conditions)->Wait().status().code(), StatusCode::kConditionsUnmet);
  conditions.wait_ms = 5'000;
  const auto request = Start("face", conditions);
  Await(*request, RequestState::kWaiting);
  device_.clock.Advance(4'999);
  const auto later = Start("face", conditions);  // Has five seconds of its own.
  Await(*later, RequestState::kWaiting);
  device_.clock.Advance(1);
  EXPECT_EQ(request->Wait().status().code(), StatusCode::kConditionsUnmet);
  EXPECT_FALSE(later->finished());
  client_->SetDeviceState({.on_wifi = Answer::kYes});  // The app knows better.
  EXPECT_TRUE(later->Wait().ok());
}

TEST_F(Waiting, StopsATransferThatLosesItsConditionAndKeepsItsBytes) {
  platform_.Set({.on_wifi = Answer::kYes});
  device_.server.FailNext(Route::kBlob, CutAfter(1000));
  DownloadConditions conditions;
  conditions.wifi_required = true;
  files_.HoldFrom(2);  // The one that asks for the rest.
  const auto request = Start("face", conditions);
  files_.AwaitReached(2);
  platform_.Set({.on_wifi = Answer::kNo});
  Await(*request, RequestState::kWaiting);
  files_.Release();
  platform_.Set({.on_wifi = Answer::kYes});
  const auto model = request->Wait();
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(device_.Read(*model), kV1);
  EXPECT_EQ(device_.server.log().back(), "blob bytes=1000-");
}

TEST_F(Waiting, PausesOnlyWhileAllWhoWaitPaused) {
  files_.HoldFrom(1);
  const auto one = Start("face");
  const auto two = Start("face");
  files_.AwaitReached(1);
  one->Pause();
  EXPECT_EQ(two->status().state, RequestState::kDownloading);
  two->Pause();
  Await(*two, RequestState::kPaused);
  files_.Release();
  one->Cancel();  // Of a paused one; the other stays paused.
  EXPECT_EQ(two->status().state, RequestState::kPaused);
  two->Resume();
  EXPECT_TRUE(two->Wait().ok());
  EXPECT_EQ(one->Wait().status().code(), StatusCode::kCancelled);
}

TEST_F(Waiting, LetsAnotherClientGoOnWithWhatIsPausedHere) {
  files_.HoldFrom(1);
  const auto here = Start("face");
  files_.AwaitReached(1);
  here->Pause();
  Await(*here, RequestState::kPaused);
  files_.Release();
  EXPECT_TRUE(device_.Open()->GetModel("face", kLatest).ok());
  here->Resume();
  EXPECT_TRUE(here->Wait().ok());
  const auto log = device_.server.log();
  EXPECT_EQ(std::count(log.begin(), log.end(), "blob"), 1);
}

TEST_F(Waiting, ShowsTheProgressOfAnotherProcess) {
  device_.server.FailNext(Route::kBlob, CutAfter(1000));
  device_.server.FailNext(Route::kBlob, AnswerWith(403));
  EXPECT_FALSE(client_->GetModel("face", kLatest).ok());  // Leaves 1000 bytes.
  files_.HoldFrom(1);
  const auto here = Start("face");
  files_.AwaitReached(3);
  const auto other = device_.Open();
  const auto there = other->StartGetModel("face", kLatest);
  AwaitThat([&] { return there->progress().bytes_done == 1000; });
  EXPECT_EQ(there->progress().bytes_total, kV1.size());
  EXPECT_EQ(there->status().state, RequestState::kDownloading);
  here->Cancel();  // Harms nobody else.
  EXPECT_TRUE(there->Wait().ok());
}

TEST_F(Waiting, GivesTheSlotToTheHighestPriority) {
  options_.parallel_downloads = 1;
  Open();
  device_.server.Publish("low", kV2);
  device_.server.Publish("high", ModelBytes(100, 3));
  files_.HoldFrom(1);
  const auto low = Start("low");
  files_.AwaitReached(1);
  const auto equal = Start("face");
  Await(*equal, RequestState::kQueued);
  const auto high = Start("high");
  high->SetPriority(1);
  files_.AwaitReached(2);  // Its file is asked for, so it has the slot.
  EXPECT_EQ(high->status().state, RequestState::kDownloading);
  Await(*low, RequestState::kQueued);
  files_.Release();
  EXPECT_TRUE(high->Wait().ok());
  EXPECT_TRUE(low->Wait().ok());
  EXPECT_TRUE(equal->Wait().ok());
}

TEST_F(Waiting, SpendsTheDaysDataAndGoesOnTomorrow) {
  options_.daily_bytes_max = 2000;
  Open();
  const auto request = Start("face");
  EXPECT_THAT(Await(*request, RequestState::kWaiting), HasSubstr("tomorrow"));
  EXPECT_LE(request->progress().bytes_done, 2000u);
  request->Cancel();
  client_->WaitForBackgroundWork();
  Open();  // A new process knows what was used.
  DownloadConditions at_once;
  at_once.wait_ms = 0;
  EXPECT_EQ(Start("face", at_once)->Wait().status().code(), StatusCode::kConditionsUnmet);
  const auto again = Start("face");
  Await(*again, RequestState::kWaiting);
  device_.clock.Advance(86'400'000);
  const auto model = again->Wait();
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(device_.Read(*model), kV1);
}

TEST_F(Waiting, AsksOnceWhenTheDaysDataEndsWithinAPiece) {
  options_.daily_bytes_max = 2500;  // Pieces have 1000 bytes.
  Open();
  DownloadConditions at_once;
  at_once.wait_ms = 0;
  files_.HoldFrom(2);  // Else a second request would be the first of very many.
  const auto request = Start("face", at_once);
  AwaitThat([&] { return request->finished() || files_.reached() > 1; });
  EXPECT_EQ(files_.reached(), 1);
  files_.Release();
  EXPECT_EQ(request->Wait().status().code(), StatusCode::kConditionsUnmet);
}

TEST_F(Waiting, LeavesTheReserveOnTheDisk) {
  options_.free_disk_reserve_bytes = 1000;
  Open();
  ASSERT_TRUE(client_->InstallationId().ok());
  device_.disk.SetFreeBytes(kV1.size() + 999);
  EXPECT_EQ(Start("face")->Wait().status().code(), StatusCode::kNotEnoughSpace);
  device_.disk.SetFreeBytes(std::nullopt);
  EXPECT_TRUE(Start("face")->Wait().ok());
}

TEST_F(Waiting, LeavesAnUpdateToALaterProcess) {
  ASSERT_TRUE(Start("face")->Wait().ok());
  device_.server.Publish("face", kV2);
  platform_.Set({.on_wifi = Answer::kNo});
  DownloadConditions conditions;
  conditions.wifi_required = true;
  ASSERT_TRUE(
      client_->GetModel("face", DownloadType::kLocalModelUpdateInBackground, conditions).ok());
  AwaitThat([&] { return pending_count() == 1; });
  client_->WaitForBackgroundWork();
  Open();
  EXPECT_EQ(client_->FinishUpdates().value(), 1u);
  client_->WaitForBackgroundWork();
  EXPECT_EQ(device_.Read(*client_->GetModel("face", DownloadType::kLocalModel)), kV1);
  platform_.Set({.on_wifi = Answer::kYes});
  AwaitThat([&] { return pending_count() == 0; });
  EXPECT_EQ(device_.Read(*client_->GetModel("face", DownloadType::kLocalModel)), kV2);
  EXPECT_EQ(client_->FinishUpdates().value(), 0u);
}

TEST_F(Waiting, ChecksTheModelsByItselfAndFinishesUpdatesFirst) {
  ASSERT_TRUE(Start("face")->Wait().ok());
  options_.check_interval_s = 3600;
  Open();
  AwaitThat([&] { return device_.disk.Stat(StoreFolder() + "/checks").ok(); });
  device_.server.Publish("face", kV2);
  const size_t before = device_.server.log().size();
  client_->WaitForBackgroundWork();
  EXPECT_EQ(device_.server.log().size(), before);
  client_.reset();
  device_.clock.Advance(2 * 3'600'000);  // It fell due while no process ran.
  Open();
  AwaitThat([&] {
    const auto model = client_->GetModel("face", DownloadType::kLocalModel);
    return model.ok() && device_.Read(*model) == kV2;
  });
  device_.server.Publish("face", kV1);
  AwaitThat([&] {  // And while one runs.
    device_.clock.Advance(60'000);
    std::this_thread::yield();
    const auto model = client_->GetModel("face", DownloadType::kLocalModel);
    return model.ok() && device_.Read(*model) == kV1;
  });
}

TEST(BackgroundChecks, SpreadsInstallationsEvenlyAndKeepsEachSteady) {
  constexpr int64_t kIntervalMs = 3'600'000;
  constexpr int64_t kNowMs = 1'767'323'045'678;
  constexpr int kDevices = 1200;
  std::array<int, 12> bins{};
  for (int i = 0; i < kDevices; ++i) {
    const std::string id = "installation" + std::to_string(i);
    const int64_t first_ms = NextCheckMs(id, kIntervalMs, kNowMs);
    EXPECT_GT(first_ms, kNowMs);
    EXPECT_LE(first_ms, kNowMs + kIntervalMs * 11 / 10);
    EXPECT_EQ(NextCheckMs(id, kIntervalMs, kNowMs), first_ms);
    EXPECT_EQ(NextCheckMs(id, kIntervalMs, first_ms - 1), first_ms);
    const int64_t second_ms = NextCheckMs(id, kIntervalMs, first_ms);
    EXPECT_GE(second_ms - first_ms, kIntervalMs * 9 / 10);
    EXPECT_LE(second_ms - first_ms, kIntervalMs * 11 / 10);
    ++bins[static_cast<size_t>((first_ms - kNowMs) / (kIntervalMs / 10))];
  }
  for (size_t bin = 1; bin < 10; ++bin) {
    EXPECT_GT(bins[bin], 70) << bin;
    EXPECT_LT(bins[bin], 170) << bin;
  }
}

}  // namespace
}  // namespace godwit
