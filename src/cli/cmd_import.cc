// `godwit import firebase` and `godwit import folder`: models from elsewhere on the own server.
#include <utility>

#include "cli/commands.h"
#include "cli/firebase_source.h"
#include "cli/model_import.h"
#include "cli/saved_models.h"

namespace godwit::cli {
namespace {

constexpr uint64_t kKeyBytesMax = 64 << 10;
constexpr uint64_t kListBytesMax = 64 << 20;

// Of a key's token_uri; older keys have the second form.
bool IsGoogle(const std::string& url) {
  return (url.starts_with("https://") && url.ends_with(".googleapis.com")) ||
         url.starts_with("https://accounts.google.com/");
}

// The key as the client uses it, and the addresses that go with it.
struct Source {
  AdminSettings key;
  FirebaseAddresses addresses;
};

Result<Source> ReadSource(Context& context, const ImportFirebaseOptions& options) {
  Source source;
  GODWIT_ASSIGN_OR_RETURN(const std::string text,
                          ReadWholeFile(context.fs, options.credentials, kKeyBytesMax));
  GODWIT_ASSIGN_OR_RETURN(source.key, ParseAdminSettings(text).WithContext(options.credentials));
  source.key.source = options.credentials;
  if (!options.project.empty()) source.key.project_id = options.project;
  std::string url = options.source_url;
  if (!url.empty()) {
    GODWIT_ASSIGN_OR_RETURN(url, NormalizeServerUrl(std::move(url)).WithContext("--source-url"));
    source.key.token_uri = url + "/token";
  } else if (!IsGoogle(source.key.url)) {
    url = source.key.url;  // A key that another such server made.
  }
  if (!url.empty()) source.addresses = {url, url, url};
  return source;
}

Result<AdminClient> OpenTarget(Context& context) {
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  AdminClient target(context.http, context.clock, std::move(settings));
  // Before anything is downloaded.
  GODWIT_RETURN_IF_ERROR(target.Authenticate());
  return target;
}

std::vector<ImportCandidate> CandidatesOf(FirebaseSource& source,
                                          const std::vector<FirebaseModel>& models) {
  std::vector<ImportCandidate> candidates;
  for (const FirebaseModel& model : models) {
    ImportCandidate& candidate = candidates.emplace_back();
    candidate.name = model.name;
    candidate.origin = "models/" + model.id;
    candidate.tags = model.tags;
    candidate.publish = model.published;
    candidate.digest = model.digest;
    candidate.obstacle = model.obstacle;
    candidate.fetch = [&source, &model] { return source.Fetch(model); };
    candidate.done = [&source, &model] { source.Discard(model); };
  }
  return candidates;
}

}  // namespace

Status RunImportFirebase(Context& context, const ImportFirebaseOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(Source from, ReadSource(context, options));
  GODWIT_ASSIGN_OR_RETURN(AdminClient target, OpenTarget(context));
  if (from.addresses.models == target.settings().url &&
      from.key.project_id == target.settings().project_id) {
    return Status(StatusCode::kInvalidArgument,
                  "the source is the server itself, so nothing was done; --credentials is the key "
                  "file of the Firebase project, GODWIT_CREDENTIALS that of your server");
  }
  const std::string folder = JoinPath(context.settings.cache_folder(), "import");
  GODWIT_RETURN_IF_ERROR(context.fs.CreateDirectories(folder));
  auto lock = context.fs.TryLock(JoinPath(folder, "lock"), LockMode::kExclusive);
  if (!lock.ok()) {
    return Status(lock.status().code(), "another import runs here; wait until it is done");
  }
  std::optional<FirebaseApp> app;
  if (!options.app_id.empty()) app = FirebaseApp{options.app_id, options.api_key};
  HttpClient& http = IsGoogle(from.addresses.models) ? context.public_http : context.http;
  Context from_context{context.console,  context.fs,      context.clock, http, http,
                       context.settings, context.platform};
  FirebaseSource source(from_context, std::move(from.key), from.addresses, std::move(app), folder);
  GODWIT_ASSIGN_OR_RETURN(const auto models, source.List().WithContext(from.addresses.models));
  ModelImport import(context, target, {options.dry_run, options.update});
  import.Run(CandidatesOf(source, models));
  return import.Finish();
}

Status RunImportFolder(Context& context, const ImportFolderOptions& options) {
  std::vector<FirebaseModel> listed;
  if (!options.models_json.empty()) {
    GODWIT_ASSIGN_OR_RETURN(const std::string text,
                            ReadWholeFile(context.fs, options.models_json, kListBytesMax));
    GODWIT_ASSIGN_OR_RETURN(listed, ReadModelsList(text).WithContext(options.models_json));
  }
  GODWIT_ASSIGN_OR_RETURN(const auto candidates,
                          FindSavedModels(context.fs, options.folder, listed, options.publish));
  GODWIT_ASSIGN_OR_RETURN(AdminClient target, OpenTarget(context));
  ModelImport import(context, target, {options.dry_run, options.update});
  import.Run(candidates);
  return import.Finish();
}

}  // namespace godwit::cli
