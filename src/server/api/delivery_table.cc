#include "server/api/delivery_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <set>

#include "protocol/model_messages.h"
#include "server/decide/decide.h"

namespace godwit::server {
namespace {

constexpr std::string_view kEtagName = "ETag: ";
constexpr size_t kEtagSize = 64;
// No quotes around the ETag: Firebase's clients keep the value as they read it.
constexpr std::string_view kBehindEtag = "\r\nCache-Control: private, no-cache\r\n";
constexpr size_t kNotModifiedSize = kEtagName.size() + kEtagSize + kBehindEtag.size() + 2;

uint64_t HashOf(std::string_view key) { return std::hash<std::string_view>{}(key); }

PreparedAnswer Prepare(const Version& version, const AccessSnapshot& access, int64_t links_ms) {
  DownloadReply reply;
  reply.model_hash = version.digest.ToHex();
  reply.download_uri = access.SignBlobLink(reply.model_hash, links_ms);
  reply.expire_time_ms = AccessSnapshot::BlobLinkExpiryMs(links_ms);
  reply.size_bytes = version.size_bytes;
  reply.model_version = static_cast<uint64_t>(version.number);
  if (version.golden) {
    const std::string hash = version.golden->digest.ToHex();
    reply.golden =
        GoldenFile{access.SignBlobLink(hash, links_ms), hash, version.golden->size_bytes};
  }
  const std::string body = SerializeDownloadReply(reply);
  const std::string validators =
      std::string(kEtagName).append(reply.model_hash).append(kBehindEtag);
  PreparedAnswer prepared;
  prepared.text = validators + "\r\nContent-Type: application/json; charset=UTF-8\r\n" +
                  validators + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  prepared.body_size = static_cast<uint16_t>(body.size());
  return prepared;
}

// Null for no version.
const PreparedAnswer* AnswerOf(const ModelAnswers& answers, const Version* version) {
  if (version == nullptr) return nullptr;
  return &answers.answers[static_cast<size_t>(version - answers.model->versions.data())];
}

std::shared_ptr<const ModelAnswers> PrepareAll(const ModelPointer& model,
                                               const AccessSnapshot& access, int64_t links_ms) {
  auto answers = std::make_shared<ModelAnswers>();
  answers->model = model;
  answers->answers.reserve(model->versions.size());
  for (const Version& version : model->versions) {
    answers->answers.push_back(Prepare(version, access, links_ms));
  }
  answers->usual = AnswerOf(*answers, Choose(*model, {}).version);
  return answers;
}

bool IsVisible(const Model& model) { return model.published != 0 || !model.test_devices.empty(); }

DeliveryAnswer AnswerFrom(std::string_view text, size_t body_size, bool has_test_devices) {
  return {text.substr(kEtagName.size(), kEtagSize), text.substr(0, kNotModifiedSize),
          text.substr(kNotModifiedSize), text.substr(text.size() - body_size), has_test_devices};
}

// What stands behind '@': a number or an alias; false when it is neither.
bool ReadVersion(std::string_view text, Question* question) {
  if (text.empty()) return false;
  if (text.front() < '0' || text.front() > '9') {
    question->alias = text;
    return true;
  }
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, question->version);
  return error == std::errc() && rest == end && text.front() != '0';
}

// Choose's answer from the prepared ones.
std::optional<DeliveryAnswer> ChooseAnswer(const DeliveryShard::Found& found,
                                           const DeliveryKey& key, std::string_view fid) {
  Question question;
  question.fid = fid;
  if (key.version.data() != nullptr && !ReadVersion(key.version, &question)) return std::nullopt;
  const PreparedAnswer* answer =
      AnswerOf(*found.model, Choose(*found.model->model, question).version);
  if (answer == nullptr) return std::nullopt;
  return AnswerFrom(answer->text, answer->body_size, found.has_test_devices);
}

std::array<std::string, 2> PrefixesOf(const Project& project) {
  return {project.id + "/models/", std::to_string(project.number) + "/models/"};
}

}  // namespace

DeliveryKey::DeliveryKey(std::string_view text) : model(text.substr(0, text.find('@'))) {
  if (model.size() < text.size()) version = text.substr(model.size() + 1);
  hash = HashOf(model);
}

DeliveryTable::DeliveryTable(const RegistrySnapshot& registry, const AccessSnapshot& access,
                             int64_t links_ms) {
  std::vector<std::vector<DeliveryShard::Edit>> edits(kShards);
  for (const ModelPointer& model : registry.models()) {
    const Project* project = access.FindProject(std::to_string(model->project_number));
    if (project == nullptr || !IsVisible(*model)) continue;
    const auto answers = PrepareAll(model, access, links_ms);
    std::vector<std::string_view> names = {model->display_name};
    // A display name wins over another model's id, as in Decide.
    if (!registry.FindByName(project->number, model->id)) names.push_back(model->id);
    for (const std::string& prefix : PrefixesOf(*project)) {
      for (const std::string_view name : names) {
        std::string key = prefix + std::string(name);
        const uint64_t hash = HashOf(key);
        edits[hash % kShards].push_back({std::move(key), hash, answers});
      }
    }
  }
  const DeliveryShard empty;
  shards_.reserve(kShards);
  for (const auto& shard : edits) {
    shards_.push_back(shard.empty() ? empty : DeliveryShard(empty, shard));
  }
}

std::shared_ptr<const ModelAnswers> DeliveryTable::AnswersOf(const RegistrySnapshot& registry,
                                                             const AccessSnapshot& access,
                                                             int64_t links_ms,
                                                             const Project& project,
                                                             std::string_view name) const {
  ModelPointer model = registry.FindByNameOrId(project.number, name);
  if (!model || !IsVisible(*model)) return nullptr;
  const std::string known_key = PrefixesOf(project)[0] + model->display_name;
  const uint64_t hash = HashOf(known_key);
  auto known = shards_[hash % kShards].FindShared(known_key, hash);
  return known && known->model == model ? known : PrepareAll(model, access, links_ms);
}

DeliveryTable DeliveryTable::With(const RegistrySnapshot& registry, const AccessSnapshot& access,
                                  int64_t links_ms, const ModelPointer& before,
                                  const ModelPointer& after) const {
  DeliveryTable next = *this;
  const ModelPointer& changed = after ? after : before;
  const Project* project = access.FindProject(std::to_string(changed->project_number));
  if (project == nullptr) return next;
  // By a name that is given up, devices may now get the model whose id it is, and the other way
  // round; so every name is asked for anew.
  std::set<std::string_view> names;
  for (const ModelPointer& model : {before, after}) {
    if (model) names.insert({model->display_name, model->id});
  }
  std::shared_ptr<const ModelAnswers> answers;
  for (const std::string_view name : names) {
    auto found = AnswersOf(registry, access, links_ms, *project, name);
    // The names of one model share its answers.
    if (!found || !answers || found->model != answers->model) answers = std::move(found);
    for (const std::string& prefix : PrefixesOf(*project)) {
      std::string key = prefix + std::string(name);
      const uint64_t hash = HashOf(key);
      const DeliveryShard::Edit edit{std::move(key), hash, answers};
      DeliveryShard& shard = next.shards_[hash % kShards];
      shard = DeliveryShard(shard, std::span(&edit, 1));
    }
  }
  return next;
}

std::optional<DeliveryAnswer> DeliveryTable::Find(const DeliveryKey& key) const {
  const DeliveryShard::Found found = shards_[key.hash % kShards].Find(key.model, key.hash);
  if (found.model == nullptr) return std::nullopt;
  if (key.version.data() != nullptr) return ChooseAnswer(found, key, "");
  if (found.text.empty()) return std::nullopt;
  return AnswerFrom(found.text, found.body_size, found.has_test_devices);
}

std::optional<DeliveryAnswer> DeliveryTable::ForInstallation(const DeliveryKey& key,
                                                             std::string_view fid) const {
  const DeliveryShard::Found found = shards_[key.hash % kShards].Find(key.model, key.hash);
  if (found.model == nullptr) return std::nullopt;
  return ChooseAnswer(found, key, fid);
}

}  // namespace godwit::server
