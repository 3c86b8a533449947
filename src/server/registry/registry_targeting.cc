// Registry, continued: which version not to give, which one to whom, and what to check it with.
#include <algorithm>

#include "base/utf8.h"
#include "server/registry/model_change.h"
#include "server/registry/registry.h"
#include "server/registry/test_devices.h"

namespace godwit::server {
namespace {

Status NotFound() { return Status(StatusCode::kNotFound, "Requested entity was not found."); }

}  // namespace

Status CheckNote(std::string_view what, std::string_view text) {
  if (text.size() <= kNoteMaxBytes && IsPrintableUtf8(text)) return Status::Ok();
  return Status(StatusCode::kInvalidArgument, std::string(what) +
                                                  " is UTF-8 of one line and at most " +
                                                  std::to_string(kNoteMaxBytes) + " bytes");
}

Result<ModelPointer> Registry::MarkVersion(const ModelPointer& before, int64_t number,
                                           const std::function<void(Version*)>& mark,
                                           std::string_view action, std::string_view actor) {
  Step step{before, std::make_shared<Model>(*before), action, actor, {}, {}, {}, {}};
  const auto place = before->FindVersion(number) - before->versions.data();
  Version& version = step.after->versions[static_cast<size_t>(place)];
  mark(&version);
  step.marked = &version;
  step.part = "/versions/" + std::to_string(number);
  return Write(step);
}

Result<ModelPointer> Registry::RevokeVersion(int64_t project_number, std::string_view id,
                                             int64_t number, std::string_view reason,
                                             std::string_view actor) {
  GODWIT_RETURN_IF_ERROR(CheckNote("a reason", reason));
  const std::lock_guard lock(write_mutex_);
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer before, FindModel(project_number, id));
  const Version* version = before->FindVersion(number);
  if (version == nullptr) return NoSuchVersion(number);
  if (before->FindRevoked(version->digest) != nullptr) return before;
  const auto revocation = std::make_shared<const Revocation>(
      Revocation{clock_.NowMs(), std::string(actor), std::string(reason)});
  return MarkVersion(
      before, number, [&](Version* marked) { marked->revocation = revocation; }, "model.revoke",
      actor);
}

Result<ModelPointer> Registry::UnrevokeVersion(int64_t project_number, std::string_view id,
                                               int64_t number, std::string_view actor) {
  const std::lock_guard lock(write_mutex_);
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer before, FindModel(project_number, id));
  const Version* version = before->FindVersion(number);
  if (version == nullptr) return NoSuchVersion(number);
  const Version* revoked = before->FindRevoked(version->digest);
  if (revoked == nullptr) return before;
  return MarkVersion(
      before, revoked->number, [](Version* marked) { marked->revocation = nullptr; },
      "model.unrevoke", actor);
}

Result<ModelPointer> Registry::SetGolden(int64_t project_number, std::string_view id,
                                         int64_t number, const std::optional<Golden>& golden,
                                         std::string_view actor) {
  const std::lock_guard lock(write_mutex_);
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer before, FindUnlocked(project_number, id));
  const Version* version = before->FindVersion(number);
  if (version == nullptr) return NoSuchVersion(number);
  if (version->golden == golden) return before;
  return MarkVersion(
      before, number, [&](Version* marked) { marked->golden = golden; }, "model.set_golden", actor);
}

Result<ModelPointer> Registry::SetTestDevice(int64_t project_number, std::string_view id,
                                             std::string_view fid, int64_t version,
                                             std::string_view note, std::string_view actor) {
  GODWIT_RETURN_IF_ERROR(CheckNote("a note", note));
  const std::lock_guard lock(write_mutex_);
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer before, FindUnlocked(project_number, id));
  const Version* target = before->FindVersion(version);
  if (target == nullptr) return NoSuchVersion(version);
  GODWIT_RETURN_IF_ERROR(CheckUsable(*before, *target, "given to the test device"));
  const TestDevice* known = before->FindTestDevice(fid);
  if (known != nullptr && known->version == version && known->note == note) return before;
  if (known == nullptr && before->test_devices.size() == kTestDevicesMax) {
    return Status(StatusCode::kResourceExhausted,
                  "a model may have at most " + std::to_string(kTestDevicesMax) +
                      " test devices, so none was added; remove one first");
  }
  Step step{before, std::make_shared<Model>(*before), "model.set_test_device", actor, {}, {}, {},
            {}};
  std::vector<TestDevice>& devices = step.after->test_devices;
  auto place = std::find_if(devices.begin(), devices.end(),
                            [&](const TestDevice& device) { return device.fid >= fid; });
  if (known == nullptr) place = devices.insert(place, TestDevice{});
  *place = {std::string(fid), version, std::string(note), std::string(actor), clock_.NowMs()};
  step.part = "/testDevices/" + place->fid;
  step.more = [&](SqlConnection& connection) { return PutTestDevice(connection, *before, *place); };
  return Write(step);
}

Result<ModelPointer> Registry::DeleteTestDevice(int64_t project_number, std::string_view id,
                                                std::string_view fid, std::string_view actor) {
  const std::lock_guard lock(write_mutex_);
  GODWIT_ASSIGN_OR_RETURN(const ModelPointer before, FindUnlocked(project_number, id));
  if (before->FindTestDevice(fid) == nullptr) return NotFound();
  Step step{before, std::make_shared<Model>(*before), "model.delete_test_device", actor, {}, {}, {},
            {}};
  std::erase_if(step.after->test_devices, [&](const TestDevice& d) { return d.fid == fid; });
  step.part = "/testDevices/" + std::string(fid);
  step.more = [&](SqlConnection& connection) { return RemoveTestDevice(connection, *before, fid); };
  return Write(step);
}

void Registry::ForgetInstallation(int64_t project_number, std::string_view fid) {
  const std::lock_guard lock(write_mutex_);
  const RegistrySnapshotPointer all = snapshot();
  for (const ModelPointer& model : all->models()) {
    if (model->test_devices.empty() || model->project_number != project_number ||
        model->FindTestDevice(fid) == nullptr) {
      continue;
    }
    auto without = std::make_shared<Model>(*model);
    std::erase_if(without->test_devices, [&](const TestDevice& d) { return d.fid == fid; });
    Swap(model, without);
  }
}

}  // namespace godwit::server
