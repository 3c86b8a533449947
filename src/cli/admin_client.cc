#include "cli/admin_client.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "crypto/crypto.h"
#include "protocol/error_body.h"

namespace godwit::cli {
namespace {

constexpr const char* kScope = "https://www.googleapis.com/auth/cloud-platform";
constexpr int kBusyRetries = 4;
constexpr int64_t kRetryAfterMaxMs = 30'000;
constexpr int64_t kOperationTimeoutMs = 10 * 60'000;
constexpr int kPagesMax = 10'000;

bool IsSuccess(int status) { return status >= 200 && status < 300; }

// How long the server asks to wait; a little longer each time where it does not say.
int64_t RetryDelayMs(const HttpResponse& response, int attempt) {
  const auto header = FindHeader(response.headers, "Retry-After");
  int64_t seconds = 0;
  if (header) {
    const auto [end, error] =
        std::from_chars(header->data(), header->data() + header->size(), seconds);
    if (error == std::errc() && seconds >= 0) {
      return std::min<int64_t>(std::min<int64_t>(seconds, 3600) * 1000, kRetryAfterMaxMs);
    }
  }
  return int64_t{250} << attempt;
}

Status OperationError(const Json& error) {
  const int64_t number = error["code"].AsInt();
  // google.rpc's codes, which StatusCode shares.
  const auto code =
      number >= 1 && number <= 16 ? static_cast<StatusCode>(number) : StatusCode::kUnknown;
  const std::string& message = error["message"].AsString();
  return Status(code, message.empty() ? "the server did not say why it refused" : message);
}

}  // namespace

std::string PercentEncode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
        c == '.' || c == '_' || c == '~') {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kHex[byte >> 4];
      encoded += kHex[byte & 15];
    }
  }
  return encoded;
}

Result<std::string> SignAssertion(const AdminSettings& settings, int64_t now_ms) {
  GODWIT_ASSIGN_OR_RETURN(
      const RsaKey key, RsaKey::FromPrivatePem(settings.private_key).WithContext(settings.source));
  Json header = Json::Object({{"alg", Json("RS256")}, {"typ", Json("JWT")}});
  if (!settings.private_key_id.empty()) header.Set("kid", Json(settings.private_key_id));
  const int64_t now_s = now_ms / 1000;
  const Json claims = Json::Object({{"iss", Json(settings.client_email)},
                                    {"sub", Json(settings.client_email)},
                                    {"aud", Json(settings.token_uri)},
                                    {"scope", Json(kScope)},
                                    {"iat", Json(now_s)},
                                    {"exp", Json(now_s + 3600)}});
  const std::string signed_part = Base64UrlEncode(AsBytes(header.Serialize())) + "." +
                                  Base64UrlEncode(AsBytes(claims.Serialize()));
  GODWIT_ASSIGN_OR_RETURN(const std::string signature, key.SignSha256(signed_part));
  return signed_part + "." + Base64UrlEncode(AsBytes(signature));
}

std::string ModelId(const Json& model) {
  const std::string& name = model["name"].AsString();
  return name.substr(name.rfind('/') + 1);
}

AdminClient::AdminClient(HttpClient& http, Clock& clock, AdminSettings settings)
    : http_(http), clock_(clock), settings_(std::move(settings)) {}

std::string AdminClient::ModelsPath() const {
  return "/v1beta2/projects/" + settings_.project_id + "/models";
}

Status AdminClient::Authenticate() {
  if (!access_token_.empty() && clock_.NowMs() < token_expires_ms_ - 60'000) return Status::Ok();
  GODWIT_ASSIGN_OR_RETURN(const std::string assertion, SignAssertion(settings_, clock_.NowMs()));
  HttpRequest request;
  request.method = "POST";
  request.url = settings_.token_uri;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body =
      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + assertion;
  GODWIT_ASSIGN_OR_RETURN(const HttpResponse response, SendPatiently(request, nullptr));
  const auto json = Json::Parse(response.body);
  if (response.status == 400 || response.status == 401) {
    const std::string why = json.ok() ? (*json)["error_description"].AsString() : "";
    return Status(StatusCode::kUnauthenticated,
                  "the server refused the credentials of " + settings_.source +
                      (why.empty() ? "" : " (" + why + ")") +
                      ", so nothing was done; use a key file that was made for this server");
  }
  if (!IsSuccess(response.status)) {
    return StatusFromErrorBody(response.status, response.body)
        .WithContext("ask for access at " + request.url);
  }
  access_token_ = json.ok() ? (*json)["access_token"].AsString() : "";
  if (access_token_.empty()) {
    return Status(StatusCode::kUnknown, request.url +
                                            " answered without an access token, so it is no "
                                            "such server; check the address");
  }
  token_expires_ms_ = clock_.NowMs() + (*json)["expires_in"].AsInt(300) * 1000;
  return Status::Ok();
}

// A lost answer may have done already what is asked.
bool AdminClient::IsHarmlessTwice(const HttpRequest& request) const {
  if (request.method != "POST") return request.method != "DELETE";
  // A repeated create of a model is refused, a rollback says from what; an upload may start twice.
  return request.url == settings_.token_uri ||
         request.url.starts_with(settings_.url + ModelsPath()) ||
         request.url.find("/upload/storage/") != std::string::npos;
}

Result<HttpResponse> AdminClient::SendPatiently(const HttpRequest& request, HttpSink* sink) {
  const bool repeatable = sink == nullptr && !request.body_source && IsHarmlessTwice(request);
  for (int attempt = 0;; ++attempt) {
    auto response = http_.Send(request, sink, nullptr);
    const bool reached_before = std::exchange(reached_, reached_ || response.ok());
    if (response.ok() || response.status().code() != StatusCode::kUnavailable || !repeatable ||
        !reached_before || attempt == kBusyRetries) {
      return response;
    }
    clock_.SleepMs(int64_t{250} << attempt);
  }
}

Result<HttpResponse> AdminClient::Send(HttpRequest request, HttpSink* sink) {
  // A session link that leads elsewhere carries its own right to be used.
  const bool own =
      request.url.starts_with(settings_.url + "/") ||
      (!settings_.storage_url.empty() && request.url.starts_with(settings_.storage_url + "/"));
  if (!own) return http_.Send(request, sink, nullptr);
  const size_t header = request.headers.size();
  request.headers.push_back({"Authorization", ""});
  for (int attempt = 0;; ++attempt) {
    GODWIT_RETURN_IF_ERROR(Authenticate());
    request.headers[header].value = "Bearer " + access_token_;
    GODWIT_ASSIGN_OR_RETURN(HttpResponse response, SendPatiently(request, sink));
    // A streamed body is spent; its sender begins again itself.
    if (response.status != 401 || attempt > 0 || request.body_source) return response;
    access_token_.clear();
  }
}

Result<Json> AdminClient::CallUrl(const std::string& method, const std::string& url,
                                  const Json& body) {
  HttpRequest request;
  request.method = method;
  request.url = url;
  if (!body.is_null()) {
    request.headers = {{"Content-Type", "application/json; charset=utf-8"}};
    request.body = body.Serialize();
  }
  for (int attempt = 0;; ++attempt) {
    GODWIT_ASSIGN_OR_RETURN(const HttpResponse response, Send(request));
    if (IsSuccess(response.status)) {
      auto json = Json::Parse(response.body);
      if (json.ok() && json->is_object()) return json;
      return Status(StatusCode::kUnknown, settings_.url +
                                              " answered with something else than JSON, so it is "
                                              "no such server; check the address");
    }
    const bool busy = response.status == 429 || response.status == 503;
    if (!busy || attempt == kBusyRetries) {
      return StatusFromErrorBody(response.status, response.body);
    }
    clock_.SleepMs(RetryDelayMs(response, attempt));
  }
}

Result<std::vector<Json>> AdminClient::List(const std::string& path, const std::string& field) {
  const char separator = path.find('?') == std::string::npos ? '?' : '&';
  std::vector<Json> items;
  std::string page_token;
  for (int page = 0; page < kPagesMax; ++page) {
    std::string page_path = path + separator + "pageSize=100";
    if (!page_token.empty()) page_path += "&pageToken=" + PercentEncode(page_token);
    GODWIT_ASSIGN_OR_RETURN(const Json reply, Call("GET", page_path, Json()));
    items.insert(items.end(), reply[field].items().begin(), reply[field].items().end());
    page_token = reply["nextPageToken"].AsString();
    if (page_token.empty()) return items;
  }
  return Status(StatusCode::kUnknown, "the server's list has no end; report this as a bug");
}

Result<std::vector<Json>> AdminClient::ListModels(const std::string& filter) {
  return List(ModelsPath() + (filter.empty() ? "" : "?filter=" + PercentEncode(filter)), "models");
}

Result<Json> AdminClient::FindModel(const std::string& display_name) {
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Json> found,
                          ListModels("displayName=\"" + display_name + "\""));
  for (const Json& model : found) {
    if (model["displayName"].AsString() == display_name) return model;
  }
  return Status(StatusCode::kNotFound, "there is no model '" + display_name + "' at " +
                                           settings_.url +
                                           ", so nothing was done; see what there is: godwit "
                                           "model list");
}

Result<std::vector<Json>> AdminClient::ListVersions(const std::string& model_id) {
  return List(ModelsPath() + "/" + model_id + "/versions", "versions");
}

Result<std::vector<Json>> AdminClient::ListPublications(const std::string& model_id) {
  return List(ModelsPath() + "/" + model_id + "/publications", "publications");
}

Result<Json> AdminClient::GetVersion(const std::string& model_id, int64_t version) {
  return Call("GET", ModelsPath() + "/" + model_id + "/versions/" + std::to_string(version),
              Json());
}

Result<Json> AdminClient::CreateModel(const Json& model) {
  GODWIT_ASSIGN_OR_RETURN(Json operation, Call("POST", ModelsPath(), model));
  return FinishOperation(std::move(operation));
}

Result<Json> AdminClient::PatchModel(const std::string& model_id, const std::string& update_mask,
                                     const Json& model, const std::string& query) {
  std::string path = ModelsPath() + "/" + model_id + "?updateMask=" + PercentEncode(update_mask);
  if (!query.empty()) path += "&" + query;
  GODWIT_ASSIGN_OR_RETURN(Json operation, Call("PATCH", path, model));
  return FinishOperation(std::move(operation));
}

Result<Json> AdminClient::Get(const std::string& url) { return CallUrl("GET", url, Json()); }

Status AdminClient::DeleteModel(const std::string& model_id) {
  return Call("DELETE", ModelsPath() + "/" + model_id, Json()).status();
}

Status AdminClient::DeleteVersion(const std::string& model_id, int64_t version) {
  return Call("DELETE", ModelsPath() + "/" + model_id + "/versions/" + std::to_string(version),
              Json())
      .status();
}

Result<Json> AdminClient::SetAlias(const std::string& model_id, const std::string& alias,
                                   int64_t version) {
  return Call("PUT", ModelsPath() + "/" + model_id + "/aliases/" + PercentEncode(alias),
              Json::Object({{"version", version}}));
}

Status AdminClient::DeleteAlias(const std::string& model_id, const std::string& alias) {
  return Call("DELETE", ModelsPath() + "/" + model_id + "/aliases/" + PercentEncode(alias), Json())
      .status();
}

Result<Json> AdminClient::RollBack(const std::string& model_id, int64_t from_version,
                                   int64_t to_version) {
  Json body = Json::Object();
  body.Set("fromVersion", from_version);
  if (to_version > 0) body.Set("toVersion", to_version);
  return Call("POST", ModelsPath() + "/" + model_id + ":rollback", body);
}

Result<Json> AdminClient::FinishOperation(Json operation) {
  const std::string name = operation["name"].AsString();
  const int64_t deadline_ms = clock_.MonotonicMs() + kOperationTimeoutMs;
  for (int64_t wait_ms = 250; !operation["done"].AsBool();
       wait_ms = std::min(wait_ms * 2, int64_t{5000})) {
    if (clock_.MonotonicMs() > deadline_ms) {
      return Status(StatusCode::kDeadlineExceeded, "the server still works on '" + name +
                                                       "' after ten minutes; it may yet "
                                                       "succeed, so look later: godwit model list");
    }
    clock_.SleepMs(wait_ms);
    GODWIT_ASSIGN_OR_RETURN(operation, Call("GET", "/v1beta2/" + name, Json()));
  }
  if (operation.Has("error")) return OperationError(operation["error"]);
  return operation["response"];
}

}  // namespace godwit::cli
