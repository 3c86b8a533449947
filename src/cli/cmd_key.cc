// `godwit key create|list|update|delete`: API keys.
#include "cli/access_commands.h"
#include "cli/confirmation.h"
#include "cli/text_format.h"

namespace godwit::cli {
namespace {

std::string KeysPath(const AdminClient& client) {
  return "/v2/projects/" + PercentEncode(client.settings().project_id) + "/locations/global/keys";
}

// The id, also of a key that was given itself.
Result<std::string> KeyId(AdminClient& client, const std::string& key) {
  if (!key.starts_with("AIza")) return key;
  GODWIT_ASSIGN_OR_RETURN(
      const Json found,
      client.Call("GET", "/v2/keys:lookupKey?keyString=" + PercentEncode(key), Json()));
  const std::string& name = found["name"].AsString();
  return name.substr(name.rfind('/') + 1);
}

bool HasRestrictions(const KeyOptions& options) {
  return !options.app_id.empty() || !options.android.empty() || !options.ios.empty() ||
         !options.referrers.empty();
}

Result<Json> Restrictions(const KeyOptions& options) {
  Json json = Json::Object();
  if (!options.app_id.empty()) json.Set("appId", options.app_id);
  Json list = Json::Array();
  for (const std::string& entry : options.android) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos) {
      return Status(StatusCode::kInvalidArgument,
                    "--android takes PACKAGE=SHA1, like com.example.app=DA:39:A3:…; keytool -list "
                    "-v shows the SHA1 of the certificate that signs the app");
    }
    list.Add(Json::Object(
        {{"packageName", entry.substr(0, equals)}, {"sha1Fingerprint", entry.substr(equals + 1)}}));
  }
  if (!options.android.empty()) {
    json.Set("androidKeyRestrictions", Json::Object({{"allowedApplications", list}}));
  }
  const auto set_texts = [&](const char* kind, const char* field,
                             const std::vector<std::string>& texts) {
    Json items = Json::Array();
    for (const std::string& text : texts) items.Add(text);
    if (!texts.empty()) json.Set(kind, Json::Object({{field, std::move(items)}}));
  };
  set_texts("iosKeyRestrictions", "allowedBundleIds", options.ios);
  set_texts("browserKeyRestrictions", "allowedReferrers", options.referrers);
  return json;
}

// "android com.example.app, app 1:2:android:3"; "none" without any.
std::string RestrictionsText(const Json& restrictions) {
  std::string text;
  const auto add = [&](const char* kind, const std::string& value) {
    text += (text.empty() ? "" : ", ") + std::string(kind) + " " + Printable(value);
  };
  for (const Json& app : restrictions["androidKeyRestrictions"]["allowedApplications"].items()) {
    add("android", app["packageName"].AsString());
  }
  for (const Json& id : restrictions["iosKeyRestrictions"]["allowedBundleIds"].items()) {
    add("ios", id.AsString());
  }
  for (const Json& page : restrictions["browserKeyRestrictions"]["allowedReferrers"].items()) {
    add("pages", page.AsString());
  }
  if (restrictions.Has("appId")) add("app", restrictions["appId"].AsString());
  return text.empty() ? "none" : text;
}

void PrintKey(Console& console, const Json& key) {
  const std::pair<const char*, std::string> rows[] = {
      {"key", Printable(key["keyString"].AsString())},
      {"id", Printable(key["uid"].AsString())},
      {"name", Printable(key["displayName"].AsString())},
      {"good for", RestrictionsText(key["restrictions"]) == "none"
                       ? "every app of the project"
                       : RestrictionsText(key["restrictions"])}};
  for (const auto& [name, value] : rows) {
    if (!value.empty()) console.Print(PadRight(name, 10) + value + "\n");
  }
}

void Report(Context& context, const Json& key) {
  if (context.json) {
    context.console.PrintJson(key);
  } else {
    PrintKey(context.console, key);
  }
}

}  // namespace

Status RunKeyCreate(Context& context, const KeyOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const Json restrictions, Restrictions(options));
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  const Json body =
      Json::Object({{"displayName", options.name.value_or("")}, {"restrictions", restrictions}});
  GODWIT_ASSIGN_OR_RETURN(const Json operation, client.Call("POST", KeysPath(client), body));
  GODWIT_ASSIGN_OR_RETURN(const Json key, OutcomeOf(operation));
  Report(context, key);
  if (!context.json) context.console.Note("the server keeps a hash alone: store the key now");
  return Status::Ok();
}

Status RunKeyList(Context& context, const KeyOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Json> keys, client.List(KeysPath(client), "keys"));
  if (context.json) {
    context.console.PrintJson(Json::Object({{"keys", Json::Array(keys)}}));
    return Status::Ok();
  }
  if (keys.empty()) {
    context.console.Note("no API keys yet; to add one: godwit key create --app APP");
    return Status::Ok();
  }
  Table table({{"ID"}, {"CREATED (UTC)"}, {"NAME"}, {"RESTRICTED TO"}});
  for (const Json& key : keys) {
    table.AddRow({Printable(key["uid"].AsString()), FormatTimestamp(key["createTime"].AsString()),
                  Printable(key["displayName"].AsString()), RestrictionsText(key["restrictions"])});
  }
  context.console.Print(table.Render());
  return Status::Ok();
}

Status RunKeyUpdate(Context& context, const KeyOptions& options) {
  Json body = Json::Object();
  std::string mask;
  if (options.name) {
    body.Set("displayName", *options.name);
    mask = "displayName";
  }
  if (HasRestrictions(options) || options.unrestricted) {
    GODWIT_ASSIGN_OR_RETURN(Json restrictions, Restrictions(options));
    body.Set("restrictions", std::move(restrictions));
    mask += mask.empty() ? "restrictions" : ",restrictions";
  }
  if (mask.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "nothing to change was given; add --name, --app, --android, --ios, --referrer or "
                  "--unrestricted");
  }
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  GODWIT_ASSIGN_OR_RETURN(const std::string id, KeyId(client, options.key));
  GODWIT_ASSIGN_OR_RETURN(
      const Json operation,
      client.Call("PATCH", KeysPath(client) + "/" + PercentEncode(id) + "?updateMask=" + mask,
                  body));
  GODWIT_ASSIGN_OR_RETURN(const Json key, OutcomeOf(operation));
  Report(context, key);
  return Status::Ok();
}

Status RunKeyDelete(Context& context, const KeyOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(AdminClient client, ConnectTo(context, options.project));
  GODWIT_ASSIGN_OR_RETURN(const std::string id, KeyId(client, options.key));
  const std::string path = KeysPath(client) + "/" + PercentEncode(id);
  GODWIT_RETURN_IF_ERROR(client.Call("GET", path, Json()).status());
  if (!options.yes) {
    GODWIT_RETURN_IF_ERROR(ConfirmDeletion(context, id, "API key '" + id + "'"));
  }
  GODWIT_RETURN_IF_ERROR(client.Call("DELETE", path, Json()).status());
  if (context.json) {
    context.console.PrintJson(Json::Object({{"deleted", id}}));
  } else {
    context.console.Note("deleted API key '" + id + "'; apps that hold it get nothing from now on");
  }
  return Status::Ok();
}

}  // namespace godwit::cli
