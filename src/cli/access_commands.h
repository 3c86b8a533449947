// The commands on projects, apps, API keys and service accounts: options, and what runs them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

// The file of a secret that the server is yet to make: here before it, empty and the user's alone,
// so that no secret is made that cannot be kept. Gone again unless it was written.
class SecretFile {
 public:
  // kAlreadyExists when the file is there: a key is never written over another.
  static Result<std::unique_ptr<SecretFile>> Create(Context& context, const std::string& path);
  SecretFile(const SecretFile&) = delete;
  SecretFile& operator=(const SecretFile&) = delete;
  ~SecretFile();

  // Durably. Once.
  Status Write(std::string_view text);

 private:
  SecretFile(Context& context, std::string path, std::unique_ptr<File> file)
      : context_(context), path_(std::move(path)), file_(std::move(file)) {}

  Context& context_;
  std::string path_;
  std::unique_ptr<File> file_;  // Null: written.
};

// Why a new secret's file could not be written, and what became of the secret after it was
// deleted, with the status `deleted`. again makes the secret anew, remove deletes it.
Status SecretLost(const Status& why, const Status& deleted, const std::string& again,
                  const std::string& remove);

}  // namespace godwit::cli
