#include "device/installation.h"

#include <algorithm>
#include <array>

#include "crypto/crypto.h"
#include "protocol/error_body.h"
#include "protocol/json.h"

namespace godwit {
namespace {

constexpr int64_t kLockPollMs = 50;
constexpr int64_t kRefreshBeforeMs = 3'600'000;
constexpr size_t kReplyMax = 16 << 10;

std::string NewFid() {
  std::array<std::byte, 17> random;
  FillRandom(random);
  return MakeFid(random);
}

bool IsSuccess(int http_status) { return http_status >= 200 && http_status < 300; }

}  // namespace

Result<Installation::State> Installation::Read() {
  GODWIT_ASSIGN_OR_RETURN(const auto bytes, store_.ReadInstallation());
  State state;
  if (!bytes) return state;
  const auto json = Json::Parse(*bytes);
  if (!json.ok()) {  // A new identity costs less than an app that cannot get models.
    logger_.Warning("the stored installation is damaged; a new one will be made");
    return state;
  }
  state.fid = (*json)["fid"].AsString();
  state.refresh_token = (*json)["refresh_token"].AsString();
  state.token = (*json)["token"].AsString();
  state.issued_at_ms = (*json)["issued_at_ms"].AsInt();
  state.refresh_at_ms = (*json)["refresh_at_ms"].AsInt();
  return state;
}

Status Installation::Write(const State& state) {
  return store_.WriteInstallation(Json::Object({{"fid", state.fid},
                                                {"refresh_token", state.refresh_token},
                                                {"token", state.token},
                                                {"issued_at_ms", state.issued_at_ms},
                                                {"refresh_at_ms", state.refresh_at_ms}})
                                      .Serialize());
}

Result<std::unique_ptr<FileLock>> Installation::Lock(const std::atomic<bool>* cancelled) {
  for (;;) {
    auto lock = store_.TryLockInstallation();
    if (lock.ok() || lock.status().code() != StatusCode::kUnavailable) return lock;
    if (cancelled != nullptr && *cancelled) {
      return Status(StatusCode::kCancelled, "cancelled by the caller");
    }
    clock_.SleepMs(kLockPollMs);
  }
}

bool Installation::IsFresh(const State& state) const {
  // A clock that was set back would make an old token look new: then ask rather than trust.
  const int64_t now_ms = clock_.NowMs();
  return !state.token.empty() && now_ms >= state.issued_at_ms && now_ms < state.refresh_at_ms;
}

void Installation::Adopt(const InstallationToken& token, State& state) const {
  // Limited, so that no lifetime overflows; and a short-lived token still lives half its time.
  const int64_t lifetime_ms = std::min<int64_t>(token.expires_in_s, 366 * 86'400) * 1000;
  state.token = token.token;
  state.issued_at_ms = clock_.NowMs();
  state.refresh_at_ms =
      state.issued_at_ms + lifetime_ms - std::min(kRefreshBeforeMs, lifetime_ms / 2);
}

Result<std::string> Installation::Id(const std::atomic<bool>* cancelled) {
  GODWIT_ASSIGN_OR_RETURN(State state, Read());
  if (!state.fid.empty()) return state.fid;
  GODWIT_ASSIGN_OR_RETURN(const auto lock, Lock(cancelled));
  GODWIT_ASSIGN_OR_RETURN(state, Read());
  if (!state.fid.empty()) return state.fid;
  state.fid = NewFid();
  GODWIT_RETURN_IF_ERROR(Write(state).WithContext("keep the installation id"));
  return state.fid;
}

Result<std::string> Installation::Token(const std::atomic<bool>* cancelled) {
  GODWIT_ASSIGN_OR_RETURN(State state, Read());
  if (IsFresh(state)) return state.token;
  GODWIT_ASSIGN_OR_RETURN(const auto lock, Lock(cancelled));
  GODWIT_ASSIGN_OR_RETURN(state, Read());
  if (IsFresh(state)) return state.token;  // Another one asked while we waited.
  GODWIT_RETURN_IF_ERROR(state.refresh_token.empty() ? Register(state, cancelled)
                                                     : Renew(state, cancelled));
  GODWIT_RETURN_IF_ERROR(Write(state).WithContext("keep the installation's token"));
  return state.token;
}

Status Installation::Forget(const std::string& token, const std::atomic<bool>* cancelled) {
  GODWIT_ASSIGN_OR_RETURN(const auto lock, Lock(cancelled));
  GODWIT_ASSIGN_OR_RETURN(State state, Read());
  if (state.token != token) return Status::Ok();
  state.token.clear();
  return Write(state);
}

Status Installation::Renew(State& state, const std::atomic<bool>* cancelled) {
  GODWIT_ASSIGN_OR_RETURN(
      const Servers::Reply reply,
      Post(GenerateTokenPath(options_.project_id, state.fid),
           SerializeGenerateTokenRequest(options_.sdk_version), state.refresh_token, cancelled));
  const HttpResponse& response = reply.response;
  if (response.status == 401 || response.status == 404) {
    logger_.Warning("the server no longer knows this installation; registering a new one");
    // One that stands in may only lag behind the first: then the id stays what it is.
    const std::string fid = servers_.IsFirst(reply.server_url) ? "" : state.fid;
    state = State();
    state.fid = fid;
    return Register(state, cancelled);
  }
  if (!IsSuccess(response.status)) {
    return StatusFromErrorBody(response.status, response.body)
        .WithContext("renew the installation's token");
  }
  GODWIT_ASSIGN_OR_RETURN(const InstallationToken token, ParseInstallationToken(response.body));
  Adopt(token, state);
  return Status::Ok();
}

Status Installation::Register(State& state, const std::atomic<bool>* cancelled) {
  if (state.fid.empty()) state.fid = NewFid();
  CreateInstallationRequest request;
  request.fid = state.fid;
  request.app_id = options_.app_id;
  request.sdk_version = options_.sdk_version;
  GODWIT_ASSIGN_OR_RETURN(const Servers::Reply answered,
                          Post(CreateInstallationPath(options_.project_id),
                               SerializeCreateInstallationRequest(request), "", cancelled));
  const HttpResponse& response = answered.response;
  if (!IsSuccess(response.status)) {
    return StatusFromErrorBody(response.status, response.body)
        .WithContext("register this installation");
  }
  GODWIT_ASSIGN_OR_RETURN(const CreateInstallationReply reply,
                          ParseCreateInstallationReply(response.body));
  if (!reply.fid.empty()) state.fid = reply.fid;
  state.refresh_token = reply.refresh_token;
  Adopt(reply.auth_token, state);
  return Status::Ok();
}

Result<Servers::Reply> Installation::Post(const std::string& path, std::string body,
                                          const std::string& refresh_token,
                                          const std::atomic<bool>* cancelled) {
  HttpRequest request;
  request.method = "POST";
  request.url = path;
  request.headers = {{std::string(kApiKeyHeader), options_.api_key},
                     {"Content-Type", "application/json"},
                     {"Accept", "application/json"}};
  if (!refresh_token.empty()) {
    request.headers.push_back({"Authorization", "FIS_v2 " + refresh_token});
  }
  request.body = std::move(body);
  request.response_body_max_bytes = kReplyMax;
  return servers_.Send(std::move(request), cancelled);
}

}  // namespace godwit
