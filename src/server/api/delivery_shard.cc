#include "server/api/delivery_shard.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <functional>
#include <limits>

namespace godwit::server {

DeliveryShard::DeliveryShard() {
  Memory memory;
  memory.lines.resize(1);
  Adopt(std::move(memory));
}

DeliveryShard::DeliveryShard(const DeliveryShard& previous, std::span<const Edit> edits) {
  Memory memory;
  memory.lines.resize(1);
  const Memory& old = *previous.memory_;
  size_t record = 1;
  for (const auto& owner : old.owners) {
    const Head head = HeadAt(old.lines.data(), record);
    const std::string_view key = KeyAt(old.lines.data(), record, head);
    const bool edited =
        std::any_of(edits.begin(), edits.end(), [&](const Edit& edit) { return edit.key == key; });
    if (!edited) Append(&memory, key, owner);
    record += LinesFor(head.key_size);
  }
  for (const Edit& edit : edits) {
    if (edit.answers) Append(&memory, edit.key, edit.answers);
  }
  Adopt(std::move(memory));
}

void DeliveryShard::Append(Memory* memory, std::string_view key,
                           std::shared_ptr<const ModelAnswers> answers) {
  static const PreparedAnswer kNothing;
  const PreparedAnswer& usual = answers->usual == nullptr ? kNothing : *answers->usual;
  assert(key.size() <= std::numeric_limits<uint8_t>::max());
  const Head head{usual.text.data(),
                  answers.get(),
                  static_cast<uint32_t>(usual.text.size()),
                  usual.body_size,
                  static_cast<uint8_t>(key.size()),
                  !answers->model->test_devices.empty()};
  const size_t record = memory->lines.size();
  memory->lines.resize(record + LinesFor(key.size()));
  char* const bytes = memory->lines[record].bytes;
  std::memcpy(bytes, &head, sizeof head);
  std::memcpy(bytes + sizeof head, key.data(), key.size());
  memory->owners.push_back(std::move(answers));
}

void DeliveryShard::Adopt(Memory memory) {
  memory.slots.resize(std::bit_ceil(memory.owners.size() * 2 + 1));
  mask_ = memory.slots.size() - 1;
  size_t record = 1;
  for (size_t i = 0; i < memory.owners.size(); ++i) {
    const Head head = HeadAt(memory.lines.data(), record);
    const uint64_t hash = std::hash<std::string_view>{}(KeyAt(memory.lines.data(), record, head));
    size_t place = PlaceOf(hash);
    while (memory.slots[place].record != 0) place = (place + 1) & mask_;
    memory.slots[place] = {static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(record)};
    record += LinesFor(head.key_size);
  }
  memory_ = std::make_shared<const Memory>(std::move(memory));
  lines_ = memory_->lines.data();
  slots_ = memory_->slots.data();
}

DeliveryShard::Head DeliveryShard::HeadAt(const Line* lines, size_t record) {
  Head head;
  std::memcpy(&head, lines[record].bytes, sizeof head);
  return head;
}

std::string_view DeliveryShard::KeyAt(const Line* lines, size_t record, const Head& head) {
  return {lines[record].bytes + sizeof head, head.key_size};
}

uint32_t DeliveryShard::FindRecord(std::string_view key, uint64_t hash) const {
  for (size_t place = PlaceOf(hash); slots_[place].record != 0; place = (place + 1) & mask_) {
    const Slot& slot = slots_[place];
    if (slot.tag != static_cast<uint32_t>(hash >> 32)) continue;
    if (KeyAt(lines_, slot.record, HeadAt(lines_, slot.record)) == key) return slot.record;
  }
  return 0;
}

DeliveryShard::Found DeliveryShard::Find(std::string_view key, uint64_t hash) const {
  const uint32_t record = FindRecord(key, hash);
  if (record == 0) return {};
  const Head head = HeadAt(lines_, record);
  // As much as a 304 has, the usual answer.
  __builtin_prefetch(head.text);
  __builtin_prefetch(head.text + 64);
  return {head.model, {head.text, head.text_size}, head.body_size, head.has_test_devices};
}

std::shared_ptr<const ModelAnswers> DeliveryShard::FindShared(std::string_view key,
                                                              uint64_t hash) const {
  const Found found = Find(key, hash);
  const auto owner =
      std::find_if(memory_->owners.begin(), memory_->owners.end(),
                   [&](const auto& answers) { return answers.get() == found.model; });
  return owner == memory_->owners.end() ? nullptr : *owner;
}

}  // namespace godwit::server
