#include "server/config.h"

#include <toml++/toml.h>

#include <algorithm>

namespace godwit::server {
namespace {

Status Invalid(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

// Reads the keys of one table; what it has not read is unknown.
class TableReader {
 public:
  TableReader(std::string name, const toml::table& table) : name_(std::move(name)), table_(table) {}

  template <typename T>
  void Read(std::string_view key, T* target) {
    const toml::node* node = Take(key);
    if (node == nullptr) return;
    if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      ReadList(key, *node, target);
    } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      const auto value = node->value_exact<int64_t>();
      if (!value || *value < 0 || !std::in_range<T>(*value)) return Fail(key, *node, "a number");
      *target = static_cast<T>(*value);
    } else {
      const auto value = node->value_exact<T>();
      if (!value) return Fail(key, *node, std::is_same_v<T, bool> ? "true or false" : "a text");
      *target = *value;
    }
  }

  // A key that was not there leaves the array nullptr.
  const toml::array* Tables(std::string_view key) {
    const toml::node* node = Take(key);
    if (node == nullptr) return nullptr;
    const toml::array* array = node->as_array();
    if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
      Fail(key, *node, "a list of tables: write [[" + name_ + std::string(key) + "]]");
      return nullptr;
    }
    return array;
  }

  const toml::table* Table(std::string_view key) {
    const toml::node* node = Take(key);
    return node == nullptr ? nullptr : node->as_table();
  }

  Status Finish() const {
    if (!status_.ok()) return status_;
    for (const auto& [key, node] : table_) {
      if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
      return Invalid("line " + std::to_string(node.source().begin.line) + ": the key '" + name_ +
                     std::string(key.str()) + "' is unknown; look for a typing error");
    }
    return Status::Ok();
  }

 private:
  const toml::node* Take(std::string_view key) {
    known_.push_back(key);
    return table_.get(key);
  }

  void ReadList(std::string_view key, const toml::node& node, std::vector<std::string>* target) {
    const toml::array* array = node.as_array();
    if (array == nullptr) return Fail(key, node, "a list of texts");
    target->clear();
    for (const toml::node& item : *array) {
      const auto value = item.value_exact<std::string>();
      if (!value) return Fail(key, node, "a list of texts");
      target->push_back(*value);
    }
  }

  void Fail(std::string_view key, const toml::node& node, std::string_view wanted) {
    status_ = Invalid("line " + std::to_string(node.source().begin.line) + ": '" + name_ +
                      std::string(key) + "' must be " + std::string(wanted));
  }

  const std::string name_;
  const toml::table& table_;
  std::vector<std::string_view> known_;
  Status status_;
};

Status ApplyTlsTables(const toml::array& tables, ServerConfig* config) {
  config->tls.clear();
  for (const toml::node& node : tables) {
    TlsFiles files;
    TableReader reader("tls.", *node.as_table());
    reader.Read("cert", &files.certificate);
    reader.Read("key", &files.private_key);
    GODWIT_RETURN_IF_ERROR(reader.Finish());
    config->tls.push_back(std::move(files));
  }
  return Status::Ok();
}

Status ApplyTable(const toml::table& table, ServerConfig* config) {
  TableReader root("", table);
  root.Read("listen", &config->listen);
  root.Read("listen_tls", &config->listen_tls);
  root.Read("public_url", &config->public_url);
  root.Read("storage_hosts", &config->storage_hosts);
  root.Read("storage_emulator", &config->storage_emulator);
  root.Read("require_installation_token", &config->require_installation_token);
  root.Read("loop_threads", &config->loop_threads);
  root.Read("worker_threads", &config->worker_threads);
  const toml::array* tls_tables = root.Tables("tls");
  const toml::table* log_table = root.Table("log");
  const toml::table* limits_table = root.Table("limits");
  const toml::table* garbage_table = root.Table("garbage");
  const toml::table* events_table = root.Table("events");
  GODWIT_RETURN_IF_ERROR(root.Finish());
  if (tls_tables != nullptr) GODWIT_RETURN_IF_ERROR(ApplyTlsTables(*tls_tables, config));
  if (log_table != nullptr) {
    TableReader log("log.", *log_table);
    log.Read("level", &config->log_level);
    log.Read("format", &config->log_format);
    GODWIT_RETURN_IF_ERROR(log.Finish());
  }
  if (garbage_table != nullptr) {
    TableReader garbage("garbage.", *garbage_table);
    garbage.Read("period_ms", &config->garbage_period_ms);
    garbage.Read("blob_age_min_ms", &config->garbage_blob_age_min_ms);
    GODWIT_RETURN_IF_ERROR(garbage.Finish());
  }
  if (events_table != nullptr) {
    TableReader events("events.", *events_table);
    events.Read("rows_days", &config->events_rows_days);
    events.Read("totals_days", &config->events_totals_days);
    GODWIT_RETURN_IF_ERROR(events.Finish());
  }
  if (limits_table == nullptr) return Status::Ok();
  TableReader limits("limits.", *limits_table);
  limits.Read("model_max_bytes", &config->model_max_bytes);
  limits.Read("verify_at_once_max_bytes", &config->verify_at_once_max_bytes);
  limits.Read("free_disk_reserve_bytes", &config->free_disk_reserve_bytes);
  limits.Read("versions_kept", &config->versions_kept);
  limits.Read("connections_max", &config->connections_max);
  return limits.Finish();
}

bool IsLoopback(std::string_view listen) {
  return listen.starts_with("127.") || listen.starts_with("localhost:") ||
         listen.starts_with("[::1]:");
}

bool IsWildcard(std::string_view listen) {
  return listen.starts_with("0.0.0.0:") || listen.starts_with("[::]:") || listen.starts_with("*:");
}

Status CheckTls(const ServerConfig& config) {
  if (config.listen_tls.empty() != config.tls.empty()) {
    return Invalid(config.tls.empty()
                       ? "listening with TLS needs a certificate: say --tls-cert FILE --tls-key "
                         "FILE, or name them in a [[tls]] table"
                       : "there is a TLS certificate, but no address to use it on: say "
                         "--listen-tls HOST:PORT, too");
  }
  for (const TlsFiles& files : config.tls) {
    if (files.certificate.empty() || files.private_key.empty()) {
      return Invalid(
          "each certificate needs its key, and each key its certificate: give cert "
          "and key as pairs");
    }
  }
  return Status::Ok();
}

}  // namespace

Status ApplyConfigText(std::string_view text, ServerConfig* config) {
  try {
    return ApplyTable(toml::parse(text), config);
  } catch (const toml::parse_error& error) {
    return Invalid("line " + std::to_string(error.source().begin.line) + ": " +
                   std::string(error.description()));
  }
}

Status CheckConfig(const ServerConfig& config) {
  if (config.data_directory.empty()) {
    return Invalid("no data folder is given: say --data DIR");
  }
  GODWIT_RETURN_IF_ERROR(CheckTls(config));
  std::vector<std::string> addresses = config.listen;
  addresses.insert(addresses.end(), config.listen_tls.begin(), config.listen_tls.end());
  for (const std::string& listen : addresses) {
    if (config.storage_emulator && !IsLoopback(listen)) {
      return Invalid(
          "storage_emulator lets anyone write, so it works on loopback only; listen on " + listen +
          " without it");
    }
    if (IsWildcard(listen) && config.public_url.empty()) {
      return Invalid("listening on " + listen +
                     " needs a public URL: devices get links to it; say --public-url "
                     "https://NAME:PORT");
    }
  }
  const std::string& url = config.public_url;
  if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://")) {
    return Invalid("public_url '" + url + "' must begin with http:// or https://");
  }
  if (config.model_max_bytes < 1 << 10) return Invalid("limits.model_max_bytes is below 1024");
  if (config.worker_threads < 1 || config.worker_threads > 256 || config.loop_threads > 256) {
    return Invalid("worker_threads must be 1 to 256, loop_threads 0 to 256");
  }
  if (config.garbage_period_ms < 1) return Invalid("garbage.period_ms must be 1 or more");
  if (config.events_rows_days < 1 || config.events_totals_days < config.events_rows_days) {
    return Invalid("events.rows_days must be 1 or more, and events.totals_days not less than it");
  }
  if (config.connections_max < 1) return Invalid("limits.connections_max must be 1 or more");
  return Status::Ok();
}

std::vector<std::string> PlainListen(const ServerConfig& config) {
  if (config.listen.empty() && config.listen_tls.empty()) return {"127.0.0.1:8484"};
  return config.listen;
}

std::string PublicUrl(const ServerConfig& config, const std::vector<std::string>& plain_addresses,
                      const std::vector<std::string>& tls_addresses) {
  std::string url = config.public_url;
  if (url.empty()) {
    url = tls_addresses.empty() ? "http://" + plain_addresses.front()
                                : "https://" + tls_addresses.front();
  }
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string HostOfUrl(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find('/')));
}

}  // namespace godwit::server
