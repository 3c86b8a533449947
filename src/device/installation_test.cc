#include "device/installation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "device/device_fixture.h"

namespace godwit {
namespace {

using ::testing::ElementsAre;
using namespace testing;  // NOLINT: the fakes of the project
using Route = FakeModelServer::Route;

constexpr int64_t kDayMs = 86'400'000;

class InstallationTest : public ::testing::Test {
 protected:
  InstallationTest() { Open(); }

  // As a new process would.
  void Open() {
    store_ = *ModelStore::Open(device_.disk, device_.clock, device_.logger, "store",
                               "http://models.test", "godwit", "app");
    installation_ =
        std::make_unique<Installation>(InstallationOptions{"godwit", "app", "AIza", "godwit:test"},
                                       *store_, servers_, device_.clock, device_.logger);
  }

  std::string Token() {
    const auto token = installation_->Token(nullptr);
    EXPECT_TRUE(token.ok()) << token.status().ToString();
    return token.ok() ? *token : "";
  }

  Device device_;
  Servers servers_{{.urls = {"http://models.test"}}, device_.http, device_.clock, device_.logger};
  std::unique_ptr<ModelStore> store_;
  std::unique_ptr<Installation> installation_;
};

TEST_F(InstallationTest, KeepsItsIdAndToken) {
  const auto id = installation_->Id(nullptr);
  ASSERT_TRUE(id.ok());
  EXPECT_TRUE(IsFid(*id));
  EXPECT_TRUE(device_.server.log().empty());
  EXPECT_EQ(Token(), "token-1");
  Open();
  EXPECT_EQ(installation_->Id(nullptr).value(), *id);
  EXPECT_EQ(Token(), "token-1");
  EXPECT_THAT(device_.server.log(), ElementsAre("install"));
}

TEST_F(InstallationTest, RenewsItsTokenAnHourBeforeItRunsOut) {
  EXPECT_EQ(Token(), "token-1");
  device_.clock.Advance(7 * kDayMs - 3'600'001);
  EXPECT_EQ(Token(), "token-1");
  device_.clock.Advance(1);
  EXPECT_EQ(Token(), "token-2");
  EXPECT_THAT(device_.server.log(), ElementsAre("install", "token"));
}

TEST_F(InstallationTest, DistrustsATokenFromTheFuture) {
  EXPECT_EQ(Token(), "token-1");
  device_.clock.Advance(-kDayMs);
  EXPECT_EQ(Token(), "token-2");
}

TEST_F(InstallationTest, RenewsATokenThatTheServerRefused) {
  EXPECT_TRUE(installation_->Forget(Token(), nullptr).ok());
  EXPECT_EQ(Token(), "token-2");
  EXPECT_TRUE(installation_->Forget("token-1", nullptr).ok());  // Late news of the old one.
  EXPECT_EQ(Token(), "token-2");
}

TEST_F(InstallationTest, RegistersAnewWhenTheServerForgotIt) {
  const auto old_id = installation_->Id(nullptr);
  EXPECT_TRUE(installation_->Forget(Token(), nullptr).ok());
  device_.server.ForgetInstallations();
  EXPECT_EQ(Token(), "token-2");
  EXPECT_NE(installation_->Id(nullptr).value(), *old_id);
  EXPECT_THAT(device_.server.log(), ElementsAre("install", "token", "install"));
}

TEST_F(InstallationTest, DoesNotRegisterInALoopWhenItIsRefused) {
  device_.server.FailNext(Route::kInstall, AnswerWith(401));
  EXPECT_EQ(installation_->Token(nullptr).status().code(), StatusCode::kUnauthenticated);
  EXPECT_THAT(device_.server.log(), ElementsAre("install"));
}

TEST_F(InstallationTest, MakesANewIdentityWhenItsRecordIsDamaged) {
  EXPECT_EQ(Token(), "token-1");
  {
    const auto lock = store_->TryLockInstallation();
    ASSERT_TRUE(store_->WriteInstallation("{not json").ok());
  }
  EXPECT_EQ(Token(), "token-2");
  EXPECT_THAT(device_.server.log(), ElementsAre("install", "install"));
}

TEST_F(InstallationTest, AsksOnceForManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> same = 0;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      const auto token = installation_->Token(nullptr);
      if (token.ok() && *token == "token-1") ++same;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, 6);
  EXPECT_THAT(device_.server.log(), ElementsAre("install"));
}

}  // namespace
}  // namespace godwit
