#include "cli/access_commands.h"
#include "cli/command_parts.h"

namespace godwit::cli {
namespace {

// The commands of one group, which share their options.
template <typename T>
class Group {
 public:
  Group(CLI::App* parent, const char* name, const char* help, CommandLine* line)
      : app_(parent->add_subcommand(name, help)), line_(line) {
    app_->require_subcommand(1);
  }

  CLI::App* Add(const char* name, const char* help, Status (*runner)(Context&, const T&)) {
    return AddCommand(app_, name, help, runner, options_, line_);
  }
  // Last, so that the flags that every command has stand at the end of its help.
  void Finish(CLI::App* command) {
    AddAdminFlags(command, line_);
    AddJsonFlag(command, line_);
  }
  // The same for what can be in another project than the administrator.
  void FinishInProject(CLI::App* command, std::string* project) {
    command->add_option("--project", *project, "The project; the administrator's own when absent")
        ->type_name("ID");
    Finish(command);
  }
  static void AddYes(CLI::App* command, bool* yes) {
    command->add_flag("-y,--yes", *yes, "Do not ask");
  }

  CLI::App* app() { return app_; }
  T& options() { return *options_; }

 private:
  CLI::App* const app_;
  CommandLine* const line_;
  const std::shared_ptr<T> options_ = std::make_shared<T>();
};

void AddProject(CLI::App* root, CommandLine* line) {
  Group<ProjectOptions> group(root, "project", "Projects of the server (owners)", line);
  ProjectOptions& options = group.options();
  auto* create = group.Add("create", "Make a project", &RunProjectCreate);
  create->add_option("id", options.id, "6 to 30 of a-z, 0-9 and '-'")->required()->type_name("ID");
  create->add_option("--name", options.name, "A name for people")->type_name("TEXT");
  group.Finish(create);
  group.Finish(group.Add("list", "List the projects", &RunProjectList));
  auto* erase =
      group.Add("delete", "Delete a project that has no models and no files", &RunProjectDelete);
  erase->add_option("id", options.id, "Its id")->required()->type_name("ID");
  group.AddYes(erase, &options.yes);
  group.Finish(erase);
}

void AddApps(CLI::App* root, CommandLine* line) {
  Group<AppOptions> group(root, "app", "Apps that may get models", line);
  AppOptions& options = group.options();
  const auto add_id = [&](CLI::App* command) {
    command->add_option("app", options.id, "Its id, like 1:123:android:abc")
        ->required()
        ->type_name("APP");
  };
  auto* create = group.Add("create", "Make an app", &RunAppCreate);
  create->add_option("platform", options.platform, "What it runs on")
      ->required()
      ->check(OneOf({"android", "ios", "web"}))
      ->type_name("android|ios|web");
  create->add_option("package", options.identity, "Package name or bundle id; none for web")
      ->type_name("PACKAGE");
  create->add_option("--name", options.name, "A name for people")->type_name("TEXT");
  group.FinishInProject(create, &options.project);
  group.FinishInProject(group.Add("list", "List the apps", &RunAppList), &options.project);
  auto* show = group.Add("show", "Show one app", &RunAppShow);
  add_id(show);
  group.FinishInProject(show, &options.project);
  auto* config = group.Add("config", "Write the file that an app is built with", &RunAppConfig);
  add_id(config);
  config->add_option("-o,--output", options.output, "The file to write")
      ->required()
      ->type_name("FILE");
  config->add_option("--format", options.format, "Firebase's file of the platform, or app.json")
      ->capture_default_str()
      ->check(OneOf({"firebase", "godwit"}))
      ->type_name("firebase|godwit");
  config->add_option("--api-key", options.api_key, "The app's key; a new one when absent")
      ->type_name("KEY");
  group.FinishInProject(config, &options.project);
  auto* erase =
      group.Add("delete", "Delete an app; its devices get nothing any more", &RunAppDelete);
  add_id(erase);
  group.AddYes(erase, &options.yes);
  group.FinishInProject(erase, &options.project);
}

void AddRestrictions(CLI::App* command, KeyOptions* options) {
  command->add_option("--name", options->name, "A name for people")->type_name("TEXT");
  command->add_option("--app", options->app_id, "Good for this app alone")->type_name("APP");
  command
      ->add_option("--android", options->android,
                   "For this Android app, with its certificate's SHA-1; may be repeated")
      ->type_name("PACKAGE=SHA1")
      ->take_all();
  command->add_option("--ios", options->ios, "For this iOS app; may be repeated")
      ->type_name("BUNDLE")
      ->take_all();
  command
      ->add_option("--referrer", options->referrers,
                   "For these web pages, like https://*.example.com/*; may be repeated")
      ->type_name("PATTERN")
      ->take_all();
}

void AddKeys(CLI::App* root, CommandLine* line) {
  Group<KeyOptions> group(root, "key", "API keys, which stand in apps", line);
  KeyOptions& options = group.options();
  auto* create = group.Add("create", "Make a key; it is shown this one time", &RunKeyCreate);
  AddRestrictions(create, &options);
  group.FinishInProject(create, &options.project);
  group.FinishInProject(group.Add("list", "List the keys", &RunKeyList), &options.project);
  auto* update = group.Add("update", "Change a key's name or restrictions", &RunKeyUpdate);
  update->add_option("key", options.key, "Its id, or the key")->required()->type_name("KEY");
  AddRestrictions(update, &options);
  update->add_flag("--unrestricted", options.unrestricted,
                   "Lift all restrictions that are not given");
  group.FinishInProject(update, &options.project);
  auto* erase = group.Add("delete", "Delete a key; it opens nothing any more", &RunKeyDelete);
  erase->add_option("key", options.key, "Its id, or the key")->required()->type_name("KEY");
  group.AddYes(erase, &options.yes);
  group.FinishInProject(erase, &options.project);
}

void AddAccountKeys(CLI::App* account, CommandLine* line) {
  Group<AccountOptions> group(account, "key", "An account's keys", line);
  AccountOptions& options = group.options();
  const auto add_account = [&](CLI::App* command) {
    command->add_option("account", options.account, "Its name or address")
        ->required()
        ->type_name("ACCOUNT");
  };
  auto* create = group.Add("create", "Make a key file", &RunAccountKeyCreate);
  add_account(create);
  create->add_option("-o,--output", options.output, "The key file to write")
      ->required()
      ->type_name("FILE");
  group.FinishInProject(create, &options.project);
  auto* list = group.Add("list", "List its keys", &RunAccountKeyList);
  add_account(list);
  group.FinishInProject(list, &options.project);
  auto* erase =
      group.Add("delete", "Delete a key and the tokens that it got", &RunAccountKeyDelete);
  add_account(erase);
  erase->add_option("key", options.key_id, "The key's id")->required()->type_name("KEY");
  group.AddYes(erase, &options.yes);
  group.FinishInProject(erase, &options.project);
}

void AddAccounts(CLI::App* root, CommandLine* line) {
  Group<AccountOptions> group(root, "account", "Service accounts: who may administer", line);
  AccountOptions& options = group.options();
  auto* create = group.Add("create", "Make an account", &RunAccountCreate);
  create->add_option("account", options.account, "6 to 30 of a-z, 0-9 and '-'")
      ->required()
      ->type_name("NAME");
  create->add_option("--role", options.role, "What it may do")
      ->capture_default_str()
      ->check(OneOf({"viewer", "editor", "admin", "owner"}))
      ->type_name("viewer|editor|admin|owner");
  create->add_option("-o,--output", options.output, "Make a key, too, and write it here")
      ->type_name("FILE");
  create->add_option("--name", options.name, "A name for people")->type_name("TEXT");
  group.FinishInProject(create, &options.project);
  group.FinishInProject(group.Add("list", "List the accounts", &RunAccountList), &options.project);
  auto* erase = group.Add("delete", "Delete an account and its keys", &RunAccountDelete);
  erase->add_option("account", options.account, "Its name or address")
      ->required()
      ->type_name("ACCOUNT");
  group.AddYes(erase, &options.yes);
  group.FinishInProject(erase, &options.project);
  AddAccountKeys(group.app(), line);
}

}  // namespace

void AddAccessCommands(CLI::App* root, CommandLine* line) {
  AddProject(root, line);
  AddApps(root, line);
  AddKeys(root, line);
  AddAccounts(root, line);
}

}  // namespace godwit::cli
