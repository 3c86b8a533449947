// What the Installations service is asked and answers: an app's identity on one device.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit {

// The request header that carries an installation's token to `:download`.
inline constexpr std::string_view kInstallationTokenHeader = "X-Goog-Firebase-Installations-Auth";
inline constexpr std::string_view kApiKeyHeader = "X-Goog-Api-Key";

struct InstallationToken {
  std::string token;
  int64_t expires_in_s = 0;
};

struct CreateInstallationRequest {
  std::string fid;  // May be empty: the server then makes one.
  std::string app_id;
  std::string auth_version = "FIS_v2";
  std::string sdk_version;
};

struct CreateInstallationReply {
  std::string name;  // "projects/{number}/installations/{fid}".
  std::string fid;   // May differ from the one that was sent; the device adopts it.
  std::string refresh_token;
  InstallationToken auth_token;
};

// "/v1/projects/{project}/installations" and what follows it.
std::string CreateInstallationPath(std::string_view project_id);
std::string GenerateTokenPath(std::string_view project_id, std::string_view fid);
std::string DeleteInstallationPath(std::string_view project_id, std::string_view fid);

// 22 base64url characters of which the first is c, d, e or f; or the 11 of an older identity.
bool IsFid(std::string_view text);

// Four bits 0111, then 128 of `random`, as base64url.
std::string MakeFid(const std::array<std::byte, 17>& random);

std::string SerializeCreateInstallationRequest(const CreateInstallationRequest& request);
std::string SerializeCreateInstallationReply(const CreateInstallationReply& reply);
std::string SerializeGenerateTokenRequest(std::string_view sdk_version);
std::string SerializeInstallationToken(const InstallationToken& token);

// Parsers say kInvalidArgument for a request that is wrong, kDataLoss for a reply.
Result<CreateInstallationRequest> ParseCreateInstallationRequest(std::string_view body);
Result<CreateInstallationReply> ParseCreateInstallationReply(std::string_view body);
Result<InstallationToken> ParseInstallationToken(std::string_view body);

}  // namespace godwit
