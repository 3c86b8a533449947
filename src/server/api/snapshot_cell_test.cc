#include "server/api/snapshot_cell.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace godwit::server {
namespace {

TEST(SnapshotCell, HandsOutTheNewestValueAndKeepsOldOnesAlive) {
  SnapshotCell<int> cell;
  EXPECT_EQ(cell.Local(), nullptr);
  cell.Set(std::make_shared<const int>(1));
  const std::shared_ptr<const int> first = cell.Local();
  cell.Set(std::make_shared<const int>(2));
  EXPECT_EQ(*cell.Local(), 2);
  EXPECT_EQ(*first, 1);
}

TEST(SnapshotCell, GetKeepsNoOldValueAlive) {
  SnapshotCell<int> cell;
  EXPECT_EQ(cell.Get(), nullptr);
  cell.Set(std::make_shared<const int>(1));
  const std::weak_ptr<const int> first = cell.Get();
  cell.Set(std::make_shared<const int>(2));
  EXPECT_TRUE(first.expired());
  EXPECT_EQ(*cell.Get(), 2);
}

TEST(SnapshotCell, CellsOfOneThreadDoNotMixTheirValues) {
  SnapshotCell<int> one;
  SnapshotCell<int> two;
  one.Set(std::make_shared<const int>(1));
  two.Set(std::make_shared<const int>(2));
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(*one.Local(), 1);
    EXPECT_EQ(*two.Local(), 2);
  }
  const SnapshotCell<int> empty;
  EXPECT_EQ(empty.Local(), nullptr);
}

TEST(SnapshotCell, ReadersNeverSeeAnOlderValueAfterANewerOne) {
  SnapshotCell<int> cell;
  cell.Set(std::make_shared<const int>(0));
  constexpr int kLast = 2000;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&cell] {
      int newest = 0;
      while (newest < kLast) {
        const int seen = *cell.Local();
        ASSERT_GE(seen, newest);
        newest = seen;
      }
    });
  }
  for (int value = 1; value <= kLast; ++value) cell.Set(std::make_shared<const int>(value));
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace godwit::server
