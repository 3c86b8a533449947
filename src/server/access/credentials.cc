#include "server/access/credentials.h"

#include "protocol/json.h"

namespace godwit::server {
namespace {

constexpr size_t kDisplayNameMaxBytes = 200;
constexpr size_t kPlatformMaxBytes = 16;

bool IsName(std::string_view text) {
  return text.size() >= 6 && text.size() <= 30 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

std::string RandomHex(size_t bytes) { return HexEncode(AsBytes(RandomBytes(bytes))); }

// So many random decimal digits, the first of them not 0. The bias of the remainder does not
// matter: these are names, not secrets.
std::string RandomDigits(size_t count) {
  std::string digits = RandomBytes(count);
  for (char& digit : digits) {
    digit = static_cast<char>('0' + static_cast<unsigned char>(digit) % 10);
  }
  if (digits[0] == '0') digits[0] = '1';
  return digits;
}

Status Taken(Status status, const std::string& what) {
  if (status.code() != StatusCode::kAlreadyExists) return status;
  return Status(StatusCode::kAlreadyExists, what + " exists already; choose another name");
}

}  // namespace

std::string SecretHash(std::string_view secret) {
  const auto digest = Sha256Of(secret);
  return HexEncode(std::as_bytes(std::span(digest)));
}

Status CheckName(std::string_view what, std::string_view name) {
  if (IsName(name)) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                std::string(what) + " must be 6 to 30 of a-z, 0-9 and '-'; choose another name");
}

Result<Project> MintProject(std::string_view id) {
  GODWIT_RETURN_IF_ERROR(CheckName("a project id", id));
  return Project{std::stoll(RandomDigits(12)), std::string(id)};
}

Result<App> MintApp(int64_t project_number, std::string_view platform,
                    std::string_view display_name) {
  if (platform.empty() || platform.size() > kPlatformMaxBytes ||
      platform.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != std::string_view::npos) {
    return Status(StatusCode::kInvalidArgument,
                  "an app's platform must be a word of a-z, such as android, ios or web");
  }
  if (display_name.size() > kDisplayNameMaxBytes) {
    return Status(StatusCode::kInvalidArgument, "an app's display name has at most 200 bytes");
  }
  App app{"", project_number, std::string(platform), std::string(display_name)};
  app.id = "1:" + std::to_string(project_number) + ":" + app.platform + ":" + RandomHex(11);
  return app;
}

NewApiKey MintApiKey() {
  // 27 bytes make 36 characters; 35 of them are 210 random bits.
  const std::string random = Base64UrlEncode(AsBytes(RandomBytes(27)));
  return {"AIza" + random.substr(0, 35), RandomHex(8)};
}

Result<MintedServiceAccount> MintServiceAccount(const Project& project, std::string_view name,
                                                const RsaKey& key, const std::string& public_url) {
  GODWIT_RETURN_IF_ERROR(CheckName("a service account's name", name));
  MintedServiceAccount account;
  account.client_id = RandomDigits(21);
  account.key_id = RandomHex(20);
  account.public_key_pem = key.PublicPem();
  account.file.email = std::string(name) + "@" + project.id + ".iam.gserviceaccount.com";
  Json file;
  file.Set("type", "service_account")
      .Set("project_id", project.id)
      .Set("private_key_id", account.key_id)
      .Set("private_key", key.PrivatePem())
      .Set("client_email", account.file.email)
      .Set("client_id", account.client_id)
      .Set("auth_uri", public_url + "/o/oauth2/auth")
      .Set("token_uri", public_url + "/token");
  account.file.key_file_json = file.Serialize(2) + "\n";
  return account;
}

Status InsertProject(SqlConnection& sql, const Project& project, int64_t now_ms) {
  return Taken(sql.Execute("INSERT INTO projects (number, id, created_ms) VALUES ($1, $2, $3)",
                           {project.number, project.id, now_ms})
                   .status(),
               "a project '" + project.id + "'");
}

Status InsertApp(SqlConnection& sql, const App& app, int64_t now_ms) {
  return sql
      .Execute(
          "INSERT INTO apps (app_id, project_number, platform, display_name, created_ms) "
          "VALUES ($1, $2, $3, $4, $5)",
          {app.id, app.project_number, app.platform, app.display_name, now_ms})
      .status();
}

Status InsertApiKey(SqlConnection& sql, const NewApiKey& key, int64_t project_number,
                    std::string_view app_id, int64_t now_ms) {
  return sql
      .Execute(
          "INSERT INTO api_keys (key_hash, key_id, project_number, app_id, created_ms) "
          "VALUES ($1, $2, $3, $4, $5)",
          {SecretHash(key.key), key.id, project_number, std::string(app_id), now_ms})
      .status();
}

Status InsertServiceAccount(SqlConnection& sql, const MintedServiceAccount& account,
                            int64_t project_number, int64_t now_ms) {
  const std::string& email = account.file.email;
  GODWIT_RETURN_IF_ERROR(
      Taken(sql.Execute("INSERT INTO service_accounts (email, project_number, client_id, "
                        "created_ms) VALUES ($1, $2, $3, $4)",
                        {email, project_number, account.client_id, now_ms})
                .status(),
            "a service account '" + email + "'"));
  return sql
      .Execute(
          "INSERT INTO service_account_keys (key_id, email, public_key_pem, created_ms) "
          "VALUES ($1, $2, $3, $4)",
          {account.key_id, email, account.public_key_pem, now_ms})
      .status();
}

}  // namespace godwit::server
