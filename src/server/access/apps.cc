#include "server/access/apps.h"

#include <algorithm>

#include "protocol/json.h"
#include "server/access/credentials.h"
#include "server/db/change_log.h"

namespace godwit::server {
namespace {

constexpr int64_t kAppsMax = 1000;  // Of a project.
constexpr int64_t kCertificatesMax = 100;
constexpr size_t kSha1Digits = 40;
constexpr size_t kSha256Digits = 64;

Result<std::string> NormalFingerprint(std::string_view text) {
  std::string hex;
  for (const char c : text.substr(0, 3 * kSha256Digits)) {
    if (c != ':') hex += c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c;
  }
  const bool valid = (hex.size() == kSha1Digits || hex.size() == kSha256Digits) &&
                     hex.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (valid) return hex;
  return Status(StatusCode::kInvalidArgument,
                "a certificate's fingerprint is 40 (SHA-1) or 64 (SHA-256) hexadecimal digits; "
                "keytool -list -v shows both");
}

}  // namespace

Result<App> Apps::Find(const Principal& by, std::string_view app_id) const {
  const auto snapshot = access_.snapshot();
  const App* const app = snapshot->FindApp(app_id);
  if (app != nullptr && app->project_number == by.project_number) return *app;
  return Status(StatusCode::kNotFound, "the project has no app '" +
                                           std::string(app_id.substr(0, 100)) +
                                           "'; list its apps to see their ids");
}

Status Apps::Log(SqlConnection& sql, const Principal& by, std::string_view action,
                 std::string_view app_id, std::string detail) const {
  return AppendChange(sql, {by.project_number, access_.clock().NowMs(), by.email, action,
                            "apps/" + std::string(app_id), std::move(detail)});
}

Result<App> Apps::Create(const Principal& by, const NewApp& request) {
  GODWIT_ASSIGN_OR_RETURN(App app, MintApp(by.project_number, request.platform,
                                           request.display_name, request.identity));
  GODWIT_RETURN_IF_ERROR(access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(CheckRoom(sql, "SELECT count(*) FROM apps WHERE project_number = $1",
                                     by.project_number, kAppsMax, "apps in the project"));
    GODWIT_RETURN_IF_ERROR(InsertApp(sql, app, access_.clock().NowMs()));
    return Log(
        sql, by, "app.create", app.id,
        Json::Object({{"displayName", app.display_name}, {"identity", app.identity}}).Serialize());
  }));
  return app;
}

Result<App> Apps::Rename(const Principal& by, std::string_view app_id,
                         std::string_view display_name) {
  GODWIT_RETURN_IF_ERROR(CheckDisplayName("an app's display name", display_name));
  GODWIT_ASSIGN_OR_RETURN(App app, Find(by, app_id));
  app.display_name = display_name;
  GODWIT_RETURN_IF_ERROR(access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(sql.Execute("UPDATE apps SET display_name = $1 WHERE app_id = $2",
                                       {app.display_name, app.id})
                               .status());
    return Log(sql, by, "app.update", app.id,
               Json::Object({{"displayName", app.display_name}}).Serialize());
  }));
  return app;
}

Status Apps::Delete(const Principal& by, std::string_view app_id) {
  GODWIT_ASSIGN_OR_RETURN(const App app, Find(by, app_id));
  return access_.Change([&](SqlConnection& sql) -> Status {
    for (const std::string_view statement :
         {"DELETE FROM installations WHERE app_id = $1", "DELETE FROM api_keys WHERE app_id = $1",
          "DELETE FROM apps WHERE app_id = $1"}) {
      GODWIT_RETURN_IF_ERROR(sql.Execute(statement, {app.id}).status());
    }
    return Log(sql, by, "app.delete", app.id, "{}");
  });
}

Result<std::vector<std::string>> Apps::ListCertificates(const Principal& by,
                                                        std::string_view app_id) {
  GODWIT_ASSIGN_OR_RETURN(const App app, Find(by, app_id));
  std::vector<std::string> fingerprints;
  GODWIT_RETURN_IF_ERROR(access_.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                            sql.Query("SELECT fingerprint FROM app_certificates WHERE app_id = $1 "
                                      "ORDER BY fingerprint",
                                      {app.id}));
    for (const SqlRow& row : rows) fingerprints.push_back(row.Text(0));
    return Status::Ok();
  }));
  return fingerprints;
}

Result<std::string> Apps::AddCertificate(const Principal& by, std::string_view app_id,
                                         std::string_view fingerprint) {
  GODWIT_ASSIGN_OR_RETURN(const App app, Find(by, app_id));
  if (app.platform != "android") {
    return Status(StatusCode::kInvalidArgument, "only Android apps have signing certificates");
  }
  GODWIT_ASSIGN_OR_RETURN(const std::string hex, NormalFingerprint(fingerprint));
  GODWIT_RETURN_IF_ERROR(access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(CheckRoom(sql, "SELECT count(*) FROM app_certificates WHERE app_id = $1",
                                     app.id, kCertificatesMax, "certificates of the app"));
    GODWIT_RETURN_IF_ERROR(
        sql.Execute("INSERT INTO app_certificates (app_id, fingerprint, created_ms) "
                    "VALUES ($1, $2, $3) ON CONFLICT (app_id, fingerprint) DO NOTHING",
                    {app.id, hex, access_.clock().NowMs()})
            .status());
    return Log(sql, by, "app.certificate.create", app.id,
               Json::Object({{"fingerprint", hex}}).Serialize());
  }));
  return hex;
}

Status Apps::DeleteCertificate(const Principal& by, std::string_view app_id,
                               std::string_view fingerprint) {
  GODWIT_ASSIGN_OR_RETURN(const App app, Find(by, app_id));
  GODWIT_ASSIGN_OR_RETURN(const std::string hex, NormalFingerprint(fingerprint));
  return access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const int64_t deleted,
        sql.Execute("DELETE FROM app_certificates WHERE app_id = $1 AND fingerprint = $2",
                    {app.id, hex}));
    if (deleted == 0) {
      return Status(StatusCode::kNotFound, "the app has no certificate with this fingerprint");
    }
    return Log(sql, by, "app.certificate.delete", app.id,
               Json::Object({{"fingerprint", hex}}).Serialize());
  });
}

}  // namespace godwit::server
