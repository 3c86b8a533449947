// AccessFixture: an access store on a real database, with a project and its owner.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "crypto/crypto.h"
#include "protocol/json.h"
#include "server/access/access_store.h"
#include "server/access/api_keys.h"
#include "server/access/apps.h"
#include "server/access/projects.h"
#include "server/access/service_accounts.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit::server {

inline constexpr int64_t kHourMs = 3600 * 1000;
inline constexpr int64_t kDayMs = 24 * kHourMs;

class AccessFixture : public ::testing::Test {
 protected:
  std::unique_ptr<AccessStore> Open() {
    return AccessStore::Open(*database_, clock_, "http://127.0.0.1:8484").value();
  }

  static Principal By(const Project& project, Role role) {
    return {project.number, "someone@example", 0, role};
  }

  // The form that a client with this key file sends to /token.
  std::string TokenRequest(const std::string& key_file_json) {
    const Json file = Json::Parse(key_file_json).value();
    Json header, claims;
    header.Set("alg", "RS256").Set("kid", file["private_key_id"].AsString());
    claims.Set("iss", file["client_email"].AsString())
        .Set("aud", file["token_uri"].AsString())
        .Set("iat", clock_.NowMs() / 1000)
        .Set("exp", clock_.NowMs() / 1000 + 3600);
    const std::string text = Base64UrlEncode(AsBytes(header.Serialize())) + "." +
                             Base64UrlEncode(AsBytes(claims.Serialize()));
    const RsaKey key = RsaKey::FromPrivatePem(file["private_key"].AsString()).value();
    return "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + text +
           "." + Base64UrlEncode(AsBytes(key.SignSha256(text).value()));
  }

  // The rows of change_log about this project: "action resource", oldest first.
  std::vector<std::string> Changes(int64_t project_number) {
    std::vector<std::string> changes;
    EXPECT_TRUE(store_
                    ->Read([&](SqlConnection& sql) -> Status {
                      GODWIT_ASSIGN_OR_RETURN(
                          const SqlRows rows,
                          sql.Query("SELECT action, resource, actor FROM change_log WHERE "
                                    "project_number = $1 ORDER BY change_id",
                                    {project_number}));
                      for (const SqlRow& row : rows) {
                        changes.push_back(row.Text(0) + " " + row.Text(1) + " " + row.Text(2));
                      }
                      return Status::Ok();
                    })
                    .ok());
    return changes;
  }

  testing::TempDirectory directory_;
  testing::ManualClock clock_;
  NullLogger logger_;
  std::unique_ptr<Database> database_ =
      OpenSqliteDatabase(JoinPath(directory_.path(), "godwit.db"), clock_, logger_).value();
  std::unique_ptr<AccessStore> store_ = Open();
  Projects projects_{*store_};
  Apps apps_{*store_};
  ApiKeys keys_{*store_};
  ServiceAccounts accounts_{*store_};
  const Project project_ =
      projects_.Create({0, "someone@example", 0, Role::kOwner}, "my-project", "Mine").value();
  const Principal owner_ = By(project_, Role::kOwner);
  OAuthError error_;
};

}  // namespace godwit::server
