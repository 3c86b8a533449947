#include "device/state_file.h"

#include "device/store_format.h"

namespace godwit {

Result<Json> StateFile::Read() const {
  const auto bytes = ReadWholeFile(fs_, path_, kStoreFileMaxBytes);
  if (!bytes.ok() && bytes.status().code() == StatusCode::kNotFound) return Json::Object({});
  if (!bytes.ok() && bytes.status().code() != StatusCode::kOutOfRange) return bytes.status();
  Status damage = bytes.status();
  if (bytes.ok()) {
    const auto payload = ParseFrame(magic_, *bytes);
    auto json = payload.ok() ? Json::Parse(*payload) : payload.status();
    if (json.ok()) return json;
    damage = json.status();
  }
  logger_.Warning("a small file of the store is damaged and counts as absent",
                  {{"path", path_}, {"cause", damage.message()}});
  return Json::Object({});
}

Status StateFile::Write(const Json& json) const {
  const std::string bytes = EncodeFrame(magic_, json.Serialize());
  Status written = ReplaceFile(fs_, path_, bytes);
  if (written.code() != StatusCode::kNotFound) return written;
  GODWIT_RETURN_IF_ERROR(CreateDirectoriesDurably(fs_, ParentPath(path_)));
  return ReplaceFile(fs_, path_, bytes);
}

}  // namespace godwit
