#include "server/api/delivery_table.h"

#include <bit>
#include <cstring>

#include "protocol/model_messages.h"

namespace godwit::server {
namespace {

constexpr std::string_view kEtagName = "ETag: ";
constexpr size_t kEtagSize = 64;

}  // namespace

std::shared_ptr<const DeliveryTable::Prepared> DeliveryTable::Prepare(const Version& version,
                                                                      const AccessSnapshot& access,
                                                                      int64_t now_ms) {
  DownloadReply reply;
  reply.model_hash = version.digest.ToHex();
  reply.download_uri = access.SignBlobLink(reply.model_hash, now_ms);
  reply.expire_time_ms = AccessSnapshot::BlobLinkExpiryMs(now_ms);
  reply.size_bytes = version.size_bytes;
  reply.model_version = static_cast<uint64_t>(version.number);
  const std::string body = SerializeDownloadReply(reply);
  // No quotes around the ETag: Firebase's clients keep the value as they read it.
  const std::string validators =
      std::string(kEtagName) + reply.model_hash + "\r\nCache-Control: private, no-cache\r\n";
  Prepared prepared;
  prepared.text = validators + "\r\n";
  prepared.not_modified_size = static_cast<uint32_t>(prepared.text.size());
  prepared.text += "Content-Type: application/json; charset=UTF-8\r\n" + validators +
                   "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  prepared.body_size = static_cast<uint32_t>(body.size());
  return std::make_shared<const Prepared>(std::move(prepared));
}

DeliveryTable::DeliveryTable(const RegistrySnapshot& registry, const AccessSnapshot& access,
                             int64_t now_ms, const DeliveryTable* previous) {
  for (const ModelPointer& model : registry.models()) {
    const Project* project = access.FindProject(std::to_string(model->project_number));
    if (project == nullptr || model->published == 0) continue;
    ModelAnswers& kept = answers_[model.get()];
    if (previous != nullptr) {
      const auto found = previous->answers_.find(model.get());
      if (found != previous->answers_.end()) kept = found->second;
    }
    if (!kept.model) {
      kept.model = model;
      for (const Version& version : model->versions) {
        kept.answers.push_back(Prepare(version, access, now_ms));
      }
    }
    std::vector<std::string> names = {model->display_name};
    // A display name wins over another model's id, as in Decide.
    if (!registry.FindByName(project->number, model->id)) names.push_back(model->id);
    AddModel(kept, names, *project);
  }
  BuildSlots();
}

void DeliveryTable::AddModel(const ModelAnswers& model, const std::vector<std::string>& names,
                             const Project& project) {
  const std::string number = std::to_string(project.number);
  for (size_t i = 0; i < model.answers.size(); ++i) {
    const int64_t version = model.model->versions[i].number;
    const std::string suffix = "@" + std::to_string(version);
    for (const std::string& name : names) {
      for (const std::string& prefix : {project.id + "/models/", number + "/models/"}) {
        Add(prefix + name + suffix, *model.answers[i]);
        if (version == model.model->published) Add(prefix + name, *model.answers[i]);
      }
    }
  }
}

void DeliveryTable::Add(const std::string& key, const Prepared& answer) {
  const RecordHead head{answer.text.data(), static_cast<uint32_t>(answer.text.size()),
                        answer.not_modified_size, answer.body_size,
                        static_cast<uint32_t>(key.size())};
  const size_t record = records_.size();
  records_.resize(record + LinesFor(key.size()));
  char* const bytes = records_[record].bytes;
  std::memcpy(bytes, &head, sizeof head);
  std::memcpy(bytes + sizeof head, key.data(), key.size());
  ++records_count_;
}

DeliveryTable::RecordHead DeliveryTable::HeadOf(uint32_t record) const {
  RecordHead head;
  std::memcpy(&head, records_[record].bytes, sizeof head);
  return head;
}

std::string_view DeliveryTable::KeyOf(uint32_t record, const RecordHead& head) const {
  return {records_[record].bytes + sizeof head, head.key_size};
}

void DeliveryTable::BuildSlots() {
  slots_.resize(std::bit_ceil(records_count_ * 2 + 1));
  const size_t mask = slots_.size() - 1;
  for (size_t next = 1; next < records_.size();) {
    const auto record = static_cast<uint32_t>(next);
    const RecordHead head = HeadOf(record);
    const uint64_t hash = HashOf(KeyOf(record, head));
    size_t place = hash & mask;
    while (slots_[place].record != 0) place = (place + 1) & mask;
    slots_[place] = {static_cast<uint32_t>(hash >> 32), record};
    next += LinesFor(head.key_size);
  }
}

std::optional<DeliveryAnswer> DeliveryTable::Find(std::string_view key, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  for (size_t place = hash & mask; slots_[place].record != 0; place = (place + 1) & mask) {
    if (slots_[place].tag != static_cast<uint32_t>(hash >> 32)) continue;
    const RecordHead head = HeadOf(slots_[place].record);
    if (KeyOf(slots_[place].record, head) != key) continue;
    // As much as a 304 has, the usual answer.
    __builtin_prefetch(head.text);
    __builtin_prefetch(head.text + 64);
    const std::string_view text(head.text, head.text_size);
    return DeliveryAnswer{
        text.substr(kEtagName.size(), kEtagSize), text.substr(0, head.not_modified_size),
        text.substr(head.not_modified_size), text.substr(text.size() - head.body_size)};
  }
  return std::nullopt;
}

}  // namespace godwit::server
