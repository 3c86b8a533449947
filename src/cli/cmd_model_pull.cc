// `godwit model pull`: a version's file, checked against its digest before it gets its name.
#include <utility>

#include "cli/commands.h"
#include "cli/text_format.h"
#include "cli/version_file.h"

namespace godwit::cli {

Status RunModelPull(Context& context, const ModelPullOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const ModelAddress address, ModelAddress::Parse(options.address));
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  AdminClient client(context.http, context.clock, std::move(settings));
  GODWIT_ASSIGN_OR_RETURN(const VersionFile wanted, FindVersionFile(client, address));
  const std::string& exact = wanted.address;
  const std::string partial = options.output + ".part";
  Status status = DownloadVersion(context, wanted, partial, "pull " + exact);
  if (status.ok()) status = context.fs.Rename(partial, options.output);
  if (!status.ok()) {
    // The first error counts; a file that stays behind is replaced by the next pull.
    (void)context.fs.Remove(partial);
    return status.WithContext("pull " + exact);
  }
  GODWIT_RETURN_IF_ERROR(context.fs.SyncDirectory(ParentPath(options.output)));
  if (context.json) {
    context.console.PrintJson(Json::Object({{"address", Json(exact)},
                                            {"path", Json(options.output)},
                                            {"sizeBytes", Json(wanted.size_bytes)},
                                            {"sha256", Json(wanted.digest.ToHex())}}));
    return Status::Ok();
  }
  context.console.Note("pulled " + exact + " (" + FormatBytes(wanted.size_bytes) +
                       ", sha256 verified)");
  context.console.Print(options.output + "\n");
  return Status::Ok();
}

}  // namespace godwit::cli
