// Aim: whenever the device dies in a getModel, the next start finds the old model or the new
// one, whole, and can get the new one. Method: die at each operation on the disk in turn, with
// unsynced data kept, dropped, torn and reordered; then look, and get the model again.
#include <gtest/gtest.h>

#include "device/device_fixture.h"

namespace godwit {
namespace {

using namespace testing;  // NOLINT: the fakes of the project

const std::string kOld = ModelBytes(2500, 1);
const std::string kNew = ModelBytes(3500, 2);

void CheckAfterDeath(Device& device, bool had_old, bool acknowledged) {
  const auto client = device.Open();
  ASSERT_NE(client, nullptr);
  const auto models = client->ListDownloadedModels();
  ASSERT_TRUE(models.ok()) << models.status().ToString();
  if (had_old || acknowledged) {
    ASSERT_EQ(models->size(), 1u);
  }
  for (const Model& model : *models) {
    const std::string bytes = device.Read(model);
    EXPECT_TRUE(bytes == kNew || (had_old && bytes == kOld));
    if (acknowledged) {
      EXPECT_EQ(bytes, kNew);
    }
  }
  const auto again = client->GetModel("face", DownloadType::kLatestModel);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(device.Read(*again), kNew);
}

void DieAtEveryOperation(bool with_old, PowerLossMode mode) {
  for (uint64_t n = 0;; ++n) {
    SCOPED_TRACE(std::string(PowerLossModeName(mode)) + ", operation " + std::to_string(n));
    Device device;
    device.http.SetPieceBytes(700);
    if (with_old) {
      device.server.Publish("face", kOld);
      ASSERT_TRUE(device.Open()->GetModel("face", DownloadType::kLatestModel).ok());
    }
    device.server.Publish("face", kNew);
    device.disk.CrashAt(n);
    bool acknowledged = false;
    if (auto client =
            Client::Open(device.options(), {device.disk, device.http, device.clock, device.logger});
        client.ok()) {
      acknowledged = (*client)->GetModel("face", DownloadType::kLatestModel).ok();
    }
    const bool crashed = device.disk.crashed();
    device.disk.PowerLoss(mode, n);
    CheckAfterDeath(device, with_old, acknowledged);
    if (::testing::Test::HasFatalFailure()) return;
    if (!crashed) break;  // The whole call ran; no instant is left.
    ASSERT_LT(n, 500u);
  }
}

TEST(GetModelCrash, LeavesTheFirstModelWholeOrAbsent) {
  for (const PowerLossMode mode : kAllPowerLossModes) DieAtEveryOperation(false, mode);
}

TEST(GetModelCrash, LeavesTheOldModelOrTheNewOne) {
  for (const PowerLossMode mode : kAllPowerLossModes) DieAtEveryOperation(true, mode);
}

}  // namespace
}  // namespace godwit
