#include "device/pending_updates.h"

#include "device/state_file.h"
#include "device/store_layout.h"
#include "digest/digest.h"

namespace godwit {
namespace {

constexpr std::string_view kMagic = "GWPU";

std::string FileNameOf(const ModelAddress& address) { return DigestOf(address.ToString()).ToHex(); }

}  // namespace

PendingUpdates::PendingUpdates(FileSystem& fs, Logger& logger, const std::string& store_directory)
    : fs_(fs), logger_(logger), folder_(JoinPath(store_directory, kPendingFolder)) {}

Status PendingUpdates::Add(const ModelAddress& address, const DownloadConditions& conditions) {
  const StateFile file(fs_, logger_, kMagic, PathOf(FileNameOf(address)));
  return file.Write(Json::Object({{"address", address.ToString()},
                                  {"wifi_required", conditions.wifi_required},
                                  {"unmetered_required", conditions.unmetered_required},
                                  {"charging_required", conditions.charging_required},
                                  {"idle_required", conditions.idle_required}}));
}

Status PendingUpdates::Remove(const ModelAddress& address) {
  const std::string path = PathOf(FileNameOf(address));
  // Looked for first, because a read-only disk refuses to remove even what is not there.
  if (fs_.Stat(path).status().code() == StatusCode::kNotFound) return Status::Ok();
  return fs_.Remove(path);
}

Result<std::vector<PendingUpdate>> PendingUpdates::List() {
  std::vector<PendingUpdate> updates;
  const auto file_names = fs_.List(folder_);
  if (!file_names.ok() && file_names.status().code() == StatusCode::kNotFound) return updates;
  if (!file_names.ok()) return file_names.status();
  for (const std::string& file_name : *file_names) {
    if (!Digest::Parse(file_name).ok()) continue;  // ReplaceFile's temporary file, say.
    GODWIT_ASSIGN_OR_RETURN(const Json json,
                            StateFile(fs_, logger_, kMagic, PathOf(file_name)).Read());
    auto address = ModelAddress::Parse(json["address"].AsString());
    if (!address.ok() || FileNameOf(*address) != file_name) {
      GODWIT_RETURN_IF_ERROR(fs_.Remove(PathOf(file_name)));
      continue;
    }
    DownloadConditions conditions;
    conditions.wifi_required = json["wifi_required"].AsBool();
    conditions.unmetered_required = json["unmetered_required"].AsBool();
    conditions.charging_required = json["charging_required"].AsBool();
    conditions.idle_required = json["idle_required"].AsBool();
    updates.push_back({*std::move(address), conditions});
  }
  return updates;
}

}  // namespace godwit
