#include "server/access/credentials.h"

#include <algorithm>

#include "protocol/json.h"

namespace godwit::server {
namespace {

constexpr size_t kDisplayNameMaxBytes = 200;
constexpr size_t kPlatformMaxBytes = 16;

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

// A letter in front keeps a project's id apart from every number.
Status CheckName(std::string_view what, std::string_view name) {
  const bool valid =
      name.size() >= 6 && name.size() <= 30 && name.front() >= 'a' && name.front() <= 'z' &&
      name.back() != '-' &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
  if (valid) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                std::string(what) +
                    " must be 6 to 30 of a-z, 0-9 and '-', begin with a letter and not end in "
                    "'-'; choose another name");
}

}  // namespace

std::string SecretHash(std::string_view secret) {
  const auto digest = Sha256Of(secret);
  return HexEncode(std::as_bytes(std::span(digest)));
}

Status CheckDisplayName(std::string_view what, std::string_view text) {
  const bool valid = text.size() <= kDisplayNameMaxBytes &&
                     std::none_of(text.begin(), text.end(),
                                  [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
  if (valid) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                std::string(what) + " has at most 200 bytes and no control characters");
}

Result<Project> MintProject(std::string_view id, std::string_view display_name) {
  GODWIT_RETURN_IF_ERROR(CheckName("a project id", id));
  GODWIT_RETURN_IF_ERROR(CheckDisplayName("a project's name", display_name));
  return Project{std::stoll(RandomDigits(12)), std::string(id), std::string(display_name), 0};
}

Result<App> MintApp(int64_t project_number, std::string_view platform,
                    std::string_view display_name, std::string_view identity) {
  if (platform.empty() || platform.size() > kPlatformMaxBytes ||
      platform.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != std::string_view::npos) {
    return Status(StatusCode::kInvalidArgument,
                  "an app's platform must be a word of a-z, such as android, ios or web");
  }
  GODWIT_RETURN_IF_ERROR(CheckDisplayName("an app's display name", display_name));
  if (!identity.empty() && !IsPackageName(identity)) {
    return Status(StatusCode::kInvalidArgument,
                  "an app's package name or bundle id must be like com.example.app");
  }
  App app{"", project_number, std::string(platform), std::string(display_name),
          std::string(identity)};
  app.id = "1:" + std::to_string(project_number) + ":" + app.platform + ":" + RandomHex(11);
  return app;
}

NewApiKey MintApiKey() {
  // 27 bytes make 36 characters; 35 of them are 210 random bits.
  const std::string random = Base64UrlEncode(AsBytes(RandomBytes(27)));
  return {"AIza" + random.substr(0, 35), RandomHex(8)};
}

Result<ServiceAccount> MintServiceAccount(const Project& project, std::string_view name,
                                          std::string_view display_name, Role role) {
  GODWIT_RETURN_IF_ERROR(CheckName("a service account's name", name));
  GODWIT_RETURN_IF_ERROR(CheckDisplayName("a service account's display name", display_name));
  ServiceAccount account;
  account.email = std::string(name) + "@" + project.id + ".iam.gserviceaccount.com";
  account.project_number = project.number;
  account.client_id = RandomDigits(21);
  account.display_name = display_name;
  account.role = role;
  return account;
}

MintedAccountKey MintAccountKey(const Project& project, const ServiceAccount& account,
                                const RsaKey& key, const std::string& public_url) {
  MintedAccountKey minted;
  minted.id = RandomHex(20);
  minted.public_key_pem = key.PublicPem();
  Json file;
  file.Set("type", "service_account")
      .Set("project_id", project.id)
      .Set("private_key_id", minted.id)
      .Set("private_key", key.PrivatePem())
      .Set("client_email", account.email)
      .Set("client_id", account.client_id)
      .Set("auth_uri", public_url + "/o/oauth2/auth")
      .Set("token_uri", public_url + "/token");
  minted.key_file_json = file.Serialize(2) + "\n";
  return minted;
}

Status InsertProject(SqlConnection& sql, const Project& project, int64_t now_ms) {
  return Taken(sql.Execute("INSERT INTO projects (number, id, display_name, created_ms) "
                           "VALUES ($1, $2, $3, $4)",
                           {project.number, project.id, project.display_name, now_ms})
                   .status(),
               "a project '" + project.id + "'");
}

Status InsertApp(SqlConnection& sql, const App& app, int64_t now_ms) {
  return Taken(
      sql.Execute(
             "INSERT INTO apps (app_id, project_number, platform, display_name, identity, "
             "created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
             {app.id, app.project_number, app.platform, app.display_name, app.identity, now_ms})
          .status(),
      "an app '" + app.identity + "'");
}

Status InsertApiKey(SqlConnection& sql, const NewApiKey& key, int64_t project_number,
                    const ApiKeySettings& settings, int64_t now_ms) {
  return sql
      .Execute(
          "INSERT INTO api_keys (key_hash, key_id, project_number, app_id, display_name, "
          "restrictions, created_ms, updated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
          {SecretHash(key.key), key.id, project_number, settings.restrictions.app_id(),
           settings.display_name, settings.restrictions.ToJson().Serialize(), now_ms})
      .status();
}

Status InsertServiceAccount(SqlConnection& sql, const ServiceAccount& account, int64_t now_ms) {
  return Taken(sql.Execute("INSERT INTO service_accounts (email, project_number, client_id, "
                           "display_name, role, created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
                           {account.email, account.project_number, account.client_id,
                            account.display_name, std::string(RoleName(account.role)), now_ms})
                   .status(),
               "a service account '" + account.email + "'");
}

Status InsertAccountKey(SqlConnection& sql, const MintedAccountKey& key, const std::string& email,
                        int64_t now_ms) {
  return sql
      .Execute(
          "INSERT INTO service_account_keys (key_id, email, public_key_pem, created_ms) "
          "VALUES ($1, $2, $3, $4)",
          {key.id, email, key.public_key_pem, now_ms})
      .status();
}

Status CheckRoom(SqlConnection& sql, std::string_view count_query, const SqlValue& parameter,
                 int64_t count_max, std::string_view what) {
  GODWIT_ASSIGN_OR_RETURN(const SqlRows rows, sql.Query(count_query, {parameter}));
  if (rows.at(0).Int(0) < count_max) return Status::Ok();
  return Status(StatusCode::kResourceExhausted,
                "there are " + std::to_string(count_max) + " " + std::string(what) +
                    " already, and no more are allowed; delete those that nobody uses");
}

}  // namespace godwit::server
