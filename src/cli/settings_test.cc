#include "cli/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "testing/temp_directory.h"

namespace godwit::cli {
namespace {

using ::testing::HasSubstr;

constexpr const char* kAdmin = R"({"type": "service_account", "project_id": "godwit",
  "private_key_id": "k1", "private_key": "PEM", "client_email": "admin@godwit",
  "token_uri": "http://127.0.0.1:8484/token"})";
constexpr const char* kApp = R"({"project_id": "godwit", "project_number": "77", "app_id": "1:77:x",
  "api_key": "AIza", "server_url": "http://127.0.0.1:8484/"})";

class SettingsTest : public ::testing::Test {
 protected:
  SettingsTest() { variables_["HOME"] = home_.path(); }

  Settings Make(ConnectionFlags flags = {}) {
    return Settings(*fs_, [this](const char* name) { return variables_[name]; }, std::move(flags));
  }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = JoinPath(home_.path(), name);
    EXPECT_TRUE(ReplaceFile(*fs_, path, text).ok());
    return path;
  }

  testing::TempDirectory home_;
  std::unique_ptr<FileSystem> fs_ = NewPosixFileSystem();
  std::map<std::string, std::string> variables_;
};

TEST_F(SettingsTest, SaysHowToGetCredentialsWhenThereAreNone) {
  const auto admin = Make().Admin();
  ASSERT_FALSE(admin.ok());
  EXPECT_EQ(admin.status().code(), StatusCode::kUnauthenticated);
  EXPECT_THAT(admin.status().message(), HasSubstr("godwit login"));
  EXPECT_EQ(Make().App().status().code(), StatusCode::kUnauthenticated);
}

TEST_F(SettingsTest, TakesTheAddressFromTheTokenAddress) {
  const auto admin = Make({"", Write("admin.json", kAdmin), ""}).Admin();
  ASSERT_TRUE(admin.ok()) << admin.status().ToString();
  EXPECT_EQ(admin->url, "http://127.0.0.1:8484");
  EXPECT_EQ(admin->token_uri, "http://127.0.0.1:8484/token");
}

TEST_F(SettingsTest, LetsAFlagWinOverTheEnvironmentAndThatOverTheLogin) {
  ASSERT_TRUE(Make().Save("http://saved", kAdmin, kApp).ok());
  EXPECT_EQ(Make().Admin()->url, "http://saved");
  EXPECT_EQ(Make().App()->url, "http://saved");
  variables_["GODWIT_URL"] = "http://environment/";
  EXPECT_EQ(Make().Admin()->url, "http://environment");
  EXPECT_EQ(Make({"https://flag", "", ""}).Admin()->token_uri, "https://flag/token");

  std::string other = kApp;
  other.replace(other.find("1:77:x"), 6, "1:77:y");
  variables_["GODWIT_APP"] = Write("other.json", other);
  EXPECT_EQ(Make().App()->app_id, "1:77:y");
  EXPECT_EQ(Make().App()->project_number, 77);
}

TEST_F(SettingsTest, KeepsSavedSecretsFromOtherUsers) {
  Settings settings = Make();
  ASSERT_TRUE(settings.Save("http://saved", kAdmin, kApp).ok());
  for (const char* name : {"admin.json", "app.json", "server.json"}) {
    struct stat info{};
    ASSERT_EQ(stat(JoinPath(settings.config_folder(), name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << name;
  }
  ASSERT_TRUE(settings.Forget().ok());
  EXPECT_FALSE(Make().Admin().ok());
  EXPECT_TRUE(settings.Forget().ok());
}

TEST_F(SettingsTest, NamesTheFieldThatIsMissing) {
  for (const char* field : {"project_id", "client_email", "private_key", "token_uri"}) {
    std::string text = kAdmin;
    text.replace(text.find("\"" + std::string(field) + "\""), 3, "\"zz");
    const auto admin = Make({"", Write("admin.json", text), ""}).Admin();
    ASSERT_FALSE(admin.ok()) << field;
    EXPECT_THAT(admin.status().message(), HasSubstr(field));
    EXPECT_THAT(admin.status().message(), HasSubstr("admin.json"));
  }
}

TEST_F(SettingsTest, NeverTakesAnotherFileWhenTheNamedOneIsGone) {
  ASSERT_TRUE(Make().Save("http://saved", kAdmin, kApp).ok());
  EXPECT_EQ(Make({"", "/nowhere/admin.json", ""}).Admin().status().code(), StatusCode::kNotFound);
}

TEST(ServerUrl, IsCheckedAndCleaned) {
  EXPECT_EQ(*NormalizeServerUrl("https://example.org/models//"), "https://example.org/models");
  for (const char* url : {"", "example.org", "ftp://example.org", "http://", "http://a b",
                          "http://a?b", "http://a#b", "http://a\nb"}) {
    EXPECT_FALSE(NormalizeServerUrl(url).ok()) << url;
  }
}

}  // namespace
}  // namespace godwit::cli
