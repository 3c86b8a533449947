// ModelsHandler: models and operations, in Firebase's form, and our versions beside them.
#pragma once

#include "server/api/model_messages.h"
#include "server/api/request_target.h"
#include "server/api/services.h"

namespace godwit::server {

// Thread-safe; blocks on the disk.
class ModelsHandler {
 public:
  explicit ModelsHandler(const ApiServices& services) : services_(services) {}

  // REQUIRES: the path begins with /v1beta2/projects/.
  Response Handle(const Request& request, const RequestTarget& target);

 private:
  struct Call {
    const Request& request;
    const RequestTarget& target;
    Principal principal;
    std::string_view project;  // As in the path.
  };

  Response Route(const Call& call);
  Response Create(const Call& call);
  Response List(const Call& call);
  Response Get(const Call& call, std::string_view id);
  Response Patch(const Call& call, std::string_view id);
  Response Delete(const Call& call, std::string_view id);
  Response GetOperation(const Call& call, std::string_view operation);
  Response ListVersions(const Call& call, std::string_view id);
  Response GetVersion(const Call& call, std::string_view id, std::string_view number);

  // Applies the edit: reads the file that it names, then creates (empty id) or updates.
  Result<ModelPointer> Apply(const Call& call, std::string_view id, const ModelEdit& edit);
  Result<SubmittedFile> ReadFile(const Call& call, const std::string& uri);
  Result<ModelPointer> Find(const Call& call, std::string_view id) const;
  Json DescribeVersion(const Call& call, const Model& model, const VersionRecord& record) const;

  const ApiServices& services_;
};

}  // namespace godwit::server
