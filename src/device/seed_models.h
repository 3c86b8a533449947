// SeedModels: the models that an app ships with itself, used where they lie.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "fs/file_system.h"
#include "protocol/seed_manifest.h"

namespace godwit {

// Thread-safe. The app's folder is only read; what was found out about it is kept in the store.
class SeedModels {
 public:
  // Reads the manifest of `directory`; an empty one has no seeds, and so has one without a
  // readable manifest, which is logged. `notes` is a folder of the store, made when it is needed.
  SeedModels(FileSystem& fs, Logger& logger, std::string directory, std::string notes);

  // The seed of that name, whether or not its file is right; null when there is none.
  const SeedModel* Find(const std::string& name) const;

  // Its file's path, once its bytes were hashed and found right: for the first time since the
  // file was put there, else it costs one Stat. nullopt when the file is missing or wrong,
  // which is logged, or when the seed was revoked.
  std::optional<std::string> Path(const SeedModel& seed);

  // Path says nullopt for this seed from now on, durably.
  Status Revoke(const SeedModel& seed);

 private:
  std::string NotePath(const SeedModel& seed) const { return JoinPath(notes_, seed.hash); }
  bool Check(const SeedModel& seed, const std::string& path, const FileInfo& info);

  FileSystem& fs_;
  Logger& logger_;
  const std::string directory_;
  const std::string notes_;
  std::map<std::string, SeedModel> by_name_;  // Set once.
  struct Checked {
    FileInfo info;
    bool usable = false;
  };
  std::mutex mutex_;
  std::map<std::string, Checked> checked_;  // By digest. Guarded by mutex_.
};

}  // namespace godwit
