// DeviceHandler: `:download`, a device's question for its model.
#pragma once

#include <mutex>

#include "server/api/delivery_table.h"
#include "server/api/request_target.h"
#include "server/api/services.h"
#include "server/api/snapshot_cell.h"
#include "server/decide/decide.h"

namespace godwit::server {

// Thread-safe. Every check is answered from one immutable view (keys, tokens, prepared answers)
// that is made anew when the registry, the access data or the hour changes.
class DeviceHandler {
 public:
  // Follows the registry's changes from now on.
  explicit DeviceHandler(const ApiServices& services);

  // True for GET "/v1beta2/projects/…:download".
  static bool Accepts(const RequestHead& head);

  // On the loop: no database, no JSON, no allocation. False when the view is out of date or
  // the path is not in its plain form.
  bool TryFast(const RequestHead& head, FastReply* reply);

  // On a worker: brings the view up to date first.
  Response Handle(const RequestHead& head, const RequestTarget& target);

  // Makes the view anew if the access data have moved or the hour is about to end: a large table
  // takes its time, and devices get the old answers meanwhile. Blocks.
  void Refresh();

 private:
  struct View {
    const RegistrySnapshotPointer registry;
    const std::shared_ptr<const AccessSnapshot> access;
    const uint64_t access_generation;
    const int64_t valid_until_ms;
    const DeliveryTable table;
  };
  // The prepared errors of a check.
  enum class Refusal {
    kNone,
    kKeyMissing,
    kKeyWrong,
    kProjectWrong,
    kAndroidBlocked,
    kIosBlocked,
    kReferrerBlocked,
    kTokenMissing,
    kTokenWrong
  };
  struct Credentials {
    std::string_view api_key;
    std::string_view token;
    std::string_view if_none_match;
    std::string_view context;
  };

  static Credentials ReadCredentials(const RequestHead& head);
  bool IsCurrent(const View& view, int64_t now_ms) const;
  // *found: set with kNone.
  Refusal CheckKey(const View& view, const RequestHead& head, const Credentials& credentials,
                   std::string_view project, const ApiKey** found) const;
  // *claims: of a token that is there and valid; else empty.
  Refusal CheckToken(const View& view, const Credentials& credentials, const ApiKey& key,
                     int64_t now_ms, InstallationClaims* claims) const;
  // Of a device that has a token. model: as in the path, perhaps with a version.
  void NoteSighting(const Credentials& credentials, const InstallationClaims& claims,
                    std::string_view model, int64_t now_ms) const;
  static Response Refuse(const Decision& decision, std::string_view if_none_match);
  // REQUIRES: rebuild_mutex_ is held.
  void Rebuild(const ModelPointer& before, const ModelPointer& after);
  static const Status& RefusalStatus(Refusal refusal);

  const ApiServices& services_;
  std::mutex rebuild_mutex_;
  SnapshotCell<View> view_;
  std::vector<std::string> refusals_;  // By Refusal: what follows the Date header.
};

}  // namespace godwit::server
