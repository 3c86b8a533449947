// DeliveryTable: the answers of `:download`, made beforehand.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/access/access_snapshot.h"
#include "server/registry/registry.h"

namespace godwit::server {

// What devices that ask for one version within one hour get. Valid as long as its table.
struct DeliveryAnswer {
  std::string_view etag;          // The raw lower-case hex SHA-256.
  std::string_view not_modified;  // Headers behind Date and the empty line of a 304.
  std::string_view ok;            // Headers behind Date, the empty line and the body of a 200.
  std::string_view body;          // The end of `ok`.
};

// Immutable, so any number of threads may look up. A look-up allocates nothing and reads three
// places in memory: a slot, a record with the key and the answer's text. In a large table none is
// in a cache; so each can be fetched while the request's credentials are checked.
class DeliveryTable {
 public:
  // Every address that a device may ask for: each published model by name and by id, bare and by
  // version, under its project's id and number. `previous` (or null) lends the answers of models
  // that did not change. REQUIRES: it was made in the same hour from a snapshot that signs links
  // alike.
  DeliveryTable(const RegistrySnapshot& registry, const AccessSnapshot& access, int64_t now_ms,
                const DeliveryTable* previous);

  // key: "godwit/models/face" or "godwit/models/face@7", as the path has it between
  // "/v1beta2/projects/" and ":download".
  // hash: HashOf(key).
  std::optional<DeliveryAnswer> Find(std::string_view key, uint64_t hash) const;
  std::optional<DeliveryAnswer> Find(std::string_view key) const { return Find(key, HashOf(key)); }

  static uint64_t HashOf(std::string_view key) { return std::hash<std::string_view>{}(key); }
  // Begin to fetch what Find will read; the second reads the slot that the first fetches. Find
  // begins to fetch the text.
  void FetchSlot(uint64_t hash) const { __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]); }
  void FetchRecord(uint64_t hash) const {
    __builtin_prefetch(&records_[slots_[hash & (slots_.size() - 1)].record]);
  }

 private:
  // An answer's bytes: a 304's, then a 200's.
  struct Prepared {
    std::string text;
    uint32_t not_modified_size = 0;
    uint32_t body_size = 0;
  };
  // Starts a record; the key's bytes follow.
  struct RecordHead {
    const char* text;  // Owned by answers_.
    uint32_t text_size;
    uint32_t not_modified_size;
    uint32_t body_size;
    uint32_t key_size;
  };
  // A record fills whole lines of the cache, nearly always one.
  struct alignas(64) Line {
    char bytes[64];
  };
  struct Slot {
    uint32_t tag = 0;     // The hash's upper half, so that nearly every probe is one compare.
    uint32_t record = 0;  // Where it starts in records_; 0: free.
  };

  // Of one model, as its versions stand in it.
  struct ModelAnswers {
    ModelPointer model;  // Keeps the address that names it from being used again.
    std::vector<std::shared_ptr<const Prepared>> answers;
  };

  void AddModel(const ModelAnswers& model, const std::vector<std::string>& names,
                const Project& project);
  void Add(const std::string& key, const Prepared& answer);
  void BuildSlots();
  RecordHead HeadOf(uint32_t record) const;
  std::string_view KeyOf(uint32_t record, const RecordHead& head) const;
  static size_t LinesFor(size_t key_size) {
    return (sizeof(RecordHead) + key_size + sizeof(Line) - 1) / sizeof(Line);
  }
  static std::shared_ptr<const Prepared> Prepare(const Version& version,
                                                 const AccessSnapshot& access, int64_t now_ms);

  std::unordered_map<const Model*, ModelAnswers> answers_;
  std::vector<Line> records_{1};
  size_t records_count_ = 0;
  std::vector<Slot> slots_;  // A power of two, at most half full.
};

}  // namespace godwit::server
