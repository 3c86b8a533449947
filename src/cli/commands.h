// Every command: its options as a plain struct, and the function that runs it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"
#include "fs/file_system.h"
#include "http/http_client.h"
#include "platform/platform.h"

namespace godwit::cli {

// What every command may use. Borrowed; lives as long as the command runs.
struct Context {
  Console& console;
  FileSystem& fs;
  Clock& clock;
  HttpClient& http;         // To Godwit servers: GODWIT_CA_FILE is its trust, where it is set.
  HttpClient& public_http;  // To Google's.
  Settings& settings;
  Platform& platform;  // What the system knows of this machine.
  bool json = false;
  ExitCode exit_code = kExitOk;  // Of a command that succeeds.
};

struct ModelPushOptions {
  std::string file;
  std::string name;
  bool publish = false;
  std::vector<std::string> tags;
  std::string golden;  // A file; empty: the version's golden file stays as it is.
};
Status RunModelPush(Context& context, const ModelPushOptions& options);

struct ModelPullOptions {
  std::string address;
  std::string output;
  std::string seed_folder;  // Set instead of output.
};
Status RunModelPull(Context& context, const ModelPullOptions& options);

struct ModelDiffOptions {
  std::string before;  // An address or a file.
  std::string after;
  bool tensors = false;
  bool exit_code = false;
};
Status RunModelDiff(Context& context, const ModelDiffOptions& options);

struct ModelListOptions {
  std::string filter;  // The server's filter language; empty: all.
};
Status RunModelList(Context& context, const ModelListOptions& options);

struct ModelNameOptions {
  std::string address;
};
Status RunModelShow(Context& context, const ModelNameOptions& options);
Status RunModelVersions(Context& context, const ModelNameOptions& options);
Status RunModelPublish(Context& context, const ModelNameOptions& options);
Status RunModelUnpublish(Context& context, const ModelNameOptions& options);
Status RunModelHistory(Context& context, const ModelNameOptions& options);
Status RunModelAliasList(Context& context, const ModelNameOptions& options);

struct ModelStatsOptions {
  std::string name;
  int64_t days = 30;
};
Status RunModelStats(Context& context, const ModelStatsOptions& options);

struct EventsExportOptions {
  std::string from;  // "2026-01-02"; both days belong to it.
  std::string to;    // Empty: today.
  std::string format = "ndjson";
};
Status RunEventsExport(Context& context, const EventsExportOptions& options);

struct ModelAliasOptions {
  std::string name;
  std::string alias;
  std::string version;  // "7" or "@7".
};
Status RunModelAliasSet(Context& context, const ModelAliasOptions& options);
Status RunModelAliasDelete(Context& context, const ModelAliasOptions& options);

struct RollbackOptions {
  std::string name;
  int64_t to = 0;  // 0: what was published before.
};
Status RunRollback(Context& context, const RollbackOptions& options);

struct ModelUpdateOptions {
  std::string address;
  std::string new_name;
  std::vector<std::string> tags;
  bool clear_tags = false;
};
Status RunModelUpdate(Context& context, const ModelUpdateOptions& options);

struct ModelDeleteOptions {
  std::string address;
  bool yes = false;
};
Status RunModelDelete(Context& context, const ModelDeleteOptions& options);

struct GetOptions {
  std::string address;
  std::string type = "local-update-in-background";
  std::string store;  // Empty: the default one.
  uint64_t limit_rate_bytes_per_s = 0;
  bool gate = false;
  bool wifi = false;
  bool unmetered = false;
  bool charging = false;
  bool idle = false;
  int64_t wait_s = -1;  // For ever.
  bool dry_run = false;
  bool send_events = false;
};
Status RunGet(Context& context, const GetOptions& options);

struct LocalOptions {
  std::string address;
  std::string store;
};
Status RunLocalList(Context& context, const LocalOptions& options);
Status RunLocalVerify(Context& context, const LocalOptions& options);
Status RunLocalDelete(Context& context, const LocalOptions& options);

struct RunOptions {
  std::string model;  // An address or a file.
  std::string store;
  std::vector<std::string> inputs;
  std::vector<std::string> images;
  uint32_t top = 3;
  bool show = false;
  std::optional<double> mean;
  std::optional<double> std;
  int threads = 1;
  std::string runtime;
};
Status RunModelOnInput(Context& context, const RunOptions& options);

// How a device judges a model before it switches to it.
struct GateCommandOptions {
  std::string file;
  std::string golden;  // Empty: none.
  uint32_t latency_budget_ms = 0;
  int threads = 1;
  std::string runtime;
};
Status RunGate(Context& context, const GateCommandOptions& options);

struct ModelGoldenOptions {
  std::string file;
  std::string output;
  std::vector<std::string> inputs;
  double absolute_tolerance = 0.001;
  double relative_tolerance = 0.01;
  uint32_t latency_budget_ms = 0;
  std::string runtime;
};
Status RunModelGolden(Context& context, const ModelGoldenOptions& options);

struct InspectOptions {
  std::string file;
};
Status RunInspect(Context& context, const InspectOptions& options);

struct BenchOptions {
  std::string file;
  int threads = 1;
  double seconds = 1;
  std::string runtime;
};
Status RunBench(Context& context, const BenchOptions& options);

struct LoginOptions {
  std::string folder;  // A server's credentials folder; or flags name the files.
};
Status RunLogin(Context& context, const LoginOptions& options);
Status RunLogout(Context& context);

Status RunEnv(Context& context);
Status RunVersion(Context& context);

struct ImportFirebaseOptions {
  std::string credentials;  // A service account's key file of the Firebase project.
  std::string project;      // Empty: the key's.
  std::string source_url;   // Empty: Google's addresses, or where the key is from.
  std::string app_id;
  std::string api_key;
  bool update = false;
  bool dry_run = false;
};
Status RunImportFirebase(Context& context, const ImportFirebaseOptions& options);

struct ImportFolderOptions {
  std::string folder;
  std::string models_json;  // A saved answer of models.list; may be empty.
  bool publish = false;
  bool update = false;
  bool dry_run = false;
};
Status RunImportFolder(Context& context, const ImportFolderOptions& options);

struct DevOptions {
  std::string data;  // Empty: beside the default device store.
  std::string listen = "127.0.0.1:8484";
  std::string listen_tls = "127.0.0.1:8443";
  std::string proxy = "127.0.0.1:8480";
  std::string public_url;
  std::string env_file;
  std::string faults;  // Empty: none.
  std::string fault_listen = "127.0.0.1:8490";
};
Status RunDev(Context& context, const DevOptions& options);

struct ProxyCommandOptions {
  std::string listen = "127.0.0.1:8480";
  std::string server;  // HOST:PORT of godwitd's TLS listener.
};
Status RunProxy(Context& context, const ProxyCommandOptions& options);

struct CompletionOptions {
  std::string shell;  // "bash" or "zsh".
};
Status RunCompletion(Context& context, const CompletionOptions& options);

}  // namespace godwit::cli
