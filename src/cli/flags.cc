#include "cli/flags.h"

#include <algorithm>
#include <memory>
#include <sstream>
#include <utility>

#include "cli/command_parts.h"

namespace godwit::cli {
namespace {

constexpr const char* kFooter =
    "Which server, as whom (a flag wins over the environment, that over godwit login):\n"
    "  --url, GODWIT_URL                  the server's address\n"
    "  --credentials, GODWIT_CREDENTIALS  administrator's key file (admin.json)\n"
    "  --app, GODWIT_APP                  an app's id and API key (app.json)\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 not found, 4 credentials missing or\n"
    "refused, 5 network or server unavailable (try again), 6 damaged data or no valid model,\n"
    "7 apps break (model diff --exit-code).\n"
    "\n"
    "Data goes to standard output, all else to standard error. NO_COLOR is honoured.\n";

constexpr const char* kAnyAddress = "NAME, NAME@VERSION or NAME@ALIAS";

// Everything that a command line can set.
struct Options {
  ModelPushOptions push;
  ModelPullOptions pull;
  ModelDiffOptions diff;
  ModelListOptions list;
  ModelNameOptions name;
  ModelAliasOptions alias;
  RollbackOptions rollback;
  ModelUpdateOptions update;
  ModelDeleteOptions erase;
  GetOptions get;
  LocalOptions local;
  RunOptions run;
  GateCommandOptions gate;
  ModelGoldenOptions golden;
  InspectOptions inspect;
  BenchOptions bench;
  LoginOptions login;
  ImportFirebaseOptions import_firebase;
  ImportFolderOptions import_folder;
  DevOptions dev;
  ProxyCommandOptions proxy;
  CompletionOptions completion;
};

class Tree {
 public:
  // With every command, or for a line that begins with `word` with those that it may mean: to build
  // them all takes longer than `godwit get` takes to find a local model.
  explicit Tree(std::string_view word = "")
      : app_("Put machine-learning models on your own server and on devices.", "godwit") {
    app_.require_subcommand(1);
    app_.set_help_flag("-h,--help", "Show this help");
    app_.set_version_flag("--version", "godwit " GODWIT_VERSION, "Show the version");
    const bool all = word != "get";
    if (all) {
      AddModelCommands();
      AddRollback();
      AddEventCommands(&app_, &line_);
      AddAccessCommands(&app_, &line_);
    }
    AddDeviceCommands();
    if (all) {
      AddFileCommands();
      AddGate();
      AddWayOverCommands();
      AddSetupCommands();
    }
    app_.footer(kFooter);  // Last: commands would inherit it.
  }

  CLI::App& app() { return app_; }
  CommandLine& line() { return line_; }

 private:
  template <typename T>
  using Runner = Status (*)(Context&, const T&);

  template <typename T>
  CLI::App* Add(CLI::App* parent, const char* name, const char* help, Runner<T> runner,
                T Options::* member) {
    return AddCommand(parent, name, help, runner,
                      std::shared_ptr<T>(options_, &((*options_).*member)), &line_);
  }

  void AddJson(CLI::App* command) { AddJsonFlag(command, &line_); }
  void AddAdmin(CLI::App* command) { AddAdminFlags(command, &line_); }
  void AddApp(CLI::App* command, std::string* store) {
    command->add_option("--url", line_.connection.url, "The server's address")->type_name("URL");
    command->add_option("--app", line_.connection.app, "The app's file (app.json)")
        ->type_name("FILE");
    command->add_option("--store", *store, "Where this device keeps its models")
        ->type_name("FOLDER");
  }
  static void AddAddress(CLI::App* command, std::string* address, const char* help) {
    command->add_option("address", *address, help)->required()->type_name("ADDRESS");
  }

  void AddModelCommands() {
    CLI::App* model = app_.add_subcommand("model", "Models on the server (administrators)");
    model->require_subcommand(1);
    AddModelTransfers(model);
    AddModelDiff(model);
    AddGolden(model);
    auto* list = Add(model, "list", "List the models", &RunModelList, &Options::list);
    list->add_option("--filter", options_->list.filter,
                     "As in: tags:face OR displayName:prefix* OR state.published=true")
        ->type_name("TEXT");
    AddAdmin(list);
    AddJson(list);
    struct Row {
      const char* name;
      const char* help;
      Runner<ModelNameOptions> runner;
      const char* address_help;
    };
    for (const Row& row : {
             Row{"show", "Show one model or version", &RunModelShow, kAnyAddress},
             Row{"versions", "List a model's versions", &RunModelVersions, "NAME"},
             Row{"publish", "Let devices have the latest version, or the given one",
                 &RunModelPublish, kAnyAddress},
             Row{"unpublish", "Let devices have no version", &RunModelUnpublish, "NAME"},
             Row{"history", "List what was published, when and by whom", &RunModelHistory, "NAME"},
         }) {
      CLI::App* command = Add(model, row.name, row.help, row.runner, &Options::name);
      AddAddress(command, &options_->name.address, row.address_help);
      AddAdmin(command);
      AddJson(command);
    }
    auto* update =
        Add(model, "update", "Change a model's name or tags", &RunModelUpdate, &Options::update);
    AddAddress(update, &options_->update.address, "NAME");
    update->add_option("--name", options_->update.new_name, "The new name")->type_name("NAME");
    auto* tag = update->add_option("--tag", options_->update.tags, "A tag; replaces all others");
    tag->type_name("TAG")->take_all();
    update->add_flag("--clear-tags", options_->update.clear_tags, "Remove all tags")->excludes(tag);
    AddAdmin(update);
    AddJson(update);
    AddModelAliases(model);
    AddTargetingCommands(&app_, model, &line_);
    AddModelStats(model, &line_);
    auto* erase = Add(model, "delete", "Delete a model and all its versions, or one version",
                      &RunModelDelete, &Options::erase);
    AddAddress(erase, &options_->erase.address, "NAME or NAME@VERSION");
    erase->add_flag("-y,--yes", options_->erase.yes, "Do not ask");
    AddAdmin(erase);
    AddJson(erase);
  }

  void AddModelAliases(CLI::App* model) {
    CLI::App* alias = model->add_subcommand("alias", "Names that point to a model's versions");
    alias->require_subcommand(1);
    auto* set = Add(alias, "set", "Make an alias, or move it", &RunModelAliasSet, &Options::alias);
    auto* erase = Add(alias, "delete", "Delete an alias", &RunModelAliasDelete, &Options::alias);
    for (CLI::App* command : {set, erase}) {
      command->add_option("name", options_->alias.name, "The model")->required()->type_name("NAME");
      command->add_option("alias", options_->alias.alias, "As in stable")
          ->required()
          ->type_name("ALIAS");
    }
    set->add_option("version", options_->alias.version, "As in 3 or @3")
        ->required()
        ->type_name("VERSION");
    auto* list = Add(alias, "list", "List a model's aliases", &RunModelAliasList, &Options::name);
    AddAddress(list, &options_->name.address, "NAME");
    for (CLI::App* command : {set, erase, list}) {
      AddAdmin(command);
      AddJson(command);
    }
  }

  void AddRollback() {
    auto* rollback = Add(&app_, "rollback", "Let devices have what they had before", &RunRollback,
                         &Options::rollback);
    rollback->add_option("name", options_->rollback.name, "The model")
        ->required()
        ->type_name("NAME");
    rollback->add_option("--to", options_->rollback.to, "A version that was published before that")
        ->check(CLI::Range(int64_t{1}, INT64_MAX).description(""))
        ->type_name("VERSION");
    AddAdmin(rollback);
    AddJson(rollback);
  }

  void AddModelTransfers(CLI::App* model) {
    auto* push =
        Add(model, "push", "Upload a file as a model's new version", &RunModelPush, &Options::push);
    push->add_option("file", options_->push.file, "A .tflite file")->required()->type_name("FILE");
    push->add_option("--name", options_->push.name, "The model; it is made if it is new")
        ->required()
        ->type_name("NAME");
    push->add_flag("--publish", options_->push.publish, "Let devices have it at once");
    push->add_option("--golden", options_->push.golden,
                     "Golden inputs that devices try it with (see: godwit model golden --help)")
        ->type_name("FILE");
    push->add_option("--tag", options_->push.tags, "A tag; may be given several times")
        ->type_name("TAG")
        ->take_all();
    AddAdmin(push);
    AddJson(push);
    auto* pull = Add(model, "pull", "Download a version to a file", &RunModelPull, &Options::pull);
    AddAddress(pull, &options_->pull.address,
               "NAME (what devices get), NAME@VERSION or NAME@ALIAS");
    auto* output = pull->add_option("-o,--output", options_->pull.output, "The file to write");
    output->type_name("FILE");
    pull->add_option("--seed", options_->pull.seed_folder,
                     "Instead: a folder that an app ships; NAME.tflite and seeds.json go there")
        ->type_name("FOLDER")
        ->excludes(output);
    AddAdmin(pull);
    AddJson(pull);
  }

  void AddModelDiff(CLI::App* model) {
    auto* diff = Add(model, "diff", "Compare two versions or files: do apps keep working?",
                     &RunModelDiff, &Options::diff);
    for (const auto& [name, target] :
         {std::pair("before", &options_->diff.before), std::pair("after", &options_->diff.after)}) {
      diff->add_option(name, *target, "NAME, NAME@VERSION or a .tflite file")
          ->required()
          ->type_name("FILE|ADDRESS");
    }
    diff->add_flag("--tensors", options_->diff.tensors, "Show every tensor that changed");
    diff->add_flag("--exit-code", options_->diff.exit_code, "End with 7 if apps break");
    AddAdmin(diff);
    AddJson(diff);
  }

  void AddDeviceCommands() {
    auto* get =
        Add(&app_, "get", "Get a model as a device does; print its path", &RunGet, &Options::get);
    AddAddress(get, &options_->get.address, kAnyAddress);
    get->add_option("--type", options_->get.type, "Which copy will do")
        ->capture_default_str()
        ->check(OneOf({"local", "local-update-in-background", "latest"}))
        ->type_name("local|local-update-in-background|latest");
    AddApp(get, &options_->get.store);
    get->add_option("--limit-rate", options_->get.limit_rate_bytes_per_s,
                    "At most so many bytes a second (k, M: thousands, millions)")
        ->transform(CLI::AsSizeValue(true).description(""))
        ->type_name("BYTES");
    get->add_flag("--dry-run", options_->get.dry_run,
                  "Say what a download would cost; download nothing");
    get->add_flag("--wifi", options_->get.wifi, "Download on Wi-Fi only");
    get->add_flag("--unmetered", options_->get.unmetered, "… where it does not cost by the byte");
    get->add_flag("--charging", options_->get.charging, "… on external power");
    get->add_flag("--idle", options_->get.idle, "… while nobody uses this machine");
    get->add_option("--wait", options_->get.wait_s,
                    "Wait for these at most so long (else for ever); 0: fail at once")
        ->check(CLI::Range(int64_t{0}, int64_t{1} << 31).description(""))
        ->type_name("SECONDS");
    get->add_flag("--gate", options_->get.gate, "Run a new version in a child before it is used");
    get->add_flag("--send-events", options_->get.send_events,
                  "Tell the server how it went (docs/guides/events.md)");
    AddJson(get);
    CLI::App* local = app_.add_subcommand("local", "Models in this device's store");
    local->require_subcommand(1);
    auto* list = Add(local, "list", "List them", &RunLocalList, &Options::local);
    AddApp(list, &options_->local.store);
    AddJson(list);
    auto* verify = Add(local, "verify", "Hash every file; drop those that the disk has damaged",
                       &RunLocalVerify, &Options::local);
    AddApp(verify, &options_->local.store);
    AddJson(verify);
    auto* erase = Add(local, "delete", "Delete one", &RunLocalDelete, &Options::local);
    AddAddress(erase, &options_->local.address, "NAME");
    AddApp(erase, &options_->local.store);
    AddJson(erase);
  }

  void AddFileCommands() {
    auto* run =
        Add(&app_, "run", "Run a model on images or tensors", &RunModelOnInput, &Options::run);
    RunOptions& options = options_->run;
    run->add_option("model", options.model, "A file, or an address to get first")
        ->required()
        ->type_name("FILE|ADDRESS");
    run->add_option("--input", options.inputs,
                    "One tensor: .npy, .json or raw bytes; - reads standard input; once per input")
        ->type_name("FILE")
        ->take_all();
    run->add_option("--image", options.images, "A picture; several give one answer each")
        ->type_name("FILE")
        ->take_all();
    run->add_option("--top", options.top, "How many labels to show")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000).description(""))
        ->type_name("N");
    run->add_flag("--show", options.show, "Draw each picture in the terminal");
    run->add_option("--mean", options.mean, "Pixels become (pixel - mean) / std")->type_name("X");
    run->add_option("--std", options.std, "See --mean")->type_name("X");
    AddRuntime(run, &options.threads, &options.runtime);
    AddApp(run, &options.store);
    AddJson(run);
    auto* inspect =
        Add(&app_, "inspect", "Show what a model file holds", &RunInspect, &Options::inspect);
    inspect->add_option("file", options_->inspect.file, "A .tflite file")
        ->required()
        ->type_name("FILE");
    AddJson(inspect);
    auto* bench =
        Add(&app_, "bench", "Measure how fast a model file runs here", &RunBench, &Options::bench);
    bench->add_option("file", options_->bench.file, "A .tflite file")
        ->required()
        ->type_name("FILE");
    bench->add_option("--seconds", options_->bench.seconds, "How long to measure")
        ->capture_default_str()
        ->check(CLI::Range(0.01, 3600.0).description(""))
        ->type_name("S");
    AddRuntime(bench, &options_->bench.threads, &options_->bench.runtime);
    AddJson(bench);
  }

  void AddGate() {
    auto* gate = Add(&app_, "gate", "Try a model file as a device does before it switches to it",
                     &RunGate, &Options::gate);
    GateCommandOptions& options = options_->gate;
    gate->add_option("file", options.file, "A .tflite file")->required()->type_name("FILE");
    gate->add_option("--golden", options.golden, "Golden inputs (see: godwit model golden --help)")
        ->type_name("FILE");
    gate->add_option("--latency-budget", options.latency_budget_ms,
                     "For one run, where the golden inputs say none; 0: none")
        ->capture_default_str()
        ->type_name("MS");
    AddRuntime(gate, &options.threads, &options.runtime);
    AddJson(gate);
  }

  void AddGolden(CLI::App* model) {
    auto* golden = Add(model, "golden", "Run a model file now and record what it must give",
                       &RunModelGolden, &Options::golden);
    ModelGoldenOptions& options = options_->golden;
    golden->add_option("file", options.file, "A .tflite file")->required()->type_name("FILE");
    golden->add_option("--out", options.output, "Where to write the golden inputs")
        ->required()
        ->type_name("FILE");
    golden
        ->add_option("--input", options.inputs,
                     "One tensor: .npy, .json or raw bytes; once per input, case after case; none: "
                     "random numbers")
        ->type_name("FILE")
        ->take_all();
    golden
        ->add_option("--absolute-tolerance", options.absolute_tolerance,
                     "How far an output may be off; at least two steps of a quantised one")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber.description(""))
        ->type_name("X");
    golden
        ->add_option("--relative-tolerance", options.relative_tolerance,
                     "The same, as a part of the expected number")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber.description(""))
        ->type_name("X");
    golden->add_option("--latency-budget", options.latency_budget_ms, "For one run; 0: none")
        ->capture_default_str()
        ->type_name("MS");
    golden->add_option("--runtime", options.runtime, "The TensorFlow Lite library to load")
        ->type_name("FILE");
    AddJson(golden);
  }

  static void AddRuntime(CLI::App* command, int* threads, std::string* runtime) {
    command->add_option("--threads", *threads, "Threads that one run may use")
        ->capture_default_str()
        ->check(CLI::Range(1, 64).description(""))
        ->type_name("N");
    command->add_option("--runtime", *runtime, "The TensorFlow Lite library to load")
        ->type_name("FILE");
  }

  void AddWayOverCommands() {
    AddImportCommands();
    auto* dev = Add(&app_, "dev", "Start a server for development, with a throw-away CA", &RunDev,
                    &Options::dev);
    DevOptions& options = options_->dev;
    dev->add_option("--data", options.data,
                    "The server's data; ~/.local/share/godwit-dev if absent")
        ->type_name("FOLDER");
    struct Row {
      const char* flag;
      std::string* address;
      const char* help;
    };
    for (const Row& row : {
             Row{"--listen", &options.listen, "Where the server listens; port 0 picks one"},
             Row{"--listen-tls", &options.listen_tls, "The same, with TLS"},
             Row{"--proxy", &options.proxy, "Where the proxy listens (see: godwit proxy --help)"},
             Row{"--fault-listen", &options.fault_listen, "Where devices meet the faults"},
         }) {
      dev->add_option(row.flag, *row.address, row.help)
          ->capture_default_str()
          ->type_name("HOST:PORT");
    }
    dev->add_option("--public-url", options.public_url,
                    "Where devices reach the server, if not at --listen-tls")
        ->type_name("URL");
    dev->add_option("--env", options.env_file,
                    "A file that has the export lines while the server runs, for scripts")
        ->type_name("FILE");
    dev->add_option("--fault", options.faults,
                    "What goes wrong for devices, as in latency=2s,rate=20k,drop@70%,500:check "
                    "(see docs/guides/develop.md)")
        ->type_name("FAULTS");
    auto* proxy = Add(&app_, "proxy", "Lead Firebase's clients to your server (an HTTPS proxy)",
                      &RunProxy, &Options::proxy);
    proxy->add_option("--listen", options_->proxy.listen, "Where to listen; port 0 picks one")
        ->capture_default_str()
        ->type_name("HOST:PORT");
    proxy->add_option("--to", options_->proxy.server, "Where godwitd listens for TLS")
        ->required()
        ->type_name("HOST:PORT");
  }

  void AddImportCommands() {
    CLI::App* import = app_.add_subcommand("import", "Bring models from elsewhere to your server");
    import->require_subcommand(1);
    auto* firebase = Add(import, "firebase", "Import the models of a Firebase project",
                         &RunImportFirebase, &Options::import_firebase);
    ImportFirebaseOptions& source = options_->import_firebase;
    firebase
        ->add_option("--credentials", source.credentials,
                     "A key file of a service account of the Firebase project")
        ->required()
        ->type_name("FILE");
    firebase->add_option("--project", source.project, "The Firebase project, if not the key's")
        ->type_name("ID");
    auto* app = firebase->add_option("--app-id", source.app_id,
                                     "An app of the project: its published models can be got "
                                     "even if they are in no bucket of yours");
    app->type_name("ID");
    auto* key = firebase->add_option("--api-key", source.api_key, "The app's API key");
    key->type_name("KEY")->needs(app);
    app->needs(key);
    firebase
        ->add_option("--source-url", source.source_url,
                     "Another server that speaks Firebase's protocol, instead of Google's")
        ->type_name("URL");
    AddImport(firebase, &source.update, &source.dry_run);
    auto* folder = Add(import, "folder", "Import saved .tflite files under their names",
                       &RunImportFolder, &Options::import_folder);
    ImportFolderOptions& files = options_->import_folder;
    folder->add_option("folder", files.folder, "Where the files are")
        ->required()
        ->type_name("FOLDER");
    folder
        ->add_option("--models-json", files.models_json,
                     "A saved answer of Firebase's models.list: names, tags, published, hashes")
        ->type_name("FILE");
    folder->add_flag("--publish", files.publish, "Let devices have them at once");
    AddImport(folder, &files.update, &files.dry_run);
  }

  void AddImport(CLI::App* command, bool* update, bool* dry_run) {
    command->add_flag("--update", *update,
                      "A model that is there with another file gets this one as its next version");
    command->add_flag("--dry-run", *dry_run, "Show what would be done, and do nothing");
    command->add_option("--url", line_.connection.url, "Your server's address")->type_name("URL");
    AddJson(command);
  }

  void AddSetupCommands() {
    auto* login =
        Add(&app_, "login", "Check credentials and remember them", &RunLogin, &Options::login);
    login->add_option("folder", options_->login.folder, "The credentials folder of a server's data")
        ->type_name("FOLDER");
    AddAdmin(login);
    login->add_option("--app", line_.connection.app, "The app's file (app.json)")
        ->type_name("FILE");
    AddJson(login);
    AddPlain("logout", "Forget what login saved", &RunLogout);
    AddJson(AddPlain("env", "Show versions, folders and settings, for bug reports", &RunEnv));
    AddJson(AddPlain("version", "Show the version", &RunVersion));
    auto* completion = Add(&app_, "completion", "Print a completion script for a shell",
                           &RunCompletion, &Options::completion);
    completion->add_option("shell", options_->completion.shell, "bash or zsh")
        ->required()
        ->check(OneOf({"bash", "zsh"}))
        ->type_name("bash|zsh");
  }

  CLI::App* AddPlain(const char* name, const char* help, Status (*runner)(Context&)) {
    CLI::App* command = app_.add_subcommand(name, help);
    command->final_callback([this, runner] { line_.run = runner; });
    return command;
  }

  std::shared_ptr<Options> options_ = std::make_shared<Options>();
  CommandLine line_;
  CLI::App app_;
};

FlagInfo DescribeFlag(const CLI::Option& option) {
  FlagInfo flag;
  flag.name = "--" + option.get_lnames().front();
  flag.help = option.get_description();
  const std::string type = option.get_type_name();
  flag.takes_value = option.get_items_expected_max() > 0;
  flag.takes_path = type == "FILE" || type == "FOLDER";
  if (type.find('|') != std::string::npos) {
    std::stringstream words(type);
    for (std::string word; std::getline(words, word, '|');) flag.choices.push_back(word);
  }
  return flag;
}

void Describe(const CLI::App& app, const std::string& parent, std::vector<CommandInfo>* list) {
  CommandInfo info;
  info.name = app.get_name();
  info.path = parent.empty() ? info.name : parent + " " + info.name;
  info.help = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_lnames().empty()) {
      info.flags.push_back(DescribeFlag(*option));
    } else if (option->get_type_name().find("F") == 0) {  // FILE, FOLDER, FILE|ADDRESS
      info.takes_path = true;
    } else if (option->get_type_name().find('|') != std::string::npos) {
      std::stringstream words(option->get_type_name());
      for (std::string word; std::getline(words, word, '|');) info.children.push_back(word);
    }
  }
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* command : commands) info.children.push_back(command->get_name());
  list->push_back(info);
  for (const CLI::App* command : commands) Describe(*command, info.path, list);
}

// "godwit model push": how far the line named a command.
std::string ChosenPath(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return app.get_name() + (chosen.empty() ? "" : " " + ChosenPath(*chosen.front()));
}

std::string Explain(const CLI::ParseError& error, const CLI::App& app) {
  // CLI11 says that a command is missing where it met a word that is none.
  const auto unknown = app.remaining(true);
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError) &&
      !unknown.empty() && !unknown.front().starts_with('-')) {
    return "there is no command '" + unknown.front() + "'";
  }
  return error.what();
}

}  // namespace

void AddJsonFlag(CLI::App* command, CommandLine* line) {
  command->add_flag("--json", line->json, "Write JSON (errors, too, on standard error)");
}

void AddAdminFlags(CLI::App* command, CommandLine* line) {
  command->add_option("--url", line->connection.url, "The server's address")->type_name("URL");
  command
      ->add_option("--credentials", line->connection.credentials,
                   "The administrator's key file (admin.json)")
      ->type_name("FILE");
}

CLI::Validator OneOf(const std::vector<std::string>& words) {
  return CLI::IsMember(words).description("");
}

CommandLine ParseCommandLine(int argc, const char* const* argv) {
  Tree tree(argc > 1 ? argv[1] : "");
  CommandLine& line = tree.line();
  try {
    tree.app().parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help or --version.
    std::ostringstream text;
    tree.app().exit(asked, text, text);
    line.text = text.str();
  } catch (const CLI::ParseError& error) {
    line.run = nullptr;
    line.error =
        Status(StatusCode::kInvalidArgument,
               Explain(error, tree.app()) + "; see: " + ChosenPath(tree.app()) + " --help");
    // The error may have come before the flag was read.
    line.json = std::any_of(argv + 1, argv + argc,
                            [](const char* word) { return std::string_view(word) == "--json"; });
  }
  return line;
}

std::vector<CommandInfo> DescribeCommands() {
  Tree tree;
  std::vector<CommandInfo> list;
  Describe(tree.app(), "", &list);
  return list;
}

}  // namespace godwit::cli
