#include "server/access/api_keys.h"

#include "server/access/credentials.h"
#include "server/db/change_log.h"

namespace godwit::server {
namespace {

constexpr int64_t kKeysMax = 1000;  // Of a project.
constexpr std::string_view kColumns =
    "key_id, project_number, app_id, display_name, restrictions, created_ms, updated_ms";

Status NoSuchKey(std::string_view key_id) {
  return Status(StatusCode::kNotFound, "the project has no API key '" +
                                           std::string(key_id.substr(0, 100)) +
                                           "'; list its keys to see their ids");
}

Result<ApiKeyInfo> InfoFromRow(const SqlRow& row) {
  ApiKeyInfo info;
  info.id = row.Text(0);
  info.project_number = row.Int(1);
  info.settings.display_name = row.Text(3);
  GODWIT_ASSIGN_OR_RETURN(const Json json, Json::Parse(row.Text(4)));
  GODWIT_ASSIGN_OR_RETURN(info.settings.restrictions, KeyRestrictions::FromJson(json));
  info.settings.restrictions.set_app_id(row.Text(2));
  info.created_ms = row.Int(5);
  info.updated_ms = row.Int(6);
  return info;
}

Result<ApiKeyInfo> ReadKey(SqlConnection& sql, int64_t project_number, std::string_view key_id) {
  GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                          sql.Query("SELECT " + std::string(kColumns) +
                                        " FROM api_keys WHERE project_number = $1 AND key_id = $2",
                                    {project_number, std::string(key_id)}));
  if (rows.empty()) return NoSuchKey(key_id);
  return InfoFromRow(rows[0]);
}

}  // namespace

Status ApiKeys::Check(SqlConnection& sql, const Principal& by,
                      const ApiKeySettings& settings) const {
  GODWIT_RETURN_IF_ERROR(CheckDisplayName("a key's display name", settings.display_name));
  const std::string& app_id = settings.restrictions.app_id();
  if (app_id.empty()) return Status::Ok();
  GODWIT_ASSIGN_OR_RETURN(const SqlRows apps,
                          sql.Query("SELECT 1 FROM apps WHERE app_id = $1 AND project_number = $2",
                                    {app_id, by.project_number}));
  if (!apps.empty()) return Status::Ok();
  return Status(StatusCode::kNotFound,
                "the project has no app '" + app_id.substr(0, 100) + "'; create the app first");
}

Status ApiKeys::Log(SqlConnection& sql, const Principal& by, std::string_view action,
                    std::string_view key_id, const ApiKeySettings& settings) const {
  const Json detail = Json::Object(
      {{"displayName", settings.display_name}, {"restrictions", settings.restrictions.ToJson()}});
  return AppendChange(sql, {by.project_number, access_.clock().NowMs(), by.email, action,
                            "keys/" + std::string(key_id), detail.Serialize()});
}

Result<CreatedApiKey> ApiKeys::Create(const Principal& by, const ApiKeySettings& settings) {
  const NewApiKey key = MintApiKey();
  const int64_t now_ms = access_.clock().NowMs();
  GODWIT_RETURN_IF_ERROR(access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(Check(sql, by, settings));
    GODWIT_RETURN_IF_ERROR(CheckRoom(sql, "SELECT count(*) FROM api_keys WHERE project_number = $1",
                                     by.project_number, kKeysMax, "API keys in the project"));
    GODWIT_RETURN_IF_ERROR(InsertApiKey(sql, key, by.project_number, settings, now_ms));
    return Log(sql, by, "key.create", key.id, settings);
  }));
  return CreatedApiKey{key.key, {key.id, by.project_number, settings, now_ms, now_ms}};
}

Result<std::vector<ApiKeyInfo>> ApiKeys::List(const Principal& by, std::string_view after,
                                              int limit) {
  std::vector<ApiKeyInfo> keys;
  GODWIT_RETURN_IF_ERROR(access_.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows rows,
        sql.Query("SELECT " + std::string(kColumns) +
                      " FROM api_keys WHERE project_number = $1 AND key_id > $2 "
                      "ORDER BY key_id LIMIT $3",
                  {by.project_number, std::string(after), int64_t{limit}}));
    for (const SqlRow& row : rows) {
      GODWIT_ASSIGN_OR_RETURN(ApiKeyInfo info, InfoFromRow(row));
      keys.push_back(std::move(info));
    }
    return Status::Ok();
  }));
  return keys;
}

Result<ApiKeyInfo> ApiKeys::Find(const Principal& by, std::string_view key_id) {
  Result<ApiKeyInfo> info = NoSuchKey(key_id);
  GODWIT_RETURN_IF_ERROR(access_.Read([&](SqlConnection& sql) {
    info = ReadKey(sql, by.project_number, key_id);
    return info.status();
  }));
  return info;
}

Result<ApiKeyInfo> ApiKeys::Update(const Principal& by, std::string_view key_id,
                                   const ApiKeyChange& change) {
  ApiKeyInfo info;
  GODWIT_RETURN_IF_ERROR(access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(info, ReadKey(sql, by.project_number, key_id));
    if (change.display_name) info.settings.display_name = *change.display_name;
    if (change.restrictions) info.settings.restrictions = *change.restrictions;
    GODWIT_RETURN_IF_ERROR(Check(sql, by, info.settings));
    info.updated_ms = access_.clock().NowMs();
    GODWIT_RETURN_IF_ERROR(
        sql.Execute("UPDATE api_keys SET app_id = $1, display_name = $2, restrictions = $3, "
                    "updated_ms = $4 WHERE key_id = $5",
                    {info.settings.restrictions.app_id(), info.settings.display_name,
                     info.settings.restrictions.ToJson().Serialize(), info.updated_ms, info.id})
            .status());
    return Log(sql, by, "key.update", info.id, info.settings);
  }));
  return info;
}

Status ApiKeys::Delete(const Principal& by, std::string_view key_id) {
  return access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const ApiKeyInfo info, ReadKey(sql, by.project_number, key_id));
    GODWIT_RETURN_IF_ERROR(
        sql.Execute("DELETE FROM api_keys WHERE key_id = $1", {info.id}).status());
    return Log(sql, by, "key.delete", info.id, info.settings);
  });
}

}  // namespace godwit::server
