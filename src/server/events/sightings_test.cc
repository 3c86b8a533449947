#include "server/events/sightings.h"

#include <thread>

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
  const std::string pair = "key=" + std::string(100, 'v');
  for (const Row& row :
       {Row{"app_version=2;os=linux", "app_version=2;os=linux"}, Row{"", "app_version=2;os=linux"},
        Row{pair + ";" + pair + ";" + pair, pair + ";" + pair},
        Row{"a=\x1b[31m", pair + ";" + pair}}) {
    Note(fid, "", row.sent);
    ASSERT_TRUE(sightings_.Flush().ok());
    EXPECT_EQ(Installation(fid).Text(1), row.kept);
  }
}

TEST_F(SightingsTest, AFullRingDropsAndCountsAndTheNextFlushMakesRoom) {
  const std::string fid = Install().fid;
  for (int i = 0; i < 5000; ++i) Note(fid, HashOf("one"));
  EXPECT_EQ(sightings_.stats().dropped, 5000u - 4096u);
  ASSERT_TRUE(sightings_.Flush().ok());
  EXPECT_EQ(sightings_.stats().written, 1u) << "all were of one device";
  Note(fid, HashOf("two"));
  ASSERT_TRUE(sightings_.Flush().ok());
  EXPECT_EQ(sightings_.stats().dropped, 5000u - 4096u);
  EXPECT_EQ(Stats().adoption.at(0).version, 2);
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

}  // namespace
}  // namespace godwit::server
