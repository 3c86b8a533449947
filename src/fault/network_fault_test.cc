// Aim: whatever a network does to whichever request, a device ends with the right model or with an
// error and the model that it had, and the next call over a sound network succeeds. Method: the
// real HTTP client over loopback, through the fault server that `godwit dev --fault` is; every
// fault x phase x download type at once, each with a device and a server of its own. The devices'
// clocks are manual, so that no back-off takes time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "device/device_fixture.h"
#include "digest/digest.h"
#include "fault/fault_server.h"
#include "fault/socket_model_server.h"

namespace godwit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing;  // NOLINT: the fakes of the project

constexpr size_t kSize = 20'000;
constexpr size_t kOldSize = 700;

// A device whose every request goes through faults.
class FaultyDevice {
 public:
  explicit FaultyDevice(int64_t stall_timeout_ms = 200) {
    FaultServerOptions options;
    options.listen = "127.0.0.1:0";
    options.upstream = socket_server_.address();
    fault_server_ = *FaultServer::Listen(options, device_.logger);
    thread_ = std::thread([this] { fault_server_->Run(); });
    http_ = NewCurlHttpClient({.user_agent = "test", .ca_file = "", .proxy_url = ""});
    ClientOptions client_options = device_.options();
    client_options.server_url = "http://" + fault_server_->address();
    client_options.stall_timeout_ms = stall_timeout_ms;
    auto client =
        Client::Open(client_options, {device_.disk, *http_, device_.clock, device_.logger});
    EXPECT_TRUE(client.ok()) << client.status().ToString();
    client_ = *std::move(client);
  }

  ~FaultyDevice() {
    client_.reset();
    fault_server_->Stop();
    thread_.join();
  }

  void SetFaults(const std::string& text) {
    const auto spec = text.empty() ? FaultSpec() : ParseFaultSpec(text);
    ASSERT_TRUE(spec.ok()) << spec.status().ToString();
    fault_server_->SetSpec(*spec);
  }

  Result<Model> Get(DownloadType type) { return client_->GetModel("face", type); }
  Client& client() { return *client_; }
  Device& device() { return device_; }
  std::string url() const { return "http://" + fault_server_->address(); }

 private:
  Device device_;
  SocketModelServer socket_server_{device_.server};
  std::unique_ptr<FaultServer> fault_server_;
  std::thread thread_;
  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<Client> client_;
};

struct FaultRow {
  std::string fault;
  bool survivable;          // However often it comes.
  bool files_only = false;  // Nothing else goes on where it ended.
};

struct Cell {
  FaultRow row;
  std::string phase;
  DownloadType type;
};

// One cell: a device with an old model, unless the type needs none; then the fault.
void RunCell(const Cell& cell) {
  const std::string old_bytes = ModelBytes(kOldSize, 1);
  const std::string new_bytes = ModelBytes(kSize, 2);
  FaultyDevice faulty;
  Device& device = faulty.device();
  const bool has_old = cell.type != DownloadType::kLocalModel;
  if (has_old) {
    device.server.Publish("face", old_bytes);
    ASSERT_TRUE(faulty.Get(DownloadType::kLatestModel).ok());
  }
  device.server.Publish("face", new_bytes);
  if (cell.phase == "token") device.server.RevokeTokens();
  faulty.SetFaults(cell.row.fault + ":" + cell.phase);

  const auto got = faulty.Get(cell.type);
  faulty.client().WaitForBackgroundWork();
  const auto local = faulty.Get(DownloadType::kLocalModel);
  if (cell.type == DownloadType::kLocalModelUpdateInBackground) {
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    EXPECT_TRUE(device.Read(*got) == old_bytes);
  } else if (cell.row.survivable) {
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    EXPECT_TRUE(device.Read(*got) == new_bytes);
  } else {
    EXPECT_THAT(got.status().code(),
                ::testing::AnyOf(StatusCode::kUnavailable, StatusCode::kDeadlineExceeded))
        << got.status().ToString();
  }
  if (has_old || cell.row.survivable) {
    ASSERT_TRUE(local.ok()) << local.status().ToString();
    EXPECT_TRUE(device.Read(*local) == (cell.row.survivable ? new_bytes : old_bytes));
  }
  faulty.SetFaults("");
  const auto after = faulty.Get(DownloadType::kLatestModel);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_TRUE(device.Read(*after) == new_bytes);
}

TEST(NetworkFaults, NeverCostADeviceItsModel) {
  const std::vector<FaultRow> rows = {
      {"latency=30ms~20ms", true},
      {"rate=100k", true},
      {"slow-close=40ms", true},
      {"slice=900~1ms", true},
      {"timeout=10s*1", true},
      {"limit=20*1", true},
      {"reset*2", true},
      {"timeout=10s", false},
      {"drop@0%", false},
      {"reset", false},
      {"drop@70%", true, true},
      {"reset@30%", true, true},
      {"portal", false},
      {"503", false},
      {"502*2", true},
  };
  std::vector<Cell> cells;
  for (const FaultRow& row : rows) {
    for (const std::string phase : {"token", "check", "bytes"}) {
      if (row.files_only && phase != "bytes") continue;
      for (const DownloadType type :
           {DownloadType::kLocalModel, DownloadType::kLocalModelUpdateInBackground,
            DownloadType::kLatestModel}) {
        cells.push_back({row, phase, type});
      }
    }
  }
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 24; ++i) {
    threads.emplace_back([&] {
      for (size_t n = next++; n < cells.size(); n = next++) {
        SCOPED_TRACE(cells[n].row.fault + ":" + cells[n].phase + " type " +
                     std::to_string(static_cast<int>(cells[n].type)));
        RunCell(cells[n]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

struct FileRow {
  const char* faults;
  StatusCode code;
  std::vector<std::string> log;  // After the registration.
};

TEST(NetworkFaults, CostNoMoreRequestsThanTheyMust) {
  const FileRow rows[] = {
      {"seed=1", StatusCode::kOk, {"check", "blob"}},
      {"drop@70%", StatusCode::kOk, {"check", "blob", "blob bytes=14000-"}},
      {"drop@70%,range-ignored*2", StatusCode::kOk, {"check", "blob", "blob", "blob bytes=14000-"}},
      {"drop@70%,range-ignored",
       StatusCode::kUnavailable,
       {"check", "blob", "blob", "blob", "blob", "blob"}},
      {"drop@70%*1,range-ignored", StatusCode::kOk, {"check", "blob", "blob"}},
      {"corrupt*1", StatusCode::kOk, {"check", "blob", "check", "blob"}},
      {"corrupt:bytes", StatusCode::kModelHashMismatch, {"check", "blob", "check", "blob"}},
      {"corrupt@100%", StatusCode::kModelHashMismatch, {"check", "blob", "check", "blob"}},
      {"expire", StatusCode::kDownloadUrlExpired, {"check", "check", "check"}},
      {"500*2:check", StatusCode::kOk, {"check", "blob"}},
      {"404:check", StatusCode::kNotFound, {}},
      {"403:token", StatusCode::kPermissionDenied, {}},
  };
  for (const FileRow& row : rows) {
    SCOPED_TRACE(row.faults);
    FaultyDevice faulty;
    faulty.device().server.Publish("face", ModelBytes(kSize, 2));
    faulty.SetFaults(row.faults);
    const auto got = faulty.Get(DownloadType::kLatestModel);
    EXPECT_EQ(got.status().code(), row.code) << got.status().ToString();
    auto log = faulty.device().server.log();
    if (!log.empty()) log.erase(log.begin());
    if (!row.log.empty()) {
      EXPECT_EQ(log, row.log);
    }
  }
}

// A client that gave up after its first expired link would never get a model again.
TEST(NetworkFaults, ExpiredLinksAreForgivenInEveryCallAnew) {
  FaultyDevice faulty;
  for (unsigned i = 1; i <= 5; ++i) {
    faulty.device().server.Publish("face", ModelBytes(500, i));
    faulty.SetFaults("expire*2");
    const auto got = faulty.Get(DownloadType::kLatestModel);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    faulty.device().server.Publish("face", ModelBytes(600, i));
    faulty.SetFaults("expire*3");
    EXPECT_EQ(faulty.Get(DownloadType::kLatestModel).status().code(),
              StatusCode::kDownloadUrlExpired);
  }
}

// 500 ms at a rate that is just enough, though no stretch of 100 ms ever saw the whole of it.
TEST(NetworkFaults, LetASlowDownloadTakeItsTime) {
  FaultyDevice faulty(100);
  faulty.device().server.Publish("face", ModelBytes(kSize, 1));
  faulty.SetFaults("rate=40k:bytes");
  const auto got = faulty.Get(DownloadType::kLatestModel);
  ASSERT_TRUE(got.ok()) << got.status().ToString();
  EXPECT_THAT(faulty.device().server.log(), ElementsAre("install", "check", "blob"));
}

TEST(FaultServer, IsTheSameForTheSameSeed) {
  std::vector<std::string> bodies;
  for (const char* faults :
       {"corrupt:bytes,seed=5", "corrupt:bytes,seed=5", "corrupt:bytes,seed=6"}) {
    FaultyDevice faulty;
    const std::string bytes = ModelBytes(kSize, 1);
    faulty.device().server.Publish("face", bytes);
    faulty.SetFaults(faults);
    const auto http = NewCurlHttpClient({.user_agent = "test", .ca_file = "", .proxy_url = ""});
    HttpRequest request;
    request.url = faulty.url() + "/blobs/sha256/" + DigestOf(bytes).ToHex();
    bodies.push_back(http->Send(request, nullptr, nullptr)->body);
    int differing = 0;
    for (size_t i = 0; i < kSize; ++i) differing += bodies.back()[i] != bytes[i];
    EXPECT_EQ(differing, 1);
  }
  EXPECT_TRUE(bodies[0] == bodies[1]);
  EXPECT_FALSE(bodies[0] == bodies[2]);
}

TEST(FaultServer, LetsPassWhatNoDeviceAsksFor) {
  FaultyDevice faulty;
  faulty.SetFaults("reset");
  const auto http = NewCurlHttpClient({.user_agent = "test", .ca_file = "", .proxy_url = ""});
  HttpRequest request;
  request.url = faulty.url() + "/v1beta2/projects/godwit/models";
  const auto response = http->Send(request, nullptr, nullptr);
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response->status, 404);
}

TEST(FaultServer, SaysThatNothingIsBehindIt) {
  NullLogger logger;
  FaultServerOptions options;
  options.listen = "127.0.0.1:0";
  options.upstream = "127.0.0.1:1";
  const auto server = *FaultServer::Listen(options, logger);
  std::thread thread([&] { server->Run(); });
  const auto http = NewCurlHttpClient({.user_agent = "test", .ca_file = "", .proxy_url = ""});
  HttpRequest request;
  request.url = "http://" + server->address() + "/x";
  const auto response = http->Send(request, nullptr, nullptr);
  server->Stop();
  thread.join();
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response->status, 502);
  EXPECT_THAT(response->body, HasSubstr("cannot be reached"));
}

}  // namespace
}  // namespace godwit
