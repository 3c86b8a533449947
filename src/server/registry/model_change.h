// What a change does to a model, in memory alone.
#pragma once

#include <optional>

#include "base/result.h"
#include "server/registry/model.h"

namespace godwit::server {

// kInvalidArgument for a bad name or tag, or for too many tags.
Status CheckChange(const ModelChange& change);

// Applies all but pending_file. Returns the version to insert, if the file makes a new one.
// kFailedPrecondition when a model without a valid file is to be published, kNotFound when the
// version to publish is not kept.
Result<std::optional<VersionRecord>> ApplyChange(const ModelChange& change, int64_t now_ms,
                                                 Model* model);

// True when there is nothing to write.
bool SameModel(const Model& a, const Model& b);

// kFailedPrecondition for a version with revoked bytes; `what` was not done to it: "published".
Status CheckUsable(const Model& model, const Version& version, std::string_view what);

// What a person is told about a version that is not there.
Status NoSuchVersion(int64_t number);

}  // namespace godwit::server
