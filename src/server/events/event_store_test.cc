#include "server/events/event_store.h"

#include "base/clock.h"
#include "server/events/events_fixture.h"

namespace godwit::server {
namespace {

using EventStoreTest = EventsFixture;

TEST_F(EventStoreTest, ABatchThatComesTwiceCountsOnce) {
  const std::string fid = Install().fid;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Take(fid, 5, {Row(EventKind::kFinished, 2)})->last_sequence, 5);
  }
  EXPECT_EQ(Take(fid, 4, {Row(EventKind::kFinished, 2)})->last_sequence, 5) << "an older one";
  EXPECT_EQ(Take(fid, 6, {Row(EventKind::kFinished, 1)})->last_sequence, 6);
  const auto exported = Exported();
  ASSERT_EQ(exported.size(), 1u);
  EXPECT_EQ(exported[0].fid, fid);
  EXPECT_EQ(exported[0].row.key.model, "face");
  EXPECT_EQ(exported[0].row.sums, (EventSums{3, 300, 30}));
}

TEST_F(EventStoreTest, SumsOverInstallationsByDayVersionKindAndReason) {
  for (int i = 0; i < 3; ++i) {
    const std::string fid = Install().fid;
    EventRow old = Row(EventKind::kFailed, 1, EventReason::kNoSpace);
    old.key.day -= 2;
    EventRow unknown = Row(EventKind::kStarted, 1);
    unknown.key.hash = std::string(64, 'a');
    EventRow by_alias = Row(EventKind::kFinished, 1);
    by_alias.key.model = "face@stable";
    EventRow by_id = Row(EventKind::kFinished, 1);
    by_id.key.model = model_->id;
    EventRow no_model = Row(EventKind::kFinished, 1);
    no_model.key.model = "nobody";
    ASSERT_TRUE(Take(fid, 1, {old, unknown, by_alias, by_id, no_model}).ok());
  }
  const ModelStats stats = Stats();
  ASSERT_EQ(stats.totals.size(), 3u);
  EXPECT_EQ(stats.totals[0].day, stats.last_day - 2);
  EXPECT_EQ(stats.totals[0].reason, EventReason::kNoSpace);
  EXPECT_EQ(stats.totals[0].version, 2);
  EXPECT_EQ(stats.totals[1].version, 0) << "a file that is no version";
  EXPECT_EQ(stats.totals[2].sums, (EventSums{6, 600, 60}));
  EXPECT_EQ(Stats(2).totals.size(), 2u) << "yesterday and today";
}

TEST_F(EventStoreTest, DeletingTheInstallationErasesAllOfIt) {
  const CreatedInstallation installed = Install();
  const std::string other = Install().fid;
  for (const std::string& fid : {installed.fid, other}) {
    ASSERT_TRUE(Take(fid, 1, {Row(EventKind::kFinished, 1)}).ok());
    sightings_.Note({project_.number, fid, "face", HashOf("two"), "os=linux", clock_.NowMs()});
  }
  ASSERT_TRUE(sightings_.Flush().ok());
  ASSERT_TRUE(
      installations_
          .Delete({"my-project", key_.key}, installed.fid, "FIS_v2 " + installed.refresh_token)
          .ok());
  // What is still under way of it makes nothing anew.
  sightings_.Note({project_.number, installed.fid, "face", HashOf("two"), "", clock_.NowMs()});
  ASSERT_TRUE(sightings_.Flush().ok());
  EXPECT_EQ(Take(installed.fid, 2, {Row(EventKind::kFinished, 1)}).status().code(),
            StatusCode::kNotFound);
  const auto exported = Exported();
  ASSERT_EQ(exported.size(), 1u);
  EXPECT_EQ(exported[0].fid, other);
  EXPECT_EQ(Stats().adoption.at(0).installations, 1);
  ASSERT_TRUE(database_
                  ->Read([&](SqlConnection& sql) -> Status {
                    for (const char* table : {"installations", "held_models", "events"}) {
                      EXPECT_EQ(
                          sql.Query("SELECT fid FROM " + std::string(table) + " WHERE fid = $1",
                                    {installed.fid})
                              ->size(),
                          0u)
                          << table;
                    }
                    return Status::Ok();
                  })
                  .ok());
}

TEST_F(EventStoreTest, ForgetsRowsAndSumsEachAfterItsTime) {
  ASSERT_TRUE(Take(Install().fid, 1, {Row(EventKind::kFinished, 1)}).ok());
  const EventRetention retention{.rows_days = 90, .totals_days = 400};
  const auto kept = [&](int64_t days) {
    clock_.Advance(days * kDayMs);
    EXPECT_TRUE(events_.Forget(retention).ok());
    return std::pair(Exported().size(), Stats(kStatsDaysMax).totals.size());
  };
  EXPECT_EQ(kept(90), std::pair(size_t{1}, size_t{1}));
  EXPECT_EQ(kept(1), std::pair(size_t{0}, size_t{1}));
  EXPECT_EQ(kept(308), std::pair(size_t{0}, size_t{1}));
  EXPECT_EQ(kept(3), std::pair(size_t{0}, size_t{0}));
}

TEST_F(EventStoreTest, ExportsPageByPageWhateverTheSize) {
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(Take(Install().fid, 1,
                     {Row(EventKind::kStarted, 1), Row(EventKind::kFailed, 1, EventReason::kDisk)})
                    .ok());
  }
  const auto registry = registry_->snapshot();
  const int64_t today = DayOf(clock_.NowMs());
  for (const int page_size : {1, 3, 7, 14, 100}) {
    std::vector<std::string> seen;
    std::string token;
    do {
      const auto page =
          events_.Export(project_.number, {today, today}, page_size, token, *registry);
      ASSERT_TRUE(page.ok()) << page.status().ToString();
      for (const StoredEvent& event : page->events) {
        seen.push_back(event.fid + std::string(EventKindName(event.row.key.kind)));
      }
      token = page->next_page_token;
    } while (!token.empty());
    EXPECT_EQ(seen.size(), 14u) << page_size;
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()) &&
                std::adjacent_find(seen.begin(), seen.end()) == seen.end());
  }
  for (const char* token : {"x", "%%%", "MTIz"}) {
    EXPECT_EQ(events_.Export(project_.number, {today, today}, 1, token, *registry).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST_F(EventStoreTest, AHostileInstallationFillsItsDayAndNoSumOverflows) {
  const std::string fid = Install().fid;
  for (int64_t sequence = 1; sequence <= 4; ++sequence) {
    std::vector<EventRow> rows;
    for (size_t i = 0; i < kEventRowsMax; ++i) {
      rows.push_back(Row(EventKind::kFinished, 1));
      rows.back().key.hash = HashOf(std::to_string(sequence) + "." + std::to_string(i));
      rows.back().sums.bytes = kEventSumMax;
    }
    ASSERT_TRUE(Take(fid, sequence, rows).ok());
  }
  EXPECT_EQ(Exported().size(), static_cast<size_t>(EventStore::kRowsPerDayMax));
  EXPECT_EQ(Stats().totals.at(0).sums.bytes, 9007199254740991);
}

// A figure for who tunes; the bound only says that no commit waits for the disk twice.
TEST_F(EventStoreTest, TakesHundredsOfBatchesASecond) {
  const std::string fid = Install().fid;
  const auto clock = NewSystemClock();
  const int64_t start_ms = clock->MonotonicMs();
  constexpr int kBatches = 500;
  for (int i = 1; i <= kBatches; ++i) {
    ASSERT_TRUE(Take(fid, i, {Row(EventKind::kStarted, 1), Row(EventKind::kFinished, 1)}).ok());
  }
  const int64_t spent_ms = clock->MonotonicMs() - start_ms + 1;
  std::printf("%lld batches a second\n", static_cast<long long>(kBatches * 1000 / spent_ms));
  EXPECT_LT(spent_ms, 30'000);
}

}  // namespace
}  // namespace godwit::server
