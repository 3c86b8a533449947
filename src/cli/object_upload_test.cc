#include "cli/object_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "crypto/crypto.h"
#include "digest/digest.h"
#include "http/range.h"
#include "testing/manual_clock.h"
#include "testing/scripted_http_client.h"

namespace godwit::cli {
namespace {

using ::testing::HasSubstr;
using testing::ScriptedReply;

// A reply without the ways to break it.
ScriptedReply Reply(int status, std::string body, std::vector<HttpHeader> headers = {}) {
  ScriptedReply reply;
  reply.status = status;
  reply.headers = std::move(headers);
  reply.body = std::move(body);
  return reply;
}

constexpr const char* kUrl = "http://server";

std::string RandomText(std::mt19937& random, size_t size) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::string CrcText(std::string_view text) {
  const uint32_t crc = Crc32c(0, std::as_bytes(std::span(text)));
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(crc >> shift);
  return Base64Encode(AsBytes(bytes));
}

// Cloud Storage's resumable protocol over a network that breaks as it is told.
class FakeStorage {
 public:
  // Called before each PUT: how many of its bytes arrive before the connection breaks;
  // nullopt: all.
  std::function<std::optional<size_t>(size_t)> break_after = [](size_t) { return std::nullopt; };
  std::function<int()> status_instead = [] { return 0; };  // Not 0: this answer and no more.
  std::function<bool()> lose_session = [] { return false; };
  bool flip_a_byte = false;

  std::string stored;
  int puts = 0;
  int sessions = 0;
  uint64_t bytes_received = 0;

  ScriptedReply operator()(const HttpRequest& request) {
    if (request.url == std::string(kUrl) + "/token") {
      return Reply(200, R"({"access_token": "t", "expires_in": 3600})");
    }
    EXPECT_EQ(FindHeader(request.headers, "Authorization"), "Bearer t");
    if (request.method == "POST") return Open(request);
    return Put(request);
  }

 private:
  ScriptedReply Open(const HttpRequest& request) {
    EXPECT_THAT(request.url, HasSubstr("/upload/storage/v1/b/p-models/o?uploadType=resumable"));
    EXPECT_THAT(request.url, HasSubstr("name=a%2Fb.tflite"));
    stored.clear();
    session_lost_ = false;
    session_ = std::string(kUrl) + "/upload/session" + std::to_string(++sessions);
    return Reply(200, "", {{"Location", session_}});
  }

  ScriptedReply Put(const HttpRequest& request) {
    ++puts;
    std::string body;
    if (request.body_source) {
      std::vector<std::byte> block(1000);
      while (body.size() < request.body_size_bytes) {
        const size_t count = *request.body_source(block);
        body.append(reinterpret_cast<const char*>(block.data()), count);
      }
    }
    if (lose_session()) session_lost_ = true;
    if (session_lost_ || request.url != session_) return Reply(404, "");
    if (const int status = status_instead()) return Reply(status, "");
    const auto range = ParseContentRange(*FindHeader(request.headers, "Content-Range"));
    EXPECT_TRUE(range.has_value());
    if (range->first) {
      EXPECT_EQ(*range->first, stored.size());
      const auto cut = break_after(body.size());
      stored += body.substr(0, cut.value_or(body.size()));
      bytes_received += std::min(cut.value_or(body.size()), body.size());
      if (cut) {
        ScriptedReply broken;
        broken.failure = Status(StatusCode::kUnavailable, "connection reset");
        return broken;
      }
    }
    if (stored.size() < *range->total_bytes) {
      ScriptedReply reply = Reply(308, "");
      if (!stored.empty()) {
        reply.headers = {{"Range", "bytes=0-" + std::to_string(stored.size() - 1)}};
      }
      return reply;
    }
    if (flip_a_byte) stored[0] = static_cast<char>(stored[0] ^ 1);
    return Reply(200, R"({"crc32c": ")" + CrcText(stored) + "\"}");
  }

  std::string session_;
  bool session_lost_ = false;
};

class ObjectUploadTest : public ::testing::Test {
 protected:
  Status Upload(std::string_view bytes, uint64_t chunk_bytes) {
    static const std::string key = RsaKey::Generate()->PrivatePem();
    testing::ScriptedHttpClient http([this](const HttpRequest& r) { return storage_(r); });
    AdminClient client(http, clock_,
                       {.url = kUrl,
                        .token_uri = std::string(kUrl) + "/token",
                        .project_id = "p",
                        .client_email = "a@p",
                        .private_key_id = "",
                        .private_key = key,
                        .source = "test"});
    ObjectUpload upload;
    upload.bucket = "p-models";
    upload.object = "a/b.tflite";
    upload.bytes = std::as_bytes(std::span(bytes));
    upload.chunk_bytes = chunk_bytes;
    upload.on_progress = [&](uint64_t done_bytes) {
      EXPECT_LE(done_bytes, bytes.size());
      progress_ = done_bytes;
    };
    return UploadObject(client, clock_, upload);
  }

  FakeStorage storage_;
  testing::ManualClock clock_;
  uint64_t progress_ = 0;
  std::mt19937 random_{7};
};

TEST_F(ObjectUploadTest, SendsTheFileInChunks) {
  const std::string bytes = RandomText(random_, 10'001);
  const Status status = Upload(bytes, 2000);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(storage_.stored, bytes);
  EXPECT_EQ(storage_.puts, 6);
  EXPECT_EQ(progress_, bytes.size());
}

TEST_F(ObjectUploadTest, GoesOnWhereTheConnectionBroke) {
  const std::string bytes = RandomText(random_, 100'000);
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    storage_ = FakeStorage();
    storage_.break_after = [&random](size_t size) -> std::optional<size_t> {
      if (random() % 2 == 0) return std::nullopt;
      return random() % size;
    };
    const Status status = Upload(bytes, 9000);
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(storage_.stored, bytes);
    EXPECT_EQ(storage_.sessions, 1);
    EXPECT_EQ(storage_.bytes_received, bytes.size());  // Nothing was sent twice.
  }
}

TEST_F(ObjectUploadTest, AsksWhereItStandsAfterALostAnswer) {
  const std::string bytes = RandomText(random_, 5000);
  int breaks = 0;  // All bytes arrive, the answer does not.
  storage_.break_after = [&](size_t size) -> std::optional<size_t> {
    return ++breaks == 1 ? std::optional(size) : std::nullopt;
  };
  const Status status = Upload(bytes, 5000);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(storage_.bytes_received, bytes.size());
}

TEST_F(ObjectUploadTest, WaitsForABusyServerAndGivesUpOnADeadOne) {
  const std::string bytes = RandomText(random_, 3000);
  int answers = 0;
  storage_.status_instead = [&] { return ++answers <= 3 ? 503 : 0; };
  EXPECT_TRUE(Upload(bytes, 1000).ok());
  EXPECT_EQ(storage_.stored, bytes);

  storage_.status_instead = [] { return 502; };
  const Status dead = Upload(bytes, 1000);
  EXPECT_EQ(dead.code(), StatusCode::kUnavailable);
  EXPECT_THAT(dead.message(), HasSubstr(kUrl));
}

TEST_F(ObjectUploadTest, OpensANewSessionWhenTheServerForgotTheOld) {
  const std::string bytes = RandomText(random_, 3000);
  int puts = 0;
  storage_.lose_session = [&] { return ++puts == 2; };
  const Status status = Upload(bytes, 1000);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(storage_.sessions, 2);
  EXPECT_EQ(storage_.stored, bytes);

  storage_.lose_session = [] { return true; };
  EXPECT_EQ(Upload(bytes, 1000).code(), StatusCode::kAborted);
}

TEST_F(ObjectUploadTest, StopsAtOnceWhenTheServerRefuses) {
  storage_.status_instead = [] { return 403; };
  EXPECT_EQ(Upload(RandomText(random_, 3000), 1000).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(storage_.puts, 1);
}

TEST_F(ObjectUploadTest, NoticesAByteThatChangedOnTheWay) {
  storage_.flip_a_byte = true;
  EXPECT_EQ(Upload(RandomText(random_, 3000), 1000).code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace godwit::cli
