#include "device/seed_models.h"

#include <utility>

#include "device/hash_file.h"

namespace godwit {
namespace {

constexpr std::string_view kRevoked = "revoked\n";
constexpr uint64_t kNoteMaxBytes = 256;

// What a file that was hashed looks like; another one would be another file.
std::string NoteOf(const FileInfo& info) {
  return "whole " + std::to_string(info.size_bytes) + " " + std::to_string(info.modified_ns) + " " +
         std::to_string(info.file_id) + "\n";
}

}  // namespace

SeedModels::SeedModels(FileSystem& fs, Logger& logger, std::string directory, std::string notes)
    : fs_(fs), logger_(logger), directory_(std::move(directory)), notes_(std::move(notes)) {
  if (directory_.empty()) return;
  const std::string path = JoinPath(directory_, kSeedManifestName);
  const auto text = ReadWholeFile(fs_, path, kSeedManifestMaxBytes);
  auto seeds = text.ok() ? ParseSeedManifest(*text) : text.status();
  if (!seeds.ok()) {
    logger_.Warning("the app's seed models cannot be used",
                    {{"path", path}, {"cause", seeds.status().message()}});
    return;
  }
  for (SeedModel& seed : *seeds) by_name_[seed.name] = std::move(seed);
}

const SeedModel* SeedModels::Find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

std::optional<std::string> SeedModels::Path(const SeedModel& seed) {
  std::string path = JoinPath(directory_, seed.file);
  const auto info = fs_.Stat(path);
  const std::lock_guard lock(mutex_);  // Also so that one thread hashes, and the others wait.
  Checked& checked = checked_[seed.hash];
  const FileInfo found = info.ok() ? *info : FileInfo();
  if (checked.info == found && found != FileInfo()) {
    return checked.usable ? std::optional(std::move(path)) : std::nullopt;
  }
  checked = {found, info.ok() && Check(seed, path, found)};
  return checked.usable ? std::optional(std::move(path)) : std::nullopt;
}

bool SeedModels::Check(const SeedModel& seed, const std::string& path, const FileInfo& info) {
  const auto note = ReadWholeFile(fs_, NotePath(seed), kNoteMaxBytes);
  if (note.ok() && *note == kRevoked) return false;
  if (note.ok() && *note == NoteOf(info) && info.size_bytes == seed.size_bytes) return true;
  const auto digest = DigestOfFile(fs_, path);
  if (!digest.ok() || digest->ToHex() != seed.hash || info.size_bytes != seed.size_bytes) {
    logger_.Warning(
        "a seed model is not the file that the manifest names, and is not used",
        {{"path", path},
         {"cause", digest.ok() ? "its SHA-256 is " + digest->ToHex() : digest.status().message()}});
    return false;
  }
  // Without the note, on a read-only disk say, the next process hashes once more.
  if (fs_.CreateDirectories(notes_).ok()) (void)ReplaceFile(fs_, NotePath(seed), NoteOf(info));
  return true;
}

Status SeedModels::Revoke(const SeedModel& seed) {
  const std::lock_guard lock(mutex_);
  GODWIT_RETURN_IF_ERROR(CreateDirectoriesDurably(fs_, notes_));
  GODWIT_RETURN_IF_ERROR(ReplaceFile(fs_, NotePath(seed), kRevoked));
  checked_.erase(seed.hash);
  return Status::Ok();
}

}  // namespace godwit
