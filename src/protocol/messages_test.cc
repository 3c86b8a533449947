#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "protocol/error_body.h"
#include "protocol/installation_messages.h"
#include "protocol/json.h"
#include "protocol/model_messages.h"

namespace godwit {
namespace {

const std::string kHash(64, 'a');

TEST(DownloadReply, HasTheFormThatBothFirebaseClientsParse) {
  const DownloadReply reply{.download_uri = "https://h/blobs/x?sig=1",
                            .expire_time_ms = 1767323045678,
                            .size_bytes = 736,
                            .model_hash = kHash};
  EXPECT_EQ(SerializeDownloadReply(reply),
            R"({"downloadUri":"https://h/blobs/x?sig=1","expireTime":"2026-01-02T03:04:05.678Z",)"
            R"("sizeBytes":"736","modelFormat":"TFLITE"})");
}

TEST(DownloadReply, IsReadWhateverAProxyDidToTheEtag) {
  const std::string body =
      R"({"downloadUri":"u","expireTime":"2026-01-02T03:04:05Z","sizeBytes":736,"new":1})";
  for (const std::string& etag :
       {kHash, "\"" + kHash + "\"", "W/\"" + kHash + "\"", "\"" + kHash + "--gzip\""}) {
    const auto reply = ParseDownloadReply(body, etag);
    ASSERT_TRUE(reply.ok()) << reply.status().ToString();
    EXPECT_EQ(reply->model_hash, kHash);
    EXPECT_EQ(reply->size_bytes, 736u);
    EXPECT_EQ(reply->expire_time_ms, 1767323045000);
  }
}

TEST(DownloadReply, IsRefusedWhenAPartIsMissingOrWrong) {
  const std::string whole = R"("downloadUri":"u","expireTime":"2026-01-02T03:04:05.678Z")";
  const struct {
    std::string body;
    std::string etag;
  } kRows[] = {
      {"{" + whole + "}", kHash},
      {"{" + whole + R"(,"sizeBytes":"-1"})", kHash},
      {"{" + whole + R"(,"sizeBytes":"many"})", kHash},
      {"{" + whole + R"(,"sizeBytes":"1"})", ""},
      {"{" + whole + R"(,"sizeBytes":"1"})", std::string(64, 'A')},
      {R"({"expireTime":"2026-01-02T03:04:05.678Z","sizeBytes":"1"})", kHash},
      {R"({"downloadUri":"u","expireTime":"soon","sizeBytes":"1"})", kHash},
      {"<html>", kHash},
      {"", kHash},
  };
  for (const auto& row : kRows)
    EXPECT_FALSE(ParseDownloadReply(row.body, row.etag).ok()) << row.body;
}

TEST(DownloadReply, CarriesItsVersionsGoldenFile) {
  DownloadReply reply{.download_uri = "u", .expire_time_ms = 0, .model_hash = kHash};
  reply.golden = {"https://h/blobs/g?sig=1", std::string(64, 'b'), kGoldenMaxBytes};
  const auto read = ParseDownloadReply(SerializeDownloadReply(reply), kHash);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->golden, reply.golden);
  reply.golden->size_bytes += 1;
  EXPECT_FALSE(ParseDownloadReply(SerializeDownloadReply(reply), kHash).ok());
  reply.golden = {"u", "ab", 1};
  EXPECT_FALSE(ParseDownloadReply(SerializeDownloadReply(reply), kHash).ok());
  reply.golden = {"", kHash, 1};
  EXPECT_FALSE(ParseDownloadReply(SerializeDownloadReply(reply), kHash).ok());
}

TEST(DownloadReply, PutsTheAddressIntoThePath) {
  EXPECT_EQ(DownloadPath("godwit", {"face", 7, ""}),
            "/v1beta2/projects/godwit/models/face@7:download");
}

TEST(InstallationMessages, MakeAFidOfFourFixedBitsAnd128RandomOnes) {
  std::array<std::byte, 17> random;
  for (const auto& [fill, first] : {std::pair{0x00, 'c'}, {0xFF, 'f'}, {0x80, 'e'}}) {
    random.fill(static_cast<std::byte>(fill));
    const std::string fid = MakeFid(random);
    EXPECT_EQ(fid.size(), 22u);
    EXPECT_EQ(fid.front(), first);
    EXPECT_TRUE(IsFid(fid)) << fid;
  }
  EXPECT_EQ(MakeFid({}), "cAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_FALSE(IsFid("aAAAAAAAAAAAAAAAAAAAAA"));
  EXPECT_FALSE(IsFid("cAAAAAAAAAAAAAAAAAAAA/"));
  EXPECT_TRUE(IsFid("dIsVQ2QVRTR"));
}

TEST(InstallationMessages, AreReadAsTheyAreWritten) {
  const auto request = ParseCreateInstallationRequest(SerializeCreateInstallationRequest(
      {.fid = "cAAAAAAAAAAAAAAAAAAAAA", .app_id = "1:1:linux:a", .sdk_version = "godwit:1"}));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->fid, "cAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ(request->auth_version, "FIS_v2");

  const auto reply = ParseCreateInstallationReply(SerializeCreateInstallationReply(
      {"projects/1/installations/f", "cAAAAAAAAAAAAAAAAAAAAA", "refresh", {"a.b.c", 604800}}));
  ASSERT_TRUE(reply.ok()) << reply.status().ToString();
  EXPECT_EQ(reply->refresh_token, "refresh");
  EXPECT_EQ(reply->auth_token.token, "a.b.c");
  EXPECT_EQ(reply->auth_token.expires_in_s, 604800);
  EXPECT_EQ(SerializeInstallationToken(reply->auth_token),
            R"({"token":"a.b.c","expiresIn":"604800s"})");
}

TEST(InstallationMessages, RefuseWhatWouldBreakAHeaderOrALimit) {
  EXPECT_FALSE(ParseInstallationToken(R"({"token":"a\r\nX: y","expiresIn":"1s"})").ok());
  EXPECT_FALSE(ParseInstallationToken(R"({"token":"a","expiresIn":"1.5s"})").ok());
  EXPECT_FALSE(ParseInstallationToken(R"({"token":"a","expiresIn":"1"})").ok());
  EXPECT_FALSE(ParseInstallationToken(R"({"token":"","expiresIn":"1s"})").ok());
  EXPECT_FALSE(ParseCreateInstallationRequest(R"({"fid":"../x","appId":"a"})").ok());
  EXPECT_FALSE(ParseCreateInstallationRequest(R"({"fid":""})").ok());
  EXPECT_FALSE(ParseCreateInstallationRequest(R"({"fid":7,"appId":"a"})").ok());
  EXPECT_FALSE(ParseCreateInstallationRequest(R"({"appId":"a","sdkVersion":[]})").ok());
  EXPECT_FALSE(
      ParseCreateInstallationReply(R"({"fid":"x","refreshToken":"r","authToken":{}})").ok());
}

TEST(ErrorBody, CarriesCodeMessageAndName) {
  const Status status(StatusCode::kNotFound, "no \"face\"");
  const std::string body = SerializeErrorBody(status);
  EXPECT_EQ(body, R"({"error":{"code":404,"message":"no \"face\"","status":"NOT_FOUND"}})");
  const Status read = StatusFromErrorBody(404, body);
  EXPECT_EQ(read.code(), status.code());
  EXPECT_EQ(read.message(), status.message());
}

TEST(ErrorBody, NamesTheFileThatWasRevoked) {
  const Status status(StatusCode::kNotFound, "revoked");
  const std::string body = SerializeRevokedBody(status, kHash);
  EXPECT_EQ(StatusFromErrorBody(404, body).code(), StatusCode::kNotFound);
  EXPECT_EQ(RevokedHashFromErrorBody(body), kHash);
  for (const std::string& other :
       {SerializeErrorBody(status), SerializeRevokedBody(status, "AB"), std::string("<html>"),
        std::string(R"({"error":{"details":{"reason":"VERSION_REVOKED"}}})"),
        R"({"error":{"details":[{"reason":"VERSION_REVOKED","metadata":{"modelHash":")" + kHash +
            R"("}}]}})"}) {
    EXPECT_EQ(RevokedHashFromErrorBody(other), "") << other;
  }
}

TEST(ErrorBody, HasTheStatusesOfTheReferencePage) {
  std::ifstream page(GODWIT_HTTP_API_PAGE);
  ASSERT_TRUE(page.is_open());
  const std::regex row(R"(\| `([A-Z_]+)` \| (\d{3}) \|.*)");
  int rows = 0;
  for (std::string line; std::getline(page, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    ++rows;
    const Status read = StatusFromErrorBody(
        500, R"({"error":{"status":")" + match[1].str() + R"(","message":"x"}})");
    EXPECT_EQ(StatusCodeName(read.code()), match[1].str()) << line;
    const auto body = Json::Parse(SerializeErrorBody(read));
    EXPECT_EQ((*body)["error"]["code"].AsInt(), std::stoi(match[2].str())) << line;
  }
  EXPECT_GT(rows, 10) << "the page's table has another form than this test reads";
}

TEST(ErrorBody, FallsBackToTheHttpStatus) {
  EXPECT_EQ(StatusFromErrorBody(502, "<html>bad gateway").code(), StatusCode::kUnavailable);
  EXPECT_EQ(StatusFromErrorBody(403, "").code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(StatusFromErrorBody(418, "{}").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(StatusFromErrorBody(500, R"({"error":{"status":"OK"}})").code(), StatusCode::kInternal);
  EXPECT_EQ(StatusFromErrorBody(502, "").message(), "the server answered 502");
}

TEST(ErrorBody, CutsALongMessageBetweenCharacters) {
  std::string message;
  for (int i = 0; i < 400; ++i) message += "\xC3\xA9";
  const Status read = StatusFromErrorBody(
      400, SerializeErrorBody(Status(StatusCode::kInvalidArgument, "x" + message)));
  EXPECT_EQ(Json(read.message()).Serialize(), "\"" + read.message() + "\"");
  EXPECT_LT(read.message().size(), 510u);
}

TEST(ErrorBody, KeepsCommandsFromTheTerminal) {
  const Status status(StatusCode::kNotFound, "no \x1B[2Jface\r\n");
  EXPECT_EQ(StatusFromErrorBody(404, SerializeErrorBody(status)).message(), "no  [2Jface  ");
}

}  // namespace
}  // namespace godwit
