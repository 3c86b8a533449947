// AdminClient: the server's administration API as Firebase speaks it, with a service account.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/settings.h"
#include "http/http_client.h"
#include "protocol/json.h"

namespace godwit::cli {

// RFC 3986: everything but letters, digits and "-._~" becomes %XX.
std::string PercentEncode(std::string_view text);

// The signed assertion of RFC 7523 that the server swaps for an access token.
Result<std::string> SignAssertion(const AdminSettings& settings, int64_t now_ms);

// The id at the end of a Model's resource name.
std::string ModelId(const Json& model);

// Not thread-safe. Every call blocks. A busy server (429, 503) is asked again a few times; one
// that cannot be reached is not.
class AdminClient {
 public:
  AdminClient(HttpClient& http, Clock& clock, AdminSettings settings);

  const AdminSettings& settings() const { return settings_; }

  // All models that the filter lets through (empty: all), over all pages.
  Result<std::vector<Json>> ListModels(const std::string& filter);
  // By display name; kNotFound says how to see the others.
  Result<Json> FindModel(const std::string& display_name);
  Result<std::vector<Json>> ListVersions(const std::string& model_id);
  Result<Json> GetVersion(const std::string& model_id, int64_t version);

  // Return the Model once the server's operation is done.
  Result<Json> CreateModel(const Json& model);
  // update_mask: "tags,displayName". query: more parameters, as in "publish=false".
  Result<Json> PatchModel(const std::string& model_id, const std::string& update_mask,
                          const Json& model, const std::string& query = "");
  Status DeleteModel(const std::string& model_id);
  Status DeleteVersion(const std::string& model_id, int64_t version);

  // Return the Model afterwards.
  Result<Json> SetAlias(const std::string& model_id, const std::string& alias, int64_t version);
  // from: what must be published now, 0: nothing. to: 0: what was published before.
  Result<Json> RollBack(const std::string& model_id, int64_t from_version, int64_t to_version);
  Status DeleteAlias(const std::string& model_id, const std::string& alias);
  // Newest first.
  Result<std::vector<Json>> ListPublications(const std::string& model_id);

  // The JSON object at a URL of the server.
  Result<Json> Get(const std::string& url);

  // Sends a JSON request (null: none) to a path of the server, asks a busy server again, and reads
  // the JSON object that it answers.
  Result<Json> Call(const std::string& method, const std::string& path, const Json& body) {
    return CallUrl(method, settings_.url + path, body);
  }
  // The items of `field` over all pages of a list.
  Result<std::vector<Json>> List(const std::string& path, const std::string& field);

  // Asks for a token if there is none that still lives. Proves that the credentials are good.
  Status Authenticate();

  // Sends with the access token, once more with a new one after 401. Any status is a success.
  // The token goes to the server's own addresses only.
  Result<HttpResponse> Send(HttpRequest request, HttpSink* sink = nullptr);

 private:
  Result<Json> CallUrl(const std::string& method, const std::string& url, const Json& body);
  // As HttpClient::Send, but sits out a restart: a server that has answered before is asked again
  // for some seconds when it cannot be reached, unless doing it twice could do harm.
  Result<HttpResponse> SendPatiently(const HttpRequest& request, HttpSink* sink);
  bool IsHarmlessTwice(const HttpRequest& request) const;
  Result<Json> FinishOperation(Json operation);
  std::string ModelsPath() const;

  HttpClient& http_;
  Clock& clock_;
  AdminSettings settings_;
  std::string access_token_;
  int64_t token_expires_ms_ = 0;
  bool reached_ = false;  // The server has answered.
};

}  // namespace godwit::cli
