// The history of a model's published pointer, and the way back through it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/db/database.h"
#include "server/registry/model.h"

namespace godwit::server {

// One move of the published pointer, or a change of what may be published. Rows are only ever
// added; `previous` links them to the stack that rollbacks walk down, so that a rollback after a
// rollback goes further back.
struct Publication {
  int64_t number = 0;    // Counts from 1 within its model.
  std::string action;    // "publish", "unpublish", "rollback", "revoke" or "unrevoke".
  int64_t version = 0;   // What was published, 0: nothing; or what was revoked or unrevoked.
  int64_t previous = 0;  // Where a rollback begins to look; 0: nothing.
  std::string actor;
  int64_t time_ms = 0;
  std::string reason;  // Of "revoke".
};

// Appends the row of model->published, above the first row from `previous` down that a rollback
// could go to if nothing was revoked, and sets the model's publication and rollback_version. The
// rows between are skipped for good, so that walks stay short; what is revoked today may be usable
// tomorrow.
Status AppendPublication(SqlConnection& connection, std::string_view action, int64_t previous,
                         std::string_view actor, int64_t now_ms, Model* model);

// Appends a row about the version, "revoke" or "unrevoke", and sets the model's publication and
// rollback_version. Skips no row for good.
Status AppendRevocation(SqlConnection& connection, std::string_view action, const Version& version,
                        std::string_view actor, int64_t now_ms, Model* model);

// From the row `number` down the stack: the first that gave devices another version than the
// model's published one, and one that is still kept and not revoked. version: only this one, where
// not 0. nullopt when there is none.
Result<std::optional<Publication>> FindRollbackTarget(SqlConnection& connection, const Model& model,
                                                      int64_t number, int64_t version);

Result<std::optional<Publication>> ReadPublication(SqlConnection& connection, const Model& model,
                                                   int64_t number);

// The moves of the published pointer alone, newest first.
Result<std::vector<Publication>> ReadMoves(SqlConnection& connection, const Model& model,
                                           int limit);

// Newest first, numbers below `before`.
Result<std::vector<Publication>> ReadPublications(SqlConnection& connection, const Model& model,
                                                  int64_t before, int limit);

}  // namespace godwit::server
