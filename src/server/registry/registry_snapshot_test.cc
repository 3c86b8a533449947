#include "server/registry/registry_snapshot.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace godwit::server {
namespace {

// The order and the indices must agree with a plain map, whatever comes and goes.
TEST(RegistrySnapshot, SharesAndStaysWhole) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::map<std::string, ModelPointer> expected;  // By id.
  auto snapshot = std::make_shared<const RegistrySnapshot>(std::vector<ModelPointer>());
  const RegistrySnapshotPointer empty = snapshot;
  for (int step = 0; step < 3000; ++step) {
    // First it grows past many chunks, then it shrinks again.
    const bool grows = random() % 4 < (step < 2000 ? 3u : 1u);
    ModelPointer before;
    std::shared_ptr<Model> after;
    if (!expected.empty() && (!grows || random() % 8 == 0)) {
      auto place = expected.lower_bound(std::to_string(random() % 1'000'000));
      if (place == expected.end()) place = expected.begin();
      before = place->second;
    }
    if (grows) {
      after = std::make_shared<Model>();
      after->project_number = before ? before->project_number : static_cast<int64_t>(random() % 3);
      after->id = before ? before->id : std::to_string(random() % 1'000'000);
      if (!before && expected.contains(after->id)) continue;
      after->display_name = "n" + std::to_string(step);
      after->create_time_ms = before ? before->create_time_ms : static_cast<int64_t>(random() % 50);
    }
    if (before) expected.erase(before->id);
    if (after) expected[after->id] = after;
    snapshot = snapshot->With(before, after);
    if (step % 100 != 0) continue;
    ASSERT_EQ(snapshot->models().size(), expected.size());
    size_t count = 0;
    ModelPointer last;
    for (const ModelPointer& model : snapshot->models()) {
      ++count;
      if (last) {
        EXPECT_LT(RegistrySnapshot::ByAge::KeyOf(*last), RegistrySnapshot::ByAge::KeyOf(*model));
      }
      last = model;
      EXPECT_EQ(expected[model->id], model);
      EXPECT_EQ(snapshot->FindById(model->project_number, model->id), model);
      EXPECT_EQ(snapshot->FindByName(model->project_number, model->display_name), model);
    }
    ASSERT_EQ(count, expected.size());
    EXPECT_EQ(snapshot->FindByName(0, "none"), nullptr);
  }
  EXPECT_TRUE(empty->models().empty());
}

}  // namespace
}  // namespace godwit::server
