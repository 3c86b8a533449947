#include "server/api/device_handler.h"

#include "protocol/device_context.h"
#include "protocol/error_body.h"
#include "protocol/installation_messages.h"
#include "protocol/model_messages.h"
#include "server/api/client_identity.h"
#include "server/api/replies.h"
#include "server/http/header_text.h"

namespace godwit::server {
namespace {

constexpr std::string_view kPrefix = "/v1beta2/projects/";
constexpr std::string_view kSuffix = ":download";
constexpr int64_t kHourMs = 3600 * 1000;

// So long before the hour ends the answers of the next one are made.
constexpr int64_t kPrepareMs = 2 * 60 * 1000;

int64_t HourAfter(int64_t now_ms) { return (now_ms / kHourMs + 1) * kHourMs; }

bool EtagMatches(std::string_view if_none_match, std::string_view etag) {
  return !if_none_match.empty() && UnquoteEtag(if_none_match) == etag;
}

}  // namespace

DeviceHandler::DeviceHandler(const ApiServices& services) : services_(services) {
  for (int i = 0; i <= static_cast<int>(Refusal::kTokenWrong); ++i) {
    const Status& status = RefusalStatus(static_cast<Refusal>(i));
    const std::string body = status.ok() ? "" : SerializeErrorBody(status);
    refusals_.push_back("Content-Type: application/json; charset=UTF-8\r\nContent-Length: " +
                        std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  services_.registry.OnChange([this](const ModelPointer& before, const ModelPointer& after) {
    const std::lock_guard lock(rebuild_mutex_);
    Rebuild(before, after);
  });
  Refresh();
}

bool DeviceHandler::Accepts(const RequestHead& head) {
  return head.method == Method::kGet && head.path.starts_with(kPrefix) &&
         head.path.ends_with(kSuffix);
}

const Status& DeviceHandler::RefusalStatus(Refusal refusal) {
  static const Status statuses[] = {
      Status::Ok(),
      Status(StatusCode::kPermissionDenied,
             "The request is missing a valid API key: send x-goog-api-key."),
      Status(StatusCode::kPermissionDenied,
             "API key not valid. Pass a valid API key of this server."),
      Status(StatusCode::kPermissionDenied, "The API key belongs to another project."),
      BlockedClient(KeyRestrictions::Kind::kAndroid),
      BlockedClient(KeyRestrictions::Kind::kIos),
      BlockedClient(KeyRestrictions::Kind::kBrowser),
      Status(StatusCode::kUnauthenticated,
             "The request is missing an installation token: send "
             "X-Goog-Firebase-Installations-Auth."),
      Status(StatusCode::kUnauthenticated,
             "The installation token is not valid or has expired: get a new one."),
  };
  return statuses[static_cast<size_t>(refusal)];
}

DeviceHandler::Credentials DeviceHandler::ReadCredentials(const RequestHead& head) {
  Credentials credentials;
  for (const RequestHead::Header& header : head.headers) {
    switch (header.name.size()) {
      case std::string_view("If-None-Match").size():
        if (EqualsIgnoringCase(header.name, "If-None-Match")) {
          credentials.if_none_match = header.value;
        }
        break;
      case kContextHeader.size():
        if (EqualsIgnoringCase(header.name, kContextHeader)) credentials.context = header.value;
        break;
      case kApiKeyHeader.size():
        if (EqualsIgnoringCase(header.name, kApiKeyHeader)) credentials.api_key = header.value;
        break;
      case kInstallationTokenHeader.size():
        if (EqualsIgnoringCase(header.name, kInstallationTokenHeader)) {
          credentials.token = header.value;
        }
        break;
      default:
        break;
    }
  }
  if (credentials.api_key.empty()) credentials.api_key = RawQueryValue(head.query, "key");
  return credentials;
}

bool DeviceHandler::IsCurrent(const View& view, int64_t now_ms) const {
  return now_ms < view.valid_until_ms && services_.access.generation() == view.access_generation;
}

DeviceHandler::Refusal DeviceHandler::CheckKey(const View& view, const RequestHead& head,
                                               const Credentials& credentials,
                                               std::string_view project,
                                               const ApiKey** found) const {
  if (credentials.api_key.empty()) return Refusal::kKeyMissing;
  const ApiKey* key = view.access->FindApiKey(credentials.api_key);
  if (key == nullptr) return Refusal::kKeyWrong;
  const Project* asked = view.access->FindProject(project);
  if (asked == nullptr || asked->number != key->project_number) return Refusal::kProjectWrong;
  // Few keys are restricted: only theirs is the look at more headers.
  const KeyRestrictions::Kind kind = key->restrictions.kind();
  if (kind != KeyRestrictions::Kind::kNone && !key->restrictions.Allow(ReadClientIdentity(head))) {
    if (kind == KeyRestrictions::Kind::kAndroid) return Refusal::kAndroidBlocked;
    return kind == KeyRestrictions::Kind::kIos ? Refusal::kIosBlocked : Refusal::kReferrerBlocked;
  }
  *found = key;
  return Refusal::kNone;
}

DeviceHandler::Refusal DeviceHandler::CheckToken(const View& view, const Credentials& credentials,
                                                 const ApiKey& key, int64_t now_ms,
                                                 InstallationClaims* claims) const {
  if (credentials.token.empty()) {
    return services_.options.require_installation_token ? Refusal::kTokenMissing : Refusal::kNone;
  }
  const TokenCheck check = view.access->VerifyInstallationToken(credentials.token, now_ms, claims);
  return check == TokenCheck::kValid && view.access->Fits(*claims, key) ? Refusal::kNone
                                                                        : Refusal::kTokenWrong;
}

void DeviceHandler::NoteSighting(const Credentials& credentials, const InstallationClaims& claims,
                                 std::string_view model, int64_t now_ms) const {
  if (claims.fid.text().empty()) return;
  services_.sightings.Note({claims.project_number, claims.fid.text(), model,
                            UnquoteEtag(credentials.if_none_match), credentials.context, now_ms});
}

bool DeviceHandler::TryFast(const RequestHead& head, FastReply* reply) {
  const std::shared_ptr<const View>& view = view_.Local();
  const int64_t now_ms = services_.clock.NowMs();
  if (!IsCurrent(*view, now_ms)) return false;
  const std::string_view path =
      head.path.substr(kPrefix.size(), head.path.size() - kPrefix.size() - kSuffix.size());
  const DeliveryKey key(path);
  // The table is read step by step between the checks, whose arithmetic hides how long memory
  // takes.
  view->table.FetchSlot(key.hash);
  const Credentials credentials = ReadCredentials(head);
  view->table.FetchRecord(key.hash);
  const ApiKey* api_key = nullptr;
  Refusal refusal = CheckKey(*view, head, credentials, path.substr(0, path.find('/')), &api_key);
  std::optional<DeliveryAnswer> answer = view->table.Find(key);
  InstallationClaims claims;
  if (refusal == Refusal::kNone) {
    refusal = CheckToken(*view, credentials, *api_key, now_ms, &claims);
  }
  if (refusal != Refusal::kNone) {
    reply->status = HttpStatusFromCode(RefusalStatus(refusal).code());
    reply->after_date = refusals_[static_cast<size_t>(refusal)];
    return true;
  }
  if (answer && answer->has_test_devices) {
    answer = view->table.ForInstallation(key, claims.fid.text());
  }
  if (!answer) return false;
  NoteSighting(credentials, claims, key.model.substr(key.model.rfind('/') + 1), now_ms);
  const bool same = EtagMatches(credentials.if_none_match, answer->etag);
  reply->status = same ? 304 : 200;
  reply->after_date = same ? answer->not_modified : answer->ok;
  reply->owner = view;
  return true;
}

Response DeviceHandler::Handle(const RequestHead& head, const RequestTarget& target) {
  Refresh();
  const std::shared_ptr<const View> view = view_.Get();
  std::string_view name = target.At(4);
  name.remove_suffix(kSuffix.size());
  if (name.empty()) {
    // What Firebase answers when an app asks for a model without a name.
    return ErrorResponse(Status(StatusCode::kUnauthenticated,
                                "API keys are not supported by this API. Expected OAuth2 access "
                                "token: name a model, as in models/NAME:download."));
  }
  const Credentials credentials = ReadCredentials(head);
  const ApiKey* api_key = nullptr;
  Refusal refusal = CheckKey(*view, head, credentials, target.At(2), &api_key);
  InstallationClaims claims;
  if (refusal == Refusal::kNone) {
    refusal = CheckToken(*view, credentials, *api_key, services_.clock.NowMs(), &claims);
  }
  if (refusal != Refusal::kNone) return ErrorResponse(RefusalStatus(refusal));
  const auto address = ModelAddress::Parse(name);
  if (!address.ok()) return ErrorResponse(address.status());
  NoteSighting(credentials, claims, address->name, services_.clock.NowMs());
  const Project* project = view->access->FindProject(target.At(2));
  const Decision decision = Decide(*view->registry, project->number, *address, claims.fid.text());
  if (!decision.status.ok()) return Refuse(decision, credentials.if_none_match);
  // The path in its plain form.
  const std::string plain = project->id + "/models/" + address->ToString();
  const auto answer = view->table.ForInstallation(DeliveryKey(plain), claims.fid.text());
  if (!answer) return ErrorResponse(Status(StatusCode::kInternal, "no prepared answer"));
  Response response;
  response.headers = {{"ETag", std::string(answer->etag)}, {"Cache-Control", "private, no-cache"}};
  if (EtagMatches(credentials.if_none_match, answer->etag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", "application/json; charset=UTF-8");
  response.body = std::string(answer->body);
  return response;
}

Response DeviceHandler::Refuse(const Decision& decision, std::string_view if_none_match) {
  std::string hash;
  if (decision.choice.revoked != nullptr) hash = decision.choice.revoked->digest.ToHex();
  // Whatever the reason why it gets nothing, the device must leave a revoked file that it holds;
  // that may be another one than it would have got.
  const auto held = Digest::Parse(UnquoteEtag(if_none_match));
  if (decision.model && held.ok() && decision.model->FindRevoked(*held) != nullptr) {
    hash = held->ToHex();
  }
  Response response = ErrorResponse(decision.status);
  if (!hash.empty()) response.body = SerializeRevokedBody(decision.status, hash);
  return response;
}

void DeviceHandler::Refresh() {
  const auto is_fresh = [&] {
    const std::shared_ptr<const View> view = view_.Get();
    return view && IsCurrent(*view, services_.clock.NowMs() + kPrepareMs);
  };
  if (is_fresh()) return;
  const std::lock_guard lock(rebuild_mutex_);
  if (!is_fresh()) Rebuild(nullptr, nullptr);  // Else another thread was quicker.
}

void DeviceHandler::Rebuild(const ModelPointer& before, const ModelPointer& after) {
  // Both snapshots are read under the lock, so that no older view replaces a newer one. The
  // generation comes first: if the snapshot is newer than it, the view is only made once more.
  const uint64_t generation = services_.access.generation();
  const std::shared_ptr<const View> previous = view_.Get();
  const std::shared_ptr<const AccessSnapshot> access = services_.access.snapshot();
  const int64_t links_ms = services_.clock.NowMs() + kPrepareMs;
  const int64_t valid_until_ms = HourAfter(links_ms);
  const auto set = [&](const RegistrySnapshotPointer& registry, DeliveryTable table) {
    view_.Set(std::make_shared<const View>(
        View{registry, access, generation, valid_until_ms, std::move(table)}));
  };
  if (previous == nullptr || previous->valid_until_ms != valid_until_ms) {
    const RegistrySnapshotPointer registry = services_.registry.snapshot();
    set(registry, DeliveryTable(*registry, *access, links_ms));
  } else if (before || after) {
    const RegistrySnapshotPointer registry = services_.registry.snapshot();
    set(registry, previous->table.With(*registry, *access, links_ms, before, after));
  } else {
    // Access data change no answer within the hour: old signing keys go on verifying, a new
    // project has no models, and one with models does not go.
    set(previous->registry, previous->table);
  }
}

}  // namespace godwit::server
