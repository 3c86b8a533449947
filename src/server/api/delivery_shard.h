// DeliveryShard: an immutable hash table from a model's path to its prepared answers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/registry/model.h"

namespace godwit::server {

// What a device gets for one version within one hour: a 304, behind it a 200.
struct PreparedAnswer {
  std::string text;
  uint16_t body_size = 0;  // Of the 200; it ends the text.
};

// The answers of one model that devices may see. Immutable.
struct ModelAnswers {
  ModelPointer model;
  std::vector<PreparedAnswer> answers;  // As the versions stand in the model.
  // What a device gets that asks for the model alone and is no test device; null: nothing.
  const PreparedAnswer* usual = nullptr;
};

// Any number of threads may look up. Copies share their memory, which none of them changes.
class DeliveryShard {
 public:
  // A key to set; a key whose answers are null goes.
  struct Edit {
    std::string key;
    uint64_t hash = 0;
    std::shared_ptr<const ModelAnswers> answers;
  };

  DeliveryShard();
  // `previous` with the edits. No key may come twice among them.
  DeliveryShard(const DeliveryShard& previous, std::span<const Edit> edits);

  // The usual answer stands in the record itself, and whether one must look further.
  struct Found {
    const ModelAnswers* model = nullptr;  // Null: there is no such key.
    std::string_view text;                // Empty: there is no usual answer.
    uint16_t body_size = 0;
    bool has_test_devices = false;
  };
  // Allocates nothing. What is found lives as long as the shard.
  Found Find(std::string_view key, uint64_t hash) const;
  std::shared_ptr<const ModelAnswers> FindShared(std::string_view key, uint64_t hash) const;

  // Begin to fetch what Find will read; the second reads the slot that the first fetches.
  void FetchSlot(uint64_t hash) const { __builtin_prefetch(&slots_[PlaceOf(hash)]); }
  void FetchRecord(uint64_t hash) const {
    __builtin_prefetch(&lines_[slots_[PlaceOf(hash)].record]);
  }

 private:
  // A record begins with this; the key's bytes follow.
  struct Head {
    const char* text;
    const ModelAnswers* model;
    uint32_t text_size;
    uint16_t body_size;
    uint8_t key_size;
    bool has_test_devices;
  };
  // A record fills whole lines of the cache, nearly always one.
  struct alignas(64) Line {
    char bytes[64];
  };
  struct Slot {
    uint32_t tag = 0;     // The hash's upper half, so that nearly every probe is one compare.
    uint32_t record = 0;  // Where it starts in the lines; 0: free.
  };
  struct Memory {
    std::vector<Line> lines;  // The first is empty, so that no record is 0.
    std::vector<Slot> slots;  // A power of two, at most half full.
    std::vector<std::shared_ptr<const ModelAnswers>> owners;  // As the records stand in the lines.
  };

  // The table of shards takes the lowest bits of the hash.
  size_t PlaceOf(uint64_t hash) const { return (hash >> 10) & mask_; }
  static size_t LinesFor(size_t key_size) {
    return (sizeof(Head) + key_size + sizeof(Line) - 1) / sizeof(Line);
  }
  static Head HeadAt(const Line* lines, size_t record);
  static std::string_view KeyAt(const Line* lines, size_t record, const Head& head);
  static void Append(Memory* memory, std::string_view key,
                     std::shared_ptr<const ModelAnswers> answers);
  void Adopt(Memory memory);
  // 0 when there is none.
  uint32_t FindRecord(std::string_view key, uint64_t hash) const;

  std::shared_ptr<const Memory> memory_;
  // Into the memory; here, so that a look-up needs not read where it is.
  const Line* lines_ = nullptr;
  const Slot* slots_ = nullptr;
  size_t mask_ = 0;
};

}  // namespace godwit::server
