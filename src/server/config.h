// ServerConfig: what the owner may set, by a TOML file and flags.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::server {

// The files of one certificate chain and its private key, both PEM.
struct TlsFiles {
  std::string certificate;
  std::string private_key;
};

// A value type. The defaults here are the server's.
struct ServerConfig {
  std::string data_directory;
  std::vector<std::string> listen;         // HOST:PORT or [IPv6]:PORT; 0 picks.
  std::vector<std::string> listen_tls;     // The same, with TLS.
  std::vector<TlsFiles> tls;               // The first is for clients that ask for no name.
  std::string public_url;                  // What devices reach; empty: https:// of the first
                                           // listen_tls, else http:// of the first listen.
  std::vector<std::string> storage_hosts;  // More host[:port] names of this server.
  bool storage_emulator = false;           // Storage without credentials; loopback only.
  bool require_installation_token = true;

  std::string log_level = "info";
  std::string log_format = "text";

  uint64_t model_max_bytes = 2ull << 30;
  uint64_t verify_at_once_max_bytes = 32 << 20;  // Bigger files are validated in the background.
  uint64_t free_disk_reserve_bytes = 256 << 20;
  int64_t versions_kept =
      10;  // Newest of each model; what something points to stays anyway. 0: all.
  int connections_max = 16'000;
  int64_t garbage_period_ms = 3600 * 1000;             // Between two rounds of maintenance.
  int64_t garbage_blob_age_min_ms = 26 * 3600 * 1000;  // A blob that nothing names stays so long.
  int64_t events_rows_days = 90;                       // What devices tell, by installation.
  int64_t events_totals_days = 400;  // Sums over all of them, and what each held when last seen.
  int loop_threads = 0;              // 0: one per core.
  int worker_threads = 4;
};

// Sets what the TOML text names. kInvalidArgument, with line and key, for text that is no TOML,
// an unknown key, or a value of the wrong type.
Status ApplyConfigText(std::string_view text, ServerConfig* config);

// kInvalidArgument says which setting is wrong and what would be right.
Status CheckConfig(const ServerConfig& config);

// `listen`, or 127.0.0.1:8484 when nothing at all is configured to listen on.
std::vector<std::string> PlainListen(const ServerConfig& config);

// The configured public URL without its last slash. When there is none, "https://" and the first
// address with TLS, else "http://" and the first plain one; REQUIRES: there is one.
std::string PublicUrl(const ServerConfig& config, const std::vector<std::string>& plain_addresses,
                      const std::vector<std::string>& tls_addresses);

// "host:port" of "https://host:port/path".
std::string HostOfUrl(std::string_view url);

}  // namespace godwit::server
