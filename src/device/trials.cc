#include "device/trials.h"

#include <utility>

#include "device/store_layout.h"
#include "digest/digest.h"

namespace godwit {
namespace {

// At most kTrialTextMaxBytes, and whole characters.
std::string Cut(std::string text) {
  if (text.size() <= kTrialTextMaxBytes) return text;
  size_t end = kTrialTextMaxBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

Status QuarantinedError(const std::string& hash) {
  return Status(StatusCode::kQuarantined,
                "the version with SHA-256 " + hash +
                    " ended this app twice while it was loaded, so it is not used on this device "
                    "any more; publish another version");
}

}  // namespace

std::string Trials::PathOf(const std::string& hash) const {
  return JoinPath(JoinPath(directory_, kTrialFolder), hash);
}

// Held shared by whoever loads the file; the kernel lets go of it when a process dies.
std::string Trials::LoadingLock(const std::string& hash) const {
  return JoinPath(JoinPath(directory_, kLockFolder), hash + std::string(kLoadingSuffix));
}

// Around each read, change and write; short.
Result<std::unique_ptr<FileLock>> Trials::Lock() {
  return fs_.Lock(JoinPath(JoinPath(directory_, kLockFolder), kTrialLock), LockMode::kExclusive);
}

// REQUIRES: the caller holds Lock's lock, so nobody begins or ends a load meanwhile.
Result<bool> Trials::IsLoading(const std::string& hash) {
  const auto alone = fs_.TryLock(LoadingLock(hash), LockMode::kExclusive);
  if (alone.ok()) return false;
  if (alone.status().code() == StatusCode::kUnavailable) return true;
  return alone.status();
}

Result<Trial> Trials::Read(const std::string& hash) {
  const auto bytes = ReadWholeFile(fs_, PathOf(hash), kStoreFileMaxBytes);
  if (!bytes.ok() && bytes.status().code() == StatusCode::kNotFound) return Trial();
  if (!bytes.ok() && bytes.status().code() != StatusCode::kOutOfRange) return bytes.status();
  auto trial = bytes.ok() ? ParseTrial(*bytes) : bytes.status();
  if (trial.ok()) return trial;
  logger_.Warning("what this device knew of a model's file is damaged and is forgotten",
                  {{"path", PathOf(hash)}, {"cause", trial.status().message()}});
  return Trial();
}

Status Trials::Write(const std::string& hash, const Trial& trial) {
  // An empty one is none. That it is gone need not be durable: it would only warn once too often.
  if (trial == Trial()) return fs_.Remove(PathOf(hash));
  GODWIT_RETURN_IF_ERROR(fs_.CreateDirectories(JoinPath(directory_, kTrialFolder)));
  GODWIT_RETURN_IF_ERROR(fs_.SyncDirectory(directory_));
  return ReplaceFile(fs_, PathOf(hash), EncodeTrial(trial));
}

Status Trials::Check(const std::string& hash, const std::string& golden_hash) {
  GODWIT_ASSIGN_OR_RETURN(const Trial trial, Read(hash));
  if (trial.crashes >= kCrashesMax) return QuarantinedError(hash);
  // Other golden inputs are another examination.
  if (trial.refusal.empty() || trial.golden_hash != golden_hash) return Status::Ok();
  return Status(
      StatusCode::kGateRefused,
      "this device refused the version before and does not try it again: " + trial.refusal);
}

Status Trials::Refuse(const std::string& hash, const std::string& golden_hash, std::string reason) {
  GODWIT_ASSIGN_OR_RETURN(const auto lock, Lock());
  GODWIT_ASSIGN_OR_RETURN(Trial trial, Read(hash));
  trial.refusal = Cut(reason.empty() ? "no reason was given" : std::move(reason));
  trial.golden_hash = golden_hash;
  return Write(hash, trial);
}

Result<std::unique_ptr<FileLock>> Trials::BeginLoad(const std::string& hash, bool& crashed) {
  crashed = false;
  GODWIT_ASSIGN_OR_RETURN(const auto lock, Lock());
  GODWIT_ASSIGN_OR_RETURN(Trial trial, Read(hash));
  if (trial.loading) {
    GODWIT_ASSIGN_OR_RETURN(const bool loading, IsLoading(hash));
    crashed = !loading;
    if (crashed) ++trial.crashes;
  }
  const bool quarantined = trial.crashes >= kCrashesMax;
  trial.loading = !quarantined;
  if (quarantined) {
    if (crashed) GODWIT_RETURN_IF_ERROR(Write(hash, trial));
    return QuarantinedError(hash);
  }
  // The lock first: a mark without one is the trace of a crash.
  GODWIT_ASSIGN_OR_RETURN(auto loading, fs_.TryLock(LoadingLock(hash), LockMode::kShared));
  GODWIT_RETURN_IF_ERROR(Write(hash, trial));
  return loading;
}

Status Trials::EndLoad(const std::string& hash, std::unique_ptr<FileLock> loading) {
  GODWIT_ASSIGN_OR_RETURN(const auto lock, Lock());
  loading.reset();
  GODWIT_ASSIGN_OR_RETURN(Trial trial, Read(hash));
  GODWIT_ASSIGN_OR_RETURN(trial.loading, IsLoading(hash));
  if (trial.crashes < kCrashesMax) trial.crashes = 0;
  return Write(hash, trial);
}

Result<std::vector<std::string>> Trials::Quarantined() {
  std::vector<std::string> quarantined;
  const auto file_names = fs_.List(JoinPath(directory_, kTrialFolder));
  if (!file_names.ok() && file_names.status().code() == StatusCode::kNotFound) return quarantined;
  if (!file_names.ok()) return file_names.status();
  for (const std::string& hash : *file_names) {
    if (!Digest::Parse(hash).ok()) continue;  // ReplaceFile's temporary file, say.
    GODWIT_ASSIGN_OR_RETURN(Trial trial, Read(hash));
    if (trial.loading) {
      GODWIT_ASSIGN_OR_RETURN(const auto lock, Lock());
      GODWIT_ASSIGN_OR_RETURN(trial, Read(hash));
      GODWIT_ASSIGN_OR_RETURN(const bool loading, IsLoading(hash));
      if (trial.loading && !loading) ++trial.crashes;
    }
    if (trial.crashes >= kCrashesMax) quarantined.push_back(hash);
  }
  return quarantined;
}

}  // namespace godwit
