// `godwit get` and `godwit local list|verify|delete`: this machine as a device.
#include <utility>

#include "cli/commands.h"
#include "cli/device_client.h"
#include "cli/text_format.h"
#include "device/downloader.h"

namespace godwit::cli {
namespace {

DownloadType TypeOf(const std::string& text) {
  if (text == "local") return DownloadType::kLocalModel;
  if (text == "latest") return DownloadType::kLatestModel;
  return DownloadType::kLocalModelUpdateInBackground;
}

DownloadConditions ConditionsOf(const GetOptions& options) {
  return {.wifi_required = options.wifi,
          .unmetered_required = options.unmetered,
          .charging_required = options.charging,
          .idle_required = options.idle,
          .wait_ms = options.wait_s < 0 ? kWaitForever : options.wait_s * 1000};
}

Json ModelJson(const Model& model) {
  Json json = Json::Object({{"address", Json(model.name)},
                            {"path", Json(model.path)},
                            {"sha256", Json(model.hash)},
                            {"sizeBytes", Json(model.size_bytes)}});
  if (model.version) json.Set("version", Json(*model.version));
  return json;
}

Json ModelsJson(const std::vector<Model>& models) {
  Json list = Json::Array();
  for (const Model& model : models) list.Add(ModelJson(model));
  return list;
}

Status ShowOffer(Context& context, const std::string& address, const ModelOffer& offer) {
  if (context.json) {
    Json json = Json::Object({{"address", Json(address)},
                              {"sha256", Json(offer.hash)},
                              {"sizeBytes", Json(offer.size_bytes)},
                              {"isLocal", Json(offer.is_local)},
                              {"bytesNeeded", Json(offer.bytes_needed)}});
    if (offer.version) json.Set("version", Json(*offer.version));
    context.console.PrintJson(json);
    return Status::Ok();
  }
  const std::string version =
      offer.version ? "version " + std::to_string(*offer.version) + ", " : "";
  context.console.Print(version + FormatBytes(offer.size_bytes) + ": " +
                        (offer.is_local ? "on this device already"
                                        : FormatBytes(offer.bytes_needed) + " to be downloaded") +
                        "\n");
  return Status::Ok();
}

}  // namespace

Status RunGet(Context& context, const GetOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(
      const auto device, DeviceClient::Open(context, {options.store, options.limit_rate_bytes_per_s,
                                                      options.gate, options.send_events}));
  if (options.dry_run) {
    GODWIT_ASSIGN_OR_RETURN(const ModelOffer offer, device->client().CheckModel(options.address));
    return ShowOffer(context, options.address, offer);
  }
  GODWIT_ASSIGN_OR_RETURN(
      const Model model, device->Get(options.address, TypeOf(options.type), ConditionsOf(options)));
  if (context.json) {
    GODWIT_ASSIGN_OR_RETURN(const std::string installation, device->client().InstallationId());
    context.console.PrintJson(ModelJson(model).Set("installation", Json(installation)));
  } else {
    context.console.Print(model.path + "\n");
  }
  // The path is known to whoever reads before the update, if any, is done.
  GODWIT_RETURN_IF_ERROR(context.console.Flush());
  device->FinishUpdate(model);
  return Status::Ok();
}

Status RunLocalList(Context& context, const LocalOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const auto device, DeviceClient::Open(context, {.store = options.store}));
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Model> models, device->client().ListDownloadedModels());
  if (context.json) {
    context.console.PrintJson(Json::Object({{"models", ModelsJson(models)}}));
    return Status::Ok();
  }
  if (models.empty()) {
    context.console.Note("no models on this device yet; to have one: godwit get NAME");
    return Status::Ok();
  }
  Table table(
      {{"ADDRESS"}, {"VERSION", Align::kRight}, {"SIZE", Align::kRight}, {"SHA256"}, {"PATH"}});
  for (const Model& model : models) {
    table.AddRow({Printable(model.name), model.version ? std::to_string(*model.version) : "",
                  FormatBytes(model.size_bytes), Printable(model.hash).substr(0, 16),
                  Printable(model.path)});
  }
  context.console.Print(table.Render());
  return Status::Ok();
}

Status RunLocalVerify(Context& context, const LocalOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const auto device, DeviceClient::Open(context, {.store = options.store}));
  GODWIT_ASSIGN_OR_RETURN(const StoreCheck check, device->client().VerifyStore());
  if (!check.dropped.empty()) context.exit_code = kExitBadData;
  if (context.json) {
    context.console.PrintJson(
        Json::Object({{"whole", ModelsJson(check.whole)}, {"dropped", ModelsJson(check.dropped)}}));
    return Status::Ok();
  }
  Table table({{"ADDRESS"}, {"SHA256"}, {"FOUND"}});
  for (const Model& model : check.whole) {
    table.AddRow({Printable(model.name), Printable(model.hash).substr(0, 16), "whole"});
  }
  for (const Model& model : check.dropped) {
    table.AddRow({Printable(model.name), Printable(model.hash).substr(0, 16), "damaged, dropped"});
  }
  context.console.Print(table.Render());
  if (!check.dropped.empty()) {
    context.console.Note("to have a dropped model again: godwit get NAME");
  }
  return Status::Ok();
}

Status RunLocalDelete(Context& context, const LocalOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const auto device, DeviceClient::Open(context, {.store = options.store}));
  GODWIT_RETURN_IF_ERROR(device->client().DeleteDownloadedModel(options.address));
  if (context.json) {
    context.console.PrintJson(Json::Object({{"deleted", Json(options.address)}}));
  } else {
    context.console.Note("deleted '" + options.address + "' from this device");
  }
  return Status::Ok();
}

}  // namespace godwit::cli
