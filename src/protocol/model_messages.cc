#include "protocol/model_messages.h"

#include <algorithm>

#include "base/time_format.h"
#include "protocol/json.h"

namespace godwit {
namespace {

constexpr size_t kReplyMax = 64 << 10;
constexpr size_t kUriMax = 8 << 10;

Status Malformed(std::string_view reason) {
  return Status(StatusCode::kDataLoss,
                "the server's answer about the model is malformed: " + std::string(reason) +
                    "; check that the address is a godwit server's");
}

Result<GoldenFile> ReadGolden(const Json& json) {
  GoldenFile golden;
  golden.uri = json["uri"].AsString();
  golden.hash = json["hash"].AsString();
  const int64_t size = json["sizeBytes"].AsInt(-1);
  if (golden.uri.empty() || golden.uri.size() > kUriMax || !IsSha256Hex(golden.hash)) {
    return Malformed("golden has no link or no SHA-256");
  }
  if (size < 0 || static_cast<uint64_t>(size) > kGoldenMaxBytes) {
    return Malformed("golden is too large");
  }
  golden.size_bytes = static_cast<uint64_t>(size);
  return golden;
}

}  // namespace

bool IsSha256Hex(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string DownloadPath(std::string_view project_id, const ModelAddress& address) {
  return "/v1beta2/projects/" + std::string(project_id) + "/models/" + address.ToString() +
         ":download";
}

std::string SerializeDownloadReply(const DownloadReply& reply) {
  Json json = Json::Object({{"downloadUri", reply.download_uri},
                            {"expireTime", FormatTimeMillis(reply.expire_time_ms)},
                            {"sizeBytes", std::to_string(reply.size_bytes)},
                            {"modelFormat", reply.model_format}});
  if (reply.model_version != 0) json.Set("modelVersion", reply.model_version);
  if (reply.golden) {
    json.Set("golden", Json::Object({{"uri", reply.golden->uri},
                                     {"hash", reply.golden->hash},
                                     {"sizeBytes", std::to_string(reply.golden->size_bytes)}}));
  }
  return json.Serialize();
}

std::string_view UnquoteEtag(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  // What Google's front end appends to the tag of a compressed answer.
  if (etag.ends_with("--gzip")) etag.remove_suffix(6);
  return etag;
}

Status CheckDownloadUri(std::string_view uri, std::string_view server_url) {
  const bool is_tls = uri.starts_with("https://");
  const size_t host = is_tls ? 8 : 7;
  const bool is_visible =
      std::all_of(uri.begin(), uri.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if ((!is_tls && !uri.starts_with("http://")) || !is_visible ||
      uri.find_first_of("/?#@\\", host) == host || uri.size() == host) {
    return Malformed("downloadUri is no address of http or https");
  }
  if (!is_tls && server_url.starts_with("https://")) {
    return Status(
        StatusCode::kFailedPrecondition,
        "the server was asked by https and links to the file by plain http, so it was not "
        "downloaded; give godwitd its https address as --public-url");
  }
  return Status::Ok();
}

Result<DownloadReply> ParseDownloadReply(std::string_view body, std::string_view etag_header) {
  GODWIT_ASSIGN_OR_RETURN(
      const Json json,
      Json::Parse(body, {.bytes_max = kReplyMax}).WithContext("answer about the model"));
  DownloadReply reply;
  reply.model_hash = std::string(UnquoteEtag(etag_header));
  reply.download_uri = json["downloadUri"].AsString();
  reply.expire_time_ms = ParseTimeMs(json["expireTime"].AsString());
  reply.model_format = json["modelFormat"].AsString();
  reply.model_version = static_cast<uint64_t>(std::max<int64_t>(json["modelVersion"].AsInt(0), 0));
  const int64_t size = json["sizeBytes"].AsInt(-1);
  if (!IsSha256Hex(reply.model_hash)) return Malformed("its ETag is no SHA-256 in hex");
  if (reply.download_uri.empty() || reply.download_uri.size() > kUriMax) {
    return Malformed("downloadUri is missing or too long");
  }
  if (reply.expire_time_ms < 0) return Malformed("expireTime is no time");
  if (size < 0) return Malformed("sizeBytes is no size");
  reply.size_bytes = static_cast<uint64_t>(size);
  if (json.Has("golden")) {
    GODWIT_ASSIGN_OR_RETURN(reply.golden, ReadGolden(json["golden"]));
  }
  return reply;
}

}  // namespace godwit
