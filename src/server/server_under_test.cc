#include "server/server_under_test.h"

#include <gtest/gtest.h>

#include "crypto/crypto.h"

namespace godwit::server {

Json Reply::json() const {
  auto json = Json::Parse(body);
  return json.ok() ? *std::move(json) : Json();
}

std::string Reply::Header(std::string_view name) const {
  return std::string(FindHeader(headers, name).value_or(""));
}

ServerUnderTest::ServerUnderTest(ServerConfig config)
    : fs_(NewPosixFileSystem()), client_(NewCurlHttpClient({})), config_(std::move(config)) {
  config_.data_directory = directory_.path();
  config_.listen = {"127.0.0.1:0"};
  config_.loop_threads = 2;
  Start();
  admin_file_ =
      Json::Parse(ReadWholeFile(*fs_, daemon_->first_start().admin_path, 1 << 20).value()).value();
  const Json app =
      Json::Parse(ReadWholeFile(*fs_, daemon_->first_start().app_path, 1 << 20).value()).value();
  api_key_ = app["api_key"].AsString();
  app_id_ = app["app_id"].AsString();
  const Reply token =
      Send("POST", "/token", {{"Content-Type", "application/x-www-form-urlencoded"}},
           TokenForm(GoodClaims()));
  EXPECT_EQ(token.status, 200) << token.body;
  access_token_ = token.json()["access_token"].AsString();
  Register();
}

void ServerUnderTest::Start() {
  auto daemon = Daemon::Start(config_, *fs_, clock_, logger_);
  ASSERT_TRUE(daemon.ok()) << daemon.status().ToString();
  daemon_ = *std::move(daemon);
}

void ServerUnderTest::RestartAfter(const std::function<void()>& between) {
  config_.listen = daemon_->addresses();
  daemon_.reset();
  if (between) between();
  Start();
}

void ServerUnderTest::Register() {
  const Json body = Json::Object({{"fid", "cAAAAAAAAAAAAAAAAAAAAA"},
                                  {"appId", app_id_},
                                  {"authVersion", "FIS_v2"},
                                  {"sdkVersion", "a:17.0.0"}});
  const Reply reply = Send("POST", "/v1/projects/godwit/installations/",
                           {{"x-goog-api-key", api_key_}}, body.Serialize());
  EXPECT_EQ(reply.status, 200) << reply.body;
  installation_token_ = reply.json()["authToken"]["token"].AsString();
}

Reply ServerUnderTest::Send(std::string method, const std::string& target, Headers headers,
                            std::string body) {
  HttpRequest request;
  request.method = std::move(method);
  request.url = target.starts_with("http") ? target : url() + target;
  request.headers = std::move(headers);
  request.body = std::move(body);
  auto response = client_->Send(request, nullptr, nullptr);
  EXPECT_TRUE(response.ok()) << request.url << ": " << response.status().ToString();
  if (!response.ok()) return {};
  return {response->status, std::move(response->headers), std::move(response->body)};
}

Reply ServerUnderTest::Admin(std::string method, const std::string& path, std::string body,
                             Headers headers) {
  headers.push_back({"Authorization", "Bearer " + access_token_});
  return Send(std::move(method), path, std::move(headers), std::move(body));
}

Reply ServerUnderTest::Device(const std::string& path, Headers headers) {
  headers.push_back({"x-goog-api-key", api_key_});
  headers.push_back({"X-Goog-Firebase-Installations-Auth", installation_token_});
  return Send("GET", path, std::move(headers));
}

Json ServerUnderTest::GoodClaims() const {
  const int64_t now_s = clock_.NowMs() / 1000;
  return Json::Object({{"iss", admin_file_["client_email"].AsString()},
                       {"aud", "https://oauth2.googleapis.com/token"},
                       {"iat", now_s},
                       {"exp", now_s + 3600},
                       {"scope", "https://www.googleapis.com/auth/cloud-platform"}});
}

std::string ServerUnderTest::TokenForm(const Json& claims) const {
  const std::string header = R"({"alg":"RS256","typ":"JWT"})";
  const std::string text =
      Base64UrlEncode(AsBytes(header)) + "." + Base64UrlEncode(AsBytes(claims.Serialize()));
  const RsaKey key = RsaKey::FromPrivatePem(admin_file_["private_key"].AsString()).value();
  return "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + text +
         "." + Base64UrlEncode(AsBytes(key.SignSha256(text).value()));
}

std::string ServerUnderTest::Upload(const std::string& object_name, std::string bytes) {
  const Reply reply =
      Admin("POST", "/upload/storage/v1/b/godwit.test/o?uploadType=media&name=" + object_name,
            std::move(bytes), {{"Content-Type", "application/octet-stream"}});
  EXPECT_EQ(reply.status, 200) << reply.body;
  return "gs://godwit.test/" + object_name;
}

std::string ServerUnderTest::CreatePublished(const std::string& display_name,
                                             const std::string& bytes) {
  const Json body = Json::Object(
      {{"displayName", display_name},
       {"tfliteModel", Json::Object({{"gcsTfliteUri", Upload(display_name, bytes)}})}});
  const Reply created = Admin("POST", "/v1beta2/projects/godwit/models", body.Serialize());
  const std::string name = created.json()["response"]["name"].AsString();
  EXPECT_NE(name, "") << created.body;
  const Reply published = Admin("PATCH", "/v1beta2/" + name + "?updateMask=state.published",
                                R"({"state":{"published":true}})");
  EXPECT_TRUE(published.json()["response"]["state"]["published"].AsBool()) << published.body;
  return name.substr(name.rfind('/') + 1);
}

std::string DigitsModel(std::string_view name) {
  const auto fs = NewPosixFileSystem();
  return ReadWholeFile(*fs, JoinPath(GODWIT_DIGITS_FOLDER, name), 16 << 20).value();
}

}  // namespace godwit::server
