#include "server/api/delivery_table.h"

#include <functional>

#include "protocol/model_messages.h"

namespace godwit::server {
namespace {

uint64_t HashOf(std::string_view key) { return std::hash<std::string_view>{}(key); }

std::shared_ptr<const DeliveryAnswer> MakeAnswer(const Model& model, const Version& version,
                                                 const AccessSnapshot& access, int64_t now_ms) {
  auto answer = std::make_shared<DeliveryAnswer>();
  answer->project_number = model.project_number;
  answer->etag = version.digest.ToHex();
  DownloadReply reply;
  reply.download_uri = access.SignBlobLink(answer->etag, now_ms);
  reply.expire_time_ms = AccessSnapshot::BlobLinkExpiryMs(now_ms);
  reply.size_bytes = version.size_bytes;
  reply.model_hash = answer->etag;
  const std::string body = SerializeDownloadReply(reply);
  // No quotes around the ETag: Firebase's clients keep the value as they read it.
  const std::string validators =
      "ETag: " + answer->etag + "\r\nCache-Control: private, no-cache\r\n";
  answer->not_modified = validators + "\r\n";
  answer->ok = "Content-Type: application/json; charset=UTF-8\r\n" + validators +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  answer->body = std::string_view(answer->ok).substr(answer->ok.size() - body.size());
  return answer;
}

}  // namespace

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
        kept.answers.push_back(MakeAnswer(*model, version, access, now_ms));
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
      Add(project.id, name + suffix, model.answers[i]);
      Add(number, name + suffix, model.answers[i]);
      if (version != model.model->published) continue;
      Add(project.id, name, model.answers[i]);
      Add(number, name, model.answers[i]);
    }
  }
}

void DeliveryTable::Add(const std::string& project, const std::string& address,
                        std::shared_ptr<const DeliveryAnswer> answer) {
  entries_.push_back({project + "/models/" + address, std::move(answer)});
}

void DeliveryTable::BuildSlots() {
  size_t capacity = 16;
  while (capacity < entries_.size() * 2) capacity *= 2;
  slots_.resize(capacity);
  for (size_t i = 0; i < entries_.size(); ++i) {
    const uint64_t hash = HashOf(entries_[i].key);
    size_t place = hash & (capacity - 1);
    while (slots_[place].entry != 0) place = (place + 1) & (capacity - 1);
    slots_[place] = {static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(i + 1)};
  }
}

const DeliveryAnswer* DeliveryTable::Find(std::string_view key) const {
  const uint64_t hash = HashOf(key);
  const size_t mask = slots_.size() - 1;
  for (size_t place = hash & mask; slots_[place].entry != 0; place = (place + 1) & mask) {
    if (slots_[place].tag != static_cast<uint32_t>(hash >> 32)) continue;
    const Entry& entry = entries_[slots_[place].entry - 1];
    if (entry.key == key) return entry.answer.get();
  }
  return nullptr;
}

}  // namespace godwit::server
