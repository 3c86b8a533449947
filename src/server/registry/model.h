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

// One immutable file of a model, as the snapshot in memory keeps it. A value type.
struct Version {
  int64_t number = 0;  // Counts from 1 within its model.
  Digest digest;
  uint64_t size_bytes = 0;
  int64_t create_time_ms = 0;
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
  std::vector<Version> versions;  // The kept ones, ascending by number.
  std::vector<Alias> aliases;     // Ascending by name.
  // The operation that still verifies a file of this model; empty: none. Nothing else may change
  // the model meanwhile.
  std::string active_operation;

  // Null when there is no such version (any more).
  const Version* FindVersion(int64_t number) const;
  // Null when there is no such alias.
  const Alias* FindAlias(std::string_view name) const;
  // True for a version that must not go: the latest, the published one, an alias's, or the one
  // that a rollback publishes.
  bool PointsTo(int64_t number) const;
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
inline constexpr size_t kAliasesMax = 32;  // Of one model.

// True for 1 to 19 decimal digits.
bool IsModelId(std::string_view text);

}  // namespace godwit::server
