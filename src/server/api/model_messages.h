// Models, versions and operations as Firebase's admin API writes them in JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json.h"
#include "server/registry/model.h"
#include "server/registry/registry.h"

namespace godwit::server {

// What a request body asks to change, before its file is read.
struct ModelEdit {
  std::optional<std::string> display_name;
  std::optional<std::vector<std::string>> tags;
  std::optional<std::string> source_uri;
  std::optional<bool> published;
  std::optional<int64_t> published_version;
};

// Reads a Model body. With a mask (comma-separated, camelCase or snake_case) the named fields
// are taken, absent ones as their empty value; without one, or with "*", displayName, tags and
// tfliteModel.gcsTfliteUri where they are present: a fetched model that comes back must not
// unpublish with a stale copy of its state. kInvalidArgument for a wrong type or mask.
Result<ModelEdit> ParseModelEdit(std::string_view body, std::optional<std::string_view> mask);

// {"fromVersion","toVersion"}, both optional, the first also 0; an empty body is one without them.
Result<RollbackRequest> ParseRollback(std::string_view body);
// {"version"}.
Result<int64_t> ParseAliasVersion(std::string_view body);

// {"reason"}, optional; an empty body is one without.
Result<std::string> ParseRevocation(std::string_view body);
// {"gcsGoldenUri"}.
Result<std::string> ParseGoldenUri(std::string_view body);

// {"version","note"}, the second optional.
struct TestDeviceEdit {
  int64_t version = 0;
  std::string note;
};
Result<TestDeviceEdit> ParseTestDevice(std::string_view body);

// For a path that names no model's id.
Status NotAModelId();

// "projects/{project}/models/{id}". `project` is the text of the request's path.
std::string ModelName(std::string_view project, const Model& model);

Json ModelJson(std::string_view project, const Model& model);

// download_uri: a signed link to the version's file; golden_uri: to its golden file, if it has one.
Json VersionJson(std::string_view project, const Model& model, const VersionRecord& record,
                 const std::string& download_uri, const std::string& golden_uri,
                 int64_t expire_time_ms);

Json PublicationJson(const Publication& publication);

// The outcome of a write: a done operation with the model as its response, or the model's active
// operation.
Json OperationJson(std::string_view project, const Model& model);
// The same for an operation that was kept; model: as it is now.
Json OperationJson(std::string_view project, const Operation& operation, const Model& model);
// A done operation that failed.
Json FailedOperationJson(std::string_view project, const Status& status);

}  // namespace godwit::server
