// What a client records of its models, and what of that reaches the server.
#include <gtest/gtest.h>

#include "device/device_fixture.h"
#include "device/event_journal.h"
#include "device/store_format.h"

namespace godwit {
namespace {

using testing::Device;
using testing::FakeModelServer;
using testing::ModelBytes;

constexpr int64_t kDayMs = 24 * 3600 * 1000;

// "FINISHED x1 300 bytes", "FAILED NO_SPACE x2".
std::vector<std::string> Lines(const std::vector<EventRow>& rows) {
  std::vector<std::string> lines;
  for (const EventRow& row : rows) {
    std::string line(EventKindName(row.key.kind));
    if (row.key.reason != EventReason::kNone)
      line.append(" ").append(EventReasonName(row.key.reason));
    line += " x" + std::to_string(row.sums.count);
    if (row.sums.bytes != 0) line += " " + std::to_string(row.sums.bytes) + " bytes";
    lines.push_back(line);
  }
  return lines;
}

using Expected = std::vector<std::string>;

class Events : public ::testing::Test {
 protected:
  Events() { device_.server.Publish("face", ModelBytes(300, 1)); }

  std::unique_ptr<Client> Open(bool consent) {
    ClientOptions options = device_.options();
    options.events_consent = consent;
    return Client::Open(options, {device_.disk, device_.http, device_.clock, device_.logger})
        .value();
  }
  Result<Model> Get(Client& client, const std::string& address = "face") {
    auto result = client.GetModel(address, DownloadType::kLatestModel);
    client.WaitForBackgroundWork();
    return result;
  }
  std::string EventsFile() {
    const std::string store = "store/" + device_.disk.List("store").value().at(0);
    return store + "/events";
  }
  bool FileStands() { return device_.disk.Stat(EventsFile()).ok(); }
  size_t Sent() {
    const auto log = device_.server.log();
    return static_cast<size_t>(std::count(log.begin(), log.end(), "events"));
  }

  Device device_;
};

TEST_F(Events, TellDownloadsAndFailuresOnce) {
  const auto client = Open(true);
  ASSERT_TRUE(Get(*client).ok());
  EXPECT_EQ(Lines(device_.server.events()),
            (Expected{"STARTED x1", "FINISHED x1 300 bytes", "SWITCHED x1"}));
  EXPECT_EQ(device_.server.events()[1].key.model, "face");
  EXPECT_EQ(device_.server.events()[1].key.hash, DigestOf(ModelBytes(300, 1)).ToHex());
  ASSERT_TRUE(Get(*client).ok());
  EXPECT_EQ(Sent(), 1u) << "nothing happened, so nothing is said";
  ASSERT_FALSE(Get(*client, "nobody").ok());
  ASSERT_FALSE(Get(*client, "nobody").ok());
  EXPECT_EQ(Lines(device_.server.events()).back(), "FAILED NOT_FOUND x1");
  EXPECT_EQ(device_.server.events().size(), 5u);
}

TEST_F(Events, TellWhatAResumedTransferBrought) {
  const auto client = Open(true);
  device_.server.FailNext(FakeModelServer::Route::kBlob, testing::CutAfter(100));
  device_.server.FailNext(FakeModelServer::Route::kBlob, testing::AnswerWith(451));
  ASSERT_FALSE(Get(*client).ok());
  ASSERT_TRUE(Get(*client).ok());
  EXPECT_EQ(Lines(device_.server.events()),
            (Expected{"STARTED x1", "FAILED OTHER x1 100 bytes", "RESUMED x1",
                      "FINISHED x1 200 bytes", "SWITCHED x1"}));
}

TEST_F(Events, WithoutConsentNothingIsRecordedOrSent) {
  const auto client = Open(false);
  ASSERT_TRUE(Get(*client).ok());
  EXPECT_FALSE(FileStands());
  EXPECT_EQ(Sent(), 0u);
}

TEST_F(Events, TakingConsentBackErases) {
  const auto client = Open(true);
  device_.server.FailNext(FakeModelServer::Route::kEvents, testing::AnswerWith(503));
  ASSERT_TRUE(Get(*client).ok());
  EXPECT_TRUE(FileStands());
  ASSERT_TRUE(client->SetEventsConsent(false).ok());
  EXPECT_FALSE(FileStands());
  ASSERT_TRUE(client->SetEventsConsent(true).ok());
  device_.clock.Advance(1);
  ASSERT_FALSE(Get(*client, "nobody").ok());
  EXPECT_EQ(Lines(device_.server.events()).back(), "FAILED NOT_FOUND x1")
      << "with a number above those that the server knows";
}

TEST_F(Events, WhatWasNotAcknowledgedIsSentAgainAndCountsOnce) {
  // The server took it, and its answer was lost: on two devices' lives in a row.
  for (int i = 0; i < 2; ++i) {
    device_.server.FailNext(FakeModelServer::Route::kEvents,
                            testing::NoAnswer(StatusCode::kUnavailable));
    const auto client = Open(true);
    ASSERT_TRUE(Get(*client).ok());
  }
  const auto client = Open(true);
  ASSERT_TRUE(Get(*client).ok());
  EXPECT_EQ(Sent(), 3u);
  EXPECT_EQ(device_.server.events().size(), 3u);
  ASSERT_TRUE(Get(*client).ok());
  EXPECT_EQ(Sent(), 3u);
}

TEST_F(Events, ARefusedBatchIsDroppedAndARefusedTokenIsRenewed) {
  const auto client = Open(true);
  device_.server.FailNext(FakeModelServer::Route::kEvents, testing::AnswerWith(400));
  ASSERT_TRUE(Get(*client).ok());
  ASSERT_TRUE(Get(*client).ok());
  EXPECT_EQ(Sent(), 1u);
  device_.server.FailNext(FakeModelServer::Route::kEvents, testing::AnswerWith(401));
  ASSERT_FALSE(Get(*client, "nobody").ok());
  ASSERT_TRUE(Get(*client).ok());
  EXPECT_EQ(Lines(device_.server.events()).back(), "FAILED NOT_FOUND x1");
}

class Journal : public ::testing::Test {
 protected:
  Journal() { EXPECT_TRUE(disk_.CreateDirectories("store/locks").ok()); }

  EventJournal Open() { return {disk_, clock_, logger_, "store"}; }
  static DeviceEvent Event(std::string hash = "") {
    return {.kind = EventKind::kLoaded, .model = "face", .hash = std::move(hash), .reason = {}};
  }

  testing::ManualClock clock_;
  testing::FaultFileSystem disk_{&clock_};
  NullLogger logger_;
};

TEST_F(Journal, SumsByDayAndNeverGrowsBeyondItsBound) {
  EventJournal journal = Open();
  for (int i = 0; i < 250; ++i) {
    DeviceEvent event = Event(DigestOf(std::to_string(i % 120)).ToHex());
    event.model = std::string(32, 'm') + "@" + std::string(32, 'a');
    event.kind = EventKind::kGateRefused;
    event.reason = EventReason::kGoldenMismatch;
    event.bytes = ~uint64_t{0};
    event.duration_ms = INT64_MAX;
    ASSERT_TRUE(journal.Add(event).ok());
    if (i == 125) {
      ASSERT_TRUE(journal.NextBatch()->has_value());
    }
  }
  EXPECT_LE(disk_.Stat("store/events")->size_bytes, kStoreFileMaxBytes);
  const auto batch = journal.NextBatch().value();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->rows.size(), EventJournal::kEventRowsKept);
  EXPECT_TRUE(ParseEventBatch(SerializeEventBatch(*batch), DayOf(clock_.NowMs())).ok());
}

TEST_F(Journal, SpendsNoMoreThanTheDaysBytes) {
  EventJournal journal = Open();
  int sent = 0;
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(journal.Add(Event()).ok());
    const auto batch = journal.NextBatch().value();
    if (!batch) break;
    sent += static_cast<int>(SerializeEventBatch(*batch).size());
    ASSERT_TRUE(journal.Acknowledge(batch->sequence).ok());
  }
  EXPECT_LE(sent, EventJournal::kSentBytesPerDayMax);
  EXPECT_FALSE(journal.NextBatch()->has_value());
  clock_.Advance(kDayMs);
  EXPECT_TRUE(journal.NextBatch()->has_value()) << "the next day has bytes of its own";
}

TEST_F(Journal, GoesOnWhateverTheClockDoes) {
  EventJournal journal = Open();
  ASSERT_TRUE(journal.Add(Event()).ok());
  const int64_t first = journal.NextBatch().value()->sequence;
  ASSERT_TRUE(journal.Acknowledge(first).ok());
  clock_.Advance(-300 * kDayMs);
  ASSERT_TRUE(journal.Add(Event()).ok());
  const int64_t second = journal.NextBatch().value()->sequence;
  EXPECT_GT(second, first);
  ASSERT_TRUE(journal.Acknowledge(second).ok());
  ASSERT_TRUE(journal.Add(Event()).ok());
  clock_.Advance(300 * kDayMs);
  EXPECT_FALSE(journal.NextBatch()->has_value()) << "the server refuses days so long ago";
}

TEST_F(Journal, ADamagedFileBeginsAnew) {
  for (const std::string& bytes :
       {std::string("GWEV"), std::string(100'000, 'x'), EncodeFrame("GWEV", "{"),
        EncodeFrame("GWEV", R"({"events":[{"kind":"?"}]})")}) {
    ASSERT_TRUE(ReplaceFile(disk_, "store/events", bytes).ok());
    EventJournal journal = Open();
    ASSERT_TRUE(journal.Add(Event()).ok());
    EXPECT_EQ(journal.NextBatch().value()->rows.size(), 1u);
  }
}

// Dies at each operation on the disk: what was acknowledged is not sent again, what was sent is
// sent again under its number, and what was added before is there.
class JournalCrash : public ::testing::TestWithParam<testing::PowerLossMode> {
 protected:
  static DeviceEvent Event() { return {.kind = EventKind::kLoaded, .model = "face", .hash = ""}; }

  // False once no operation is left to die at.
  bool DieAt(uint64_t n, uint64_t seed) {
    testing::ManualClock clock;
    testing::FaultFileSystem disk(&clock);
    NullLogger logger;
    EXPECT_TRUE(CreateDirectoriesDurably(disk, "store/locks").ok());
    EventJournal before(disk, clock, logger, "store");
    EXPECT_TRUE(before.Add(Event()).ok());
    const int64_t first = before.NextBatch().value()->sequence;
    disk.CrashAt(n);
    const bool added = before.Add(Event()).ok();
    const bool acknowledged = before.Acknowledge(first).ok();
    const auto second = before.NextBatch();
    if (!disk.crashed()) return false;
    disk.PowerLoss(GetParam(), seed);
    EventJournal after(disk, clock, logger, "store");
    const auto found = after.NextBatch().value();
    if (!acknowledged && found && found->sequence == first) return true;  // Taken once.
    EXPECT_EQ(found.has_value(), added) << "at " << n << ", seed " << seed;
    if (!found) return true;
    EXPECT_GT(found->sequence, first);
    if (second.ok() && *second) {
      EXPECT_EQ(found->sequence, (*second)->sequence);
    }
    return true;
  }
};

TEST_P(JournalCrash, LosesNothingAcknowledgedAndKeepsItsNumbers) {
  for (uint64_t seed = 0; seed < testing::SeedCount(GetParam(), 10); ++seed) {
    uint64_t points = 0;
    while (DieAt(points, seed)) ++points;
    EXPECT_GT(points, 10u);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryPowerLoss, JournalCrash,
                         ::testing::ValuesIn(testing::kAllPowerLossModes), [](const auto& mode) {
                           return std::string(testing::PowerLossModeName(mode.param));
                         });

}  // namespace
}  // namespace godwit
