#include "server/access/service_accounts.h"

#include "protocol/json.h"
#include "server/access/credentials.h"
#include "server/db/change_log.h"

namespace godwit::server {
namespace {

constexpr int64_t kAccountsMax = 1000;  // Of a project.
constexpr std::string_view kColumns =
    "email, project_number, client_id, display_name, role, created_ms";

ServiceAccount AccountFromRow(const SqlRow& row) {
  return {row.Text(0),
          row.Int(1),
          row.Text(2),
          row.Text(3),
          ParseRole(row.Text(4)).value_or(Role::kViewer),
          row.Int(5)};
}

Result<ServiceAccount> ReadAccount(SqlConnection& sql, int64_t project_number,
                                   std::string_view email) {
  GODWIT_ASSIGN_OR_RETURN(
      const SqlRows rows,
      sql.Query("SELECT " + std::string(kColumns) +
                    " FROM service_accounts WHERE project_number = $1 AND email = $2",
                {project_number, std::string(email)}));
  if (!rows.empty()) return AccountFromRow(rows[0]);
  return Status(StatusCode::kNotFound, "the project has no service account '" +
                                           std::string(email.substr(0, 100)) +
                                           "'; list its accounts to see them");
}

Status CheckRank(const Principal& by, Role role) {
  if (role <= by.role) return Status::Ok();
  return Status(StatusCode::kPermissionDenied, "the account " + by.email + " is " +
                                                   std::string(RoleName(by.role)) +
                                                   " and may not act on an account that is " +
                                                   std::string(RoleName(role)) + "; ask an owner");
}

// The account, if it is one that `by` may change.
Result<ServiceAccount> ReadToChange(SqlConnection& sql, const Principal& by,
                                    std::string_view email) {
  GODWIT_ASSIGN_OR_RETURN(ServiceAccount account, ReadAccount(sql, by.project_number, email));
  GODWIT_RETURN_IF_ERROR(CheckRank(by, account.role));
  return account;
}

Status Log(SqlConnection& sql, int64_t now_ms, int64_t project_number, std::string_view actor,
           std::string_view action, const std::string& email, const Json& detail) {
  return AppendChange(
      sql, {project_number, now_ms, actor, action, "serviceAccounts/" + email, detail.Serialize()});
}

}  // namespace

Result<ServiceAccount> ServiceAccounts::Create(const Principal& by, std::string_view name,
                                               std::string_view display_name, Role role) {
  GODWIT_RETURN_IF_ERROR(CheckRank(by, role));
  const auto snapshot = access_.snapshot();
  const Project* const project = snapshot->FindProject(std::to_string(by.project_number));
  if (project == nullptr) return Status(StatusCode::kNotFound, "there is no such project");
  GODWIT_ASSIGN_OR_RETURN(ServiceAccount account,
                          MintServiceAccount(*project, name, display_name, role));
  account.created_ms = access_.clock().NowMs();
  GODWIT_RETURN_IF_ERROR(access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(
        CheckRoom(sql, "SELECT count(*) FROM service_accounts WHERE project_number = $1",
                  by.project_number, kAccountsMax, "service accounts in the project"));
    GODWIT_RETURN_IF_ERROR(InsertServiceAccount(sql, account, account.created_ms));
    return Log(sql, account.created_ms, by.project_number, by.email, "account.create",
               account.email, Json::Object({{"role", RoleName(role)}}));
  }));
  return account;
}

Result<std::vector<ServiceAccount>> ServiceAccounts::List(const Principal& by,
                                                          std::string_view after, int limit) {
  std::vector<ServiceAccount> accounts;
  GODWIT_RETURN_IF_ERROR(access_.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows rows,
        sql.Query("SELECT " + std::string(kColumns) +
                      " FROM service_accounts WHERE project_number = $1 AND email > $2 "
                      "ORDER BY email LIMIT $3",
                  {by.project_number, std::string(after), int64_t{limit}}));
    for (const SqlRow& row : rows) accounts.push_back(AccountFromRow(row));
    return Status::Ok();
  }));
  return accounts;
}

Result<ServiceAccount> ServiceAccounts::Find(const Principal& by, std::string_view email) {
  ServiceAccount account;
  GODWIT_RETURN_IF_ERROR(access_.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(account, ReadAccount(sql, by.project_number, email));
    return Status::Ok();
  }));
  return account;
}

Status ServiceAccounts::Delete(const Principal& by, std::string_view email) {
  // Its keys and tokens go with it, by the tables' cascades.
  return access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const ServiceAccount account, ReadToChange(sql, by, email));
    GODWIT_RETURN_IF_ERROR(
        sql.Execute("DELETE FROM service_accounts WHERE email = $1", {account.email}).status());
    GODWIT_ASSIGN_OR_RETURN(
        const SqlRows owners,
        sql.Query("SELECT 1 FROM service_accounts WHERE role = 'owner' LIMIT 1"));
    if (owners.empty()) {
      return Status(StatusCode::kFailedPrecondition,
                    "this is the server's last owner, so it was not deleted; make another owner "
                    "first");
    }
    return Log(sql, access_.clock().NowMs(), by.project_number, by.email, "account.delete",
               account.email, Json::Object());
  });
}

Result<NewAccountKey> ServiceAccounts::CreateKey(const Principal& by, std::string_view email) {
  // Before the key pair: that is dear to make.
  GODWIT_ASSIGN_OR_RETURN(const ServiceAccount account, Find(by, email));
  GODWIT_RETURN_IF_ERROR(CheckRank(by, account.role));
  const auto snapshot = access_.snapshot();
  const Project* const project = snapshot->FindProject(std::to_string(by.project_number));
  if (project == nullptr) return Status(StatusCode::kNotFound, "there is no such project");
  GODWIT_ASSIGN_OR_RETURN(const RsaKey pair, RsaKey::Generate());
  MintedAccountKey minted = MintAccountKey(*project, account, pair, access_.public_url());
  const int64_t now_ms = access_.clock().NowMs();
  GODWIT_RETURN_IF_ERROR(access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(ReadToChange(sql, by, email).status());
    GODWIT_RETURN_IF_ERROR(CheckRoom(sql,
                                     "SELECT count(*) FROM service_account_keys WHERE email = $1",
                                     account.email, kKeysMax, "keys of the account"));
    GODWIT_RETURN_IF_ERROR(InsertAccountKey(sql, minted, account.email, now_ms));
    return Log(sql, now_ms, by.project_number, by.email, "account.key.create", account.email,
               Json::Object({{"key", minted.id}}));
  }));
  return NewAccountKey{std::move(minted.id), std::move(minted.key_file_json), now_ms};
}

Result<std::vector<AccountKeyInfo>> ServiceAccounts::ListKeys(const Principal& by,
                                                              std::string_view email) {
  std::vector<AccountKeyInfo> keys;
  GODWIT_RETURN_IF_ERROR(access_.Read([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const ServiceAccount account,
                            ReadAccount(sql, by.project_number, email));
    GODWIT_ASSIGN_OR_RETURN(const SqlRows rows,
                            sql.Query("SELECT key_id, created_ms FROM service_account_keys "
                                      "WHERE email = $1 ORDER BY created_ms, key_id",
                                      {account.email}));
    for (const SqlRow& row : rows) keys.push_back({row.Text(0), row.Int(1)});
    return Status::Ok();
  }));
  return keys;
}

Status ServiceAccounts::DeleteKey(const Principal& by, std::string_view email,
                                  std::string_view key_id) {
  const std::string id(key_id);
  return access_.Change([&](SqlConnection& sql) -> Status {
    GODWIT_ASSIGN_OR_RETURN(const ServiceAccount account, ReadToChange(sql, by, email));
    GODWIT_ASSIGN_OR_RETURN(
        const int64_t deleted,
        sql.Execute("DELETE FROM service_account_keys WHERE email = $1 AND key_id = $2",
                    {account.email, id}));
    if (deleted == 0) {
      return Status(StatusCode::kNotFound,
                    "the account has no such key; list its keys to see their ids");
    }
    GODWIT_RETURN_IF_ERROR(
        sql.Execute("DELETE FROM access_tokens WHERE email = $1 AND (key_id = $2 OR key_id = '')",
                    {account.email, id})
            .status());
    return Log(sql, access_.clock().NowMs(), by.project_number, by.email, "account.key.delete",
               account.email, Json::Object({{"key", id}}));
  });
}

Result<ServiceAccount> CreateOwner(AccessStore& access,
                                   const std::function<Status(const std::string& json)>& keep,
                                   const std::function<Result<RsaKey>()>& make_key) {
  const auto snapshot = access.snapshot();
  if (snapshot->projects().empty()) {
    return Status(StatusCode::kFailedPrecondition,
                  "the server was never started, so it has no project yet; start it once, and it "
                  "makes an owner's key itself");
  }
  const Project& project = snapshot->projects().front();
  const std::string name = "owner-" + HexEncode(AsBytes(RandomBytes(4)));
  GODWIT_ASSIGN_OR_RETURN(
      ServiceAccount account,
      MintServiceAccount(project, name, "Made by --new-owner-key", Role::kOwner));
  GODWIT_ASSIGN_OR_RETURN(const RsaKey pair, make_key());
  const MintedAccountKey key = MintAccountKey(project, account, pair, access.public_url());
  // The file first and the one transaction last: after a crash in between the file opens nothing,
  // and no key is valid that nobody holds.
  GODWIT_RETURN_IF_ERROR(keep(key.key_file_json));
  account.created_ms = access.clock().NowMs();
  GODWIT_RETURN_IF_ERROR(access.Change([&](SqlConnection& sql) -> Status {
    GODWIT_RETURN_IF_ERROR(InsertServiceAccount(sql, account, account.created_ms));
    GODWIT_RETURN_IF_ERROR(InsertAccountKey(sql, key, account.email, account.created_ms));
    return Log(sql, account.created_ms, project.number, "godwitd", "account.create", account.email,
               Json::Object({{"role", RoleName(account.role)}, {"key", key.id}}));
  }));
  return account;
}

}  // namespace godwit::server
