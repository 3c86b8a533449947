// Registry: models, their versions and aliases, and which version is published.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/db/database.h"
#include "server/registry/model.h"
#include "server/registry/operations.h"
#include "server/registry/publications.h"
#include "server/registry/registry_snapshot.h"

namespace godwit::server {

// What a rollback expects and wants.
struct RollbackRequest {
  // Must be the published one; 0: nothing may be published. Makes a repeat harmless.
  std::optional<int64_t> from_version;
  int64_t to_version = 0;  // One that was published before; 0: the newest of those.
};

// Thread-safe. Writes block on the disk, one at a time; each appends to change_log in its own
// transaction. The snapshot is swapped after the commit and before the write returns. A model
// with an active operation refuses every other write but a revocation with kFailedPrecondition.
// `actor` is who did it, for change_log. A model that is not there is kNotFound, everywhere.
class Registry {
 public:
  // Reads everything from the database. db and clock must outlive the registry.
  static Result<std::unique_ptr<Registry>> Open(Database& db, const Clock& clock);

  RegistrySnapshotPointer snapshot() const;

  // Called after every new snapshot, under the write lock, before the write returns, with the
  // model before and after; null where there was or is none. Set it before the first write.
  using Listener = std::function<void(const ModelPointer& before, const ModelPointer& after)>;
  void OnChange(Listener listener);

  // kAlreadyExists when the display name is taken, kInvalidArgument for a bad name or tag.
  // create_request: what FindRepeatedCreate compares. REQUIRES: change.display_name.
  Result<ModelPointer> Create(int64_t project_number, const ModelChange& change,
                              std::string_view actor, std::string_view create_request = "");

  // The model that a request with this create_request made at or after the time, whatever has
  // changed it since: its verification does.
  Result<std::optional<ModelPointer>> FindRepeatedCreate(int64_t project_number,
                                                         std::string_view display_name,
                                                         std::string_view create_request,
                                                         int64_t created_after_ms) const;

  // Returns the model after the change; a change that changes nothing writes nothing.
  // kAlreadyExists, kInvalidArgument; kFailedPrecondition when a model without a valid file is
  // to be published.
  Result<ModelPointer> Update(int64_t project_number, std::string_view id,
                              const ModelChange& change, std::string_view actor);

  // The model and all its versions.
  Status Delete(int64_t project_number, std::string_view id, std::string_view actor);

  // Publishes the version that was published before; the next rollback goes further back.
  // kFailedPrecondition when there is nothing to go back to, when to_version was never published
  // before, or when from_version is not the published one (unless this very rollback was the
  // last thing that happened: then it is done already).
  Result<ModelPointer> RollBack(int64_t project_number, std::string_view id,
                                const RollbackRequest& request, std::string_view actor);

  // kInvalidArgument for a bad name, kNotFound when there is no such version,
  // kResourceExhausted for more than kAliasesMax.
  Result<ModelPointer> SetAlias(int64_t project_number, std::string_view id, std::string_view alias,
                                int64_t version, std::string_view actor);
  // kNotFound when there is no such alias.
  Result<ModelPointer> DeleteAlias(int64_t project_number, std::string_view id,
                                   std::string_view alias, std::string_view actor);

  // No device gets the version's bytes any more, of whichever version of the model; the published
  // pointer stays where it is, so that undoing it restores everything. Doing either again changes
  // nothing. Also while the model has an active operation, which starts from what it finds at its
  // end. kNotFound when there is no such version, kInvalidArgument for a reason that CheckNote
  // refuses.
  Result<ModelPointer> RevokeVersion(int64_t project_number, std::string_view id, int64_t number,
                                     std::string_view reason, std::string_view actor);
  Result<ModelPointer> UnrevokeVersion(int64_t project_number, std::string_view id, int64_t number,
                                       std::string_view actor);

  // Gives the version a golden file in place of the one that it had; nullopt: takes it away.
  // kNotFound when there is no such version.
  Result<ModelPointer> SetGolden(int64_t project_number, std::string_view id, int64_t number,
                                 const std::optional<Golden>& golden, std::string_view actor);

  // Gives an installation a version of its own, in place of one that it had. kNotFound when there
  // is no such version or installation, kFailedPrecondition when the version is revoked,
  // kInvalidArgument for a bad note, kResourceExhausted for more than kTestDevicesMax.
  Result<ModelPointer> SetTestDevice(int64_t project_number, std::string_view id,
                                     std::string_view fid, int64_t version, std::string_view note,
                                     std::string_view actor);
  // kNotFound when it is none.
  Result<ModelPointer> DeleteTestDevice(int64_t project_number, std::string_view id,
                                        std::string_view fid, std::string_view actor);
  // To be called when an installation was deleted, and its rows with it.
  void ForgetInstallation(int64_t project_number, std::string_view fid);

  // kFailedPrecondition while it is revoked or something points to it.
  Result<ModelPointer> DeleteVersion(int64_t project_number, std::string_view id, int64_t number,
                                     std::string_view actor);

  // Newest first, below `before` (0: from the newest), at most `limit`.
  Result<std::vector<VersionRecord>> ListVersions(int64_t project_number, std::string_view id,
                                                  int64_t before, int limit) const;
  Result<std::vector<Publication>> ListPublications(int64_t project_number, std::string_view id,
                                                    int64_t before, int limit) const;

  // Drops versions that are not among the `keep` newest of their model and that nothing points
  // to. Returns how many went.
  Result<int64_t> PruneVersions(int64_t keep);

  // nullopt when there is no such operation (any more).
  Result<std::optional<Operation>> FindOperation(int64_t project_number, std::string_view id) const;
  // Those that are not done, oldest first.
  Result<std::vector<Operation>> ActiveOperations() const;
  // Applies the operation's change with its validated file, or records why there is none. An
  // error means that nothing happened and that it may be called again.
  Status FinishOperation(const Operation& operation, const Result<SubmittedFile>& file);
  // Forgets those done before. Returns how many went.
  Result<int64_t> RemoveOperationsDoneBefore(int64_t time_ms);

 private:
  // One write: `after` in place of `before`, either of them null.
  struct Step {
    ModelPointer before;
    std::shared_ptr<Model> after;
    std::string_view action;  // Of change_log.
    std::string_view actor;
    std::optional<VersionRecord> added;
    std::string_view create_request;
    std::optional<int64_t> rollback_previous;    // Set for a rollback: what is below its row.
    std::function<Status(SqlConnection&)> more;  // In the same transaction.
    const Version* marked = nullptr;             // In `after`: its revocation or golden changed.
    std::string part = "";                       // What of the model it is about: "/versions/7".
  };

  Registry(Database& db, const Clock& clock) : db_(db), clock_(clock) {}
  // A failed write leaves step.after half changed.
  Result<ModelPointer> Write(const Step& step);
  Status WriteRows(SqlConnection& connection, const Step& step, int64_t now_ms) const;
  // Changes what is said of one version.
  Result<ModelPointer> MarkVersion(const ModelPointer& before, int64_t number,
                                   const std::function<void(Version*)>& mark,
                                   std::string_view action, std::string_view actor);
  Result<ModelPointer> FindModel(int64_t project_number, std::string_view id) const;
  // The model, unless it is not there or locked.
  Result<ModelPointer> FindUnlocked(int64_t project_number, std::string_view id) const;
  Status CheckRollbackFrom(SqlConnection& connection, const Model& model,
                           const RollbackRequest& request, std::string_view actor,
                           bool* is_done) const;
  Result<int64_t> PruneModel(int64_t project_number, std::string_view id, int64_t keep);
  void Swap(const ModelPointer& before, const ModelPointer& after);

  Database& db_;
  const Clock& clock_;
  Listener listener_;
  std::mutex write_mutex_;  // Held over commit and swap, so that snapshots appear in order.
  mutable std::mutex snapshot_mutex_;
  RegistrySnapshotPointer snapshot_;
};

}  // namespace godwit::server
