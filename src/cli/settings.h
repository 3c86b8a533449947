// Settings: which server, as whom. From flags, then the environment, then `godwit login`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "fs/file_system.h"

namespace godwit::cli {

// Empty: not given.
struct ConnectionFlags {
  std::string url;
  std::string credentials;  // A path.
  std::string app;          // A path.
};

// An administrator's service account: what admin.json holds (Google's key-file format).
struct AdminSettings {
  std::string url;  // "http://127.0.0.1:8484", without a slash at the end.
  std::string token_uri;
  std::string storage_url{};  // Where its objects are, if not at url.
  std::string project_id;
  std::string client_email;
  std::string private_key_id;
  std::string private_key;  // PEM. A secret.
  std::string source;       // Where it was found, for messages.
};

// One app of a project: what app.json holds.
struct AppSettings {
  std::string url;
  std::string project_id;
  int64_t project_number = 0;
  std::string app_id;
  std::string api_key;
  std::string source;
};

// Read the two files' text. kInvalidArgument names the field that is missing or wrong.
Result<AdminSettings> ParseAdminSettings(const std::string& text);
Result<AppSettings> ParseAppSettings(const std::string& text);

// "http(s)://host[:port][/path]" without a slash at the end, or kInvalidArgument.
Result<std::string> NormalizeServerUrl(std::string url);

// The environment: a variable's value, empty when unset.
using Variables = std::function<std::string(const char* name)>;
std::string ProcessVariable(const char* name);

// Not thread-safe. Borrows the file system.
class Settings {
 public:
  Settings(FileSystem& fs, Variables variables, ConnectionFlags flags);

  // kUnauthenticated, with what to do, when there are none.
  Result<AdminSettings> Admin() const;
  Result<AppSettings> App() const;

  // Writes admin.json and app.json as given and remembers the address, all mode 0600. An empty
  // text leaves that file as it is.
  Status Save(const std::string& url, const std::string& admin_text, const std::string& app_text);
  // Forgets all of it. Ok when there is nothing.
  Status Forget();

  // $XDG_CONFIG_HOME/godwit, by default ~/.config/godwit.
  const std::string& config_folder() const { return config_folder_; }
  // $XDG_DATA_HOME/godwit, by default ~/.local/share/godwit: the device store.
  const std::string& store_folder() const { return store_folder_; }
  // $XDG_CACHE_HOME/godwit, by default ~/.cache/godwit.
  const std::string& cache_folder() const { return cache_folder_; }
  const ConnectionFlags& flags() const { return flags_; }

 private:
  struct Found {
    std::string text;
    std::string source;
  };
  // The text of the file that the flag, the variable or the login names.
  Result<Found> FindFile(const std::string& flag, const char* variable,
                         const char* saved_name) const;
  // The address from the flag, the variable or the login; empty when none says.
  Result<std::string> FindUrl() const;

  FileSystem& fs_;
  Variables variables_;
  ConnectionFlags flags_;
  std::string config_folder_;
  std::string store_folder_;
  std::string cache_folder_;
};

}  // namespace godwit::cli
