// VersionsHandler: what we have beside Firebase's models: versions, aliases, publications and
// rollbacks.
#pragma once

#include "protocol/json.h"
#include "server/api/model_call.h"
#include "server/api/services.h"
#include "server/registry/model.h"

namespace godwit::server {

// Thread-safe; blocks on the disk.
class VersionsHandler {
 public:
  explicit VersionsHandler(const ApiServices& services) : services_(services) {}

  // True for …/models/{id}/… and …/models/{id}:rollback.
  static bool Accepts(const RequestTarget& target);

  // REQUIRES: Accepts(call.target).
  Response Handle(const ModelCall& call);

 private:
  Result<Json> Route(const ModelCall& call, std::string_view id);
  Result<Json> RollBack(const ModelCall& call, std::string_view id);
  Result<Json> SetAlias(const ModelCall& call, const Model& model, std::string_view alias);
  Result<Json> ListVersions(const ModelCall& call, const Model& model);
  Result<Json> GetVersion(const ModelCall& call, const Model& model, int64_t number);
  Result<Json> ChangeVersion(const ModelCall& call, const Model& model);
  Result<Json> Revoke(const ModelCall& call, const Model& model, int64_t number);
  Result<Json> Unrevoke(const ModelCall& call, const Model& model, int64_t number);
  Result<Json> SetGolden(const ModelCall& call, const Model& model, int64_t number);
  Result<Json> ListPublications(const ModelCall& call, const Model& model);
  Json DescribeVersion(const ModelCall& call, const Model& model,
                       const VersionRecord& record) const;
  void LogChange(const ModelCall& call, std::string_view what, const Model& model) const;

  const ApiServices& services_;
};

}  // namespace godwit::server
