#include "server/events/sightings.h"

#include <unistd.h>

#include <fstream>
#include <thread>

#include "protocol/device_context.h"
#include "server/events/events_fixture.h"

namespace godwit::server {
namespace {

class SightingsTest : public EventsFixture {
 protected:
  void Note(const std::string& fid, std::string_view held, std::string_view context = "") {
    sightings_.Note({project_.number, fid, "face", held, context, clock_.NowMs()});
  }
  SqlRow Installation(const std::string& fid) {
    SqlRows rows;
    EXPECT_TRUE(database_
                    ->Read([&](SqlConnection& sql) -> Status {
                      rows = sql.Query(
                                    "SELECT last_seen_ms, context FROM installations WHERE "
                                    "fid = $1",
                                    {fid})
                                 .value();
                      return Status::Ok();
                    })
                    .ok());
    return rows.at(0);
  }
};

TEST_F(SightingsTest, TellWhoHoldsWhichVersion) {
  const std::string fids[] = {Install().fid, Install().fid, Install().fid, Install().fid};
  Note(fids[0], HashOf("one"), "app_version=1");
  Note(fids[0], HashOf("two"));  // Of several the last counts.
  Note(fids[1], HashOf("one"));
  Note(fids[2], std::string(64, 'a'));
  Note(fids[3], "");  // Holds nothing yet.
  Note(fids[3], "not a hash");
  ASSERT_TRUE(sightings_.Flush().ok());
  const ModelStats stats = Stats();
  ASSERT_EQ(stats.adoption.size(), 3u);
  EXPECT_EQ(stats.adoption[0].version, 2);
  EXPECT_EQ(stats.adoption[1].version, 1);
  EXPECT_EQ(stats.adoption[2].version, 0);
  for (const VersionAdoption& adoption : stats.adoption) EXPECT_EQ(adoption.installations, 1);
  EXPECT_EQ(Installation(fids[3]).Int(0), clock_.NowMs());
  clock_.Advance(40 * kDayMs);
  EXPECT_TRUE(Stats(30).adoption.empty()) << "nobody was seen for so long";
}

TEST_F(SightingsTest, KeepTheLastContextThatWasSaid) {
  const std::string fid = Install().fid;
  struct Row {
    std::string sent;
    std::string kept;
  };
  std::string longest;
  for (const char* key : {"a", "b", "c", "d"}) {
    longest += std::string(key) + "=" + std::string(253, 'v') + ";";
  }
  longest.pop_back();
  ASSERT_EQ(longest.size(), kContextMaxBytes - 1);
  for (const Row& row :
       {Row{"app_version=2;os=linux", "app_version=2;os=linux"}, Row{"", "app_version=2;os=linux"},
        Row{longest, longest}, Row{"e=1;" + longest, longest}, Row{"a=\x1b[31m", longest},
        Row{"a=1;a=2", longest}, Row{"no pair", longest}, Row{"a=%zz", longest}}) {
    Note(fid, "", row.sent);
    ASSERT_TRUE(sightings_.Flush().ok());
    EXPECT_EQ(Installation(fid).Text(1), row.kept);
  }
}

TEST_F(SightingsTest, AFullRingDropsAndCountsAndTheNextFlushMakesRoom) {
  const std::string fid = Install().fid;
  for (int i = 0; i < 3000; ++i) Note(fid, HashOf("one"));
  EXPECT_EQ(sightings_.stats().dropped, 3000u - 2048u);
  ASSERT_TRUE(sightings_.Flush().ok());
  EXPECT_EQ(sightings_.stats().written, 1u) << "all were of one device";
  Note(fid, HashOf("two"));
  ASSERT_TRUE(sightings_.Flush().ok());
  EXPECT_EQ(sightings_.stats().dropped, 3000u - 2048u);
  EXPECT_EQ(Stats().adoption.at(0).version, 2);
}

TEST_F(SightingsTest, TheLatestOneCountsWhicheverThreadNotedIt) {
  const std::string fid = Install().fid;
  const int64_t start_ms = clock_.NowMs();
  for (int i = 0; i < 16; ++i) {  // Threads have rings in turn, and these are not in time's order.
    std::thread([&] {
      const int64_t later_ms = i * 7 % 16;
      sightings_.Note({project_.number, fid, "face", HashOf(later_ms == 15 ? "two" : "one"),
                       later_ms == 15 ? "app_version=15" : "app_version=1", start_ms + later_ms});
    }).join();
  }
  ASSERT_TRUE(sightings_.Flush().ok());
  EXPECT_EQ(Stats().adoption.at(0).version, 2);
  EXPECT_EQ(Installation(fid).Int(0), start_ms + 15);
  EXPECT_EQ(Installation(fid).Text(1), "app_version=15");
}

TEST_F(SightingsTest, ThreadsNoteWhileAnotherFlushes) {
  std::vector<std::string> fids;
  for (int i = 0; i < 20; ++i) fids.push_back(Install().fid);
  std::vector<std::thread> threads;
  std::atomic<int> running = 20;
  for (int t = 0; t < 20; ++t) {  // More than there are rings.
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) Note(fids[static_cast<size_t>(t)], HashOf("two"));
      --running;
    });
  }
  while (running > 0) ASSERT_TRUE(sightings_.Flush().ok());
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(sightings_.Flush().ok());
  EXPECT_EQ(sightings_.stats().dropped, 0u);
  EXPECT_EQ(Stats().adoption.at(0).installations, 20);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(SightingsTest, OnlyMemoryThatDevicesNeedIsResident) {
  const auto resident_bytes = [] {
    std::ifstream file("/proc/self/statm");
    int64_t all = 0;
    int64_t resident = 0;
    file >> all >> resident;
    return resident * sysconf(_SC_PAGESIZE);
  };
  const int64_t before = resident_bytes();
  std::vector<std::unique_ptr<Sightings>> several;
  for (int i = 0; i < 4; ++i)
    several.push_back(std::make_unique<Sightings>(*database_, *registry_));
  EXPECT_LT(resident_bytes() - before, 4 << 20);
}
#endif

}  // namespace
}  // namespace godwit::server
