// TargetingHandler: which device gets which version: test devices, and why one gets what it gets.
#pragma once

#include "protocol/json.h"
#include "server/api/model_call.h"
#include "server/api/services.h"
#include "server/registry/model.h"

namespace godwit::server {

// Thread-safe; blocks on the disk.
class TargetingHandler {
 public:
  explicit TargetingHandler(const ApiServices& services) : services_(services) {}

  // True for …/models/{id}/testDevices… and …/models/{address}:explain.
  static bool Accepts(const RequestTarget& target);

  // REQUIRES: Accepts(call.target).
  Response Handle(const ModelCall& call);

 private:
  Result<Json> Route(const ModelCall& call);
  Result<Json> SetTestDevice(const ModelCall& call, const Model& model, std::string_view fid);
  Result<Json> Explain(const ModelCall& call, std::string_view address);

  const ApiServices& services_;
};

}  // namespace godwit::server
