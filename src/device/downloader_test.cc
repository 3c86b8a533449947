// Aim: whatever the server does wrong, the device asks for no more than it must, and ends with
// the right model or an error that says why. Method: rows of faults against requests and bytes.
#include "device/downloader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "device/device_fixture.h"
#include "device/download.h"
#include "digest/digest.h"

namespace godwit {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using namespace testing;  // NOLINT: the fakes of the project
using Route = FakeModelServer::Route;
using Log = std::vector<std::string>;
using Faults = std::vector<std::pair<FakeModelServer::Route, FakeModelServer::Fault>>;

constexpr size_t kSize = 5000;

struct FaultRow {
  const char* name;
  Faults faults;
  Log log;              // The requests after "install".
  uint64_t file_bytes;  // That honest answers held.
  StatusCode code = StatusCode::kOk;
};

FakeModelServer::Fault IgnoreRange(const std::string& whole) {
  return [whole](const HttpRequest&, ScriptedReply& reply) {
    reply.status = 200;
    reply.headers.clear();
    reply.body = whole;
  };
}

FakeModelServer::Fault ReplaceHeader(const std::string& name, const std::string& value) {
  return [name, value](const HttpRequest&, ScriptedReply& reply) {
    for (HttpHeader& header : reply.headers) {
      if (header.name == name) header.value = value;
    }
  };
}

FakeModelServer::Fault AddHeader(const std::string& name, const std::string& value) {
  return [name, value](const HttpRequest&, ScriptedReply& reply) {
    reply.headers.push_back({name, value});
  };
}

FakeModelServer::Fault LoginPage() {
  return [](const HttpRequest&, ScriptedReply& reply) {
    reply.status = 200;
    reply.headers = {{"Content-Type", "text/html; charset=utf-8"}};
    reply.body = "<html><form>Your room number</form></html>";
  };
}

// More than anybody should read.
FakeModelServer::Fault EndlessBody(int status) {
  return [status](const HttpRequest&, ScriptedReply& reply) {
    reply.status = status;
    reply.headers.clear();
    reply.body = "{" + std::string(4 << 20, 'x');
  };
}

FakeModelServer::Fault LinkTo(const std::string& uri) {
  return [uri](const HttpRequest&, ScriptedReply& reply) {
    const size_t start = reply.body.find("http://");
    reply.body.replace(start, reply.body.find('"', start) - start, uri);
  };
}

FakeModelServer::Fault ChopHonestly(size_t size) {
  return [size](const HttpRequest&, ScriptedReply& reply) {
    reply.body.resize(size);
    reply.headers.clear();
  };
}

constexpr Route kBlob = Route::kBlob;
constexpr Route kCheck = Route::kCheck;
const std::string kBytes = ModelBytes(kSize, 1);
const Log kPlain = {"check", "blob"};
const Log kTwice = {"check", "blob", "check", "blob"};

// clang-format off
std::vector<FaultRow> TransferRows() {
  const std::string other_part = "bytes 999-4999/5000";
  const std::string other_tag = "\"" + std::string(64, '0') + "\"";
  return {
      {"nothing wrong", {}, kPlain, kSize},
      {"cut", {{kBlob, CutAfter(1234)}}, {"check", "blob", "blob bytes=1234-"}, kSize + 3766},
      {"cut before the first byte", {{kBlob, CutAfter(0)}}, {"check", "blob", "blob"}, 2 * kSize},
      {"cut twice", {{kBlob, CutAfter(1000)}, {kBlob, CutAfter(1000)}},
       {"check", "blob", "blob bytes=1000-", "blob bytes=2000-"}, kSize + 4000 + 3000},
      {"cut more often than there are retries",
       {{kBlob, CutAfter(800)}, {kBlob, CutAfter(800)}, {kBlob, CutAfter(800)},
        {kBlob, CutAfter(800)}, {kBlob, CutAfter(800)}, {kBlob, CutAfter(800)}},
       {"check", "blob", "blob bytes=800-", "blob bytes=1600-", "blob bytes=2400-",
        "blob bytes=3200-", "blob bytes=4000-", "blob bytes=4800-"},
       kSize + 4200 + 3400 + 2600 + 1800 + 1000 + 200},
      {"cut at once, again and again",
       {{kBlob, CutAfter(0)}, {kBlob, CutAfter(0)}, {kBlob, CutAfter(0)}, {kBlob, CutAfter(0)},
        {kBlob, CutAfter(0)}},
       {"check", "blob", "blob", "blob", "blob", "blob"}, 5 * kSize, StatusCode::kUnavailable},
      {"stall", {{kBlob, StallAfter(4999)}}, {"check", "blob", "blob bytes=4999-"}, kSize + 1},
      {"network gone in the middle",
       {{kBlob, CutAfter(10)}, {kBlob, NoAnswer(StatusCode::kNoNetworkConnection)}},
       {"check", "blob", "blob bytes=10-", "blob bytes=10-"}, kSize + 2 * 4990},
      {"200 to a range", {{kBlob, CutAfter(1000)}, {kBlob, IgnoreRange(kBytes)}},
       {"check", "blob", "blob bytes=1000-"}, kSize + 4000},
      {"another part",
       {{kBlob, CutAfter(1000)}, {kBlob, ReplaceHeader("Content-Range", other_part)}},
       {"check", "blob", "blob bytes=1000-", "check", "blob"}, kSize + 4000 + kSize},
      {"changed ETag", {{kBlob, ReplaceHeader("ETag", other_tag)}}, kTwice, 2 * kSize},
      {"foreign ETag", {{kBlob, ReplaceHeader("ETag", "\"abc\"")}}, kPlain, kSize},
      {"wrong length", {{kBlob, ReplaceHeader("Content-Length", "5001")}}, kTwice, 2 * kSize},
      {"ends early without a length", {{kBlob, ChopHonestly(100)}},
       {"check", "blob", "blob bytes=100-"}, kSize + 4900},
      {"one wrong byte", {{kBlob, FlipByte(77)}}, kTwice, 2 * kSize},
      {"one wrong byte twice", {{kBlob, FlipByte(77)}, {kBlob, FlipByte(78)}}, kTwice, 2 * kSize,
       StatusCode::kModelHashMismatch},
      {"range refused", {{kBlob, CutAfter(9)}, {kBlob, AnswerWith(416)}},
       {"check", "blob", "blob bytes=9-", "check", "blob"}, kSize + 4991 + kSize},
      {"link expired", {{kBlob, AnswerWith(400)}}, kTwice, 2 * kSize},
      {"link expired in the middle", {{kBlob, CutAfter(1000)}, {kBlob, AnswerWith(400)}},
       {"check", "blob", "blob bytes=1000-", "check", "blob bytes=1000-"}, kSize + 8000},
      {"three links expired",
       {{kBlob, AnswerWith(400)}, {kBlob, AnswerWith(410)}, {kBlob, AnswerWith(404)}},
       {"check", "blob", "check", "blob", "check", "blob"}, 3 * kSize,
       StatusCode::kDownloadUrlExpired},
      {"login page of the network", {{kBlob, LoginPage()}}, {"check", "blob", "blob"}, 2 * kSize},
      {"redirect", {{kBlob, AnswerWith(302, {{"Location", "http://models.test/"}})}},
       {"check", "blob", "blob"}, 2 * kSize},
      {"redirected for ever", {5, {kBlob, AnswerWith(307, {{"Location", "/again"}})}},
       {"check", "blob", "blob", "blob", "blob", "blob"}, 5 * kSize, StatusCode::kUnavailable},
      {"compressed", {{kBlob, AddHeader("Content-Encoding", "gzip")}}, kTwice, 2 * kSize},
      {"compressed every time", {2, {kBlob, AddHeader("Content-Encoding", "gzip")}}, kTwice,
       2 * kSize, StatusCode::kModelHashMismatch},
      {"endless file", {2, {kBlob, EndlessBody(200)}}, kTwice, 2 * kSize,
       StatusCode::kModelHashMismatch},
      {"endless error", {{kBlob, EndlessBody(404)}}, {"check", "blob", "blob"}, 2 * kSize},
      {"206 to no range", {{kBlob, AnswerWith(206)}}, kTwice, 2 * kSize},
      {"file forbidden", {{kBlob, AnswerWith(403)}}, kPlain, kSize, StatusCode::kPermissionDenied},
      {"file server busy", {{kBlob, AnswerWith(503, {{"Retry-After", "7"}})}},
       {"check", "blob", "blob"}, 2 * kSize},
      {"file server away until tomorrow",
       {{kBlob, AnswerWith(503, {{"Retry-After", "Sat, 03 Jan 2026 00:00:00 GMT"}})}},
       {"check", "blob"}, kSize, StatusCode::kUnavailable},
  };
}

std::vector<FaultRow> CheckRows() {
  const auto busy = AnswerWith(503);
  return {
      {"server busy", {{kCheck, AnswerWith(429)}}, {"check", "check", "blob"}, kSize},
      {"server restarts", {{kCheck, NoAnswer(StatusCode::kUnavailable)}},
       {"check", "check", "blob"}, kSize},
      {"server stays down",
       {{kCheck, busy}, {kCheck, busy}, {kCheck, busy}, {kCheck, busy}, {kCheck, busy}},
       Log(5, "check"), 0, StatusCode::kUnavailable},
      {"busy for an hour", {{kCheck, AnswerWith(503, {{"Retry-After", "3600"}})}}, {"check"}, 0,
       StatusCode::kUnavailable},
      {"no network", {{kCheck, NoAnswer(StatusCode::kNoNetworkConnection)}}, {"check"}, 0,
       StatusCode::kNoNetworkConnection},
      {"no such model", {{kCheck, AnswerWith(404)}}, {"check"}, 0, StatusCode::kNotFound},
      {"wrong key", {{kCheck, AnswerWith(403)}}, {"check"}, 0, StatusCode::kPermissionDenied},
      {"token refused", {{kCheck, AnswerWith(401)}}, {"check", "token", "check", "blob"}, kSize},
      {"token refused twice", {{kCheck, AnswerWith(401)}, {kCheck, AnswerWith(401)}},
       {"check", "token", "check"}, 0, StatusCode::kUnauthenticated},
      {"nonsense", {{kCheck, AnswerWith(200)}}, {"check"}, 0, StatusCode::kDataLoss},
      {"login page of the network", {{kCheck, LoginPage()}}, {"check", "check", "blob"}, kSize},
      {"login page for ever", {5, {kCheck, LoginPage()}}, Log(5, "check"), 0,
       StatusCode::kUnavailable},
      {"redirected for ever", {5, {kCheck, AnswerWith(302, {{"Location", "/again"}})}},
       Log(5, "check"), 0, StatusCode::kUnavailable},
      {"endless answer", {{kCheck, EndlessBody(200)}}, {"check"}, 0,
       StatusCode::kResourceExhausted},
      {"link without TLS or host", {{kCheck, LinkTo("ftp://models.test/x")}}, {"check"}, 0,
       StatusCode::kDataLoss},
      {"unchanged without a model", {{kCheck, AnswerWith(304)}}, {"check", "check", "blob"}, kSize},
  };
}
// clang-format on

std::vector<FaultRow> Rows() {
  std::vector<FaultRow> rows = TransferRows();
  for (const FaultRow& row : CheckRows()) rows.push_back(row);
  return rows;
}

TEST(Downloader, AsksForWhatItNeedsWhateverTheServerDoesWrong) {
  for (const FaultRow& row : Rows()) {
    SCOPED_TRACE(row.name);
    Device device;
    const std::string bytes = ModelBytes(kSize, 1);
    device.server.Publish("face", bytes);
    for (const auto& [route, fault] : row.faults) device.server.FailNext(route, fault);
    const auto client = device.Open();
    const auto model = client->GetModel("face", DownloadType::kLatestModel);
    EXPECT_EQ(model.status().code(), row.code) << model.status().ToString();
    Log log = row.log;
    log.insert(log.begin(), "install");
    EXPECT_THAT(device.server.log(), ElementsAreArray(log));
    EXPECT_EQ(device.server.blob_bytes_sent(), row.file_bytes);
    if (model.ok()) {
      EXPECT_EQ(device.Read(*model), bytes);
    }
    // After any failure the next call succeeds.
    const auto again = client->GetModel("face", DownloadType::kLatestModel);
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    EXPECT_EQ(device.Read(*again), bytes);
  }
}

TEST(Downloader, KeepsTheOldModelWhenTheNewOneCannotBeHad) {
  for (const FaultRow& row : Rows()) {
    if (row.code == StatusCode::kOk) continue;
    SCOPED_TRACE(row.name);
    Device device;
    const std::string old_bytes = ModelBytes(300, 2);
    device.server.Publish("face", old_bytes);
    const auto client = device.Open();
    ASSERT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
    device.server.Publish("face", ModelBytes(kSize, 1));
    for (const auto& [route, fault] : row.faults) device.server.FailNext(route, fault);
    EXPECT_EQ(client->GetModel("face", DownloadType::kLatestModel).status().code(), row.code);
    const auto local = client->GetModel("face", DownloadType::kLocalModel);
    ASSERT_TRUE(local.ok());
    EXPECT_EQ(device.Read(*local), old_bytes);
  }
}

TEST(Downloader, BacksOffAndHeedsRetryAfter) {
  Device device;
  device.server.Publish("face", ModelBytes(10, 1));
  const auto client = device.Open();
  device.server.FailNext(Route::kCheck, AnswerWith(503));
  device.server.FailNext(Route::kCheck, AnswerWith(503));
  int64_t start_ms = device.clock.NowMs();
  ASSERT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
  EXPECT_GE(device.clock.NowMs() - start_ms, 250 + 500);
  EXPECT_LE(device.clock.NowMs() - start_ms, 500 + 1000);

  device.server.FailNext(Route::kCheck, AnswerWith(429, {{"Retry-After", "20"}}));
  start_ms = device.clock.NowMs();
  ASSERT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
  EXPECT_EQ(device.clock.NowMs() - start_ms, 20'000);
}

TEST(Downloader, SaysWhatADownloadWouldCostAndDownloadsNothing) {
  Device device;
  const auto client = device.Open();
  EXPECT_EQ(client->CheckModel("face").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(client->CheckModel("a/b").status().code(), StatusCode::kInvalidArgument);
  const std::string bytes = ModelBytes(kSize, 1);
  device.server.Publish("face", bytes);
  device.server.FailNext(Route::kCheck, AnswerWith(503));  // It is asked again, as by a download.
  auto offer = client->CheckModel("face");
  ASSERT_TRUE(offer.ok()) << offer.status().ToString();
  EXPECT_EQ(offer->hash, DigestOf(bytes).ToHex());
  EXPECT_EQ(offer->size_bytes, kSize);
  EXPECT_FALSE(offer->is_local);
  EXPECT_EQ(offer->bytes_needed, kSize);

  device.server.FailNext(Route::kBlob, CutAfter(2000));
  device.server.FailNext(Route::kBlob, AnswerWith(403));
  EXPECT_FALSE(client->GetModel("face", DownloadType::kLatestModel).ok());
  EXPECT_EQ(client->CheckModel("face")->bytes_needed, kSize - 2000);

  ASSERT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
  const uint64_t sent = device.server.blob_bytes_sent();
  offer = client->CheckModel("face");
  EXPECT_TRUE(offer->is_local);
  EXPECT_EQ(offer->size_bytes, kSize);
  EXPECT_EQ(offer->bytes_needed, 0u);
  device.server.Publish("mood", bytes);  // The same file under another name.
  offer = client->CheckModel("mood");
  EXPECT_FALSE(offer->is_local);
  EXPECT_EQ(offer->bytes_needed, 0u);
  EXPECT_EQ(device.server.blob_bytes_sent(), sent);
}

TEST(Downloader, WaitsUntilTheDateThatRetryAfterNames) {
  Device device;  // Its clock says Fri, 02 Jan 2026 03:04:05.678.
  device.server.Publish("face", ModelBytes(10, 1));
  const auto client = device.Open();
  const int64_t start_ms = device.clock.NowMs();
  device.server.FailNext(Route::kCheck,
                         AnswerWith(503, {{"Retry-After", "Fri, 02 Jan 2026 03:04:45 GMT"}}));
  ASSERT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
  EXPECT_EQ(device.clock.NowMs() - start_ms, 39'322);
}

// Devices that failed together must not come back together.
TEST(Downloader, ScattersItsTriesByChance) {
  std::set<int64_t> delays;
  for (int i = 0; i < 20; ++i) {
    Device device;
    device.server.Publish("face", ModelBytes(10, 1));
    device.server.FailNext(Route::kCheck, AnswerWith(503));
    const int64_t start_ms = device.clock.NowMs();
    ASSERT_TRUE(device.Open()->GetModel("face", DownloadType::kLatestModel).ok());
    delays.insert(device.clock.NowMs() - start_ms);
  }
  EXPECT_GE(*delays.begin(), 250);
  EXPECT_LE(*delays.rbegin(), 500);
  EXPECT_GT(delays.size(), 5u);
}

TEST(Downloader, KeepsToTlsWhereTheServerHasIt) {
  const struct {
    const char* link;
    StatusCode code;
  } kRows[] = {
      {"https://models.test/blobs/sha256/", StatusCode::kOk},
      {"https://files.example.org:444/any/", StatusCode::kOk},
      {"http://models.test/blobs/sha256/", StatusCode::kFailedPrecondition},
      {"file:///etc/", StatusCode::kDataLoss},
      {"https:///blobs/", StatusCode::kDataLoss},
      {"/blobs/sha256/", StatusCode::kDataLoss},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.link);
    Device device;
    const std::string bytes = ModelBytes(10, 1);
    device.server.Publish("face", bytes);
    device.server.FailNext(Route::kCheck, [&](const HttpRequest&, ScriptedReply& reply) {
      const size_t start = reply.body.find("https://");
      const size_t end = reply.body.find('"', start);
      reply.body.replace(start, end - start, row.link + DigestOf(bytes).ToHex());
    });
    ClientOptions options = device.options();
    options.server_url = "https://models.test";
    const auto client =
        Client::Open(options, {device.disk, device.http, device.clock, device.logger});
    ASSERT_TRUE(client.ok());
    const Status got = (*client)->GetModel("face", DownloadType::kLatestModel).status();
    EXPECT_EQ(got.code(), row.code) << got.ToString();
  }
}

TEST(Downloader, GoesOnWhereAnEarlierProcessStopped) {
  Device device;
  const std::string bytes = ModelBytes(kSize, 1);
  device.server.Publish("face", bytes);
  device.server.FailNext(Route::kBlob, CutAfter(2000));
  device.server.FailNext(Route::kBlob, AnswerWith(403));
  EXPECT_FALSE(device.Open()->GetModel("face", DownloadType::kLatestModel).ok());
  device.disk.PowerLoss(PowerLossMode::kKept, 1);
  const auto model = device.Open()->GetModel("face", DownloadType::kLatestModel);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(device.Read(*model), bytes);
  EXPECT_EQ(device.server.log().back(), "blob bytes=2000-");
}

TEST(Downloader, DropsWhatItHasOfAModelThatWasReplacedMeanwhile) {
  Device device;
  device.server.Publish("face", ModelBytes(kSize, 1));
  device.server.FailNext(Route::kBlob, CutAfter(2000));
  device.server.FailNext(Route::kBlob, AnswerWith(403));
  const auto client = device.Open();
  EXPECT_FALSE(client->GetModel("face", DownloadType::kLatestModel).ok());
  const std::string newer = ModelBytes(kSize, 2);
  device.server.Publish("face", newer);
  const auto model = client->GetModel("face", DownloadType::kLatestModel);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(device.Read(*model), newer);
  EXPECT_EQ(device.server.log().back(), "blob");
}

TEST(Downloader, SaysHowMuchSpaceIsMissingBeforeItDownloads) {
  Device device;
  device.server.Publish("face", ModelBytes(kSize, 1));
  const auto client = device.Open();
  ASSERT_TRUE(client->InstallationId().ok());
  device.disk.SetFreeBytes(kSize - 1);
  const auto model = client->GetModel("face", DownloadType::kLatestModel);
  EXPECT_EQ(model.status().code(), StatusCode::kNotEnoughSpace) << model.status().ToString();
  EXPECT_THAT(model.status().message(), HasSubstr("5000 bytes"));
  EXPECT_EQ(device.server.blob_bytes_sent(), 0u);
  device.disk.SetFreeBytes(std::nullopt);
  EXPECT_TRUE(client->GetModel("face", DownloadType::kLatestModel).ok());
}

TEST(Downloader, ReportsBytesOfTheFileAsProgress) {
  Device device;
  device.http.SetPieceBytes(500);
  device.server.Publish("face", ModelBytes(kSize, 1));
  const auto client = device.Open();
  const auto request = client->StartGetModel("face", DownloadType::kLatestModel);
  ASSERT_TRUE(request->Wait().ok());
  EXPECT_EQ(request->progress().bytes_done, kSize);
  EXPECT_EQ(request->progress().bytes_total, kSize);
}

// Every state answers every event that it can meet, and no budget lets a download go on for ever.
TEST(Download, EndsWhateverHappens) {
  constexpr DownloadEvent kBad[] = {DownloadEvent::kTransient, DownloadEvent::kMismatch,
                                    DownloadEvent::kTokenRefused};
  unsigned state_of_chance = 7;
  for (int round = 0; round < 1000; ++round) {
    DownloadBudgets budgets;
    int steps = 0;
    for (;; ++steps) {
      state_of_chance = state_of_chance * 1664525u + 1013904223u;
      const DownloadStep step = NextStep(DownloadState::kCheck, kBad[(state_of_chance >> 24) % 3]);
      EXPECT_EQ(step.next, DownloadState::kCheck);
      if (!budgets.Spend(step.budget)) break;
    }
    EXPECT_LE(steps, 4 + 1 + 1);
  }
}

}  // namespace
}  // namespace godwit
