// DeliveryTable: the answers of `:download`, made beforehand.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/access/access_snapshot.h"
#include "server/registry/registry.h"

namespace godwit::server {

// What devices that ask for one version within one hour get.
struct DeliveryAnswer {
  int64_t project_number = 0;
  std::string etag;          // The raw lower-case hex SHA-256.
  std::string ok;            // Headers behind Date, the empty line and the body of a 200.
  std::string not_modified;  // Headers and the empty line of a 304.
  std::string_view body;     // The end of `ok`.
};

// Immutable, so any number of threads may look up. A look-up allocates nothing: open addressing
// by a hash whose upper half is kept beside the index, so that nearly every probe is one compare.
class DeliveryTable {
 public:
  // Every address that a device may ask for: each published model by name and by id, bare and by
  // version, under its project's id and number. `previous` (or null) lends the answers of models
  // that did not change. REQUIRES: it was made in the same hour from the same access snapshot.
  DeliveryTable(const RegistrySnapshot& registry, const AccessSnapshot& access, int64_t now_ms,
                const DeliveryTable* previous);

  // key: "godwit/models/face" or "godwit/models/face@7", as the path has it between
  // "/v1beta2/projects/" and ":download". Null when there is none.
  const DeliveryAnswer* Find(std::string_view key) const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const DeliveryAnswer> answer;
  };
  struct Slot {
    uint32_t tag = 0;
    uint32_t entry = 0;  // Index + 1; 0: free.
  };

  // Of one model, as its versions stand in it.
  struct ModelAnswers {
    ModelPointer model;  // Keeps the address that names it from being used again.
    std::vector<std::shared_ptr<const DeliveryAnswer>> answers;
  };

  void AddModel(const ModelAnswers& model, const std::vector<std::string>& names,
                const Project& project);
  void Add(const std::string& project, const std::string& address,
           std::shared_ptr<const DeliveryAnswer> answer);
  void BuildSlots();

  std::unordered_map<const Model*, ModelAnswers> answers_;
  std::vector<Entry> entries_;
  std::vector<Slot> slots_;  // A power of two, at most half full.
};

}  // namespace godwit::server
