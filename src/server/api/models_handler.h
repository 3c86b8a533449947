// ModelsHandler: models and operations, in Firebase's form.
#pragma once

#include "server/api/lost_replies.h"
#include "server/api/model_call.h"
#include "server/api/model_messages.h"
#include "server/api/services.h"
#include "server/api/targeting_handler.h"
#include "server/api/versions_handler.h"

namespace godwit::server {

// Thread-safe; blocks on the disk.
class ModelsHandler {
 public:
  explicit ModelsHandler(const ApiServices& services)
      : services_(services),
        versions_(services),
        targeting_(services),
        lost_replies_(services.clock),
        started_ms_(services.clock.NowMs()) {}

  // REQUIRES: the path begins with /v1beta2/projects/.
  Response Handle(const Request& request, const RequestTarget& target);

 private:
  using Call = ModelCall;

  Response Route(const Call& call);
  // Answers a request that changes something.
  Response Change(Call call);
  Response Create(const Call& call);
  // The model that this very request has made, if the process that made it ended before it could
  // answer; else `refused`.
  Result<ModelPointer> FindCreated(const Call& call, const ModelEdit& edit,
                                   const Status& refused) const;
  Response List(const Call& call);
  Response Get(const Call& call, std::string_view id);
  Response Patch(const Call& call, std::string_view id);
  Response Delete(const Call& call, std::string_view id);
  Response GetOperation(const Call& call, std::string_view operation);

  // Applies the edit: reads the file that it names, then creates (empty id) or updates.
  Result<ModelPointer> Apply(const Call& call, std::string_view id, const ModelEdit& edit);
  Result<StorageUri> ParseSource(const Call& call, const std::string& uri) const;
  // Which bytes `uri` stands for now; empty when it stands for none.
  std::string SourceState(const Call& call, const std::string& uri) const;
  // Small files are validated here, big ones in the background.
  Status TakeFile(const Call& call, const std::string& uri, ModelChange* change);
  Result<ModelPointer> Find(const Call& call, std::string_view id) const;

  const ApiServices& services_;
  VersionsHandler versions_;
  TargetingHandler targeting_;
  LostReplies lost_replies_;
  const int64_t started_ms_;
};

}  // namespace godwit::server
