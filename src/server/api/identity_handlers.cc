#include "server/api/identity_handlers.h"

#include "protocol/installation_messages.h"
#include "server/api/client_identity.h"
#include "server/api/replies.h"

namespace godwit::server {
namespace {

constexpr std::string_view kGenerateSuffix = "authTokens:generate";

InstallationCaller CallerOf(const RequestHead& head, std::string_view project) {
  const std::string_view key = head.Find(kApiKeyHeader);
  return {project, key.empty() ? RawQueryValue(head.query, "key") : key, ReadClientIdentity(head)};
}

Response JsonText(std::string body) {
  return {200, {{"Content-Type", "application/json; charset=UTF-8"}}, std::move(body)};
}

Response CreateInstallation(const ApiServices& services, const Request& request,
                            std::string_view project) {
  auto body = godwit::ParseCreateInstallationRequest(request.body);
  if (!body.ok()) return ErrorResponse(body.status());
  CreateInstallationRequest create;
  create.fid = std::move(body->fid);
  create.app_id = std::move(body->app_id);
  create.sdk_version = std::move(body->sdk_version);
  const auto created = services.installations.Create(CallerOf(request.head, project), create);
  if (!created.ok()) return ErrorResponse(created.status());
  CreateInstallationReply reply;
  reply.name = created->name;
  reply.fid = created->fid;
  reply.refresh_token = created->refresh_token;
  reply.auth_token = {created->auth_token.token, created->auth_token.expires_in_s};
  return JsonText(SerializeCreateInstallationReply(reply));
}

Response GenerateToken(const ApiServices& services, const RequestHead& head,
                       std::string_view project, std::string_view fid) {
  const auto token = services.installations.GenerateToken(CallerOf(head, project), fid,
                                                          head.Find("Authorization"));
  if (!token.ok()) return ErrorResponse(token.status());
  return JsonText(SerializeInstallationToken({token->token, token->expires_in_s}));
}

}  // namespace

Response HandleTokenRequest(const ApiServices& services, const Request& request) {
  OAuthError error;
  const auto token = services.access.ExchangeJwt(request.body, &error);
  if (token) {
    return WithoutStore(JsonResponse(200, Json::Object({{"access_token", token->token},
                                                        {"expires_in", token->expires_in_s},
                                                        {"token_type", "Bearer"}})));
  }
  services.logger.Info("access token refused",
                       {{"error", error.error}, {"reason", error.description}});
  return JsonResponse(
      error.error == "server_error" ? 503 : 400,
      Json::Object({{"error", error.error}, {"error_description", error.description}}));
}

Response HandleInstallationRequest(const ApiServices& services, const Request& request,
                                   const RequestTarget& target) {
  const Method method = request.head.method;
  const std::string_view project = target.At(2);
  const std::string_view fid = target.At(4);
  const size_t depth = target.segments.size();
  if (depth == 4 && method == Method::kPost) return CreateInstallation(services, request, project);
  if (depth == 6 && method == Method::kPost && target.At(5) == kGenerateSuffix) {
    return GenerateToken(services, request.head, project, fid);
  }
  if (depth == 5 && method == Method::kDelete) {
    const Status deleted = services.installations.Delete(CallerOf(request.head, project), fid,
                                                         request.head.Find("Authorization"));
    if (const Project* named = services.access.snapshot()->FindProject(project);
        deleted.ok() && named != nullptr) {
      services.registry.ForgetInstallation(named->number, fid);
    }
    return deleted.ok() ? JsonResponse(200, Json::Object()) : ErrorResponse(deleted);
  }
  return ErrorResponse(NoSuchMethod());
}

}  // namespace godwit::server
