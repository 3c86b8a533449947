// What a model and a version are. Plain values; no machinery.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "digest/digest.h"

namespace godwit::server {

// Who forbade a version, when and why. Immutable.
struct Revocation {
  int64_t time_ms = 0;
  std::string actor;
  std::string reason;
};

// Inputs of a version with the outputs that it must give. A value type.
struct Golden {
  Digest digest;
  uint64_t size_bytes = 0;
  friend bool operator==(const Golden&, const Golden&) = default;
};

// One immutable file of a model, as the snapshot in memory keeps it, and what is said of it. A
// value type.
struct Version {
  int64_t number = 0;  // Counts from 1 within its model.
  Digest digest;
  uint64_t size_bytes = 0;
  int64_t create_time_ms = 0;
  // Set where it was this one that somebody forbade. Whether devices may use its bytes is
  // Model::FindRevoked's answer.
  std::shared_ptr<const Revocation> revocation = nullptr;
  std::optional<Golden> golden = std::nullopt;
};

// A version with what was read from its file.
struct VersionRecord {
  Version version;
  std::string source_uri;  // The gs:// URI that it came from.
  std::string structure;   // JSON object: operators, inputs, outputs, signatures.
};

// A name that points to one version. A value type.
struct Alias {
  std::string name;
  int64_t version = 0;
  friend bool operator==(const Alias&, const Alias&) = default;
};

// An installation that gets a version of its own. A value type.
struct TestDevice {
  std::string fid;
  int64_t version = 0;
  std::string note;  // For people; may be empty.
  std::string actor;
  int64_t create_time_ms = 0;
};

// A named family of versions. Immutable once in a snapshot.
struct Model {
  int64_t project_number = 0;
  std::string id;            // Decimal digits, never reused.
  std::string display_name;  // Unique in the project, case-sensitive.
  std::vector<std::string> tags;
  std::string source_uri;        // The last file's gs:// URI; empty when none was ever given.
  std::string validation_error;  // Why the last file is no version; empty when it is one.
  int64_t latest = 0;            // The newest version's number; 0: none.
  int64_t published = 0;         // What devices get; 0: nothing.
  int64_t publication = 0;       // The newest row of publications; 0: never published.
  int64_t rollback_version = 0;  // What a rollback publishes; 0: there is nothing to go back to.
  int64_t etag = 0;              // Changes with every change of the model.
  int64_t create_time_ms = 0;
  int64_t update_time_ms = 0;
  std::vector<Version> versions;         // The kept ones, ascending by number.
  std::vector<Alias> aliases;            // Ascending by name.
  std::vector<TestDevice> test_devices;  // Ascending by fid.
  // The operation that still verifies a file of this model; empty: none. Nothing else may change
  // the model meanwhile.
  std::string active_operation;

  // Null when there is no such version (any more).
  const Version* FindVersion(int64_t number) const;
  // Null when there is no such alias.
  const Alias* FindAlias(std::string_view name) const;
  // Null when it is none.
  const TestDevice* FindTestDevice(std::string_view fid) const;
  // The version whose revocation forbids a file with this digest, by whichever version it is given
  // out; null: devices may use it. At most one version with a digest has a revocation.
  const Version* FindRevoked(const Digest& digest) const;
  // What devices get where they would get `number`: that version, or the newest older one that they
  // may use; null when there is none. REQUIRES: the version is kept.
  const Version* NewestUsable(int64_t number) const;
  // True for a version that must not go: the latest, the published one, what devices get in its
  // place, an alias's, a test device's, the one that a rollback publishes, or one that was revoked,
  // whose row is all that keeps its bytes from coming back.
  bool Needs(int64_t number) const;
};

using ModelPointer = std::shared_ptr<const Model>;

// A file that was given for a model, after validation.
struct SubmittedFile {
  std::string source_uri;
  std::string validation_error;  // Not empty: no valid model; the rest is then unset.
  Digest digest;
  uint64_t size_bytes = 0;
  std::string structure;
};

// A file that is still to be validated, in the background.
struct PendingFile {
  std::string source_uri;
  Digest digest;
  uint64_t size_bytes = 0;
};

// What to change; absent fields stay as they are.
struct ModelChange {
  std::optional<std::string> display_name;
  std::optional<std::vector<std::string>> tags;
  std::optional<SubmittedFile> file;
  // Instead of `file`: starts an operation; the whole change takes effect when it is done.
  std::optional<PendingFile> pending_file;
  // Whether a valid file of a model that is published becomes the published version at once.
  bool file_moves_published = true;
  std::optional<bool> published;             // true: publish the latest version; false: unpublish.
  std::optional<int64_t> published_version;  // Publish this one; applied last.
};

// 1 to 32 of A-Za-z0-9_-; kInvalidArgument says what is wrong. `what` names the value.
Status CheckNameOrTag(std::string_view what, std::string_view value);
inline constexpr size_t kTagsMax = 100;
inline constexpr size_t kAliasesMax = 32;       // Of one model.
inline constexpr size_t kTestDevicesMax = 100;  // Of one model.

// What a person writes down for others: one line of UTF-8, at most kNoteMaxBytes; kInvalidArgument
// otherwise. `what` names it.
Status CheckNote(std::string_view what, std::string_view text);
inline constexpr size_t kNoteMaxBytes = 500;

// True for 1 to 19 decimal digits.
bool IsModelId(std::string_view text);

}  // namespace godwit::server
