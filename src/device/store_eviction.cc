// ModelStore's budget: which files go when a new one would not fit.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "device/model_store.h"
#include "device/store_layout.h"

namespace godwit {
namespace {

struct SizedFile {
  std::string name;
  uint64_t size_bytes = 0;
};

// A file that goes between the two calls counts as nothing.
Result<std::vector<SizedFile>> ListSizes(FileSystem& fs, const std::string& folder) {
  GODWIT_ASSIGN_OR_RETURN(const auto names, fs.List(folder));
  std::vector<SizedFile> files;
  for (const std::string& name : names) {
    const auto info = fs.Stat(JoinPath(folder, name));
    if (info.ok()) files.push_back({name, info->size_bytes});
  }
  return files;
}

enum class Keep { kWithPrevious, kCurrent, kWhatStays };

uint64_t SumOf(const std::vector<SizedFile>& files) {
  uint64_t sum = 0;
  for (const SizedFile& file : files) sum += file.size_bytes;
  return sum;
}

}  // namespace

Status ModelStore::SetPinned(const std::string& name, bool pinned) {
  GODWIT_RETURN_IF_ERROR(CheckModelName(name));
  // No eviction that has not seen the pin runs on after this.
  GODWIT_ASSIGN_OR_RETURN(const auto lock,
                          fs_.Lock(PathOf(kLockFolder, kStoreLock), LockMode::kShared));
  const std::string folder = JoinPath(directory_, kPinFolder);
  const std::string path = JoinPath(folder, DigestOf(name).ToHex());
  if (pinned) {
    GODWIT_RETURN_IF_ERROR(CreateDirectoriesDurably(fs_, folder));
    GODWIT_RETURN_IF_ERROR(fs_.Open(path, OpenMode::kReadWrite).status());
    return fs_.SyncDirectory(folder);
  }
  if (fs_.Stat(folder).status().code() == StatusCode::kNotFound) return Status::Ok();
  GODWIT_RETURN_IF_ERROR(fs_.Remove(path));
  return fs_.SyncDirectory(folder);
}

// Everything that the decision needs, as it stood at one moment.
struct ModelStore::Inventory {
  struct Held {
    std::string record_name;
    std::string hash;
    std::string previous_hash;  // Empty: none.
    int64_t used_at_ns = 0;
    bool stays = false;  // Pinned, or the very model that is to be replaced.
  };
  std::vector<SizedFile> blobs;
  std::vector<SizedFile> partials;  // But those that are reserved.
  std::vector<Held> models;         // The least recently used first.
  uint64_t reserved_bytes = 0;

  // The names of the files that are needed, one of them by the download itself.
  std::set<std::string> Needed(const std::string& expected_hash, Keep keep) const {
    std::set<std::string> hashes = {expected_hash};
    for (const Held& model : models) {
      if (model.stays || keep != Keep::kWhatStays) hashes.insert(model.hash);
      if (keep == Keep::kWithPrevious) hashes.insert(model.previous_hash);
    }
    return hashes;
  }
  uint64_t used_bytes() const { return SumOf(blobs) + SumOf(partials) + reserved_bytes; }
};

Result<ModelStore::Inventory> ModelStore::TakeInventory(const std::string& name_hash) {
  Inventory inventory;
  GODWIT_ASSIGN_OR_RETURN(inventory.blobs, ListSizes(fs_, JoinPath(directory_, kBlobFolder)));
  GODWIT_ASSIGN_OR_RETURN(inventory.partials, ListSizes(fs_, JoinPath(directory_, kPartialFolder)));
  const auto reserved = reservations_->bytes();
  std::erase_if(inventory.partials,
                [&](const SizedFile& file) { return reserved.contains(file.name); });
  for (const auto& [name, size_bytes] : reserved) inventory.reserved_bytes += size_bytes;
  GODWIT_ASSIGN_OR_RETURN(const auto names, fs_.List(JoinPath(directory_, kRecordFolder)));
  for (const std::string& name : names) {
    if (!Digest::Parse(name).ok()) continue;
    GODWIT_ASSIGN_OR_RETURN(const auto standing, ReadRecord(name));
    if (!standing.has_value()) continue;
    const ModelRecord& record = standing->record->record;
    inventory.models.push_back({name, record.digest.ToHex(),
                                record.previous ? record.previous->digest.ToHex() : "",
                                standing->record->info.modified_ns,
                                name == name_hash || fs_.Stat(PathOf(kPinFolder, name)).ok()});
  }
  std::sort(inventory.models.begin(), inventory.models.end(),
            [](const auto& a, const auto& b) { return a.used_at_ns < b.used_at_ns; });
  return inventory;
}

Result<StoreReservations::Held> ModelStore::MakeRoom(const std::string& name_hash,
                                                     const std::string& partial_name,
                                                     const Digest& expected, uint64_t size_bytes) {
  if (options_.bytes_max == 0) return StoreReservations::Held();
  const std::lock_guard deciding(reservations_->deciding());
  const auto standing = fs_.Stat(PathOf(kBlobFolder, expected.ToHex()));
  const uint64_t needed = standing.ok() && standing->size_bytes == size_bytes ? 0 : size_bytes;
  auto held = reservations_->Reserve(partial_name, needed);
  GODWIT_ASSIGN_OR_RETURN(const Inventory inventory, TakeInventory(name_hash));
  if (inventory.used_bytes() <= options_.bytes_max) return held;
  // Files go only while nobody downloads: a download may be about to name one of them.
  GODWIT_ASSIGN_OR_RETURN(const auto lock,
                          fs_.TryLock(PathOf(kLockFolder, kStoreLock), LockMode::kExclusive));
  GODWIT_RETURN_IF_ERROR(Evict(name_hash, expected.ToHex()));
  return held;
}

// REQUIRES: the store's lock, exclusively.
Status ModelStore::Evict(const std::string& name_hash, const std::string& expected_hash) {
  GODWIT_ASSIGN_OR_RETURN(Inventory inventory, TakeInventory(name_hash));
  GODWIT_RETURN_IF_ERROR(CheckThatRoomCanBeMade(inventory, expected_hash));
  uint64_t used = inventory.used_bytes();
  const auto remove_blobs_but = [&](const std::set<std::string>& needed) {
    for (SizedFile& blob : inventory.blobs) {
      if (used <= options_.bytes_max) break;
      if (!Digest::Parse(blob.name).ok() || needed.contains(blob.name)) continue;
      const std::string path = PathOf(kBlobFolder, blob.name);
      GODWIT_RETURN_IF_ERROR(fs_.Remove(path));
      GODWIT_RETURN_IF_ERROR(fs_.Remove(path + std::string(kUnusedSuffix)));
      used -= std::exchange(blob.size_bytes, 0);
    }
    return Status::Ok();
  };
  // Cheapest first: what nobody needs, downloads that broke off, versions to go back to, models.
  GODWIT_RETURN_IF_ERROR(remove_blobs_but(inventory.Needed(expected_hash, Keep::kWithPrevious)));
  for (const SizedFile& partial : inventory.partials) {
    if (used <= options_.bytes_max) return Status::Ok();
    GODWIT_RETURN_IF_ERROR(fs_.Remove(PathOf(kPartialFolder, partial.name)));
    used -= partial.size_bytes;
  }
  GODWIT_RETURN_IF_ERROR(remove_blobs_but(inventory.Needed(expected_hash, Keep::kCurrent)));
  while (used > options_.bytes_max) {
    const auto victim = std::find_if(inventory.models.begin(), inventory.models.end(),
                                     [](const auto& model) { return !model.stays; });
    if (victim == inventory.models.end()) break;
    const std::string record_path = PathOf(kRecordFolder, victim->record_name);
    logger_.Info("a model makes room for another", {{"record", record_path}});
    // The record first, durably: it must not lead to a file that is gone.
    GODWIT_RETURN_IF_ERROR(fs_.Remove(record_path));
    GODWIT_RETURN_IF_ERROR(fs_.SyncDirectory(JoinPath(directory_, kRecordFolder)));
    inventory.models.erase(victim);
    GODWIT_RETURN_IF_ERROR(remove_blobs_but(inventory.Needed(expected_hash, Keep::kCurrent)));
  }
  return Status::Ok();
}

Status ModelStore::CheckThatRoomCanBeMade(const Inventory& inventory,
                                          const std::string& expected_hash) const {
  const auto kept = inventory.Needed(expected_hash, Keep::kWhatStays);
  uint64_t kept_bytes = 0;
  for (const SizedFile& blob : inventory.blobs) {
    if (kept.contains(blob.name)) kept_bytes += blob.size_bytes;
  }
  if (kept_bytes + inventory.reserved_bytes <= options_.bytes_max) return Status::Ok();
  return Status(
      StatusCode::kNotEnoughSpace,
      "the model needs " + std::to_string(inventory.reserved_bytes) + " bytes beside " +
          std::to_string(kept_bytes) +
          " of models that must stay (pinned ones, and the one that it replaces), and the store "
          "may hold " +
          std::to_string(options_.bytes_max) +
          ", so nothing was downloaded or removed; raise store_bytes_max, or unpin a model");
}

}  // namespace godwit
