#include "testing/fault_file_system.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <set>
#include <unordered_map>
#include <utility>

#include "testing/unsynced_data.h"

namespace godwit::testing {

struct FaultFileSystem::Node {
  Node(bool is_folder, int64_t now_ms) : is_folder(is_folder), modified_ms(now_ms) {}

  const bool is_folder;
  int64_t modified_ms;

  // Of a folder: what programs see, and what the platter has.
  std::map<std::string, NodePtr> entries;
  std::map<std::string, NodePtr> durable_entries;

  UnsyncedData data;  // Of a file.

  // The address is the id: like an inode's number it is used again once the file is gone.
  FileInfo Info() const {
    return {data.size(), modified_ms * 1'000'000, reinterpret_cast<uintptr_t>(this), is_folder};
  }
};

// One or two edits of names that happen together: a rename has two.
struct FaultFileSystem::NameChange {
  struct Edit {
    NodePtr folder;
    std::string name;
    NodePtr node;  // Null: the name goes.
  };
  std::vector<Edit> edits;

  void ApplyToDurable() const {
    for (const Edit& edit : edits) {
      if (edit.node == nullptr) {
        edit.folder->durable_entries.erase(edit.name);
      } else {
        edit.folder->durable_entries[edit.name] = edit.node;
      }
    }
  }
};

class FaultFileSystem::OpenedFile final : public File {
 public:
  OpenedFile(FaultFileSystem* fs, NodePtr node, std::string path)
      : fs_(fs), boot_(fs->boot_), node_(std::move(node)), path_(std::move(path)) {}

  Result<size_t> ReadAt(uint64_t offset, std::span<std::byte> out) override {
    const std::lock_guard lock(fs_->mutex_);
    GODWIT_RETURN_IF_ERROR(fs_->CheckAlive(boot_, path_));
    return node_->data.ReadAt(offset, out);
  }

  Status WriteAt(uint64_t offset, std::span<const std::byte> data) override {
    const std::lock_guard lock(fs_->mutex_);
    GODWIT_RETURN_IF_ERROR(fs_->CheckAlive(boot_, path_));
    GODWIT_RETURN_IF_ERROR(fs_->Mutate("write " + path_));
    const uint64_t old_size = node_->data.size();
    uint64_t new_size = std::max<uint64_t>(old_size, offset + data.size());
    const Status status = fs_->Grow(path_, old_size, &new_size);
    // A full disk takes a part, as a real one does.
    if (!status.ok()) data = data.first(new_size > offset ? new_size - offset : 0);
    node_->data.WriteAt(offset, data);
    node_->modified_ms = fs_->NowMs();
    return status;
  }

  Status Truncate(uint64_t size_bytes) override {
    const std::lock_guard lock(fs_->mutex_);
    GODWIT_RETURN_IF_ERROR(fs_->CheckAlive(boot_, path_));
    GODWIT_RETURN_IF_ERROR(fs_->Mutate("resize " + path_));
    const uint64_t old_size = node_->data.size();
    uint64_t new_size = size_bytes;
    GODWIT_RETURN_IF_ERROR(fs_->Grow(path_, old_size, &new_size));
    node_->data.Truncate(size_bytes);
    node_->modified_ms = fs_->NowMs();
    return Status::Ok();
  }

  Result<uint64_t> Size() override {
    const std::lock_guard lock(fs_->mutex_);
    GODWIT_RETURN_IF_ERROR(fs_->CheckAlive(boot_, path_));
    return node_->data.size();
  }

  Result<FileInfo> Info() override {
    const std::lock_guard lock(fs_->mutex_);
    GODWIT_RETURN_IF_ERROR(fs_->CheckAlive(boot_, path_));
    return node_->Info();
  }

  Status Sync() override {
    const std::lock_guard lock(fs_->mutex_);
    GODWIT_RETURN_IF_ERROR(fs_->CheckAlive(boot_, path_));
    GODWIT_RETURN_IF_ERROR(fs_->Mutate("sync " + path_));
    node_->data.Sync();
    return Status::Ok();
  }

 private:
  FaultFileSystem* const fs_;
  const uint64_t boot_;
  const NodePtr node_;
  const std::string path_;
};

class FaultFileSystem::HeldLock final : public FileLock {
 public:
  HeldLock(FaultFileSystem* fs, NodePtr node, LockMode mode)
      : fs_(fs), boot_(fs->boot_), node_(std::move(node)), mode_(mode) {}
  ~HeldLock() override {
    {
      const std::lock_guard lock(fs_->mutex_);
      if (boot_ != fs_->boot_) return;  // The power loss has freed it.
      Locks& locks = fs_->locks_[node_];
      if (mode_ == LockMode::kShared) {
        --locks.shared;
      } else {
        locks.exclusive = false;
      }
      if (locks.shared == 0) fs_->locks_.erase(node_);
    }
    fs_->lock_freed_.notify_all();
  }

 private:
  FaultFileSystem* const fs_;
  const uint64_t boot_;
  const NodePtr node_;
  const LockMode mode_;
};

const char* PowerLossModeName(PowerLossMode mode) {
  switch (mode) {
    case PowerLossMode::kKept:
      return "kept";
    case PowerLossMode::kDropped:
      return "dropped";
    case PowerLossMode::kTorn:
      return "torn";
    case PowerLossMode::kReordered:
      return "reordered";
  }
  return "?";
}

FaultFileSystem::FaultFileSystem(const Clock* clock)
    : clock_(clock), root_(std::make_shared<Node>(true, 0)) {}

FaultFileSystem::~FaultFileSystem() = default;

void FaultFileSystem::CrashAt(uint64_t n) {
  const std::lock_guard lock(mutex_);
  operations_left_ = n;
}

bool FaultFileSystem::crashed() const {
  const std::lock_guard lock(mutex_);
  return crashed_;
}

uint64_t FaultFileSystem::operation_count() const {
  const std::lock_guard lock(mutex_);
  return operation_count_;
}

void FaultFileSystem::SetFreeBytes(std::optional<uint64_t> free_bytes, uint64_t promised_bytes) {
  const std::lock_guard lock(mutex_);
  free_bytes_ = free_bytes;
  promised_bytes_ = promised_bytes;
}

void FaultFileSystem::SetReadOnly(bool read_only) {
  const std::lock_guard lock(mutex_);
  read_only_ = read_only;
}

void FaultFileSystem::PowerLoss(PowerLossMode mode, uint64_t seed) {
  {
    const std::lock_guard lock(mutex_);
    ++boot_;
    locks_.clear();
    operations_left_.reset();
    crashed_ = false;
    if (mode != PowerLossMode::kKept) LosePower(mode, seed);
  }
  lock_freed_.notify_all();
}

// Builds a new tree of what survives. A walk in name order draws the same random numbers for
// the same history.
void FaultFileSystem::LosePower(PowerLossMode mode, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (const size_t i : SurvivingChanges(mode, unsynced_changes_.size(), random)) {
    unsynced_changes_[i].ApplyToDurable();
  }
  unsynced_changes_.clear();
  std::unordered_map<const Node*, NodePtr> reborn;  // A file may have two durable names.
  const auto rebirth = [&](const NodePtr& old) {
    NodePtr& fresh = reborn[old.get()];
    if (fresh == nullptr) {
      fresh = std::make_shared<Node>(old->is_folder, old->modified_ms);
      if (!old->is_folder) fresh->data = old->data.AfterPowerLoss(mode, random);
    }
    return fresh;
  };
  std::vector<NodePtr> folders = {root_};
  root_ = rebirth(root_);
  while (!folders.empty()) {
    const NodePtr old = folders.back();
    folders.pop_back();
    const NodePtr fresh = reborn[old.get()];
    for (const auto& [name, node] : old->durable_entries) {
      fresh->entries[name] = rebirth(node);
      if (node->is_folder) folders.push_back(node);
    }
    fresh->durable_entries = fresh->entries;
  }
}

Status FaultFileSystem::Mutate(const std::string& what) {
  ++operation_count_;
  if (read_only_) {
    return Status(StatusCode::kPermissionDenied, what + ": the file system is read-only");
  }
  if (operations_left_.has_value()) {
    if (*operations_left_ == 0) {
      crashed_ = true;
      return Status(StatusCode::kIo, what + ": the machine is down");
    }
    --*operations_left_;
  }
  return Status::Ok();
}

Status FaultFileSystem::CheckAlive(uint64_t boot, const std::string& path) const {
  if (boot == boot_) return Status::Ok();
  return Status(StatusCode::kIo, path + " was opened before the power loss");
}

// Shrinking gives bytes back. When there is no room for *new_size, sets it to what there is room
// for and returns kNotEnoughSpace.
Status FaultFileSystem::Grow(const std::string& path, uint64_t old_size, uint64_t* new_size) {
  if (!free_bytes_.has_value()) return Status::Ok();
  if (*new_size <= old_size) {
    *free_bytes_ += old_size - *new_size;
    return Status::Ok();
  }
  if (*new_size - old_size <= *free_bytes_) {
    *free_bytes_ -= *new_size - old_size;
    return Status::Ok();
  }
  *new_size = old_size + *free_bytes_;
  free_bytes_ = 0;
  return Status(StatusCode::kNotEnoughSpace, "write " + path + ": no space left on the disk");
}

void FaultFileSystem::GiveBack(const NodePtr& node) {
  if (node != nullptr && free_bytes_.has_value()) *free_bytes_ += node->data.size();
}

Result<FaultFileSystem::Place> FaultFileSystem::Walk(const std::string& path) const {
  Place place{root_, "", root_};
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty() || name == ".") continue;
    if (place.node == nullptr || !place.node->is_folder) {
      return Status(StatusCode::kNotFound, "find " + path + ": no such folder");
    }
    place.folder = place.node;
    place.name = name;
    const auto found = place.folder->entries.find(name);
    place.node = found == place.folder->entries.end() ? nullptr : found->second;
  }
  return place;
}

Result<FaultFileSystem::NodePtr> FaultFileSystem::WalkToFolder(const std::string& path) const {
  GODWIT_ASSIGN_OR_RETURN(const Place place, Walk(path));
  if (place.node == nullptr || !place.node->is_folder) {
    return Status(StatusCode::kNotFound, "find " + path + ": no such folder");
  }
  return place.node;
}

void FaultFileSystem::Change(NameChange change) {
  for (const NameChange::Edit& edit : change.edits) {
    if (edit.node == nullptr) {
      edit.folder->entries.erase(edit.name);
    } else {
      edit.folder->entries[edit.name] = edit.node;
    }
  }
  unsynced_changes_.push_back(std::move(change));
}

Result<FaultFileSystem::NodePtr> FaultFileSystem::OpenNode(const std::string& path, OpenMode mode) {
  GODWIT_ASSIGN_OR_RETURN(const Place place, Walk(path));
  if (place.node != nullptr) {
    if (mode == OpenMode::kCreateNew) {
      return Status(StatusCode::kAlreadyExists, "open " + path + ": it is there already");
    }
    if (place.node->is_folder) return Status(StatusCode::kIo, "open " + path + ": is a folder");
    if (mode == OpenMode::kReadWrite && read_only_) return Mutate("open " + path);
    return place.node;
  }
  if (mode == OpenMode::kRead) {
    return Status(StatusCode::kNotFound, "open " + path + ": no such file");
  }
  GODWIT_RETURN_IF_ERROR(Mutate("create " + path));
  NodePtr node = std::make_shared<Node>(false, NowMs());
  Change({{{place.folder, place.name, node}}});
  return node;
}

Result<std::unique_ptr<File>> FaultFileSystem::Open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(mutex_);
  GODWIT_ASSIGN_OR_RETURN(NodePtr node, OpenNode(path, mode));
  return std::unique_ptr<File>(std::make_unique<OpenedFile>(this, std::move(node), path));
}

Status FaultFileSystem::Rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  GODWIT_ASSIGN_OR_RETURN(const Place source, Walk(from));
  GODWIT_ASSIGN_OR_RETURN(const Place target, Walk(to));
  if (source.node == nullptr) {
    return Status(StatusCode::kNotFound, "rename " + from + ": no such file");
  }
  if (target.node != nullptr && target.node->is_folder != source.node->is_folder) {
    return Status(StatusCode::kIo, "rename " + from + " to " + to + ": one of them is a folder");
  }
  if (target.node != nullptr && !target.node->entries.empty()) {
    return Status(StatusCode::kFailedPrecondition, "rename " + from + " to " + to + ": not empty");
  }
  GODWIT_RETURN_IF_ERROR(Mutate("rename " + from + " to " + to));
  if (source.node == target.node) return Status::Ok();
  GiveBack(target.node);
  Change({{{source.folder, source.name, nullptr}, {target.folder, target.name, source.node}}});
  return Status::Ok();
}

Status FaultFileSystem::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto place = Walk(path);
  if (!place.ok() || place->node == nullptr) return Status::Ok();
  if (place->node->is_folder) return Status(StatusCode::kIo, "remove " + path + ": is a folder");
  GODWIT_RETURN_IF_ERROR(Mutate("remove " + path));
  GiveBack(place->node);
  Change({{{place->folder, place->name, nullptr}}});
  return Status::Ok();
}

Status FaultFileSystem::CreateDirectories(const std::string& path) {
  const std::lock_guard lock(mutex_);
  for (size_t end = 0; end < path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    const std::string folder = path.substr(0, end);
    GODWIT_ASSIGN_OR_RETURN(const Place place, Walk(folder));
    if (place.node != nullptr && place.node->is_folder) continue;
    if (place.node != nullptr) {
      return Status(StatusCode::kAlreadyExists, "create folder " + folder + ": a file is there");
    }
    GODWIT_RETURN_IF_ERROR(Mutate("create folder " + folder));
    Change({{{place.folder, place.name, std::make_shared<Node>(true, NowMs())}}});
  }
  return Status::Ok();
}

Status FaultFileSystem::RemoveDirectory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto place = Walk(path);
  if (!place.ok() || place->node == nullptr) return Status::Ok();
  if (!place->node->is_folder) return Status(StatusCode::kNotFound, path + " is no folder");
  if (!place->node->entries.empty()) {
    return Status(StatusCode::kFailedPrecondition, "remove " + path + ": not empty");
  }
  GODWIT_RETURN_IF_ERROR(Mutate("remove " + path));
  Change({{{place->folder, place->name, nullptr}}});
  return Status::Ok();
}

Result<std::vector<std::string>> FaultFileSystem::List(const std::string& path) {
  const std::lock_guard lock(mutex_);
  GODWIT_ASSIGN_OR_RETURN(const NodePtr folder, WalkToFolder(path));
  std::vector<std::string> names;
  for (const auto& [name, node] : folder->entries) names.push_back(name);
  return names;
}

Result<FileInfo> FaultFileSystem::Stat(const std::string& path) {
  const std::lock_guard lock(mutex_);
  GODWIT_ASSIGN_OR_RETURN(const Place place, Walk(path));
  if (place.node == nullptr) {
    return Status(StatusCode::kNotFound, "examine " + path + ": no such file");
  }
  return place.node->Info();
}

Status FaultFileSystem::Touch(const std::string& path) {
  const std::lock_guard lock(mutex_);
  GODWIT_ASSIGN_OR_RETURN(const Place place, Walk(path));
  if (place.node == nullptr) {
    return Status(StatusCode::kNotFound, "touch " + path + ": no such file");
  }
  GODWIT_RETURN_IF_ERROR(Mutate("touch " + path));
  place.node->modified_ms = NowMs();
  return Status::Ok();
}

Status FaultFileSystem::SyncDirectory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  GODWIT_ASSIGN_OR_RETURN(const NodePtr folder, WalkToFolder(path));
  GODWIT_RETURN_IF_ERROR(Mutate("sync " + path));
  // Newest first: an earlier change of a name that becomes durable must become so, too, or it
  // would undo the later one when its own folder is synced.
  std::vector<bool> chosen(unsynced_changes_.size());
  std::set<std::pair<const Node*, std::string>> names;
  for (size_t i = unsynced_changes_.size(); i-- > 0;) {
    const auto& edits = unsynced_changes_[i].edits;
    chosen[i] = std::any_of(edits.begin(), edits.end(), [&](const auto& edit) {
      return edit.folder == folder || names.contains({edit.folder.get(), edit.name});
    });
    if (!chosen[i]) continue;
    for (const auto& edit : edits) names.emplace(edit.folder.get(), edit.name);
  }
  std::vector<NameChange> remaining;
  for (size_t i = 0; i < unsynced_changes_.size(); ++i) {
    if (chosen[i]) {
      unsynced_changes_[i].ApplyToDurable();
    } else {
      remaining.push_back(std::move(unsynced_changes_[i]));
    }
  }
  unsynced_changes_ = std::move(remaining);
  return Status::Ok();
}

Result<FaultFileSystem::NodePtr> FaultFileSystem::NodeToLock(const std::string& path) {
  // As on a real disk, a lock file that exists can be locked even when nothing may be written.
  auto existing = OpenNode(path, OpenMode::kRead);
  if (existing.ok() || existing.status().code() != StatusCode::kNotFound) return existing;
  return OpenNode(path, OpenMode::kReadWrite);
}

// True when it could be taken at once.
bool FaultFileSystem::Take(const NodePtr& node, LockMode mode) {
  Locks& locks = locks_[node];
  if (locks.exclusive || (mode == LockMode::kExclusive && locks.shared > 0)) return false;
  if (mode == LockMode::kShared) {
    ++locks.shared;
  } else {
    locks.exclusive = true;
  }
  return true;
}

Result<std::unique_ptr<FileLock>> FaultFileSystem::Lock(const std::string& path, LockMode mode) {
  std::unique_lock lock(mutex_);
  const uint64_t boot = boot_;
  GODWIT_ASSIGN_OR_RETURN(const NodePtr node, NodeToLock(path));
  while (!Take(node, mode)) {
    lock_freed_.wait(lock);
    GODWIT_RETURN_IF_ERROR(CheckAlive(boot, path));
  }
  return std::unique_ptr<FileLock>(std::make_unique<HeldLock>(this, node, mode));
}

Result<std::unique_ptr<FileLock>> FaultFileSystem::TryLock(const std::string& path, LockMode mode) {
  const std::lock_guard lock(mutex_);
  GODWIT_ASSIGN_OR_RETURN(const NodePtr node, NodeToLock(path));
  if (!Take(node, mode)) {
    return Status(StatusCode::kUnavailable, "lock " + path + ": another holds it");
  }
  return std::unique_ptr<FileLock>(std::make_unique<HeldLock>(this, node, mode));
}

Result<uint64_t> FaultFileSystem::FreeBytes(const std::string&) {
  const std::lock_guard lock(mutex_);
  return free_bytes_.value_or(uint64_t{1} << 40) + promised_bytes_;
}

}  // namespace godwit::testing
