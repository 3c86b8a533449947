#include "server/access/first_start.h"

#include "protocol/json.h"
#include "server/access/credentials.h"

namespace godwit::server {
namespace {

constexpr char kMilestone[] = "first_start";
constexpr char kProjectId[] = "godwit";
constexpr char kAuthPath[] = "/o/oauth2/auth";
constexpr char kTokenPath[] = "/token";
constexpr uint64_t kFileMaxBytes = 64 << 10;

// Everything that the first start makes, before any of it is stored.
struct Minted {
  Project project;
  App app;
  NewApiKey api_key;
  ServiceAccount account;
  MintedAccountKey account_key;
};

Result<bool> IsNew(Database& database) {
  bool is_new = false;
  GODWIT_RETURN_IF_ERROR(database.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows milestones,
        sql.Query("SELECT name FROM milestones WHERE name = $1", {std::string(kMilestone)}));
    GODWIT_ASSIGN_OR_RETURN(const SqlRows projects,
                            sql.Query("SELECT number FROM projects LIMIT 1"));
    is_new = milestones.empty() && projects.empty();
    return Status::Ok();
  }));
  return is_new;
}

Result<Minted> Mint(const std::string& public_url,
                    const std::function<Result<RsaKey>()>& make_key) {
  Minted minted;
  GODWIT_ASSIGN_OR_RETURN(const RsaKey key, make_key());
  GODWIT_ASSIGN_OR_RETURN(minted.project, MintProject(kProjectId, ""));
  GODWIT_ASSIGN_OR_RETURN(minted.app, MintApp(minted.project.number, "android", "First app", ""));
  minted.api_key = MintApiKey();
  GODWIT_ASSIGN_OR_RETURN(minted.account,
                          MintServiceAccount(minted.project, "godwit-admin", "", Role::kOwner));
  minted.account_key = MintAccountKey(minted.project, minted.account, key, public_url);
  return minted;
}

Status WriteFiles(FileSystem& fs, const std::string& data_directory, const FirstStart& paths,
                  const Minted& minted, const std::string& public_url) {
  GODWIT_RETURN_IF_ERROR(fs.CreateDirectories(ParentPath(paths.admin_path)));
  GODWIT_RETURN_IF_ERROR(fs.SyncDirectory(data_directory));
  GODWIT_RETURN_IF_ERROR(ReplaceFile(fs, paths.admin_path, minted.account_key.key_file_json));
  Json app;
  app.Set("project_id", minted.project.id)
      .Set("project_number", minted.project.number)
      .Set("app_id", minted.app.id)
      .Set("api_key", minted.api_key.key)
      .Set("server_url", public_url);
  return ReplaceFile(fs, paths.app_path, app.Serialize(2) + "\n");
}

Status Store(SqlConnection& sql, const Minted& minted, int64_t now_ms) {
  GODWIT_RETURN_IF_ERROR(InsertProject(sql, minted.project, now_ms));
  GODWIT_RETURN_IF_ERROR(InsertApp(sql, minted.app, now_ms));
  ApiKeySettings settings;
  settings.display_name = minted.app.display_name;
  settings.restrictions.set_app_id(minted.app.id);
  GODWIT_RETURN_IF_ERROR(
      InsertApiKey(sql, minted.api_key, minted.project.number, settings, now_ms));
  GODWIT_RETURN_IF_ERROR(InsertServiceAccount(sql, minted.account, now_ms));
  GODWIT_RETURN_IF_ERROR(InsertAccountKey(sql, minted.account_key, minted.account.email, now_ms));
  return sql
      .Execute("INSERT INTO milestones (name, reached_ms) VALUES ($1, $2)",
               {std::string(kMilestone), now_ms})
      .status();
}

// Null when there is no such file, or it is no JSON: then it is not ours any more.
Result<Json> ReadFileOfOurs(FileSystem& fs, const std::string& path) {
  const auto text = ReadWholeFile(fs, path, kFileMaxBytes);
  if (text.status().code() == StatusCode::kNotFound) return Json();
  GODWIT_RETURN_IF_ERROR(text.status());
  auto file = Json::Parse(*text);
  return file.ok() ? std::move(*file) : Json();
}

}  // namespace

Status UpdateCredentialAddresses(FileSystem& fs, const FirstStart& paths,
                                 const std::string& public_url) {
  GODWIT_ASSIGN_OR_RETURN(Json admin, ReadFileOfOurs(fs, paths.admin_path));
  std::string url = admin["token_uri"].AsString();
  if (url.ends_with(kTokenPath)) url.resize(url.size() - (sizeof(kTokenPath) - 1));
  // Both addresses of a key file of ours have one server; those of Google's own have two.
  if (url != public_url && admin["auth_uri"].AsString() == url + kAuthPath) {
    admin.Set("auth_uri", public_url + kAuthPath).Set("token_uri", public_url + kTokenPath);
    GODWIT_RETURN_IF_ERROR(ReplaceFile(fs, paths.admin_path, admin.Serialize(2) + "\n"));
  }
  GODWIT_ASSIGN_OR_RETURN(Json app, ReadFileOfOurs(fs, paths.app_path));
  if (!app["server_url"].is_string() || app["server_url"].AsString() == public_url) {
    return Status::Ok();
  }
  app.Set("server_url", public_url);
  return ReplaceFile(fs, paths.app_path, app.Serialize(2) + "\n");
}

Result<FirstStart> SetUpOnFirstStart(AccessStore& store, Database& database, FileSystem& fs,
                                     const std::string& data_directory,
                                     const std::function<Result<RsaKey>()>& make_key) {
  const std::string folder = JoinPath(data_directory, "credentials");
  FirstStart result;
  result.admin_path = JoinPath(folder, "admin.json");
  result.app_path = JoinPath(folder, "app.json");
  GODWIT_ASSIGN_OR_RETURN(const bool is_new, IsNew(database));
  if (!is_new) return result;

  const std::string public_url = store.snapshot()->public_url();
  GODWIT_ASSIGN_OR_RETURN(const Minted minted, Mint(public_url, make_key));
  // The files come first and the one transaction last: a crash in between leaves an empty
  // database and files that open nothing, which the next start replaces.
  GODWIT_RETURN_IF_ERROR(WriteFiles(fs, data_directory, result, minted, public_url)
                             .WithContext("write the first credentials"));
  GODWIT_RETURN_IF_ERROR(database.Write(
      [&](SqlConnection& sql) { return Store(sql, minted, store.clock().NowMs()); }));
  GODWIT_RETURN_IF_ERROR(store.Reload());
  result.created = true;
  return result;
}

}  // namespace godwit::server
