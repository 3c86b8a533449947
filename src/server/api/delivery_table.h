// DeliveryTable: the answers of `:download`, made beforehand.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/access/access_snapshot.h"
#include "server/api/delivery_shard.h"
#include "server/registry/registry_snapshot.h"

namespace godwit::server {

// What devices that ask for one version within one hour get. Valid as long as its table.
struct DeliveryAnswer {
  std::string_view etag;          // The raw lower-case hex SHA-256.
  std::string_view not_modified;  // Headers behind Date and the empty line of a 304.
  std::string_view ok;            // Headers behind Date, the empty line and the body of a 200.
  std::string_view body;          // The end of `ok`.
  bool has_test_devices = false;  // Then ForInstallation may have another one.
};

// What a path has between "/v1beta2/projects/" and ":download": "godwit/models/face",
// "godwit/models/face@7" or "godwit/models/face@stable". Points into the text.
struct DeliveryKey {
  explicit DeliveryKey(std::string_view text);
  std::string_view model;    // Before '@'.
  std::string_view version;  // Behind it: a number or an alias; empty when there is none.
  uint64_t hash = 0;         // Of `model`.
};

// Immutable, so any number of threads may look up. A look-up allocates nothing and reads three
// places in memory: a slot, a record with the key and the answer's text; for an exact version or
// an alias some more. In a large table none is in a cache; so each can be fetched while the
// request's credentials are checked. Copies share nearly everything.
class DeliveryTable {
 public:
  // Every address that a device may ask for: each model that is published or has test devices by
  // name and by id, under its project's id and number. links_ms: the time that links are signed
  // for.
  DeliveryTable(const RegistrySnapshot& registry, const AccessSnapshot& access, int64_t links_ms);

  // The table after a change of the registry, which has `after` in place of `before` by now;
  // either may be null. REQUIRES: links_ms is of the same hour, and the models' projects stand.
  DeliveryTable With(const RegistrySnapshot& registry, const AccessSnapshot& access,
                     int64_t links_ms, const ModelPointer& before, const ModelPointer& after) const;

  // What a device gets that is no test device, as Choose has it; nullopt for nothing.
  std::optional<DeliveryAnswer> Find(const DeliveryKey& key) const;
  // What this installation gets, in two looks at memory more.
  std::optional<DeliveryAnswer> ForInstallation(const DeliveryKey& key, std::string_view fid) const;

  // Begin to fetch what Find will read; the second reads the slot that the first fetches.
  void FetchSlot(uint64_t hash) const { shards_[hash % kShards].FetchSlot(hash); }
  void FetchRecord(uint64_t hash) const { shards_[hash % kShards].FetchRecord(hash); }

 private:
  // So many that the change of one takes microseconds in a table of 100,000 models, and so few
  // that copying them does.
  static constexpr size_t kShards = 1024;

  // The answers of the model that devices get by this name, made anew unless the table has them;
  // null when there is none.
  std::shared_ptr<const ModelAnswers> AnswersOf(const RegistrySnapshot& registry,
                                                const AccessSnapshot& access, int64_t links_ms,
                                                const Project& project,
                                                std::string_view name) const;

  std::vector<DeliveryShard> shards_;
};

}  // namespace godwit::server
