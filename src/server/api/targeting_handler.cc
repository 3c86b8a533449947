#include "server/api/targeting_handler.h"

#include "base/time_format.h"
#include "protocol/device_context.h"
#include "server/api/model_messages.h"
#include "server/api/replies.h"
#include "server/decide/decide.h"

namespace godwit::server {
namespace {

constexpr std::string_view kExplain = ":explain";

Json TestDeviceJson(const TestDevice& device) {
  Json json = Json::Object({{"installation", device.fid},
                            {"version", device.version},
                            {"createTime", FormatTimeMicros(device.create_time_ms)},
                            {"by", device.actor}});
  if (!device.note.empty()) json.Set("note", device.note);
  return json;
}

Json StepsJson(const DecisionTrace& trace) {
  Json steps = Json::Array();
  for (const DecisionStep& step : trace) {
    Json json = Json::Object({{"rule", RuleName(step.rule)},
                              {"verdict", VerdictName(step.verdict)},
                              {"reason", step.reason}});
    if (step.version != 0) json.Set("version", step.version);
    steps.Add(std::move(json));
  }
  return steps;
}

Json InstallationJson(std::string_view fid, const InstallationRecord& record) {
  Json json = Json::Object({{"fid", fid},
                            {"appId", record.app_id},
                            {"sdkVersion", record.sdk_version},
                            {"createTime", FormatTimeMicros(record.created_ms)}});
  if (record.last_seen_ms != 0) json.Set("lastSeenTime", FormatTimeMicros(record.last_seen_ms));
  const auto context = DeviceContext::Parse(record.context);
  if (context.ok() && !context->fields().empty()) {
    Json fields = Json::Object();
    for (const DeviceContext::Field& field : context->fields()) fields.Set(field.key, field.value);
    json.Set("context", std::move(fields));
  }
  return json;
}

// What the device had when it last asked for the model; several versions may be the same file.
Json HeldJson(const HeldModel& held, const Model& model) {
  Json json = Json::Object({{"modelHash", held.sha256}, {"time", FormatTimeMicros(held.seen_ms)}});
  for (const Version& version : model.versions) {
    if (version.digest.ToHex() == held.sha256) json.Set("version", version.number);
  }
  return json;
}

}  // namespace

bool TargetingHandler::Accepts(const RequestTarget& target) {
  return target.At(3) == "models" &&
         (target.At(5) == "testDevices" ||
          (target.segments.size() == 5 && target.At(4).ends_with(kExplain)));
}

Response TargetingHandler::Handle(const ModelCall& call) {
  const auto body = Route(call);
  return body.ok() ? JsonResponse(200, *body) : ErrorResponse(body.status());
}

Result<Json> TargetingHandler::Route(const ModelCall& call) {
  const RequestTarget& target = call.target;
  const Method method = call.request.head.method;
  const size_t depth = target.segments.size();
  if (depth == 5 && method == Method::kGet) {
    return Explain(call, target.At(4).substr(0, target.At(4).size() - kExplain.size()));
  }
  const int64_t project = call.principal.project_number;
  const std::string_view id = target.At(4);
  if (!IsModelId(id)) return NotAModelId();
  const ModelPointer model = services_.registry.snapshot()->FindById(project, id);
  if (!model) return Status(StatusCode::kNotFound, "Requested entity was not found.");
  if (depth == 6 && method == Method::kGet) {
    Json devices = Json::Array();
    for (const TestDevice& device : model->test_devices) devices.Add(TestDeviceJson(device));
    return Json::Object({{"testDevices", std::move(devices)}});
  }
  const std::string_view fid = target.At(6);
  if (depth == 7 && method == Method::kPut) return SetTestDevice(call, *model, fid);
  if (depth == 7 && method == Method::kDelete) {
    GODWIT_RETURN_IF_ERROR(
        services_.registry.DeleteTestDevice(project, id, fid, call.principal.email).status());
    services_.logger.Info("test device removed", {{"id", id}, {"by", call.principal.email}});
    return Json::Object();
  }
  return NoSuchMethod();
}

Result<Json> TargetingHandler::SetTestDevice(const ModelCall& call, const Model& model,
                                             std::string_view fid) {
  GODWIT_ASSIGN_OR_RETURN(const TestDeviceEdit edit, ParseTestDevice(call.request.body));
  GODWIT_ASSIGN_OR_RETURN(
      const ModelPointer after,
      services_.registry.SetTestDevice(model.project_number, model.id, fid, edit.version, edit.note,
                                       call.principal.email));
  services_.logger.Info("test device set", {{"id", model.id},
                                            {"name", model.display_name},
                                            {"version", std::to_string(edit.version)},
                                            {"by", call.principal.email}});
  return TestDeviceJson(*after->FindTestDevice(fid));
}

Result<Json> TargetingHandler::Explain(const ModelCall& call, std::string_view text) {
  GODWIT_ASSIGN_OR_RETURN(const ModelAddress address, ModelAddress::Parse(text));
  const int64_t project = call.principal.project_number;
  const auto asked = call.target.query.Find("installation");
  const std::string_view fid = asked.value_or("");
  // So that who asks sees what the device said a moment ago.
  if (asked) GODWIT_RETURN_IF_ERROR(services_.sightings.Flush());
  GODWIT_ASSIGN_OR_RETURN(const auto installation, services_.installations.Find(project, fid));
  if (asked && !installation) {
    return Status(StatusCode::kNotFound,
                  "there is no such installation in this project (any more); `godwit get --json` "
                  "prints the id of the device that it plays");
  }
  DecisionTrace trace;
  const Decision decision = Decide(*services_.registry.snapshot(), project, address, fid, &trace);
  Json json = Json::Object({{"address", address.ToString()}});
  if (installation) {
    Json device = InstallationJson(fid, *installation);
    if (decision.model) {
      GODWIT_ASSIGN_OR_RETURN(const auto held,
                              services_.events.FindHeld(project, fid, decision.model->id));
      if (held) device.Set("held", HeldJson(*held, *decision.model));
    }
    json.Set("installation", std::move(device));
  }
  json.Set("rule", RuleName(decision.choice.rule));
  if (const Version* version = decision.choice.version; version != nullptr) {
    json.Set("version", version->number);
    json.Set("modelHash", version->digest.ToHex());
  } else {
    json.Set("error", decision.status.message());
  }
  json.Set("steps", StepsJson(trace));
  return json;
}

}  // namespace godwit::server
