// `godwit model pull`: a version's file, checked against its digest before it gets its name.
#include <utility>

#include "cli/commands.h"
#include "cli/text_format.h"
#include "cli/version_file.h"
#include "protocol/seed_manifest.h"

namespace godwit::cli {

namespace {

// Adds the model to the folder's manifest, or replaces what it says of it.
Status WriteSeed(FileSystem& fs, const std::string& folder, SeedModel seed) {
  const std::string path = JoinPath(folder, kSeedManifestName);
  const auto text = ReadWholeFile(fs, path, kSeedManifestMaxBytes);
  std::vector<SeedModel> seeds;
  if (text.ok()) {
    GODWIT_ASSIGN_OR_RETURN(seeds, ParseSeedManifest(*text));
  } else if (text.status().code() != StatusCode::kNotFound) {
    return text.status();
  }
  std::erase_if(seeds, [&](const SeedModel& other) { return other.name == seed.name; });
  seeds.push_back(std::move(seed));
  return ReplaceFile(fs, path, SerializeSeedManifest(seeds));
}

}  // namespace

Status RunModelPull(Context& context, const ModelPullOptions& read) {
  ModelPullOptions options = read;
  GODWIT_ASSIGN_OR_RETURN(const ModelAddress address, ModelAddress::Parse(options.address));
  if (options.output.empty() && options.seed_folder.empty()) {
    return Status(
        StatusCode::kInvalidArgument,
        "pull: it is not said where to, so nothing was done; add -o FILE or --seed FOLDER");
  }
  GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context.settings.Admin());
  if (!options.seed_folder.empty()) {
    GODWIT_RETURN_IF_ERROR(context.fs.CreateDirectories(options.seed_folder));
    options.output = JoinPath(options.seed_folder, address.name + ".tflite");
  }
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
  if (!options.seed_folder.empty()) {
    GODWIT_ASSIGN_OR_RETURN(const ModelAddress version, ModelAddress::Parse(exact));
    GODWIT_RETURN_IF_ERROR(WriteSeed(context.fs, options.seed_folder,
                                     {version.name, version.name + ".tflite", wanted.digest.ToHex(),
                                      wanted.size_bytes, static_cast<uint64_t>(version.version)}));
  }
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
