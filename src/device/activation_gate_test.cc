#include "device/activation_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  Status Check(const GateCandidate& candidate) override {
    asked.push_back(candidate);
    return answer;
  }
  Status answer;
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
  for (const StatusCode code : {StatusCode::kGateRefused, StatusCode::kResourceExhausted}) {
    gate_.answer = Status(code, "the numbers are wrong");
    const auto model = client_->GetModel("face", DownloadType::kLatestModel);
    EXPECT_EQ(model.status().code(), code);
    EXPECT_THAT(model.status().message(), HasSubstr("the numbers are wrong"));
    EXPECT_EQ(LocalBytes(), kOld);
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
