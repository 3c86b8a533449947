#include "device/activation_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "device/device_fixture.h"

namespace godwit {
namespace {

using namespace testing;  // NOLINT: the fakes of the project
using ::testing::HasSubstr;

const std::string kOld = ModelBytes(2500, 1);
const std::string kNew = ModelBytes(3500, 2);

// Answers what the test says, and notes what it was asked.
class ScriptedGate final : public ActivationGate {
 public:
  GateVerdict Check(const GateCandidate& candidate) override {
    asked.push_back(candidate);
    if (during) during();
    return {answer, EventReason::kTooSlow};
  }
  bool runs_models() const override { return runs; }
  Status answer;
  bool runs = true;
  std::function<void()> during;
  std::vector<GateCandidate> asked;
};

class ActivationGateTest : public ::testing::Test {
 protected:
  ActivationGateTest() {
    device_.server.Publish("face", kOld);
    Open();
    EXPECT_TRUE(client_->GetModel("face", DownloadType::kLatestModel).ok());
    device_.server.Publish("face", kNew);
    gate_.asked.clear();
  }
  void Open() {
    auto client = Client::Open(device_.options(),
                               {device_.disk, device_.http, device_.clock, device_.logger, &gate_});
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    client_ = *std::move(client);
  }
  std::string LocalBytes() {
    const auto model = client_->GetModel("face", DownloadType::kLocalModel);
    return model.ok() ? device_.Read(*model) : model.status().ToString();
  }

  Device device_;
  ScriptedGate gate_;
  std::unique_ptr<Client> client_;
};

TEST_F(ActivationGateTest, IsAskedOnceForAFileThatIsWholeAndNotYetTheModel) {
  const auto model = client_->GetModel("face", DownloadType::kLatestModel);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  ASSERT_EQ(gate_.asked.size(), 1u);
  EXPECT_EQ(gate_.asked[0].name, "face");
  EXPECT_EQ(gate_.asked[0].path, model->path);
  EXPECT_EQ(gate_.asked[0].hash, model->hash);
  EXPECT_EQ(gate_.asked[0].size_bytes, kNew.size());
  EXPECT_EQ(gate_.asked[0].version, model->version);
  ASSERT_TRUE(client_->GetModel("face", DownloadType::kLatestModel).ok());
  EXPECT_EQ(gate_.asked.size(), 1u) << "an unchanged model is judged no second time";
}

TEST_F(ActivationGateTest, KeepsTheOldModelWhateverItAnswersButOk) {
  for (const StatusCode code : {StatusCode::kResourceExhausted, StatusCode::kGateRefused}) {
    gate_.answer = Status(code, "the numbers are wrong");
    const auto model = client_->GetModel("face", DownloadType::kLatestModel);
    EXPECT_EQ(model.status().code(), code);
    EXPECT_THAT(model.status().message(), HasSubstr("the numbers are wrong"));
    EXPECT_EQ(LocalBytes(), kOld);
  }
}

TEST_F(ActivationGateTest, IsNotAskedAgainForAVersionThatItRefused) {
  gate_.answer = Status(StatusCode::kGateRefused, "the numbers are wrong");
  EXPECT_FALSE(client_->GetModel("face", DownloadType::kLatestModel).ok());
  const uint64_t sent = device_.server.blob_bytes_sent();
  gate_.answer = Status::Ok();
  Open();
  const auto model = client_->GetModel("face", DownloadType::kLatestModel);
  EXPECT_EQ(model.status().code(), StatusCode::kGateRefused);
  EXPECT_THAT(model.status().message(), HasSubstr("the numbers are wrong"));
  EXPECT_EQ(gate_.asked.size(), 1u);
  EXPECT_EQ(device_.server.blob_bytes_sent(), sent);
  EXPECT_EQ(LocalBytes(), kOld);
  const auto local = client_->GetModel("face", DownloadType::kLocalModelUpdateInBackground);
  client_->WaitForBackgroundWork();
  EXPECT_TRUE(local.ok()) << "an update that is refused is no failure of the old model";

  device_.server.Publish("face", ModelBytes(3500, 3));
  EXPECT_TRUE(client_->GetModel("face", DownloadType::kLatestModel).ok()) << "another version";
}

TEST_F(ActivationGateTest, GetsTheGoldenInputsWholeAndAsksAnewWhenTheyChange) {
  device_.server.AttachGolden("face", "golden inputs");
  device_.server.FailNext(FakeModelServer::Route::kBlob, CutAfter(100000));  // The model's.
  device_.server.FailNext(FakeModelServer::Route::kBlob, CutAfter(5));
  device_.server.FailNext(FakeModelServer::Route::kBlob, AnswerWith(400));
  gate_.answer = Status(StatusCode::kGateRefused, "no");
  EXPECT_EQ(client_->GetModel("face", DownloadType::kLatestModel).status().code(),
            StatusCode::kGateRefused);
  ASSERT_EQ(gate_.asked.size(), 1u);
  EXPECT_EQ(ReadWholeFile(device_.disk, gate_.asked[0].golden_path, 100).value(), "golden inputs");

  device_.server.AttachGolden("face", "better ones");
  gate_.answer = Status::Ok();
  const auto model = client_->GetModel("face", DownloadType::kLatestModel);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  EXPECT_EQ(ReadWholeFile(device_.disk, gate_.asked[1].golden_path, 100).value(), "better ones");
}

TEST_F(ActivationGateTest, TakesGoldenInputsFromNoAddressThatAModelMayNotComeFrom) {
  device_.server.AttachGolden("face", "golden inputs");
  device_.server.FailNext(FakeModelServer::Route::kCheck,
                          [](const HttpRequest&, ScriptedReply& reply) {
                            std::string& body = reply.body;
                            const std::string before = "\"uri\":\"http";
                            const size_t at = body.find(before);
                            ASSERT_NE(at, body.npos);
                            body.replace(at, before.size(), "\"uri\":\"file");
                          });
  const uint64_t sent = device_.server.blob_bytes_sent();
  EXPECT_FALSE(client_->GetModel("face", DownloadType::kLatestModel).ok());
  EXPECT_EQ(device_.server.blob_bytes_sent(), sent);
  EXPECT_EQ(LocalBytes(), kOld);
}

TEST_F(ActivationGateTest, GetsNoGoldenInputsForAGateThatRunsNothing) {
  device_.server.AttachGolden("face", "golden inputs");
  gate_.runs = false;
  const uint64_t sent = device_.server.blob_bytes_sent();
  ASSERT_TRUE(client_->GetModel("face", DownloadType::kLatestModel).ok());
  EXPECT_EQ(gate_.asked.back().golden_path, "");
  EXPECT_EQ(device_.server.blob_bytes_sent(), sent + kNew.size());
}

TEST_F(ActivationGateTest, DoesNotSwitchOnGoldenInputsWithOtherBytes) {
  device_.server.AttachGolden("face", "golden inputs");
  for (int i = 0; i < 2; ++i) {
    device_.server.FailNext(FakeModelServer::Route::kBlob, CutAfter(100000));
    device_.server.FailNext(FakeModelServer::Route::kBlob, FlipByte(3));
    EXPECT_EQ(client_->GetModel("face", DownloadType::kLatestModel).status().code(),
              StatusCode::kModelHashMismatch);
    EXPECT_EQ(LocalBytes(), kOld);
    device_.server.FailNext(FakeModelServer::Route::kBlob, FlipByte(3));
  }
}

// The app dies in its own gate: the second time is the last.
TEST_F(ActivationGateTest, GivesUpAVersionThatEndedTheAppTwice) {
  for (int i = 0; i < 2; ++i) {
    gate_.during = [&] { device_.disk.CrashAt(0); };
    EXPECT_FALSE(client_->GetModel("face", DownloadType::kLatestModel).ok());
    client_.reset();
    device_.disk.PowerLoss(PowerLossMode::kDropped, 1);
    gate_.during = nullptr;
    Open();
  }
  const auto model = client_->GetModel("face", DownloadType::kLatestModel);
  EXPECT_EQ(model.status().code(), StatusCode::kQuarantined) << model.status().ToString();
  EXPECT_EQ(gate_.asked.size(), 2u);
  EXPECT_EQ(LocalBytes(), kOld);
}

// Whatever the instant of a power loss, a version that was refused and said so is not asked about
// again, and the old model stays.
TEST_F(ActivationGateTest, RemembersARefusalWhateverTheInstantOfAPowerLoss) {
  for (const PowerLossMode mode : kAllPowerLossModes) {
    bool reached = true;
    for (uint64_t n = 0; reached; ++n) {
      SCOPED_TRACE(std::string(PowerLossModeName(mode)) + ", operation " + std::to_string(n));
      Device device;
      ScriptedGate gate;
      const auto open = [&] {
        return Client::Open(device.options(),
                            {device.disk, device.http, device.clock, device.logger, &gate});
      };
      device.server.Publish("face", kOld);
      ASSERT_TRUE((*open())->GetModel("face", DownloadType::kLatestModel).ok());
      device.server.Publish("face", kNew);
      gate.answer = Status(StatusCode::kGateRefused, "no");
      device.disk.CrashAt(n);
      bool told = false;
      if (const auto client = open(); client.ok()) {
        told = (*client)->GetModel("face", DownloadType::kLatestModel).status().code() ==
               StatusCode::kGateRefused;
      }
      reached = device.disk.crashed();
      device.disk.PowerLoss(mode, n);
      gate.asked.clear();
      const auto client = open();
      ASSERT_TRUE(client.ok());
      EXPECT_EQ((*client)->GetModel("face", DownloadType::kLatestModel).status().code(),
                StatusCode::kGateRefused);
      EXPECT_LE(gate.asked.size(), told && !reached ? 0u : 1u);
      const auto local = (*client)->GetModel("face", DownloadType::kLocalModel);
      ASSERT_TRUE(local.ok());
      EXPECT_EQ(device.Read(*local), kOld);
      ASSERT_LT(n, 500u);
    }
  }
}

TEST_F(ActivationGateTest, IsAskedAgainWithoutADownloadWhenItCouldNotJudge) {
  gate_.answer = Status(StatusCode::kResourceExhausted, "no memory");
  EXPECT_FALSE(client_->GetModel("face", DownloadType::kLatestModel).ok());
  const uint64_t sent = device_.server.blob_bytes_sent();
  gate_.answer = Status::Ok();
  Open();
  ASSERT_TRUE(client_->GetModel("face", DownloadType::kLatestModel).ok());
  EXPECT_EQ(LocalBytes(), kNew);
  EXPECT_EQ(gate_.asked.size(), 2u);
  EXPECT_EQ(device_.server.blob_bytes_sent(), sent);
}

}  // namespace
}  // namespace godwit
