#include <random>

#include "server/registry/registry_fixture.h"

namespace godwit::server {
namespace {

// Aim: whatever operation the power fails at, a restart finds the state before a change or the
// one after it, and after it if the change was acknowledged. Method: the same story is told with
// a death at each operation in turn, until it ends without dying.
class RegistryCrashTest : public ::testing::TestWithParam<testing::PowerLossMode> {};

TEST_P(RegistryCrashTest, NothingAcknowledgedIsLost) {
  const testing::ManualClock clock;
  NullLogger logger;
  const uint64_t seed = std::random_device()();
  for (uint64_t crash_at = 0;; ++crash_at) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", operation " + std::to_string(crash_at));
    testing::FaultFileSystem fs(&clock);
    int acknowledged = 0;
    {
      auto database = OpenSqliteDatabaseOn(fs, kPath, clock, logger).value();
      auto registry = Registry::Open(*database, clock).value();
      fs.CrashAt(crash_at);
      ModelChange create = NewModel("face");
      create.file = ValidFile("one");
      const auto model = registry->Create(kProject, create, kActor);
      if (model.ok()) {
        ++acknowledged;
        const std::string id = (*model)->id;
        if (registry->Update(kProject, id, WithPublished(true), kActor).ok()) ++acknowledged;
        if (registry->Update(kProject, id, WithFile(ValidFile("two")), kActor).ok()) ++acknowledged;
      }
    }
    const bool died = fs.crashed();
    fs.PowerLoss(GetParam(), seed + crash_at);
    auto database = OpenSqliteDatabaseOn(fs, kPath, clock, logger).value();
    auto registry = Registry::Open(*database, clock).value();
    const ModelPointer found = registry->snapshot()->FindByName(kProject, "face");
    const int state = !found ? 0 : found->published == 0 ? 1 : found->latest == 1 ? 2 : 3;
    EXPECT_GE(state, acknowledged);
    EXPECT_LE(state, acknowledged + 1);
    if (found) {
      EXPECT_EQ(found->versions.size(), static_cast<size_t>(found->latest));
    }
    if (state == 3) {
      EXPECT_EQ(found->published, 2);
    }
    if (!died || HasFailure()) {
      EXPECT_EQ(acknowledged, 3);
      break;
    }
  }
}

// The same for a file that is validated in the background: never locked for good, never done
// without its version.
TEST_P(RegistryCrashTest, AnOperationIsFinishedAfterEveryDeath) {
  const testing::ManualClock clock;
  NullLogger logger;
  const uint64_t seed = std::random_device()();
  for (uint64_t crash_at = 0;; ++crash_at) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", operation " + std::to_string(crash_at));
    testing::FaultFileSystem fs(&clock);
    bool created = false;
    bool finished = false;
    const auto finish = [](Registry& registry) {
      const auto operations = registry.ActiveOperations().value();
      for (const Operation& operation : operations) {
        if (!registry.FinishOperation(operation, ValidFile("one")).ok()) return false;
      }
      return true;
    };
    {
      auto database = OpenSqliteDatabaseOn(fs, kPath, clock, logger).value();
      auto registry = Registry::Open(*database, clock).value();
      fs.CrashAt(crash_at);
      ModelChange create = NewModel("face");
      create.pending_file = BigFile("one");
      created = registry->Create(kProject, create, kActor).ok();
      if (created) {
        const auto operations = registry->ActiveOperations();
        finished = operations.ok() && !operations->empty() &&
                   registry->FinishOperation(operations->at(0), ValidFile("one")).ok();
      }
    }
    const bool died = fs.crashed();
    fs.PowerLoss(GetParam(), seed + crash_at);
    auto database = OpenSqliteDatabaseOn(fs, kPath, clock, logger).value();
    auto registry = Registry::Open(*database, clock).value();
    ModelPointer model = registry->snapshot()->FindByName(kProject, "face");
    EXPECT_TRUE(model || !created);
    if (model) {
      EXPECT_TRUE(model->latest == 1 || !finished);
      EXPECT_EQ(model->active_operation.empty(), model->latest == 1);
      EXPECT_TRUE(finish(*registry));
      model = registry->snapshot()->FindByName(kProject, "face");
      EXPECT_EQ(model->active_operation, "");
      EXPECT_EQ(model->latest, 1);
      EXPECT_EQ(model->versions.size(), 1u);
    }
    if (!died || HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, RegistryCrashTest, ::testing::ValuesIn(testing::kAllPowerLossModes),
                         [](const auto& mode) {
                           return std::string(testing::PowerLossModeName(mode.param));
                         });

}  // namespace
}  // namespace godwit::server
