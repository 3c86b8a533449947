#include "protocol/installation_messages.h"

#include <algorithm>
#include <charconv>

#include "protocol/json.h"

namespace godwit {
namespace {

constexpr JsonLimits kLimits{.bytes_max = 16 << 10, .depth_max = 8};
constexpr size_t kTokenMax = 4 << 10;
constexpr size_t kNameMax = 256;

Status BadReply(std::string_view what) {
  return Status(StatusCode::kDataLoss, "the server's answer about the installation has no valid " +
                                           std::string(what) +
                                           "; check that the address is a godwit server's");
}

bool IsBase64Url(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// A token goes into a header as it is, so only visible ASCII may pass.
bool IsToken(const std::string& text) {
  return !text.empty() && text.size() <= kTokenMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// "604800s"; -1 for anything else.
int64_t ParseSeconds(std::string_view text) {
  if (!text.ends_with('s')) return -1;
  text.remove_suffix(1);
  int64_t seconds = -1;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return error == std::errc() && rest == text.data() + text.size() ? seconds : -1;
}

Json TokenJson(const InstallationToken& token) {
  return Json::Object(
      {{"token", token.token}, {"expiresIn", std::to_string(token.expires_in_s) + "s"}});
}

Result<InstallationToken> TokenFromJson(const Json& json) {
  InstallationToken token{.token = json["token"].AsString(),
                          .expires_in_s = ParseSeconds(json["expiresIn"].AsString())};
  if (!IsToken(token.token)) return BadReply("token");
  if (token.expires_in_s < 0) return BadReply("expiresIn");
  return token;
}

}  // namespace

std::string CreateInstallationPath(std::string_view project_id) {
  return "/v1/projects/" + std::string(project_id) + "/installations";
}

std::string GenerateTokenPath(std::string_view project_id, std::string_view fid) {
  return DeleteInstallationPath(project_id, fid) + "/authTokens:generate";
}

std::string DeleteInstallationPath(std::string_view project_id, std::string_view fid) {
  return CreateInstallationPath(project_id) + "/" + std::string(fid);
}

bool IsFid(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), IsBase64Url)) return false;
  return text.size() == 11 || (text.size() == 22 && text.front() >= 'c' && text.front() <= 'f');
}

std::string MakeFid(const std::array<std::byte, 17>& random) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string fid;
  uint32_t bits = 0b0111;
  int bit_count = 4;
  for (const std::byte byte : random) {
    bits = bits << 8 | static_cast<uint32_t>(byte);
    bit_count += 8;
    while (bit_count >= 6 && fid.size() < 22) {
      bit_count -= 6;
      fid += kAlphabet[bits >> bit_count & 63];
    }
  }
  return fid;
}

std::string SerializeCreateInstallationRequest(const CreateInstallationRequest& request) {
  Json json = Json::Object();
  if (!request.fid.empty()) json.Set("fid", request.fid);
  json.Set("appId", request.app_id)
      .Set("authVersion", request.auth_version)
      .Set("sdkVersion", request.sdk_version);
  return json.Serialize();
}

std::string SerializeCreateInstallationReply(const CreateInstallationReply& reply) {
  return Json::Object({{"name", reply.name},
                       {"fid", reply.fid},
                       {"refreshToken", reply.refresh_token},
                       {"authToken", TokenJson(reply.auth_token)}})
      .Serialize();
}

std::string SerializeGenerateTokenRequest(std::string_view sdk_version) {
  return Json::Object({{"installation", Json::Object({{"sdkVersion", sdk_version}})}}).Serialize();
}

std::string SerializeInstallationToken(const InstallationToken& token) {
  return TokenJson(token).Serialize();
}

Result<CreateInstallationRequest> ParseCreateInstallationRequest(std::string_view body) {
  GODWIT_ASSIGN_OR_RETURN(const Json json,
                          Json::Parse(body, kLimits).WithContext("body of the request"));
  CreateInstallationRequest request;
  GODWIT_RETURN_IF_ERROR(json.ReadString("fid", &request.fid));
  GODWIT_RETURN_IF_ERROR(json.ReadString("appId", &request.app_id));
  GODWIT_RETURN_IF_ERROR(json.ReadString("authVersion", &request.auth_version));
  GODWIT_RETURN_IF_ERROR(json.ReadString("sdkVersion", &request.sdk_version));
  if (!request.fid.empty() && !IsFid(request.fid)) {
    return Status(StatusCode::kInvalidArgument,
                  "fid is no installation id; send 22 base64url characters or none");
  }
  if (request.app_id.empty() || request.app_id.size() > kNameMax) {
    return Status(StatusCode::kInvalidArgument,
                  "appId is missing or too long; send the app's id from its configuration");
  }
  if (request.sdk_version.size() > kNameMax || request.auth_version.size() > kNameMax) {
    return Status(StatusCode::kInvalidArgument,
                  "sdkVersion or authVersion is too long; send at most 256 bytes");
  }
  return request;
}

Result<CreateInstallationReply> ParseCreateInstallationReply(std::string_view body) {
  GODWIT_ASSIGN_OR_RETURN(const Json json,
                          Json::Parse(body, kLimits).WithContext("answer about the installation"));
  CreateInstallationReply reply{.name = json["name"].AsString(),
                                .fid = json["fid"].AsString(),
                                .refresh_token = json["refreshToken"].AsString(),
                                .auth_token = {}};
  if (!reply.fid.empty() && !IsFid(reply.fid)) return BadReply("fid");
  if (!IsToken(reply.refresh_token)) return BadReply("refreshToken");
  GODWIT_ASSIGN_OR_RETURN(reply.auth_token, TokenFromJson(json["authToken"]));
  return reply;
}

Result<InstallationToken> ParseInstallationToken(std::string_view body) {
  GODWIT_ASSIGN_OR_RETURN(const Json json,
                          Json::Parse(body, kLimits).WithContext("answer about the installation"));
  return TokenFromJson(json);
}

}  // namespace godwit
