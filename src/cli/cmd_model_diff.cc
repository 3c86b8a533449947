// `godwit model diff`: what changed between two versions or files, and whether it breaks apps.
#include <memory>
#include <utility>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/diff_report.h"
#include "cli/version_file.h"

namespace godwit::cli {
namespace {

// Connects when the first address is met: two files need no server.
class SideOpener {
 public:
  explicit SideOpener(Context& context) : context_(context) {}

  Result<DiffSide> Open(const std::string& text) {
    GODWIT_ASSIGN_OR_RETURN(Place place, Find(text));
    GODWIT_ASSIGN_OR_RETURN(ModelFile opened, OpenModelFile(place.path));
    DiffSide side{std::move(place.name), std::move(opened), {}, ""};
    auto metadata = tflite::ReadMetadata(side.opened.file.bytes());
    if (metadata.ok()) {
      side.metadata = *std::move(metadata);
    } else {
      side.metadata_fault = metadata.status().message();
    }
    return side;
  }

 private:
  struct Place {
    std::string name;
    std::string path;
  };

  Result<Place> Find(const std::string& text) {
    if (context_.fs.Stat(text).ok()) return Place{text, text};
    if (text.find('/') != std::string::npos || text.ends_with(".tflite")) {
      return Status(StatusCode::kNotFound,
                    "there is no file '" + text +
                        "', so nothing was compared; check the path, or give NAME@VERSION");
    }
    GODWIT_ASSIGN_OR_RETURN(const ModelAddress address, ModelAddress::Parse(text));
    if (client_ == nullptr) {
      GODWIT_ASSIGN_OR_RETURN(AdminSettings settings, context_.settings.Admin());
      client_ = std::make_unique<AdminClient>(context_.http, context_.clock, std::move(settings));
    }
    GODWIT_ASSIGN_OR_RETURN(const VersionFile file,
                            FindVersionFile(*client_, address).WithContext(text));
    GODWIT_ASSIGN_OR_RETURN(std::string path, CachedVersion(context_, file).WithContext(text));
    return Place{file.address, std::move(path)};
  }

  Context& context_;
  std::unique_ptr<AdminClient> client_;
};

}  // namespace

Status RunModelDiff(Context& context, const ModelDiffOptions& options) {
  SideOpener opener(context);
  GODWIT_ASSIGN_OR_RETURN(const DiffSide before, opener.Open(options.before));
  GODWIT_ASSIGN_OR_RETURN(const DiffSide after, opener.Open(options.after));
  GODWIT_ASSIGN_OR_RETURN(const tflite::ModelDiff diff,
                          tflite::CompareModels({before.opened.model, before.opened.file.bytes()},
                                                {after.opened.model, after.opened.file.bytes()}));
  const auto contract = tflite::CompareContracts({before.opened.model, before.metadata},
                                                 {after.opened.model, after.metadata});
  const DiffFindings findings{before, after, diff, contract};
  const TensorList tensors = options.tensors ? TensorList::kAll : TensorList::kLargest;
  if (context.json) {
    context.console.PrintJson(DiffJson(findings, tensors));
  } else {
    PrintDiff(context.console, findings, tensors);
  }
  if (options.exit_code && tflite::Breaks(contract)) context.exit_code = kExitBreaks;
  return Status::Ok();
}

}  // namespace godwit::cli
