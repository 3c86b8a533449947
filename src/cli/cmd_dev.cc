// `godwit dev`: a server, a throw-away CA and the proxy, for a developer's machine.
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

#include "base/time_format.h"
#include "cli/commands.h"
#include "cli/console_logger.h"
#include "cli/dev_certificates.h"
#include "cli/server_process.h"
#include "cli/signals.h"
#include "fault/fault_server.h"
#include "proxy/proxy.h"

namespace godwit::cli {
namespace {

constexpr int64_t kStartTimeoutMs = 60'000;
constexpr int64_t kStartPollMs = 10;
constexpr uint64_t kPortFileMax = 4096;

// What runs, and where.
struct Running {
  std::string data;
  std::string plain_url;
  std::string public_url;   // As it was given; empty: none was.
  std::string tls_address;  // "127.0.0.1:8443".
  std::string proxy_address;
  std::string fault_url;  // Empty: no faults were asked for.
  DevCertificates certificates;
};

struct Variable {
  const char* name;
  std::string value;
};

// "https://[fd00::1]:8443" gives "fd00::1".
std::string HostOf(std::string url) {
  const size_t scheme = url.find("://");
  if (scheme != std::string::npos) url.erase(0, scheme + 3);
  url = url.substr(0, url.find('/'));
  return url.starts_with('[') ? url.substr(1, url.find(']') - 1) : url.substr(0, url.find(':'));
}

std::vector<Variable> VariablesOf(const Running& running) {
  const std::string server = "https://" + running.tls_address;
  const std::string proxy = "http://" + running.proxy_address;
  const std::string& authority = running.certificates.authority_path;
  const std::string credentials = JoinPath(running.data, "credentials");
  std::string direct = "localhost,127.0.0.1,::1";
  if (!running.public_url.empty()) direct += "," + HostOf(running.public_url);
  return {
      {"GODWIT_SERVER", server},
      {"GODWIT_URL", running.fault_url.empty() ? server : running.fault_url},
      {"GODWIT_CREDENTIALS", JoinPath(credentials, "admin.json")},
      {"GODWIT_APP", JoinPath(credentials, "app.json")},
      {"GODWIT_CA_FILE", authority},
      {"GOOGLE_APPLICATION_CREDENTIALS", JoinPath(credentials, "admin.json")},
      {"HTTPS_PROXY", proxy},
      {"https_proxy", proxy},  // Where both are set, curl, Python and Node take this one.
      {"NO_PROXY", direct},
      {"no_proxy", direct},
      {"REQUESTS_CA_BUNDLE", authority},   // Python.
      {"CURL_CA_BUNDLE", authority},       // curl.
      {"NODE_EXTRA_CA_CERTS", authority},  // Node.
      {"NODE_USE_ENV_PROXY", "1"},         // Node from 22.21 on.
  };
}

// In single quotes, as a shell reads it back.
std::string ShellQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string ExportLines(const Running& running) {
  std::string text;
  for (const Variable& variable : VariablesOf(running)) {
    text += std::string("export ") + variable.name + "=" + ShellQuoted(variable.value) + "\n";
  }
  return text;
}

// Where this machine reaches what listens on all of its addresses.
std::string Reachable(const std::string& address) {
  if (address.starts_with("0.0.0.0:")) return "127.0.0.1" + address.substr(7);
  if (address.starts_with("[::]:")) return "[::1]" + address.substr(4);
  return address;
}

std::string PortOf(const std::string& address) { return address.substr(address.rfind(':') + 1); }

void Explain(Console& console, const Running& running) {
  const auto title = [&](std::string_view text) {
    console.Note("\n" + console.StyledNote(Style::kBold, text));
  };
  const std::string& authority = running.certificates.authority_path;
  const std::string tls_port = "tcp:" + PortOf(running.tls_address);
  const std::string proxy_port = "tcp:" + PortOf(running.proxy_address);
  const std::string pac = "http://" + running.proxy_address + "/proxy.pac";
  title("A server for development");
  console.Note("  server  https://" + running.tls_address + " and " + running.plain_url);
  console.Note("  proxy   http://" + running.proxy_address + ", for clients that know only " +
               "Firebase's hosts");
  if (!running.fault_url.empty()) {
    console.Note("  faults  " + running.fault_url +
                 ", which devices are led to; each that hits is " + "a line here");
  }
  console.Note("  data    " + running.data);
  console.Note("  CA      " + authority + ", until " +
               FormatTimeMillis(running.certificates.authority_expiry_ms).substr(0, 10) +
               (running.certificates.authority_is_new ? "; it is new: trust it now" : ""));
  title("Android, in an emulator or by USB");
  console.Note("  adb reverse " + tls_port + " " + tls_port + " && adb reverse " + proxy_port +
               " " + proxy_port);
  console.Note("  In its Wi-Fi settings, proxy auto-config: " + pac);
  console.Note("  Copy the CA to app/src/debug/res/raw/godwit_ca.pem and trust it in the app's");
  console.Note("  network_security_config: <debug-overrides><trust-anchors>");
  console.Note("  <certificates src=\"@raw/godwit_ca\"/></trust-anchors></debug-overrides>");
  title("iOS, in the simulator");
  console.Note("  xcrun simctl keychain booted add-root-cert " + ShellQuoted(authority));
  console.Note("  networksetup -setautoproxyurl Wi-Fi " + pac);
  title("Node before 22.21 (newer ones take the proxy from the lines below)");
  console.Note("  export NODE_OPTIONS='--require /path/to/clients/node/godwit-preload.cjs'");
  title("Python, Node, curl and godwit, in another shell");
}

// Starts godwitd and learns where it listens.
Result<std::unique_ptr<ServerProcess>> StartServer(Context& context, const DevOptions& options,
                                                   Running* running) {
  const std::string port_file = JoinPath(running->data, "dev-ports");
  GODWIT_RETURN_IF_ERROR(context.fs.Remove(port_file));
  std::vector<std::string> command = {FindServerProgram(),
                                      "--data",
                                      running->data,
                                      "--listen",
                                      options.listen,
                                      "--listen-tls",
                                      options.listen_tls,
                                      "--tls-cert",
                                      running->certificates.server_path,
                                      "--tls-key",
                                      running->certificates.server_path,
                                      "--port-file",
                                      port_file};
  // Links to files must lead through the faults, too.
  const std::string& public_url =
      options.public_url.empty() ? running->fault_url : options.public_url;
  if (!public_url.empty()) command.insert(command.end(), {"--public-url", public_url});
  GODWIT_ASSIGN_OR_RETURN(auto server, ServerProcess::Start(command));
  const int64_t deadline_ms = context.clock.MonotonicMs() + kStartTimeoutMs;
  for (;;) {
    const bool is_running = server->IsRunning();
    const auto ports = ReadWholeFile(context.fs, port_file, kPortFileMax);
    if (ports.ok()) {
      const size_t plain_end = ports->find('\n');
      const size_t tls = ports->find("https://");
      if (tls == ports->npos) break;
      running->plain_url = "http://" + Reachable(ports->substr(0, plain_end));
      running->tls_address = Reachable(ports->substr(tls + 8, ports->find('\n', tls) - tls - 8));
      return server;
    }
    if (!is_running || context.clock.MonotonicMs() > deadline_ms) break;
    context.clock.SleepMs(kStartPollMs);
  }
  return Status(StatusCode::kFailedPrecondition,
                "godwitd (" + command.front() +
                    ") did not start, and said above why not; other ports are given by --listen, "
                    "--listen-tls and --proxy, where 0 picks one");
}

// Until a signal ends the command, or the server ends.
Status WaitForEnd(const SignalWaiter& signals, ServerProcess& server) {
  for (;;) {
    if (signals.Wait() != SIGCHLD) return Status::Ok();
    if (server.IsRunning()) continue;
    return Status(StatusCode::kUnavailable,
                  "godwitd ended by itself, and said above why; start again: godwit dev");
  }
}

// Listens already, so that the server knows where devices will come; nullptr without faults.
Result<std::unique_ptr<FaultServer>> ListenForFaults(const DevOptions& options, Logger& logger,
                                                     Running* running) {
  if (options.faults.empty()) return std::unique_ptr<FaultServer>();
  FaultServerOptions fault_options;
  fault_options.listen = options.fault_listen;
  GODWIT_ASSIGN_OR_RETURN(fault_options.spec, ParseFaultSpec(options.faults));
  GODWIT_ASSIGN_OR_RETURN(auto faults, FaultServer::Listen(fault_options, logger));
  running->fault_url = "http://" + Reachable(faults->address());
  return faults;
}

Status Serve(Context& context, const DevOptions& options, const SignalWaiter& signals) {
  Running running;
  running.public_url = options.public_url;
  const std::string data = options.data.empty()
                               ? JoinPath(ParentPath(context.settings.store_folder()), "godwit-dev")
                               : options.data;
  // The variables must hold in every folder.
  running.data = std::filesystem::absolute(data).lexically_normal().string();
  GODWIT_ASSIGN_OR_RETURN(running.certificates,
                          EnsureDevCertificates(context.fs, context.clock,
                                                JoinPath(running.data, "tls"), DevServerNames()));
  ConsoleLogger logger(context.console);
  GODWIT_ASSIGN_OR_RETURN(const auto faults, ListenForFaults(options, logger, &running));
  GODWIT_ASSIGN_OR_RETURN(const auto server, StartServer(context, options, &running));
  if (faults) GODWIT_RETURN_IF_ERROR(faults->SetUpstream(running.plain_url.substr(7)));
  ProxyOptions proxy_options;
  proxy_options.listen = options.proxy;
  proxy_options.server = running.tls_address;
  GODWIT_ASSIGN_OR_RETURN(const auto proxy, Proxy::Listen(proxy_options, context.clock, logger));
  running.proxy_address = Reachable(proxy->address());
  Explain(context.console, running);
  context.console.Print(ExportLines(running));
  GODWIT_RETURN_IF_ERROR(context.console.Flush());
  context.console.Note("\nCtrl-C ends it.");
  if (!options.env_file.empty()) {
    GODWIT_RETURN_IF_ERROR(ReplaceFile(context.fs, options.env_file, ExportLines(running)));
  }
  std::thread thread([&proxy] { proxy->Run(); });
  std::thread fault_thread;
  if (faults) fault_thread = std::thread([&faults] { faults->Run(); });
  const Status ended = WaitForEnd(signals, *server);
  proxy->Stop();
  thread.join();
  if (faults) {
    faults->Stop();
    fault_thread.join();
  }
  return ended;
}

}  // namespace

Status RunDev(Context& context, const DevOptions& options) {
  const SignalWaiter signals;
  const std::string& env_file = options.env_file;
  if (!env_file.empty()) GODWIT_RETURN_IF_ERROR(context.fs.Remove(env_file));
  const Status status = Serve(context, options, signals);
  if (!env_file.empty()) (void)context.fs.Remove(env_file);  // What it says holds no longer.
  return status;
}

}  // namespace godwit::cli
