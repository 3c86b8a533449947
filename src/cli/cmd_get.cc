// `godwit get` and `godwit local list|delete`: this machine as a device.
#include <utility>

#include "cli/commands.h"
#include "cli/device_client.h"
#include "cli/text_format.h"

namespace godwit::cli {
namespace {

DownloadType TypeOf(const std::string& text) {
  if (text == "local") return DownloadType::kLocalModel;
  if (text == "latest") return DownloadType::kLatestModel;
  return DownloadType::kLocalModelUpdateInBackground;
}

Json ModelJson(const Model& model) {
  return Json::Object({{"address", Json(model.name)},
                       {"path", Json(model.path)},
                       {"sha256", Json(model.hash)},
                       {"sizeBytes", Json(model.size_bytes)}});
}

}  // namespace

Status RunGet(Context& context, const GetOptions& options) {
  NoteLogger logger;
  GODWIT_ASSIGN_OR_RETURN(
      const auto client,
      OpenDeviceClient(context, {options.store, options.limit_rate_bytes_per_s}, logger));
  GODWIT_ASSIGN_OR_RETURN(const Model model,
                          GetWithProgress(context, *client, options.address, TypeOf(options.type)));
  if (context.json) {
    context.console.PrintJson(ModelJson(model));
  } else {
    context.console.Print(model.path + "\n");
  }
  // The path is known to whoever reads before the update, if any, is done.
  GODWIT_RETURN_IF_ERROR(context.console.Flush());
  client->WaitForBackgroundWork();
  return Status::Ok();
}

Status RunLocalList(Context& context, const LocalOptions& options) {
  NoteLogger logger;
  GODWIT_ASSIGN_OR_RETURN(const auto client,
                          OpenDeviceClient(context, {.store = options.store}, logger));
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Model> models, client->ListDownloadedModels());
  if (context.json) {
    Json list = Json::Array();
    for (const Model& model : models) list.Add(ModelJson(model));
    context.console.PrintJson(Json::Object({{"models", list}}));
    return Status::Ok();
  }
  if (models.empty()) {
    context.console.Note("no models on this device yet; to have one: godwit get NAME");
    return Status::Ok();
  }
  Table table({{"ADDRESS"}, {"SIZE", Align::kRight}, {"SHA256"}, {"PATH"}});
  for (const Model& model : models) {
    table.AddRow({Printable(model.name), FormatBytes(model.size_bytes),
                  Printable(model.hash).substr(0, 16), Printable(model.path)});
  }
  context.console.Print(table.Render());
  return Status::Ok();
}

Status RunLocalDelete(Context& context, const LocalOptions& options) {
  NoteLogger logger;
  GODWIT_ASSIGN_OR_RETURN(const auto client,
                          OpenDeviceClient(context, {.store = options.store}, logger));
  GODWIT_RETURN_IF_ERROR(client->DeleteDownloadedModel(options.address));
  if (context.json) {
    context.console.PrintJson(Json::Object({{"deleted", Json(options.address)}}));
  } else {
    context.console.Note("deleted '" + options.address + "' from this device");
  }
  return Status::Ok();
}

}  // namespace godwit::cli
