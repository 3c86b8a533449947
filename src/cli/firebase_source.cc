#include "cli/firebase_source.h"

#include <array>
#include <utility>

#include "cli/file_download.h"
#include "cli/mapped_file.h"
#include "crypto/crypto.h"
#include "protocol/error_body.h"
#include "protocol/installation_messages.h"
#include "protocol/model_address.h"
#include "protocol/model_messages.h"

namespace godwit::cli {
namespace {

constexpr int64_t kFileBytesMax = int64_t{64} << 30;

AdminSettings WithAddresses(AdminSettings key, const FirebaseAddresses& addresses) {
  key.url = addresses.models;
  key.storage_url = addresses.storage;
  return key;
}

Result<uint64_t> ReadSize(const Json& value) {
  const int64_t size_bytes = value.AsInt(-1);
  if (size_bytes >= 0 && size_bytes <= kFileBytesMax) return static_cast<uint64_t>(size_bytes);
  return Status(StatusCode::kUnknown, "the answer does not say how large the file is");
}

// Cloud Storage writes a CRC-32C as base64 of its four bytes, the highest first.
std::string Crc32cText(std::span<const std::byte> bytes) {
  const uint32_t crc = Crc32c(0, bytes);
  std::array<std::byte, 4> big_endian{};
  for (size_t i = 0; i < 4; ++i) big_endian[i] = static_cast<std::byte>(crc >> (24 - 8 * i));
  return Base64Encode(big_endian);
}

Status CheckDigest(const FirebaseModel& model, const Digest& digest) {
  if (!model.digest || *model.digest == digest) return Status::Ok();
  return Status(StatusCode::kModelHashMismatch,
                "the file there is not the one that Firebase serves (another SHA-256)");
}

}  // namespace

FirebaseSource::FirebaseSource(Context& context, AdminSettings key,
                               const FirebaseAddresses& addresses, std::optional<FirebaseApp> app,
                               std::string folder)
    : context_(context),
      client_(context.http, context.clock, WithAddresses(std::move(key), addresses)),
      addresses_(addresses),
      app_(std::move(app)),
      folder_(std::move(folder)) {}

Result<std::vector<FirebaseModel>> FirebaseSource::List() {
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Json> list, client_.ListModels(""));
  std::vector<FirebaseModel> models;
  for (const Json& json : list) {
    GODWIT_ASSIGN_OR_RETURN(FirebaseModel model, ReadFirebaseModel(json));
    models.push_back(std::move(model));
  }
  return models;
}

std::string FirebaseSource::FilePrefix(const FirebaseModel& model) const {
  const std::string& project = client_.settings().project_id;
  return DigestOf(addresses_.models + "\n" + project + "\n" + model.id).ToHex().substr(0, 16) + "-";
}

std::string FirebaseSource::PathOf(const FirebaseModel& model, const std::string& identity) const {
  const std::string file = DigestOf(model.hash + "\n" + identity).ToHex().substr(0, 16);
  return JoinPath(folder_, FilePrefix(model) + file + ".tflite");
}

Result<std::string> FirebaseSource::Fetch(const FirebaseModel& model) {
  GODWIT_RETURN_IF_ERROR(context_.fs.CreateDirectories(folder_));
  Status status;
  if (!model.gcs_uri.empty()) {
    auto path = FetchFromStorage(model);
    if (path.ok()) return path;
    status = path.status().WithContext(model.gcs_uri);
    const bool elsewhere = status.code() == StatusCode::kNotFound ||
                           status.code() == StatusCode::kPermissionDenied ||
                           status.code() == StatusCode::kModelHashMismatch;
    if (!elsewhere) return status;
  } else {
    status = Status(StatusCode::kNotFound,
                    "the file was uploaded in Firebase's console and is in no bucket of yours");
  }
  if (!model.published) {
    return Status(status.code(), status.message() +
                                     "; publish the model there and give --app-id and --api-key, "
                                     "or save the file and use: godwit import folder");
  }
  if (!app_) {
    return Status(status.code(), status.message() +
                                     "; give --app-id and --api-key to get it as an app does, or "
                                     "save the file and use: godwit import folder");
  }
  return FetchAsApp(model);
}

Result<std::string> FirebaseSource::FetchFromStorage(const FirebaseModel& model) {
  const auto object = ReadGcsUri(model.gcs_uri);
  if (!object) return Status(StatusCode::kUnknown, "this is no gs:// address");
  const std::string url = addresses_.storage + "/storage/v1/b/" + PercentEncode(object->bucket) +
                          "/o/" + PercentEncode(object->name);
  GODWIT_ASSIGN_OR_RETURN(const Json metadata, client_.Get(url));
  FileRequest request;
  GODWIT_ASSIGN_OR_RETURN(request.size_bytes, ReadSize(metadata["size"]));
  const std::string& generation = metadata["generation"].AsString();
  request.url = url + "?alt=media&generation=" + PercentEncode(generation);
  request.send = [this](HttpRequest rest, HttpSink* sink) {
    return client_.Send(std::move(rest), sink);
  };
  const std::string path = PathOf(model, model.gcs_uri + "\n" + generation);
  GODWIT_ASSIGN_OR_RETURN(const Digest digest,
                          DownloadFile(context_, request, path, "get " + model.name));
  GODWIT_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const std::string& crc32c = metadata["crc32c"].AsString();
  if (!crc32c.empty() && crc32c != Crc32cText(file.bytes())) {
    (void)context_.fs.Remove(path);  // The next run begins anew.
    return Status(StatusCode::kUnavailable,
                  "the bytes changed on their way (another CRC-32C); try again");
  }
  const Status same = CheckDigest(model, digest);
  if (!same.ok()) (void)context_.fs.Remove(path);
  GODWIT_RETURN_IF_ERROR(same);
  return path;
}

Result<std::string> FirebaseSource::FetchAsApp(const FirebaseModel& model) {
  GODWIT_ASSIGN_OR_RETURN(const std::string token, InstallationToken());
  HttpRequest ask;
  ModelAddress address;
  address.name = model.name;
  ask.url = addresses_.models + DownloadPath(client_.settings().project_id, address);
  ask.headers = {{std::string(kApiKeyHeader), app_->api_key},
                 {std::string(kInstallationTokenHeader), token}};
  GODWIT_ASSIGN_OR_RETURN(const HttpResponse response, context_.http.Send(ask, nullptr, nullptr));
  if (response.status != 200) {
    return StatusFromErrorBody(response.status, response.body).WithContext("get it as an app");
  }
  GODWIT_ASSIGN_OR_RETURN(const Json reply, Json::Parse(response.body));
  FileRequest request;
  GODWIT_ASSIGN_OR_RETURN(request.size_bytes, ReadSize(reply["sizeBytes"]));
  request.url = reply["downloadUri"].AsString();
  request.send = [this](HttpRequest rest, HttpSink* sink) {
    return context_.http.Send(rest, sink, nullptr);
  };
  const std::string etag(FindHeader(response.headers, "ETag").value_or(""));
  const std::string path = PathOf(model, etag);
  GODWIT_ASSIGN_OR_RETURN(const Digest digest,
                          DownloadFile(context_, request, path, "get " + model.name));
  FirebaseModel announced = model;
  if (!announced.digest) announced.digest = ReadModelHash(UnquoteEtag(etag));
  const Status same = CheckDigest(announced, digest);
  if (!same.ok()) (void)context_.fs.Remove(path);
  GODWIT_RETURN_IF_ERROR(same);
  return path;
}

Result<std::string> FirebaseSource::InstallationToken() {
  if (!installation_token_.empty()) return installation_token_;
  std::array<std::byte, 17> random;
  FillRandom(random);
  CreateInstallationRequest body;
  body.fid = MakeFid(random);
  body.app_id = app_->app_id;
  body.sdk_version = "a:1.0.0";  // Firebase wants a letter for the platform and a version.
  HttpRequest request;
  request.method = "POST";
  request.url = addresses_.installations + CreateInstallationPath(client_.settings().project_id);
  request.headers = {{std::string(kApiKeyHeader), app_->api_key},
                     {"Content-Type", "application/json"}};
  request.body = SerializeCreateInstallationRequest(body);
  GODWIT_ASSIGN_OR_RETURN(const HttpResponse response,
                          context_.http.Send(request, nullptr, nullptr));
  if (response.status < 200 || response.status >= 300) {
    return StatusFromErrorBody(response.status, response.body)
        .WithContext("register as an app (check --app-id and --api-key)");
  }
  GODWIT_ASSIGN_OR_RETURN(const CreateInstallationReply reply,
                          ParseCreateInstallationReply(response.body));
  installation_token_ = reply.auth_token.token;
  return installation_token_;
}

void FirebaseSource::Discard(const FirebaseModel& model) {
  const std::string prefix = FilePrefix(model);
  const auto names = context_.fs.List(folder_);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (name.starts_with(prefix)) (void)context_.fs.Remove(JoinPath(folder_, name));
  }
}

}  // namespace godwit::cli
