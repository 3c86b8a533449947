#include "device/model_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "device/partial_download.h"
#include "device/store_layout.h"

namespace godwit {
namespace {

constexpr int64_t kDayMs = 24 * 60 * 60 * 1000;
constexpr int64_t kCollectAfterMs = kDayMs;
constexpr uint64_t kMarkerMaxBytes = 64 << 10;

std::string HashOfName(std::string_view name) { return DigestOf(name).ToHex(); }

// Whether an app that brings this seed is ahead of what the server once chose.
bool IsNewer(const SeedModel& seed, const ModelRecord& record) {
  if (record.seed && record.seed->ToHex() == seed.hash) return false;
  return seed.version && record.version && *seed.version > *record.version;
}

// nullopt when the file is absent.
Result<std::optional<std::string>> ReadIfPresent(FileSystem& fs, const std::string& path,
                                                 uint64_t max_bytes) {
  auto bytes = ReadWholeFile(fs, path, max_bytes);
  if (bytes.ok()) return std::optional<std::string>(std::move(*bytes));
  if (bytes.status().code() == StatusCode::kNotFound) return std::optional<std::string>();
  return bytes.status();
}

}  // namespace

Result<std::unique_ptr<ModelStore>> ModelStore::Open(FileSystem& fs, const Clock& clock,
                                                     Logger& logger, const std::string& directory,
                                                     const std::string& server_url,
                                                     const std::string& project,
                                                     const std::string& app_id,
                                                     const ModelStoreOptions& options) {
  const StoreOwner owner{server_url, project, app_id};
  std::unique_ptr<ModelStore> store(
      new ModelStore(fs, clock, logger, JoinPath(directory, StoreFolderName(owner)), options));
  GODWIT_RETURN_IF_ERROR(store->CreateOrCheck(owner).WithContext("open store"));
  return store;
}

// The marker is written last: where it stands, the folders stand, durably.
Status ModelStore::CreateOrCheck(const StoreOwner& owner) {
  auto checked = CheckMarker();
  if (!checked.ok() || *checked) return checked.status();
  GODWIT_RETURN_IF_ERROR(CreateDirectoriesDurably(fs_, JoinPath(directory_, kLockFolder)));
  GODWIT_ASSIGN_OR_RETURN(const auto lock,
                          fs_.Lock(PathOf(kLockFolder, kStoreLock), LockMode::kExclusive));
  checked = CheckMarker();  // Another process may have been quicker.
  if (!checked.ok() || *checked) return checked.status();
  for (const std::string_view folder : {kRecordFolder, kBlobFolder, kPartialFolder}) {
    GODWIT_RETURN_IF_ERROR(fs_.CreateDirectories(JoinPath(directory_, folder)));
  }
  GODWIT_RETURN_IF_ERROR(fs_.SyncDirectory(directory_));
  return ReplaceFile(fs_, JoinPath(directory_, kMarkerFile), EncodeStoreMarker(owner));
}

// True when the store stands and is of this format, false when the marker must be written. A
// damaged one is: every other file carries its own version and checksum.
Result<bool> ModelStore::CheckMarker() {
  const std::string path = JoinPath(directory_, kMarkerFile);
  GODWIT_ASSIGN_OR_RETURN(const auto text, ReadIfPresent(fs_, path, kMarkerMaxBytes));
  if (!text.has_value()) return false;
  const auto version = ParseStoreMarker(*text);
  if (!version.ok()) {
    logger_.Warning("the store's marker is damaged and is written anew",
                    {{"path", path}, {"cause", version.status().message()}});
    return false;
  }
  if (*version == kStoreFormatVersion) return true;
  return Status(StatusCode::kFailedPrecondition,
                directory_ + " has format " + std::to_string(*version) +
                    " and this version knows format " + std::to_string(kStoreFormatVersion) +
                    "; update the library, or choose another folder");
}

std::string ModelStore::PathOf(std::string_view folder, std::string_view name) const {
  return JoinPath(JoinPath(directory_, folder), name);
}

// nullopt when the record is absent or damaged, or its file is not there.
Result<std::optional<ModelStore::Standing>> ModelStore::ReadRecord(const std::string& file_name) {
  const std::string path = PathOf(kRecordFolder, file_name);
  const auto skip = [&](std::string_view cause) {
    logger_.Warning("a model on this device counts as absent; getting it again mends it",
                    {{"record", path}, {"cause", cause}});
    return std::optional<Standing>();
  };
  auto read = records_.Read(path);
  if (!read.ok()) {
    const StatusCode code = read.status().code();
    if (code == StatusCode::kNotFound) return std::optional<Standing>();
    return code == StatusCode::kDataLoss
               ? Result<std::optional<Standing>>(skip(read.status().message()))
               : read.status();
  }
  const ModelRecord& record = (*read)->record;
  if (HashOfName(record.name) != file_name) return skip("the record is of another model");

  const std::string hash = record.digest.ToHex();
  const std::string blob_path = PathOf(kBlobFolder, hash);
  const auto info = fs_.Stat(blob_path);
  if (!info.ok() && info.status().code() != StatusCode::kNotFound) return info.status();
  if (!info.ok()) return skip("its file is gone");
  if (info->size_bytes != record.size_bytes) return skip("its file has the wrong size");
  LocalModel model{
      record.name,    hash,           blob_path, record.size_bytes, record.downloaded_at_ms,
      record.version, record.previous};
  return std::optional<Standing>({*std::move(read), std::move(model)});
}

// The time of the record's file is when the model was last used, to within a day.
void ModelStore::NoteUse(const std::string& file_name, const FileInfo& record_info) {
  if (IsOfToday(record_info)) return;
  (void)fs_.Touch(PathOf(kRecordFolder, file_name));  // On a read-only disk nothing is evicted.
}

Result<std::optional<LocalModel>> ModelStore::Find(const std::string& name) {
  GODWIT_RETURN_IF_ERROR(CheckModelName(name));
  const std::string file_name = HashOfName(name);
  GODWIT_ASSIGN_OR_RETURN(auto standing, ReadRecord(file_name));
  const SeedModel* const seed = seeds_.Find(name);
  if (seed != nullptr && (!standing.has_value() || IsNewer(*seed, standing->record->record))) {
    if (auto path = seeds_.Path(*seed)) {
      return std::optional(LocalModel{.name = name,
                                      .hash = seed->hash,
                                      .path = *std::move(path),
                                      .size_bytes = seed->size_bytes,
                                      .version = seed->version,
                                      .previous = {}});
    }
  }
  if (!standing.has_value()) return std::optional<LocalModel>();
  NoteUse(file_name, standing->record->info);
  return std::optional<LocalModel>(std::move(standing->model));
}

Result<std::vector<LocalModel>> ModelStore::List() {
  GODWIT_ASSIGN_OR_RETURN(const auto file_names, fs_.List(JoinPath(directory_, kRecordFolder)));
  std::vector<LocalModel> models;
  for (const std::string& file_name : file_names) {
    if (!Digest::Parse(file_name).ok()) continue;  // ReplaceFile's temporary file, say.
    GODWIT_ASSIGN_OR_RETURN(auto standing, ReadRecord(file_name));
    if (standing.has_value()) models.push_back(std::move(standing->model));
  }
  std::sort(models.begin(), models.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return models;
}

Status ModelStore::Delete(const std::string& name) {
  GODWIT_RETURN_IF_ERROR(CheckModelName(name));
  const std::string name_hash = HashOfName(name);
  GODWIT_ASSIGN_OR_RETURN(const auto store_lock,
                          fs_.TryLock(PathOf(kLockFolder, kStoreLock), LockMode::kShared));
  GODWIT_ASSIGN_OR_RETURN(const auto model_lock,
                          fs_.TryLock(PathOf(kLockFolder, name_hash), LockMode::kExclusive));
  GODWIT_RETURN_IF_ERROR(RemovePartials(name_hash, ""));
  GODWIT_RETURN_IF_ERROR(fs_.Remove(PathOf(kRecordFolder, name_hash)));
  return fs_.SyncDirectory(JoinPath(directory_, kRecordFolder));
}

Result<bool> ModelStore::FallBack(const std::string& name, const Digest& bad) {
  GODWIT_RETURN_IF_ERROR(CheckModelName(name));
  bool left_seed = false;
  if (const SeedModel* const seed = seeds_.Find(name); seed && seed->hash == bad.ToHex()) {
    GODWIT_RETURN_IF_ERROR(seeds_.Revoke(*seed));
    left_seed = true;
  }
  const std::string name_hash = HashOfName(name);
  const std::string path = PathOf(kRecordFolder, name_hash);
  GODWIT_ASSIGN_OR_RETURN(const auto store_lock,
                          fs_.TryLock(PathOf(kLockFolder, kStoreLock), LockMode::kShared));
  GODWIT_ASSIGN_OR_RETURN(const auto model_lock,
                          fs_.TryLock(PathOf(kLockFolder, name_hash), LockMode::kExclusive));
  const auto standing = records_.Read(path);
  if (!standing.ok() && (standing.status().code() == StatusCode::kNotFound ||
                         standing.status().code() == StatusCode::kDataLoss)) {
    return left_seed;
  }
  if (!standing.ok()) return standing.status();
  ModelRecord record = (*standing)->record;
  if (record.digest != bad) return left_seed;
  if (record.previous) {
    const auto info = fs_.Stat(PathOf(kBlobFolder, record.previous->digest.ToHex()));
    if (info.ok() && info->size_bytes == record.previous->size_bytes) {
      record.digest = record.previous->digest;
      record.size_bytes = record.previous->size_bytes;
      record.version = record.previous->version;
      record.previous.reset();
      GODWIT_RETURN_IF_ERROR(ReplaceFile(fs_, path, EncodeModelRecord(record)));
      return true;
    }
  }
  GODWIT_RETURN_IF_ERROR(fs_.Remove(path));
  GODWIT_RETURN_IF_ERROR(fs_.SyncDirectory(JoinPath(directory_, kRecordFolder)));
  return true;
}

// Removes this name's partial downloads but the one with the file name `except`.
Status ModelStore::RemovePartials(const std::string& name_hash, const std::string& except) {
  GODWIT_ASSIGN_OR_RETURN(const auto file_names, fs_.List(JoinPath(directory_, kPartialFolder)));
  for (const std::string& file_name : file_names) {
    if (!file_name.starts_with(name_hash) || file_name == except) continue;
    GODWIT_RETURN_IF_ERROR(fs_.Remove(PathOf(kPartialFolder, file_name)));
  }
  return Status::Ok();
}

Result<LocalModel> PartialDownload::Commit(std::optional<uint64_t> version) {
  GODWIT_RETURN_IF_ERROR(Place().status());
  return Activate(version);
}

Result<std::unique_ptr<PartialDownload>> ModelStore::OpenPartial(const std::string& name,
                                                                 const Digest& expected,
                                                                 uint64_t expected_size_bytes) {
  GODWIT_RETURN_IF_ERROR(CheckModelName(name));
  const std::string name_hash = HashOfName(name);
  PartialDownloadPlan plan;
  plan.name = name;
  plan.expected = expected;
  plan.expected_size_bytes = expected_size_bytes;
  plan.record_path = PathOf(kRecordFolder, name_hash);
  plan.blob_path = PathOf(kBlobFolder, expected.ToHex());
  const std::string partial_name = name_hash + "-" + expected.ToHex();
  if (const SeedModel* const seed = seeds_.Find(name)) plan.seed = *Digest::Parse(seed->hash);
  plan.partial_path = PathOf(kPartialFolder, partial_name);
  GODWIT_ASSIGN_OR_RETURN(plan.room,
                          MakeRoom(name_hash, partial_name, expected, expected_size_bytes));
  GODWIT_ASSIGN_OR_RETURN(plan.store_lock,
                          fs_.TryLock(PathOf(kLockFolder, kStoreLock), LockMode::kShared));
  GODWIT_ASSIGN_OR_RETURN(plan.model_lock,
                          fs_.TryLock(PathOf(kLockFolder, name_hash), LockMode::kExclusive));
  GODWIT_RETURN_IF_ERROR(RemovePartials(name_hash, partial_name));
  return OpenPartialDownload(fs_, clock_, std::move(plan));
}

bool ModelStore::IsDownloading(const std::string& name) {
  return fs_.TryLock(PathOf(kLockFolder, HashOfName(name)), LockMode::kExclusive).status().code() ==
         StatusCode::kUnavailable;
}

uint64_t ModelStore::ArrivedBytes(const std::string& name, const Digest& expected) {
  const auto info = fs_.Stat(PathOf(kPartialFolder, HashOfName(name) + "-" + expected.ToHex()));
  return info.ok() ? info->size_bytes : 0;
}

uint64_t ModelStore::MissingBytes(const std::string& name, const Digest& expected,
                                  uint64_t expected_size_bytes) {
  const auto blob = fs_.Stat(PathOf(kBlobFolder, expected.ToHex()));
  if (blob.ok() && blob->size_bytes == expected_size_bytes) return 0;
  return expected_size_bytes - std::min(ArrivedBytes(name, expected), expected_size_bytes);
}

Result<std::optional<std::string>> ModelStore::ReadInstallation() {
  const std::string path = JoinPath(directory_, kInstallationFile);
  GODWIT_ASSIGN_OR_RETURN(const auto bytes, ReadIfPresent(fs_, path, kStoreFileMaxBytes));
  if (!bytes.has_value()) return std::optional<std::string>();
  auto payload = ParseInstallation(*bytes);
  if (payload.ok()) return std::optional<std::string>(std::move(*payload));
  logger_.Warning("the installation's record is damaged and counts as absent",
                  {{"path", path}, {"cause", payload.status().message()}});
  return std::optional<std::string>();
}

Result<std::unique_ptr<FileLock>> ModelStore::TryLockInstallation() {
  return fs_.TryLock(PathOf(kLockFolder, kInstallationLock), LockMode::kExclusive);
}

Status ModelStore::WriteInstallation(std::string_view bytes) {
  if (bytes.size() > kStorePayloadMaxBytes) {
    return Status(
        StatusCode::kInvalidArgument,
        "an installation's record has at most " + std::to_string(kStorePayloadMaxBytes) + " bytes");
  }
  return ReplaceFile(fs_, JoinPath(directory_, kInstallationFile), EncodeInstallation(bytes));
}

bool ModelStore::IsOld(const FileInfo& info) const {
  return clock_.NowMs() - info.modified_ms() > kCollectAfterMs;
}

bool ModelStore::IsOfToday(const FileInfo& info) const {
  const int64_t age_ms = clock_.NowMs() - info.modified_ms();
  return age_ms > -kDayMs && age_ms < kDayMs;
}

std::set<std::string> FilesOf(const std::vector<LocalModel>& models) {
  std::set<std::string> hashes;
  for (const LocalModel& model : models) {
    hashes.insert(model.hash);
    if (model.previous) hashes.insert(model.previous->digest.ToHex());
  }
  return hashes;
}

Status ModelStore::CollectGarbage() {
  // Writers hold the lock shared from before they look until their record stands, so whatever
  // no record names now is nobody's.
  auto lock = fs_.TryLock(PathOf(kLockFolder, kStoreLock), LockMode::kExclusive);
  if (!lock.ok() && lock.status().code() == StatusCode::kUnavailable) return Status::Ok();
  if (!lock.ok()) return lock.status();
  GODWIT_RETURN_IF_ERROR(CollectPartials());
  return CollectBlobs();
}

Status ModelStore::CollectPartials() {
  GODWIT_ASSIGN_OR_RETURN(const auto file_names, fs_.List(JoinPath(directory_, kPartialFolder)));
  for (const std::string& file_name : file_names) {
    const std::string path = PathOf(kPartialFolder, file_name);
    const auto info = fs_.Stat(path);
    if (info.ok() && IsOld(*info)) GODWIT_RETURN_IF_ERROR(fs_.Remove(path));
  }
  return Status::Ok();
}

// A blob's own time says when it came, not since when nobody needs it. So the first collection
// that finds it unused notes that in an empty file beside it, whose time counts.
Status ModelStore::CollectBlobs() {
  GODWIT_ASSIGN_OR_RETURN(const auto models, List());
  const std::set<std::string> used = FilesOf(models);
  GODWIT_ASSIGN_OR_RETURN(const auto file_names, fs_.List(JoinPath(directory_, kBlobFolder)));
  for (const std::string& hash : file_names) {
    const std::string path = PathOf(kBlobFolder, hash);
    const std::string note = path + std::string(kUnusedSuffix);
    if (!Digest::Parse(hash).ok() || used.contains(hash)) continue;
    const auto info = fs_.Stat(note);
    if (!info.ok()) {
      GODWIT_RETURN_IF_ERROR(fs_.Open(note, OpenMode::kReadWrite).status());
    } else if (IsOld(*info)) {
      // The note last: a blob without one waits for another day, a note without a blob is lost.
      GODWIT_RETURN_IF_ERROR(fs_.Remove(path));
      GODWIT_RETURN_IF_ERROR(fs_.Remove(note));
    }
  }
  return Status::Ok();
}

}  // namespace godwit
