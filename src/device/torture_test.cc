// Aim: whichever call to the disk or the network fails, once or for ever, a getModel tells the
// truth, leaks nothing and does not spoil the next; and so it is whatever the clock says. Method:
// one run for each call, in memory.
#include <gtest/gtest.h>

#include <iostream>
#include <limits>
#include <thread>

#include "device/device_fixture.h"
#include "device/model_store.h"
#include "testing/fault_points.h"

namespace godwit {
namespace {

using namespace testing;  // NOLINT: the fakes of the project

constexpr int64_t kDayMs = 24 * 60 * 60 * 1000;
const std::string kOld = ModelBytes(2500, 1);
const std::string kNew = ModelBytes(3500, 2);

void ExpectOldOrNew(Device& device, const Result<Model>& model) {
  if (!model.ok()) return;  // That it failed is true.
  const std::string bytes = device.Read(*model);
  EXPECT_TRUE(bytes == kOld || bytes == kNew);
}

// What an app may do with a client; each answer that is no error must be right.
void UseEverything(Device& device, const ClientOptions& options, const ClientSeams& seams) {
  const auto client = Client::Open(options, seams);
  if (!client.ok()) return;
  ExpectOldOrNew(device, (*client)->GetModel("face", DownloadType::kLocalModel));
  const auto latest = (*client)->GetModel("face", DownloadType::kLatestModel);
  ExpectOldOrNew(device, latest);
  EXPECT_TRUE(!latest.ok() || device.Read(*latest) == kNew);
  if (const auto check = (*client)->VerifyStore(); check.ok()) {
    EXPECT_TRUE(check->dropped.empty());
  }
  (void)(*client)->PinModel("face", true);
  ExpectOldOrNew(device, (*client)->GetModel("face", DownloadType::kLocalModelUpdateInBackground));
  (*client)->WaitForBackgroundWork();
  if (const auto models = (*client)->ListDownloadedModels(); models.ok()) {
    for (const Model& model : *models) ExpectOldOrNew(device, model);
  }
}

uint64_t FailEachCall(FaultSpan span) {
  for (uint64_t n = 0;; ++n) {
    SCOPED_TRACE("call " + std::to_string(n) + (span == FaultSpan::kOnce ? "" : " and on"));
    Device device;
    FaultPoints points;
    const auto disk = NewFaultPointFileSystem(device.disk, points);
    const auto http = NewFaultPointHttpClient(device.http, points);
    ClientOptions options = device.options();
    options.store_bytes_max = 10'000;
    device.server.Publish("face", kOld);
    EXPECT_TRUE(device.Open()->GetModel("face", DownloadType::kLatestModel).ok());
    device.server.Publish("face", kNew);
    points.FailAt(n, span);
    UseEverything(device, options, {*disk, *http, device.clock, device.logger});
    const bool reached = points.reached();
    points.FailNothing();
    const auto client = device.Open();
    if (client == nullptr) return n;
    const auto model = client->GetModel("face", DownloadType::kLatestModel);
    EXPECT_TRUE(model.ok()) << model.status().ToString();
    if (!model.ok()) return n;
    EXPECT_EQ(device.Read(*model), kNew);
    if (!reached || ::testing::Test::HasFailure()) return n;
  }
}

TEST(Torture, OfAnyCallThatFailsOnceSpoilsNothing) {
  const uint64_t calls = FailEachCall(FaultSpan::kOnce);
  EXPECT_GT(calls, 80u);
  std::cout << calls << " calls failed once each\n";
}

TEST(Torture, OfAnyCallThatFailsForEverSpoilsNothing) {
  const uint64_t calls = FailEachCall(FaultSpan::kForEver);
  EXPECT_GT(calls, 80u);
  std::cout << calls << " calls failed for ever each\n";
}

TEST(Torture, OfTheClockSpoilsNothing) {
  const int64_t year_ms = 365 * kDayMs;
  for (const int64_t jump_ms :
       {kDayMs, -kDayMs, 30 * year_ms, -30 * year_ms, -ManualClock().NowMs()}) {
    SCOPED_TRACE(jump_ms);
    Device device;
    device.server.Publish("face", kOld);
    {
      const auto client = device.Open();
      ASSERT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
      device.clock.Advance(jump_ms);
      const auto local = client->GetModel("face", DownloadType::kLocalModel);
      ASSERT_TRUE(local.ok()) << local.status().ToString();
      EXPECT_EQ(device.Read(*local), kOld);
    }
    const auto client = device.Open();
    device.server.Publish("face", kNew);
    const auto latest = client->GetModel("face", DownloadType::kLatestModel);
    ASSERT_TRUE(latest.ok()) << latest.status().ToString();
    EXPECT_EQ(device.Read(*latest), kNew);
    device.clock.Advance(-jump_ms);
    device.server.Publish("face", kOld);
    const auto again = client->GetModel("face", DownloadType::kLatestModel);
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    EXPECT_EQ(device.Read(*again), kOld);
    EXPECT_EQ(client->GetModel("face", DownloadType::kLocalModel)->hash, again->hash);
  }
}

// One flipped bit in each part of what was downloaded so far: the disk's lie is found by the
// digest, and the file comes anew.
TEST(Torture, OfAPartialFileIsNeverAccepted) {
  const std::string big = ModelBytes(20'000, 3);
  for (const size_t offset :
       {size_t{0}, size_t{4095}, size_t{4096}, size_t{9000}, size_t{14'999}}) {
    SCOPED_TRACE(offset);
    Device device;
    device.server.Publish("face", big);
    for (int i = 0; i < 5; ++i) {
      device.server.FailNext(FakeModelServer::Route::kBlob, CutAfter(i == 0 ? 15'000 : 0));
    }
    EXPECT_FALSE(device.Open()->GetModel("face", DownloadType::kLatestModel).ok());
    bool flipped = false;
    const auto stores = device.disk.List("store").value();
    const std::string folder = JoinPath(JoinPath("store", stores.at(0)), "partial");
    const auto names = device.disk.List(folder).value();
    for (const std::string& name : names) {
      const auto file = device.disk.Open(JoinPath(folder, name), OpenMode::kReadWrite);
      std::byte byte{};
      flipped = (*file)->ReadAt(offset, std::span(&byte, 1)).value() == 1;
      byte ^= std::byte{1};
      ASSERT_TRUE((*file)->WriteAt(offset, std::span(&byte, 1)).ok());
    }
    ASSERT_TRUE(flipped);
    const auto model = device.Open()->GetModel("face", DownloadType::kLatestModel);
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    EXPECT_EQ(device.Read(*model), big);
  }
}

// The disk may be full at any write: the old model stays, and with room the new one comes.
TEST(Torture, OfADiskThatIsFullSpoilsNothing) {
  for (uint64_t free_bytes = 0;; free_bytes += 64) {
    SCOPED_TRACE(free_bytes);
    Device device;
    device.server.Publish("face", kOld);
    const auto client = device.Open();
    ASSERT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
    device.server.Publish("face", kNew);
    device.disk.SetFreeBytes(free_bytes, kNew.size());
    const auto model = client->GetModel("face", DownloadType::kLatestModel);
    device.disk.SetFreeBytes({});
    if (!model.ok()) {
      EXPECT_EQ(model.status().code(), StatusCode::kNotEnoughSpace) << model.status().ToString();
      EXPECT_EQ(device.Read(*client->GetModel("face", DownloadType::kLocalModel)), kOld);
    }
    const auto again = client->GetModel("face", DownloadType::kLatestModel);
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    EXPECT_EQ(device.Read(*again), kNew);
    if (model.ok()) break;
    ASSERT_LT(free_bytes, 20'000u);
  }
}

TEST(Torture, OfSixtyFourThreadsOnOneClientSpoilsNothing) {
  Device device;
  device.server.Publish("face", kOld);
  device.server.Publish("voice", kOld);
  ClientOptions options = device.options();
  options.store_bytes_max = 12'000;
  const auto client =
      Client::Open(options, {device.disk, device.http, device.clock, device.logger});
  ASSERT_TRUE(client.ok());
  std::vector<std::thread> threads;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&, i] {
      const std::string name = i % 2 == 0 ? "face" : "voice";
      if (i % 8 == 0) device.server.Publish(name, i % 16 == 0 ? kNew : kOld);
      const auto type =
          i % 3 == 0 ? DownloadType::kLatestModel : DownloadType::kLocalModelUpdateInBackground;
      const auto model = (*client)->GetModel(name, type);
      EXPECT_TRUE(model.ok()) << model.status().ToString();
      ExpectOldOrNew(device, model);
      if (i % 11 == 0) (void)(*client)->PinModel(name, i % 2 == 0);
      if (i % 13 == 0) (void)(*client)->VerifyStore();
      EXPECT_TRUE((*client)->ListDownloadedModels().ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  (*client)->WaitForBackgroundWork();
  EXPECT_EQ((*client)->VerifyStore()->whole.size(), 2u);
}

}  // namespace
}  // namespace godwit
