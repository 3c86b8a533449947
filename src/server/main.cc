// godwitd: reads its settings, starts the server, waits for a signal.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "server/daemon.h"
#include "server/logging/line_logger.h"
#include "server/owner_key.h"
#include "server/tls/certificate_files.h"

namespace {

using godwit::FileSystem;
using godwit::Result;
using godwit::Status;
using godwit::server::Daemon;
using godwit::server::ServerConfig;

// Exit statuses: 0 stopped by a signal, 1 could not start, 2 wrong flags or configuration.
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

struct Flags {
  std::string data;
  std::vector<std::string> listen;
  std::vector<std::string> listen_tls;
  std::vector<std::string> tls_certificates;
  std::vector<std::string> tls_keys;
  std::string public_url;
  std::string config_file;
  std::string port_file;
  std::string new_owner_key;
  bool storage_emulator = false;
  bool check_config = false;
};

int Fail(int exit_status, const Status& status) {
  std::fprintf(stderr, "godwitd: %s\n", status.message().c_str());
  return exit_status;
}

Status ApplyTlsFlags(const Flags& flags, ServerConfig* config) {
  if (flags.tls_certificates.size() != flags.tls_keys.size()) {
    return Status(godwit::StatusCode::kInvalidArgument,
                  "each --tls-cert needs its --tls-key: give them as pairs, in the same order");
  }
  if (!flags.tls_certificates.empty()) config->tls.clear();
  for (size_t i = 0; i < flags.tls_certificates.size(); ++i) {
    config->tls.push_back({flags.tls_certificates[i], flags.tls_keys[i]});
  }
  return Status::Ok();
}

Status ReadConfig(const Flags& flags, FileSystem& fs, ServerConfig* config) {
  constexpr uint64_t kConfigMax = 1 << 20;
  if (!flags.config_file.empty()) {
    GODWIT_ASSIGN_OR_RETURN(const std::string text,
                            ReadWholeFile(fs, flags.config_file, kConfigMax));
    GODWIT_RETURN_IF_ERROR(
        godwit::server::ApplyConfigText(text, config).WithContext(flags.config_file));
  }
  config->data_directory = flags.data;
  if (!flags.listen.empty()) config->listen = flags.listen;
  if (!flags.listen_tls.empty()) config->listen_tls = flags.listen_tls;
  GODWIT_RETURN_IF_ERROR(ApplyTlsFlags(flags, config));
  if (!flags.public_url.empty()) config->public_url = flags.public_url;
  if (flags.storage_emulator) config->storage_emulator = true;
  GODWIT_RETURN_IF_ERROR(godwit::server::ParseLogLevel(config->log_level).status());
  GODWIT_RETURN_IF_ERROR(godwit::server::ParseLogFormat(config->log_format).status());
  return CheckConfig(*config);
}

void PrintWelcome(const Daemon& daemon) {
  std::printf("godwitd %s serves %s\n", GODWIT_VERSION, daemon.public_url().c_str());
  for (const std::string& address : daemon.addresses()) {
    std::printf("listening on %s\n", address.c_str());
  }
  for (const std::string& address : daemon.tls_addresses()) {
    std::printf("listening on %s with TLS\n", address.c_str());
  }
  const auto& first = daemon.first_start();
  if (first.created) {
    std::printf(
        "\nThis is the first start. Keep these two files:\n"
        "  %s   for you: it may change everything\n"
        "  %s     for your app: it may get models\n"
        "\nNext:\n"
        "  export GODWIT_CREDENTIALS=%s GODWIT_APP=%s\n"
        "  godwit model push FILE.tflite --name NAME --publish\n",
        first.admin_path.c_str(), first.app_path.c_str(), first.admin_path.c_str(),
        first.app_path.c_str());
  }
  std::fflush(stdout);
}

// One bound address a line, so that a script that asked for port 0 learns the port: the plain ones
// first, then those with TLS behind "https://".
Status WritePortFile(FileSystem& fs, const std::string& path, const Daemon& daemon) {
  std::string text;
  for (const std::string& address : daemon.addresses()) text += address + "\n";
  for (const std::string& address : daemon.tls_addresses()) text += "https://" + address + "\n";
  return ReplaceFile(fs, path, text);
}

int Run(const Flags& flags) {
  const auto fs = godwit::NewPosixFileSystem();
  const auto clock = godwit::NewSystemClock();
  ServerConfig config;
  const Status read = ReadConfig(flags, *fs, &config);
  if (!read.ok()) return Fail(kExitUsage, read);
  godwit::server::LineLogger logger(
      STDERR_FILENO, godwit::server::ParseLogFormat(config.log_format).value(),
      godwit::server::ParseLogLevel(config.log_level).value(), *clock);
  if (flags.check_config) {
    const Status loaded =
        godwit::server::CertificateFiles(config.tls, *fs, *clock, logger).Load().status();
    if (!loaded.ok()) return Fail(kExitUsage, loaded);
    std::printf("the configuration is valid\n");
    return 0;
  }
  // Before any thread starts, so that only the wait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  if (!flags.new_owner_key.empty()) {
    const auto email =
        godwit::server::MakeOwnerKey(config, *fs, *clock, logger, flags.new_owner_key);
    if (!email.ok()) return Fail(kExitFailed, email.status());
    std::printf("%s is a new owner's key, of %s\n", flags.new_owner_key.c_str(), email->c_str());
    return 0;
  }
  auto daemon = Daemon::Start(config, *fs, *clock, logger);
  if (!daemon.ok()) return Fail(kExitFailed, daemon.status());
  if (!flags.port_file.empty()) {
    const Status written = WritePortFile(*fs, flags.port_file, **daemon);
    if (!written.ok()) return Fail(kExitFailed, written);
  }
  PrintWelcome(**daemon);
  int received = SIGHUP;
  while (received == SIGHUP) {
    sigwait(&signals, &received);
    if (received == SIGHUP) (*daemon)->ReloadCertificates();
  }
  logger.Info("stopping", {{"signal", received == SIGTERM ? "SIGTERM" : "SIGINT"}});
  (*daemon)->Stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app{"godwitd: a home for on-device machine-learning models"};
  app.set_version_flag("--version", std::string("godwitd ") + GODWIT_VERSION);
  app.add_option("--data", flags.data, "Folder of the server's data; made when absent")
      ->required()
      ->type_name("DIR");
  app.add_option("--listen", flags.listen,
                 "Address to listen on, may be repeated; 127.0.0.1:8484 when absent")
      ->type_name("HOST:PORT");
  app.add_option("--listen-tls", flags.listen_tls,
                 "Address to listen on with TLS, may be repeated; needs --tls-cert and --tls-key")
      ->type_name("HOST:PORT");
  app.add_option("--tls-cert", flags.tls_certificates,
                 "PEM file of a certificate and its chain; repeated with its key for more names")
      ->type_name("FILE");
  app.add_option("--tls-key", flags.tls_keys, "PEM file of that certificate's private key")
      ->type_name("FILE");
  app.add_option("--public-url", flags.public_url, "Where devices reach this server")
      ->type_name("URL");
  app.add_option("--config", flags.config_file, "TOML file of settings; flags win over it")
      ->type_name("FILE");
  app.add_option("--port-file", flags.port_file, "Write the bound addresses here, one a line")
      ->type_name("FILE");
  app.add_option("--new-owner-key", flags.new_owner_key,
                 "Write a new owner's key file here and exit; for a server that does not run")
      ->type_name("FILE");
  app.add_flag("--storage-emulator", flags.storage_emulator,
               "Take uploads without credentials (loopback only)");
  app.add_flag("--check-config", flags.check_config, "Check the settings and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  return Run(flags);
}
