// What an administrator does about who may do what: projects, apps, API keys, service accounts.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "crypto/crypto.h"
#include "server/owner_key.h"
#include "server/server_under_test.h"

namespace godwit::server {
namespace {

constexpr char kKeys[] = "/v2/projects/godwit/locations/global/keys";
constexpr char kAccounts[] = "/v1/projects/godwit/serviceAccounts";
constexpr char kAndroidApps[] = "/v1beta1/projects/godwit/androidApps";
constexpr char kFace[] = "/v1beta2/projects/godwit/models/face:download";
constexpr char kSha1[] = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709";

class AccessApiTest : public ::testing::Test {
 protected:
  // The access token that a key file is good for; empty when it is good for none.
  std::string TokenOf(const Json& key_file) {
    const Json claims = Json::Object({{"iss", key_file["client_email"].AsString()},
                                      {"aud", "https://oauth2.googleapis.com/token"},
                                      {"iat", server_.clock().NowMs() / 1000},
                                      {"exp", server_.clock().NowMs() / 1000 + 3600}});
    const std::string text = Base64UrlEncode(AsBytes(R"({"alg":"RS256"})")) + "." +
                             Base64UrlEncode(AsBytes(claims.Serialize()));
    const RsaKey key = RsaKey::FromPrivatePem(key_file["private_key"].AsString()).value();
    const Reply reply = server_.Send(
        "POST", "/token", {{"Content-Type", "application/x-www-form-urlencoded"}},
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + text + "." +
            Base64UrlEncode(AsBytes(key.SignSha256(text).value())));
    return reply.json()["access_token"].AsString();
  }
  Reply As(const std::string& token, std::string method, const std::string& path,
           std::string body = {}) {
    return server_.Send(std::move(method), path, {{"Authorization", "Bearer " + token}},
                        std::move(body));
  }
  // A new account's key file.
  Json NewAccount(const std::string& name, const std::string& role,
                  const std::string& accounts = kAccounts) {
    const Reply created = server_.Admin(
        "POST", accounts,
        R"({"accountId":")" + name + R"(","serviceAccount":{"role":")" + role + R"("}})");
    EXPECT_EQ(created.status, 200) << created.body;
    const Reply key =
        server_.Admin("POST", "/v1/" + created.json()["name"].AsString() + "/keys", "{}");
    EXPECT_EQ(key.status, 200) << key.body;
    EXPECT_EQ(key.Header("Cache-Control"), "no-store");
    return Json::Parse(Base64Decode(key.json()["privateKeyData"].AsString()).value()).value();
  }
  Json Response(const Reply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_TRUE(reply.json()["done"].AsBool()) << reply.body;
    return reply.json()["response"];
  }
  int Register(const std::string& key, Headers headers = {}, const std::string& project = "godwit",
               const std::string& app_id = "") {
    headers.push_back({"x-goog-api-key", key});
    const std::string app = app_id.empty() ? server_.app_id() : app_id;
    return server_
        .Send("POST", "/v1/projects/" + project + "/installations", std::move(headers),
              R"({"appId":")" + app + R"(","authVersion":"FIS_v2","sdkVersion":"a:1"})")
        .status;
  }

  ServerUnderTest server_;
};

TEST_F(AccessApiTest, AnOwnerMakesListsAndDeletesProjects) {
  const Json made = Response(
      server_.Admin("POST", "/v1/projects", R"({"projectId":"second-one","name":"Second"})"));
  EXPECT_EQ(made["projectId"].AsString(), "second-one");
  EXPECT_EQ(made["lifecycleState"].AsString(), "ACTIVE");
  EXPECT_EQ(server_.Admin("POST", "/v1/projects", R"({"projectId":"second-one"})").status, 409);
  EXPECT_EQ(server_.Admin("POST", "/v1/projects", R"({"projectId":7})").status, 400);
  const Json list = server_.Admin("GET", "/v1/projects?pageSize=1").json();
  ASSERT_EQ(list["projects"].items().size(), 1u);
  EXPECT_EQ(list["projects"].items()[0]["projectId"].AsString(), "godwit");
  const Json rest =
      server_.Admin("GET", "/v1/projects?pageToken=" + list["nextPageToken"].AsString()).json();
  ASSERT_EQ(rest["projects"].items().size(), 1u);
  EXPECT_FALSE(rest.Has("nextPageToken"));
  const std::string number = made["projectNumber"].AsString();
  EXPECT_EQ(server_.Admin("GET", "/v1/projects/" + number).json(),
            server_.Admin("GET", "/v1/projects/second-one").json());
  // An owner acts in every project; each has its own models.
  const std::string models = "/v1beta2/projects/second-one/models";
  EXPECT_EQ(server_.Admin("POST", models, R"({"displayName":"face"})").status, 200);
  EXPECT_EQ(server_.Admin("GET", models).json()["models"].items().size(), 1u);
  EXPECT_FALSE(server_.Admin("GET", "/v1beta2/projects/godwit/models").json().Has("models"));
  EXPECT_EQ(server_.Admin("DELETE", "/v1/projects/second-one").status, 400) << "it has a model";
  const std::string model =
      server_.Admin("GET", models).json()["models"].items()[0]["name"].AsString();
  EXPECT_EQ(server_.Admin("DELETE", "/v1beta2/" + model).status, 200);
  EXPECT_EQ(server_.Admin("DELETE", "/v1/projects/second-one").body, "{}");
  EXPECT_EQ(server_.Admin("DELETE", "/v1/projects/second-one").status, 403);
  EXPECT_EQ(server_.Admin("DELETE", "/v1/projects/godwit").status, 400) << "the account's own";
}

TEST_F(AccessApiTest, ProjectsKeepTheirKeysAndTokensApart) {
  server_.CreatePublished("face", DigitsModel("digits_v1.tflite"));
  Response(server_.Admin("POST", "/v1/projects", R"({"projectId":"second-one"})"));
  const Json app = Response(server_.Admin("POST", "/v1beta1/projects/second-one/webApps", "{}"));
  const Json key =
      Response(server_.Admin("POST", "/v2/projects/second-one/locations/global/keys", "{}"));
  const std::string other_key = key["keyString"].AsString();
  EXPECT_EQ(Register(other_key, {}, "second-one", app["appId"].AsString()), 200);
  EXPECT_EQ(Register(other_key), 400);
  EXPECT_EQ(Register(other_key, {}, "second-one", server_.app_id()), 400);
  EXPECT_EQ(server_.Send("GET", kFace, {{"x-goog-api-key", other_key}}).status, 403);
  const HttpHeader token{"X-Goog-Firebase-Installations-Auth", server_.installation_token()};
  EXPECT_EQ(server_
                .Send("GET", "/v1beta2/projects/second-one/models/face:download",
                      {{"x-goog-api-key", other_key}, token})
                .status,
            401)
      << "a token of another project";
  EXPECT_EQ(server_.Device(kFace).status, 200);
}

TEST_F(AccessApiTest, EachRoleDoesWhatItMayAndNoMore) {
  Response(server_.Admin("POST", "/v1/projects", R"({"projectId":"second-one"})"));
  const std::string model = server_.CreatePublished("face", DigitsModel("digits_v1.tflite"));
  const std::string models = "/v1beta2/projects/godwit/models";
  const struct {
    const char* method;
    std::string path;
    const char* body;
    int viewer, editor, admin;
  } rows[] = {
      {"GET", models, "", 200, 200, 200},
      {"GET", models + "/" + model, "", 200, 200, 200},
      {"POST", models, R"({"displayName":"Invalid Name"})", 403, 400, 400},
      {"DELETE", models + "/99999999", "", 403, 404, 404},
      {"GET", "/storage/v1/b", "", 200, 200, 200},
      {"POST", "/upload/storage/v1/b/godwit.test/o?uploadType=media&name=x", "x", 403, 200, 200},
      {"GET", kKeys, "", 200, 200, 200},
      {"POST", kKeys, R"({"displayName":7})", 403, 403, 400},
      {"DELETE", std::string(kKeys) + "/none", "", 403, 403, 404},
      {"GET", kAndroidApps, "", 200, 200, 200},
      {"POST", kAndroidApps, "{}", 403, 403, 400},
      {"POST", kAccounts, R"({"accountId":"x"})", 403, 403, 400},
      {"POST", kAccounts, R"({"accountId":"new-owner","serviceAccount":{"role":"owner"}})", 403,
       403, 403},
      {"POST", "/v1/projects", R"({"projectId":"third-one"})", 403, 403, 403},
      {"DELETE", "/v1/projects/godwit", "", 403, 403, 403},
      {"GET", "/v1/projects/second-one", "", 403, 403, 403},
      {"GET", "/v1beta2/projects/second-one/models", "", 403, 403, 403},
      {"GET", "/v2/projects/second-one/locations/global/keys", "", 403, 403, 403},
  };
  const std::string viewer = TokenOf(NewAccount("viewer-one", "viewer"));
  const std::string editor = TokenOf(NewAccount("editor-one", "editor"));
  const std::string admin = TokenOf(NewAccount("admin-one", "admin"));
  for (const auto& row : rows) {
    EXPECT_EQ(As(viewer, row.method, row.path, row.body).status, row.viewer) << row.path;
    EXPECT_EQ(As(editor, row.method, row.path, row.body).status, row.editor) << row.path;
    EXPECT_EQ(As(admin, row.method, row.path, row.body).status, row.admin) << row.path;
    EXPECT_EQ(As("nobody", row.method, row.path, row.body).status, 401) << row.path;
  }
  const Json mine = As(viewer, "GET", "/v1/projects").json();
  EXPECT_EQ(mine["projects"].items().size(), 1u);
}

TEST_F(AccessApiTest, AppsAreFirebases) {
  const Reply created = server_.Admin(
      "POST", kAndroidApps, R"({"packageName":"com.example.app","displayName":"My app"})");
  const Json app = Response(created);
  const std::string id = app["appId"].AsString();
  EXPECT_EQ(app["name"].AsString(), "projects/godwit/androidApps/" + id);
  EXPECT_EQ(app["packageName"].AsString(), "com.example.app");
  EXPECT_EQ(server_.Admin("GET", "/v1/" + created.json()["name"].AsString()).body, created.body)
      << "the operation can be asked for again";
  EXPECT_EQ(server_.Admin("POST", kAndroidApps, R"({"packageName":"com.example.app"})").status,
            409);
  const std::string any = "/v1beta1/projects/-/androidApps/" + id;
  EXPECT_EQ(server_.Admin("GET", any).json()["displayName"].AsString(), "My app");
  EXPECT_EQ(server_.Admin("GET", "/v1beta1/projects/-/iosApps/" + id).status, 404);
  EXPECT_EQ(server_.Admin("GET", "/v1beta1/projects/-/androidApps/1:1:android:1").status, 404);
  EXPECT_EQ(
      server_.Admin("PATCH", any + "?update_mask=display_name", R"({"displayName":"New"})").status,
      200);
  EXPECT_EQ(server_.Admin("GET", any).json()["displayName"].AsString(), "New");
  EXPECT_EQ(server_.Admin("PATCH", any + "?update_mask=package_name", "{}").status, 400);

  const Json sha = server_
                       .Admin("POST", any + "/sha",
                              std::string(R"({"shaHash":")") + kSha1 + R"(","certType":"SHA_1"})")
                       .json();
  EXPECT_EQ(sha["certType"].AsString(), "SHA_1");
  EXPECT_EQ(server_.Admin("GET", any + "/sha").json()["certificates"].items().size(), 1u);
  EXPECT_EQ(server_.Admin("DELETE", "/v1beta1/" + sha["name"].AsString()).body, "{}");

  Response(server_.Admin("POST", "/v1beta1/projects/godwit/iosApps", R"({"bundleId":"com.a"})"));
  EXPECT_EQ(server_.Admin("POST", "/v1beta1/projects/godwit/iosApps", "{}").status, 400);
  const Json all = server_.Admin("GET", "/v1beta1/projects/godwit:searchApps?page_size=2").json();
  EXPECT_EQ(all["apps"].items().size(), 2u);
  EXPECT_EQ(server_.Admin("GET", std::string(kAndroidApps) + "?page_size=100")
                .json()["apps"]
                .items()
                .size(),
            2u)
      << "the first start's and the new one";
  EXPECT_TRUE(server_.Admin("POST", any + ":remove").json()["done"].AsBool());
  EXPECT_EQ(server_.Admin("GET", any).status, 404);
}

TEST_F(AccessApiTest, AnAppsFileHoldsTheKeyThatIsBroughtAlong) {
  const Json android =
      Response(server_.Admin("POST", kAndroidApps, R"({"packageName":"com.example.app"})"));
  const Json ios = Response(
      server_.Admin("POST", "/v1beta1/projects/godwit/iosApps", R"({"bundleId":"com.example.i"})"));
  const Json web = Response(server_.Admin("POST", "/v1beta1/projects/godwit/webApps", "{}"));
  const std::string key = Response(server_.Admin("POST", kKeys, "{}"))["keyString"].AsString();
  const auto config = [&](const Json& app, const std::string& with_key) {
    return server_.Admin("GET", "/v1beta1/" + app["name"].AsString() + "/config", "",
                         {{"x-goog-api-key", with_key}});
  };
  const Json file = config(android, key).json();
  EXPECT_EQ(file["configFilename"].AsString(), "google-services.json");
  const Json services =
      Json::Parse(Base64Decode(file["configFileContents"].AsString()).value()).value();
  const Json& client = services["client"].items().at(0);
  EXPECT_EQ(client["client_info"]["mobilesdk_app_id"].AsString(), android["appId"].AsString());
  EXPECT_EQ(client["api_key"].items().at(0)["current_key"].AsString(), key);
  EXPECT_EQ(services["project_info"]["project_id"].AsString(), "godwit");
  const std::string plist =
      Base64Decode(config(ios, key).json()["configFileContents"].AsString()).value();
  EXPECT_NE(plist.find("<key>BUNDLE_ID</key>\n\t<string>com.example.i</string>"),
            std::string::npos);
  EXPECT_NE(plist.find("<string>" + key + "</string>"), std::string::npos);
  EXPECT_EQ(config(web, key).json()["apiKey"].AsString(), key);
  EXPECT_EQ(config(web, "AIza" + std::string(35, 'x')).status, 400);
  EXPECT_EQ(config(web, "").status, 400);
  EXPECT_EQ(config(android, server_.api_key()).status, 400) << "a key of another app";
}

TEST_F(AccessApiTest, AKeyIsShownOnceAndEndsAtOnce) {
  server_.CreatePublished("face", DigitsModel("digits_v1.tflite"));
  const Reply created = server_.Admin("POST", kKeys, R"({"displayName":"For all apps"})");
  EXPECT_EQ(created.Header("Cache-Control"), "no-store");
  const Json key = Response(created);
  const std::string text = key["keyString"].AsString();
  const std::string path = "/v2/" + key["name"].AsString();
  EXPECT_EQ(text.size(), 39u);
  for (const std::string& other : {path, std::string(kKeys), path + "/keyString"}) {
    EXPECT_EQ(server_.Admin("GET", other).body.find(text), std::string::npos) << other;
  }
  EXPECT_EQ(server_.Admin("GET", path + "/keyString").status, 400);
  EXPECT_EQ(server_.Admin("GET", "/v2/keys:lookupKey?keyString=" + text).json()["name"].AsString(),
            key["name"].AsString());
  const HttpHeader token{"X-Goog-Firebase-Installations-Auth", server_.installation_token()};
  const Headers device = {{"x-goog-api-key", text}, token};
  EXPECT_EQ(server_.Send("GET", kFace, device).status, 200);
  EXPECT_EQ(Register(text), 200);

  EXPECT_EQ(Response(server_.Admin(
                "PATCH", path + "?updateMask=display_name",
                R"({"displayName":"New","restrictions":{"appId":"x"}})"))["displayName"]
                .AsString(),
            "New");
  EXPECT_EQ(server_.Admin("PATCH", path + "?updateMask=keyString", "{}").status, 400);
  Response(server_.Admin("DELETE", path));
  EXPECT_EQ(server_.Send("GET", kFace, device).status, 403);
  EXPECT_EQ(Register(text), 400) << "never 401 or 404: clients would throw their identity away";
  EXPECT_EQ(server_.Admin("GET", path).status, 404);
  EXPECT_EQ(server_.Admin("GET", "/v2/keys:lookupKey?keyString=" + text).status, 404);
  EXPECT_EQ(server_.Device(kFace).status, 200) << "the other key is untouched";
}

TEST_F(AccessApiTest, ARestrictedKeyIsGoodForItsAppsAlone) {
  server_.CreatePublished("face", DigitsModel("digits_v1.tflite"));
  const struct {
    std::string restrictions;
    Headers good;
    Headers bad;
    const char* message;
  } rows[] = {
      {std::string(R"({"androidKeyRestrictions":{"allowedApplications":[
          {"packageName":"com.example.app","sha1Fingerprint":")") +
           kSha1 + R"("}]}})",
       {{"X-Android-Package", "com.example.app"}, {"X-Android-Cert", kSha1}},
       {{"X-Android-Package", "com.example.other"}, {"X-Android-Cert", kSha1}},
       "Android client application"},
      {R"({"iosKeyRestrictions":{"allowedBundleIds":["com.example.app"]}})",
       {{"x-ios-bundle-identifier", "com.example.app"}},
       {{"x-ios-bundle-identifier", "com.example"}},
       "iOS client application"},
      {R"({"browserKeyRestrictions":{"allowedReferrers":["https://*.example.com/*"]}})",
       {{"Referer", "https://www.example.com/"}},
       {{"Referer", "https://www.example.org/"}, {"Origin", "https://www.example.com"}},
       "this referrer"},
      {R"({"browserKeyRestrictions":{"allowedReferrers":["example.com"]}})",
       {{"Origin", "https://example.com"}},
       {},
       "this referrer"},
  };
  for (const auto& row : rows) {
    const Json key =
        Response(server_.Admin("POST", kKeys, R"({"restrictions":)" + row.restrictions + "}"));
    const std::string text = key["keyString"].AsString();
    EXPECT_EQ(Register(text, row.good), 200) << row.restrictions;
    EXPECT_EQ(Register(text, row.bad), 403) << row.restrictions;
    const auto check = [&](Headers headers) {
      headers.push_back({"x-goog-api-key", text});
      headers.push_back({"X-Goog-Firebase-Installations-Auth", server_.installation_token()});
      return server_.Send("GET", kFace, headers);
    };
    for (int round = 0; round < 2; ++round) {  // From a worker first, then from the loop.
      EXPECT_EQ(check(row.good).status, 200) << row.restrictions;
      const Reply blocked = check(row.bad);
      EXPECT_EQ(blocked.status, 403) << row.restrictions;
      EXPECT_EQ(blocked.json()["error"]["status"].AsString(), "PERMISSION_DENIED");
      EXPECT_NE(blocked.json()["error"]["message"].AsString().find(row.message), std::string::npos)
          << blocked.body;
    }
    Response(server_.Admin("PATCH", "/v2/" + key["name"].AsString() + "?updateMask=restrictions",
                           R"({"restrictions":{}})"));
    EXPECT_EQ(check(row.bad).status, 200) << "restrictions can be lifted";
  }
  EXPECT_EQ(server_
                .Admin("POST", kKeys,
                       R"({"restrictions":{"serverKeyRestrictions":{"allowedIps":["::1"]}}})")
                .status,
            400);
}

TEST_F(AccessApiTest, ADeletedAppsInstallationsEnd) {
  server_.CreatePublished("face", DigitsModel("digits_v1.tflite"));
  const std::string open = Response(server_.Admin("POST", kKeys, "{}"))["keyString"].AsString();
  const HttpHeader token{"X-Goog-Firebase-Installations-Auth", server_.installation_token()};
  EXPECT_EQ(server_.Send("GET", kFace, {{"x-goog-api-key", open}, token}).status, 200);
  EXPECT_TRUE(server_.Admin("POST", std::string(kAndroidApps) + "/" + server_.app_id() + ":remove")
                  .json()["done"]
                  .AsBool());
  EXPECT_EQ(server_.Send("GET", kFace, {{"x-goog-api-key", open}, token}).status, 401);
  EXPECT_EQ(server_.Device(kFace).status, 403) << "its key went along";
  EXPECT_EQ(Register(open), 400);
}

TEST_F(AccessApiTest, AnAccountsKeyIsRotatedWithoutAGap) {
  const Json old_file = NewAccount("deployer", "editor");
  const std::string old_token = TokenOf(old_file);
  const std::string path = std::string(kAccounts) + "/" + old_file["client_email"].AsString();
  const Reply made = server_.Admin("POST", path + "/keys", "{}");
  const Json new_file =
      Json::Parse(Base64Decode(made.json()["privateKeyData"].AsString()).value()).value();
  const std::string new_token = TokenOf(new_file);
  const Json keys = server_.Admin("GET", path + "/keys").json();
  EXPECT_EQ(keys["keys"].items().size(), 2u);
  EXPECT_EQ(keys.Serialize().find("PRIVATE KEY"), std::string::npos);
  EXPECT_EQ(server_.Admin("DELETE", path + "/keys/" + old_file["private_key_id"].AsString()).status,
            200);
  const std::string models = "/v1beta2/projects/godwit/models";
  EXPECT_EQ(As(old_token, "GET", models).status, 401);
  EXPECT_EQ(As(new_token, "GET", models).status, 200);
  EXPECT_EQ(TokenOf(old_file), "");
  EXPECT_EQ(server_.Admin("POST", path + "/keys", R"({"keyAlgorithm":"KEY_ALG_RSA_1024"})").status,
            400);
  EXPECT_EQ(
      server_.Admin("GET", "/v1/projects/-/serviceAccounts/" + new_file["client_email"].AsString())
          .json()["role"]
          .AsString(),
      "editor");
  EXPECT_EQ(server_.Admin("DELETE", path).body, "{}");
  EXPECT_EQ(As(new_token, "GET", models).status, 401);
  EXPECT_EQ(server_.Admin("DELETE", path).status, 404);
  EXPECT_EQ(server_
                .Admin("DELETE", std::string(kAccounts) + "/" +
                                     server_.admin_file()["client_email"].AsString())
                .status,
            400)
      << "the last owner stays";
}

TEST_F(AccessApiTest, AnswersWhatIsNoCallInJson) {
  const std::pair<const char*, std::string> rows[] = {
      {"PUT", "/v1/projects"},
      {"POST", "/v1/projects/godwit"},
      {"GET", "/v1/projects/godwit/serviceAccounts/a/b/c/d"},
      {"DELETE", kKeys},
      {"GET", "/v2"},
      {"GET", "/v2/projects/godwit/locations/mars/keys"},
      {"GET", std::string(kKeys) + "/a/b/c"},
      {"GET", "/v1beta1/projects"},
      {"GET", "/v1beta1/projects/godwit/tvApps"},
      {"DELETE", std::string(kAndroidApps) + "/" + server_.app_id()},
      {"GET", std::string(kAndroidApps) + "/" + server_.app_id() + "/x/y/z"},
      {"GET", "/v1/operations/x"},
      {"GET", "/v1/operations/app.1:2:android:3"},
  };
  for (const auto& [method, path] : rows) {
    const Reply reply = server_.Admin(method, path);
    EXPECT_EQ(reply.status, 404) << method << path << reply.body;
    EXPECT_EQ(reply.json()["error"]["status"].AsString(), "NOT_FOUND") << path;
  }
  for (const char* query : {"?pageSize=-1", "?pageSize=x", "?page_size=99999999999999999999"}) {
    EXPECT_EQ(server_.Admin("GET", kKeys + std::string(query)).status, 400) << query;
  }
  EXPECT_EQ(server_.Admin("POST", kKeys, "[]").status, 400);
}

TEST(OwnerKey, OpensAServerWhoseKeyIsLost) {
  ServerUnderTest server;
  const auto fs = NewPosixFileSystem();
  NullLogger logger;
  ServerConfig config;
  config.data_directory = server.folder();
  const std::string path = JoinPath(server.folder(), "new-owner.json");
  EXPECT_EQ(MakeOwnerKey(config, *fs, server.clock(), logger, path).status().code(),
            StatusCode::kUnavailable)
      << "the server runs";
  EXPECT_FALSE(fs->Stat(path).ok());
  std::string email;
  server.RestartAfter([&] {
    const auto made = MakeOwnerKey(config, *fs, server.clock(), logger, path);
    ASSERT_TRUE(made.ok()) << made.status().message();
    email = *made;
    EXPECT_EQ(MakeOwnerKey(config, *fs, server.clock(), logger, path).status().code(),
              StatusCode::kAlreadyExists);
    ServerConfig nowhere;
    nowhere.data_directory = "/nowhere";
    EXPECT_EQ(MakeOwnerKey(nowhere, *fs, server.clock(), logger, path + "2").status().code(),
              StatusCode::kNotFound);
  });
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(server.Admin("GET", std::string(kAccounts) + "/" + email).json()["role"].AsString(),
            "owner");
}

}  // namespace
}  // namespace godwit::server
