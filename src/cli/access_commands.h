// The commands on projects, apps, API keys and service accounts: options, and what runs them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/admin_client.h"
#include "cli/commands.h"

namespace godwit::cli {

struct ProjectOptions {
  std::string id;
  std::string name;
  bool yes = false;
};
Status RunProjectCreate(Context& context, const ProjectOptions& options);
Status RunProjectList(Context& context, const ProjectOptions& options);
Status RunProjectDelete(Context& context, const ProjectOptions& options);

struct AppOptions {
  std::string project;  // Empty: the key's own; so below.
  std::string platform;
  std::string identity;  // Package name or bundle id.
  std::string name;
  std::string id;
  std::string api_key;  // Empty: a new one.
  std::string output;
  std::string format = "firebase";
  bool yes = false;
};
Status RunAppCreate(Context& context, const AppOptions& options);
Status RunAppList(Context& context, const AppOptions& options);
Status RunAppShow(Context& context, const AppOptions& options);
Status RunAppConfig(Context& context, const AppOptions& options);
Status RunAppDelete(Context& context, const AppOptions& options);

struct KeyOptions {
  std::string project;
  std::string key;  // Its id, or the key itself.
  std::optional<std::string> name;
  std::string app_id;
  std::vector<std::string> android;  // PACKAGE=SHA1
  std::vector<std::string> ios;
  std::vector<std::string> referrers;
  bool unrestricted = false;
  bool yes = false;
};
Status RunKeyCreate(Context& context, const KeyOptions& options);
Status RunKeyList(Context& context, const KeyOptions& options);
Status RunKeyUpdate(Context& context, const KeyOptions& options);
Status RunKeyDelete(Context& context, const KeyOptions& options);

struct AccountOptions {
  std::string project;
  std::string account;  // Its address, or what stands before the '@'.
  std::string name;
  std::string role = "viewer";
  std::string key_id;
  std::string output;
  bool yes = false;
};
Status RunAccountCreate(Context& context, const AccountOptions& options);
Status RunAccountList(Context& context, const AccountOptions& options);
Status RunAccountDelete(Context& context, const AccountOptions& options);
Status RunAccountKeyCreate(Context& context, const AccountOptions& options);
Status RunAccountKeyList(Context& context, const AccountOptions& options);
Status RunAccountKeyDelete(Context& context, const AccountOptions& options);

// A client that acts on `project`, or on the key's own when that is empty.
Result<AdminClient> ConnectTo(Context& context, const std::string& project);

// What a done operation made.
Result<Json> OutcomeOf(const Json& operation);

// kAlreadyExists when the file is there: a key is never written over another.
Status CheckNewFile(Context& context, const std::string& path);

}  // namespace godwit::cli
