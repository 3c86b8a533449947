#include "server/events/event_store.h"

#include "server/events/events_fixture.h"
#include "testing/fault_file_system.h"
#include "testing/manual_clock.h"

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

TEST_F(EventStoreTest, ForgetsWhenAnInstallationWasLastSeenButNotTheInstallation) {
  const std::string fid = Install().fid;
  sightings_.Note({project_.number, fid, "face", HashOf("two"), "os=linux", clock_.NowMs()});
  ASSERT_TRUE(sightings_.Flush().ok());
  const auto seen = [&] {
    std::string text;
    EXPECT_TRUE(events_.Forget({.rows_days = 90, .totals_days = 400}).ok());
    EXPECT_TRUE(database_
                    ->Read([&](SqlConnection& sql) -> Status {
                      text = sql.Query(
                                    "SELECT context || (last_seen_ms > 0) FROM installations "
                                    "WHERE fid = $1",
                                    {fid})
                                 .value()
                                 .at(0)
                                 .Text(0);
                      return Status::Ok();
                    })
                    .ok());
    return text;
  };
  clock_.Advance(400 * kDayMs);
  EXPECT_EQ(seen(), "os=linux1");
  clock_.Advance(kDayMs);
  EXPECT_EQ(seen(), "0");
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

TEST_F(EventStoreTest, AFullDayStillCountsWhatItKnows) {
  const std::string fid = Install().fid;
  int64_t sequence = 0;
  for (int64_t filled = 0; filled < EventStore::kRowsPerDayMax;) {
    std::vector<EventRow> rows = {Row(EventKind::kFinished, 1)};
    filled += sequence == 0 ? 1 : 0;
    for (; rows.size() < kEventRowsMax && filled < EventStore::kRowsPerDayMax; ++filled) {
      rows.push_back(Row(EventKind::kFinished, 1));
      rows.back().key.hash = HashOf(std::to_string(filled));
    }
    ASSERT_TRUE(Take(fid, ++sequence, rows).ok());
  }
  ASSERT_EQ(Exported().size(), static_cast<size_t>(EventStore::kRowsPerDayMax));
  ASSERT_TRUE(
      Take(fid, ++sequence, {Row(EventKind::kCrashed, 1), Row(EventKind::kFinished, 1)}).ok());
  const auto exported = Exported();
  EXPECT_EQ(exported.size(), static_cast<size_t>(EventStore::kRowsPerDayMax));
  for (const StoredEvent& event : exported) {
    EXPECT_EQ(event.row.key.kind, EventKind::kFinished);
    const int64_t expected = event.row.key.hash == HashOf("two") ? sequence : 1;
    EXPECT_EQ(event.row.sums.count, expected);
  }
}

TEST_F(EventStoreTest, ExportsOverDaysThatHaveNothing) {
  const std::string fid = Install().fid;
  const int64_t today = DayOf(clock_.NowMs());
  int64_t sequence = 0;
  for (const int64_t ago : {20, 19, 3, 0}) {
    EventRow row = Row(EventKind::kStarted, 1);
    row.key.day = today - ago;
    ASSERT_TRUE(Take(fid, ++sequence, {row}).ok());
  }
  const auto registry = registry_->snapshot();
  for (const int page_size : {1, 2, 3, 4, 5}) {
    std::vector<int64_t> seen;
    std::string token;
    do {
      const auto page =
          events_.Export(project_.number, {0, today - 1}, page_size, token, *registry).value();
      for (const StoredEvent& event : page.events) seen.push_back(today - event.row.key.day);
      token = page.next_page_token;
    } while (!token.empty());
    EXPECT_EQ(seen, (std::vector<int64_t>{20, 19, 3})) << page_size;
  }
}

TEST_F(EventStoreTest, APageOfAnExportIsReadFromItsPlaceInTheIndex) {
  for (const std::string_view statement :
       {EventStore::kExportDayStatement, EventStore::kExportNextDayStatement}) {
    const Status read = database_->Read([&](SqlConnection& sql) -> Status {
      const std::vector<SqlValue> params =
          statement == EventStore::kExportDayStatement
              ? std::vector<SqlValue>{project_.number, int64_t{1}, "", "", "", "", "", int64_t{9}}
              : std::vector<SqlValue>{int64_t{1}, int64_t{2}};
      GODWIT_ASSIGN_OR_RETURN(const SqlRows steps,
                              sql.Query("EXPLAIN QUERY PLAN " + std::string(statement), params));
      EXPECT_EQ(steps.size(), 1u) << statement;
      const std::string step = steps.at(0).Text(3);
      EXPECT_TRUE(step.starts_with("SEARCH events USING")) << step;
      EXPECT_NE(step.find("events_by_day (day"), std::string::npos) << step;
      return Status::Ok();
    });
    EXPECT_TRUE(read.ok()) << read.message();
  }
}

// The cost of a batch: the disk is waited for only when something needs to outlive the power.
TEST(EventsOnDisk, ABatchCostsNoSyncAndTheNextWriteSyncsItToo) {
  testing::FaultFileSystem fs;
  testing::ManualClock clock;
  NullLogger logger;
  ASSERT_TRUE(fs.CreateDirectories("data").ok());
  ASSERT_TRUE(fs.SyncDirectory("/").ok());
  const auto open = [&] { return OpenSqliteDatabaseOn(fs, "data/godwit.db", clock, logger); };
  const auto add = [](int64_t day) {
    return [day](SqlConnection& sql) {
      return sql
          .Execute("INSERT INTO event_totals VALUES ($1, 'm', $1, 1, 'STARTED', '', 1, 0, 0)",
                   {day})
          .status();
    };
  };
  const auto count = [](Database& database) {
    int64_t rows = -1;
    EXPECT_TRUE(database
                    .Read([&](SqlConnection& sql) -> Status {
                      rows = sql.Query("SELECT COUNT(*) FROM event_totals").value().at(0).Int(0);
                      return Status::Ok();
                    })
                    .ok());
    return rows;
  };
  auto database = open().value();
  ASSERT_TRUE(database->Write(add(1)).ok());
  ASSERT_TRUE(database->WriteTelemetry(add(2)).ok());
  ASSERT_EQ(count(*database), 2);
  fs.PowerLoss(testing::PowerLossMode::kDropped, 1);
  database.reset();
  database = open().value();
  ASSERT_EQ(count(*database), 1) << "telemetry was synced";
  ASSERT_TRUE(database->WriteTelemetry(add(3)).ok());
  ASSERT_TRUE(database->Write(add(4)).ok());
  fs.PowerLoss(testing::PowerLossMode::kDropped, 1);
  database.reset();
  database = open().value();
  EXPECT_EQ(count(*database), 3);
}

}  // namespace
}  // namespace godwit::server
