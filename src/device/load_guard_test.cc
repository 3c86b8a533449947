// Loads that end the app, and revoked versions: what leads a device back to the version before.
#include "device/load_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "device/device_fixture.h"
#include "device/store_layout.h"
#include "device/trials.h"

namespace godwit {
namespace {

using namespace testing;  // NOLINT: the fakes of the project

const std::string kOld = ModelBytes(2500, 1);
const std::string kNew = ModelBytes(3500, 2);

class LoadGuardTest : public ::testing::Test {
 protected:
  LoadGuardTest() {
    Get(kOld);
    Get(kNew);
  }
  void Get(const std::string& bytes) {
    device_.server.Publish("face", bytes);
    client_ = device_.Open();
    EXPECT_TRUE(client_->GetModel("face", DownloadType::kLatestModel).ok());
  }
  Result<Model> Local() { return client_->GetModel("face", DownloadType::kLocalModel); }
  std::string LocalBytes() {
    const auto model = Local();
    return model.ok() ? device_.Read(*model) : model.status().ToString();
  }
  // The process ends, and what was not synced is lost.
  void Die() {
    device_.disk.CrashAt(0);
    client_.reset();
    device_.disk.PowerLoss(PowerLossMode::kDropped, 1);
    client_ = device_.Open();
  }

  Device device_;
  std::unique_ptr<Client> client_;
};

TEST_F(LoadGuardTest, GoesBackToThePreviousVersionAfterTwoLoadsThatEndedTheApp) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(LocalBytes(), kNew);
    ASSERT_TRUE(client_->BeginLoad(*Local()).ok());
    Die();
  }
  EXPECT_EQ(LocalBytes(), kOld);
  EXPECT_EQ(client_->GetModel("face", DownloadType::kLatestModel).status().code(),
            StatusCode::kQuarantined);
  EXPECT_EQ(LocalBytes(), kOld);
  ASSERT_TRUE(client_->BeginLoad(*Local()).ok()) << "the old one has no part in it";
  client_->EndLoad(*Local());

  const std::string newest = ModelBytes(4000, 3);
  device_.server.Publish("face", newest);
  EXPECT_TRUE(client_->GetModel("face", DownloadType::kLatestModel).ok());
  EXPECT_EQ(LocalBytes(), newest);
}

TEST_F(LoadGuardTest, ForgetsCrashesAfterALoadThatWentWell) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client_->BeginLoad(*Local()).ok());
    Die();
    ASSERT_TRUE(client_->BeginLoad(*Local()).ok());
    client_->EndLoad(*Local());
  }
  EXPECT_EQ(LocalBytes(), kNew);
}

TEST_F(LoadGuardTest, TakesLoadsAtTheSameTimeForNoCrash) {
  const auto other = device_.Open();
  const Model model = *Local();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(client_->BeginLoad(model).ok());
    ASSERT_TRUE(other->BeginLoad(model).ok());
    ASSERT_TRUE(client_->BeginLoad(model).ok());
    client_->EndLoad(model);
    other->EndLoad(model);
    client_->EndLoad(model);
    client_->EndLoad(model);  // One too many does nothing.
  }
  EXPECT_EQ(LocalBytes(), kNew);
}

TEST_F(LoadGuardTest, TakesALoadThatCouldNotBeginForNoCrash) {
  const Model model = *Local();
  const std::string folder = "store/" + device_.disk.List("store")->front();
  {
    const auto held = device_.disk.TryLock(
        folder + "/locks/" + model.hash + std::string(kLoadingSuffix), LockMode::kExclusive);
    ASSERT_TRUE(held.ok()) << held.status().ToString();
    EXPECT_EQ(client_->BeginLoad(model).code(), StatusCode::kUnavailable);
  }
  ASSERT_TRUE(client_->BeginLoad(model).ok());
  const auto trial = Trials(device_.disk, device_.logger, folder).Read(model.hash);
  ASSERT_TRUE(trial.ok()) << trial.status().ToString();
  EXPECT_TRUE(trial->loading);
  EXPECT_EQ(trial->crashes, 0u);
}

TEST_F(LoadGuardTest, TellsTheOneWhoHeldTheModelSinceBeforeTheCrashes) {
  const Model model = *Local();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(client_->BeginLoad(model).ok());
    Die();
  }
  EXPECT_EQ(client_->BeginLoad(model).code(), StatusCode::kQuarantined);
  EXPECT_EQ(client_->BeginLoad(model).code(), StatusCode::kQuarantined);
}

TEST_F(LoadGuardTest, SaysQuarantinedWhenThereIsNoVersionToGoBackTo) {
  Device device;
  device.server.Publish("face", kNew);
  for (int i = 0; i < 2; ++i) {
    const auto client = device.Open();
    const auto model = client->GetModel("face", DownloadType::kLocalModel);
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    ASSERT_TRUE(client->BeginLoad(*model).ok());
    device.disk.PowerLoss(PowerLossMode::kKept, 1);
  }
  const auto client = device.Open();
  EXPECT_EQ(client->GetModel("face", DownloadType::kLocalModel).status().code(),
            StatusCode::kQuarantined);
  EXPECT_TRUE(client->ListDownloadedModels()->empty());
}

TEST_F(LoadGuardTest, SurvivesADamagedTrialAndAReadOnlyDisk) {
  ASSERT_TRUE(client_->BeginLoad(*Local()).ok());
  Die();
  const std::string folder = JoinPath(ParentPath(ParentPath(Local()->path)), "trials");
  const std::string path = JoinPath(folder, Local()->hash);
  ASSERT_TRUE(ReplaceFile(device_.disk, path, "nonsense").ok());
  ASSERT_TRUE(client_->BeginLoad(*Local()).ok());
  client_->EndLoad(*Local());
  device_.disk.SetReadOnly(true);
  EXPECT_EQ(client_->BeginLoad(*Local()).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(LocalBytes(), kNew);
}

// Whatever the instant of a power loss in a third begin: the new version or the old one, whole,
// and the new one never again once it was said to be quarantined.
TEST_F(LoadGuardTest, FallsBackWhollyWhateverTheInstantOfAPowerLoss) {
  for (const PowerLossMode mode : kAllPowerLossModes) {
    bool reached = true;
    for (uint64_t n = 0; reached; ++n) {
      SCOPED_TRACE(std::string(PowerLossModeName(mode)) + ", operation " + std::to_string(n));
      Device device;
      for (const std::string& bytes : {kOld, kNew}) {
        device.server.Publish("face", bytes);
        ASSERT_TRUE(device.Open()->GetModel("face", DownloadType::kLatestModel).ok());
      }
      for (int i = 0; i < 2; ++i) {
        const auto client = device.Open();
        ASSERT_TRUE(client->BeginLoad(*client->GetModel("face", DownloadType::kLocalModel)).ok());
        device.disk.PowerLoss(PowerLossMode::kKept, 1);
      }
      device.disk.CrashAt(n);
      (void)Client::Open(device.options(), {device.disk, device.http, device.clock, device.logger});
      reached = device.disk.crashed();
      device.disk.PowerLoss(mode, n);
      const auto client = device.Open();
      ASSERT_NE(client, nullptr);
      const auto model = client->GetModel("face", DownloadType::kLocalModel);
      ASSERT_TRUE(model.ok());
      EXPECT_EQ(device.Read(*model), kOld);
      ASSERT_LT(n, 100u);
    }
  }
}

TEST_F(LoadGuardTest, LeavesARevokedVersionForThePreviousOneAndThatForNone) {
  device_.server.Revoke("face");
  EXPECT_EQ(client_->GetModel("face", DownloadType::kLatestModel).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(LocalBytes(), kOld);
  client_ = device_.Open();
  EXPECT_EQ(LocalBytes(), kOld) << "for good";

  Device device;
  device.server.Publish("face", kNew);
  const auto client = device.Open();
  ASSERT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
  device.server.Revoke("face");
  ASSERT_TRUE(client->GetModel("face", DownloadType::kLocalModelUpdateInBackground).ok());
  client->WaitForBackgroundWork();
  EXPECT_TRUE(client->ListDownloadedModels()->empty());
}

TEST_F(LoadGuardTest, KeepsTheModelWhenAnotherOneWasRevoked) {
  Get(kOld);
  device_.server.Publish("face", ModelBytes(10, 9));
  device_.server.Revoke("face");
  EXPECT_FALSE(client_->GetModel("face", DownloadType::kLatestModel).ok());
  EXPECT_EQ(LocalBytes(), kOld);
}

}  // namespace
}  // namespace godwit
