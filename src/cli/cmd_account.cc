// `godwit account create|list|delete` and `godwit account key create|list|delete`.
#include "cli/access_commands.h"
#include "cli/confirmation.h"
#include "cli/text_format.h"
#include "crypto/crypto.h"

namespace godwit::cli {
namespace {

std::string AccountsPath(const AdminClient& client) {
  return "/v1/projects/" + PercentEncode(client.settings().project_id) + "/serviceAccounts";
}

std::string Address(const AdminClient& client, const std::string& account) {
  if (account.find('@') != std::string::npos) return account;
  return account + "@" + client.settings().project_id + ".iam.gserviceaccount.com";
}

std::string KeysPath(const AdminClient& client, const std::string& account) {
  return AccountsPath(client) + "/" + PercentEncode(Address(client, account)) + "/keys";
}

std::string KeyCreation(const AccountOptions& options) {
  return "godwit account key create " + options.account + " -o " +
         (options.output.empty() ? "FILE" : options.output);
}

// A new key, whose file is written before anything is said about it.
Result<Json> WriteNewKey(AdminClient& client, const AccountOptions& options, SecretFile& file) {
  const std::string keys = KeysPath(client, options.account);
  GODWIT_ASSIGN_OR_RETURN(const Json key, client.Call("POST", keys, Json::Object()));
  const std::string& name = key["name"].AsString();
  const std::string id = name.substr(name.rfind('/') + 1);
  const auto text = Base64Decode(key["privateKeyData"].AsString());
  const Status written = text.ok() ? file.Write(*text) : text.status();
  if (!written.ok()) {
    const Status deleted = client.Call("DELETE", keys + "/" + PercentEncode(id), Json()).status();
    return SecretLost(written, deleted, KeyCreation(options),
                      "godwit account key delete " + options.account + " " + Printable(id));
  }
  return Json::Object(
      {{"account", Address(client, options.account)}, {"key", id}, {"file", options.output}});
}

void ReportKey(Context& context, const Json& written) {
  if (context.json) return context.console.PrintJson(written);
  context.console.Note("wrote " + written["file"].AsString() + ", key " +
                       Printable(written["key"].AsString()) + " of " +
                       Printable(written["account"].AsString()) +
                       "; the server keeps the public half alone");
}

}  // namespace

Status RunAccountCreate(Context& context, const AccountOptions& options) {
  std::unique_ptr<SecretFile> file;
  if (!options.output.empty()) {
    GODWIT_ASSIGN_OR_RETURN(file, SecretFile::Create(context, options.output));
  }
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  Json account = Json::Object({{"role", options.role}});
  if (!options.name.empty()) account.Set("displayName", options.name);
  GODWIT_ASSIGN_OR_RETURN(
      const Json created,
      client.Call("POST", AccountsPath(client),
                  Json::Object({{"accountId", options.account}, {"serviceAccount", account}})));
  const std::string email = created["email"].AsString();
  if (options.output.empty()) {
    if (context.json) {
      context.console.PrintJson(created);
    } else {
      context.console.Note("created " + Printable(email) + " (" + options.role +
                           "); next, its key: " + KeyCreation(options));
    }
    return Status::Ok();
  }
  const auto written = WriteNewKey(client, options, *file);
  if (!written.ok()) {
    return Status(written.status().code(), "created " + Printable(email) +
                                               " without a key: " + written.status().message() +
                                               "; for its key: " + KeyCreation(options));
  }
  ReportKey(context, *written);
  return Status::Ok();
}

Status RunAccountList(Context& context, const AccountOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Json> accounts,
                          client.List(AccountsPath(client), "accounts"));
  if (context.json) {
    context.console.PrintJson(Json::Object({{"accounts", Json::Array(accounts)}}));
    return Status::Ok();
  }
  Table table({{"ACCOUNT"}, {"ROLE"}, {"NAME"}});
  for (const Json& account : accounts) {
    table.AddRow({Printable(account["email"].AsString()), Printable(account["role"].AsString()),
                  Printable(account["displayName"].AsString())});
  }
  context.console.Print(table.Render());
  return Status::Ok();
}

Status RunAccountDelete(Context& context, const AccountOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  const std::string email = Address(client, options.account);
  const std::string path = AccountsPath(client) + "/" + PercentEncode(email);
  GODWIT_RETURN_IF_ERROR(client.Call("GET", path, Json()).status());
  if (!options.yes) {
    GODWIT_RETURN_IF_ERROR(
        ConfirmDeletion(context, email, "account '" + email + "' and all its keys"));
  }
  GODWIT_RETURN_IF_ERROR(client.Call("DELETE", path, Json()).status());
  if (context.json) {
    context.console.PrintJson(Json::Object({{"deleted", email}}));
  } else {
    context.console.Note("deleted " + email + "; its keys and tokens open nothing any more");
  }
  return Status::Ok();
}

Status RunAccountKeyCreate(Context& context, const AccountOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const auto file, SecretFile::Create(context, options.output));
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  GODWIT_ASSIGN_OR_RETURN(const Json written, WriteNewKey(client, options, *file));
  ReportKey(context, written);
  return Status::Ok();
}

Status RunAccountKeyList(Context& context, const AccountOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  GODWIT_ASSIGN_OR_RETURN(const Json reply,
                          client.Call("GET", KeysPath(client, options.account), Json()));
  if (context.json) {
    context.console.PrintJson(reply);
    return Status::Ok();
  }
  Table table({{"KEY"}, {"CREATED (UTC)"}});
  for (const Json& key : reply["keys"].items()) {
    const std::string& name = key["name"].AsString();
    table.AddRow({Printable(name.substr(name.rfind('/') + 1)),
                  FormatTimestamp(key["validAfterTime"].AsString())});
  }
  context.console.Print(table.Render());
  return Status::Ok();
}

Status RunAccountKeyDelete(Context& context, const AccountOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  const std::string path = KeysPath(client, options.account) + "/" + PercentEncode(options.key_id);
  GODWIT_RETURN_IF_ERROR(client.Call("GET", path, Json()).status());
  if (!options.yes) {
    GODWIT_RETURN_IF_ERROR(
        ConfirmDeletion(context, options.key_id,
                        "key '" + options.key_id + "' of " + Address(client, options.account)));
  }
  GODWIT_RETURN_IF_ERROR(client.Call("DELETE", path, Json()).status());
  if (context.json) {
    context.console.PrintJson(Json::Object({{"deleted", options.key_id}}));
  } else {
    context.console.Note("deleted key '" + options.key_id +
                         "'; it and the tokens that it got open nothing any more");
  }
  return Status::Ok();
}

}  // namespace godwit::cli
