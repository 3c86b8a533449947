// Api: every path of the server, as one Handler.
#pragma once

#include "server/api/blob_handler.h"
#include "server/api/device_handler.h"
#include "server/api/models_handler.h"
#include "server/api/services.h"
#include "server/api/storage_handler.h"
#include "server/api/upload_handler.h"
#include "server/api/xml_object_handler.h"

namespace godwit::server {

// Thread-safe. Routes by path alone, so that one origin serves what Firebase spreads over five
// hosts.
class Api final : public Handler {
 public:
  // Everything in services must outlive the API.
  explicit Api(ApiServices services);

  bool TryFast(const RequestHead& head, FastReply* reply) override;
  RoutePlan Plan(const RequestHead& head) override;
  Response Handle(const Request& request) override;
  std::unique_ptr<BodyReceiver> StartBody(const Request& request) override;

  // Makes the device's prepared answers anew if the hour has changed. Blocks.
  void RefreshAnswers() { device_.Refresh(); }

  // To be called after a collection of garbage. Blocks.
  void ForgetRemovedBlobs() { blobs_.ForgetRemoved(); }

 private:
  Response Route(const Request& request, const RequestTarget& target);

  const ApiServices services_;
  DeviceHandler device_;
  BlobHandler blobs_;
  ModelsHandler models_;
  StorageHandler storage_;
  UploadHandler uploads_;
  XmlObjectHandler xml_objects_;
};

}  // namespace godwit::server
