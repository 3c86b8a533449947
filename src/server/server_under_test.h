// ServerUnderTest: a whole godwitd in this process, on port 0, and a client that talks to it
// over a real socket.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "fs/file_system.h"
#include "http/http_client.h"
#include "protocol/json.h"
#include "server/daemon.h"
#include "testing/manual_clock.h"
#include "testing/temp_directory.h"

namespace godwit::server {

struct Reply {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::string body;

  Json json() const;                                // Null when the body is none.
  std::string Header(std::string_view name) const;  // Empty when absent.
};

using Headers = std::vector<HttpHeader>;

// Not thread-safe, except Send.
class ServerUnderTest {
 public:
  explicit ServerUnderTest(ServerConfig config = {});

  // Stops and starts on the same folder and port.
  void Restart() { RestartAfter(nullptr); }
  // The same, and does `between` while it does not run.
  void RestartAfter(const std::function<void()>& between);

  // target: a path, or a whole URL.
  Reply Send(std::string method, const std::string& target, Headers headers = {},
             std::string body = {});
  // With the admin's access token.
  Reply Admin(std::string method, const std::string& path, std::string body = {},
              Headers headers = {});
  // With the app's API key and an installation's token.
  Reply Device(const std::string& path, Headers headers = {});

  const std::string& access_token() const { return access_token_; }
  const std::string& api_key() const { return api_key_; }
  const std::string& app_id() const { return app_id_; }
  const std::string& installation_token() const { return installation_token_; }
  // Of the bound address, whatever the public URL is.
  std::string url() const { return "http://" + daemon_->addresses().front(); }
  std::string tls_url() const { return "https://" + daemon_->tls_addresses().front(); }
  const std::string& folder() const { return directory_.path(); }
  testing::ManualClock& clock() { return clock_; }
  const Json& admin_file() const { return admin_file_; }

  // The form of /token for the admin's key, with these claims.
  std::string TokenForm(const Json& claims) const;
  Json GoodClaims() const;

  // Uploads the bytes to gs://godwit.test/NAME in one request; returns that URI.
  std::string Upload(const std::string& object_name, std::string bytes);
  // Creates a model of these bytes and publishes it; returns its id.
  std::string CreatePublished(const std::string& display_name, const std::string& bytes);

 private:
  void Start();
  void Register();

  testing::TempDirectory directory_;
  testing::ManualClock clock_;
  NullLogger logger_;
  std::unique_ptr<FileSystem> fs_;
  std::unique_ptr<HttpClient> client_;
  ServerConfig config_;
  std::unique_ptr<Daemon> daemon_;
  Json admin_file_;
  std::string access_token_;
  std::string api_key_;
  std::string app_id_;
  std::string installation_token_;
};

// The bytes of models/digits/NAME.
std::string DigitsModel(std::string_view name);

}  // namespace godwit::server
