#include "cli/command_parts.h"
#include "cli/targeting_commands.h"

namespace godwit::cli {
namespace {

template <typename T>
class Commands {
 public:
  explicit Commands(CommandLine* line) : line_(line) {}

  CLI::App* Add(CLI::App* parent, const char* name, const char* help,
                Status (*runner)(Context&, const T&)) {
    return AddCommand(parent, name, help, runner, options_, line_);
  }
  void Finish(CLI::App* command) {
    AddAdminFlags(command, line_);
    AddJsonFlag(command, line_);
  }
  T& options() { return *options_; }

 private:
  CommandLine* const line_;
  const std::shared_ptr<T> options_ = std::make_shared<T>();
};

void AddRevocation(CLI::App* model, CommandLine* line) {
  Commands<RevokeOptions> commands(line);
  RevokeOptions& options = commands.options();
  auto* revoke =
      commands.Add(model, "revoke", "Let no device have a version any more", &RunModelRevoke);
  auto* unrevoke = commands.Add(model, "unrevoke", "Let devices have it again", &RunModelUnrevoke);
  for (CLI::App* command : {revoke, unrevoke}) {
    command->add_option("address", options.address, "NAME@VERSION")
        ->required()
        ->type_name("ADDRESS");
  }
  revoke->add_option("--reason", options.reason, "For people, in one line")->type_name("TEXT");
  for (CLI::App* command : {revoke, unrevoke}) commands.Finish(command);
}

void AddTestDevices(CLI::App* root, CommandLine* line) {
  Commands<TestDeviceOptions> commands(line);
  TestDeviceOptions& options = commands.options();
  CLI::App* group =
      root->add_subcommand("test-device", "Installations that get a version of their own");
  group->require_subcommand(1);
  auto* add =
      commands.Add(group, "add", "Give an installation a version of a model", &RunTestDeviceAdd);
  auto* list = commands.Add(group, "list", "List a model's test devices", &RunTestDeviceList);
  auto* remove = commands.Add(group, "remove", "Give it what all others get", &RunTestDeviceRemove);
  for (CLI::App* command : {add, remove}) {
    command->add_option("installation", options.installation, "Its id")
        ->required()
        ->type_name("ID");
  }
  for (CLI::App* command : {add, list, remove}) {
    command->add_option("address", options.address, command == add ? "NAME@VERSION" : "NAME")
        ->required()
        ->type_name("ADDRESS");
  }
  add->add_option("--note", options.note, "For people, in one line")->type_name("TEXT");
  for (CLI::App* command : {add, list, remove}) commands.Finish(command);
}

}  // namespace

void AddTargetingCommands(CLI::App* root, CLI::App* model, CommandLine* line) {
  AddRevocation(model, line);
  AddTestDevices(root, line);
  Commands<ExplainOptions> commands(line);
  auto* explain =
      commands.Add(root, "explain", "Which version a device gets, and why", &RunExplain);
  explain->add_option("address", commands.options().address, "NAME, NAME@VERSION or NAME@ALIAS")
      ->required()
      ->type_name("ADDRESS");
  explain
      ->add_option("--installation", commands.options().installation,
                   "Its id; a device that tells none when absent")
      ->type_name("ID");
  commands.Finish(explain);
}

}  // namespace godwit::cli
