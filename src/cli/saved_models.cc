#include "cli/saved_models.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "cli/mapped_file.h"
#include "protocol/model_address.h"
#include "tflite/model_reader.h"

namespace godwit::cli {
namespace {

constexpr size_t kNameMaxBytes = 32;
constexpr std::string_view kExtension = ".tflite";

std::string_view WithoutExtension(std::string_view file_name) {
  const size_t dot = file_name.rfind('.');
  return dot == file_name.npos || dot == 0 ? file_name : file_name.substr(0, dot);
}

// By its name, or by the mark that a model's bytes bear.
bool IsModelFile(std::string_view file_name, std::span<const std::byte> bytes) {
  constexpr std::string_view kMark = "TFL3";
  if (file_name.ends_with(kExtension)) return true;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.size() >= 8 && text.substr(4, kMark.size()) == kMark;
}

const FirebaseModel* FindListed(const std::vector<FirebaseModel>& listed,
                                std::string_view file_name, const Digest& digest) {
  const std::string_view stem = WithoutExtension(file_name);
  const auto by = [&](auto matches) -> const FirebaseModel* {
    const auto found = std::ranges::find_if(listed, matches);
    return found == listed.end() ? nullptr : &*found;
  };
  if (const auto* model = by([&](const auto& m) { return m.digest == digest; })) return model;
  if (const auto* model = by([&](const auto& m) { return m.name == stem; })) return model;
  if (const auto* model = by([&](const auto& m) { return m.id == stem; })) return model;
  return by([&](const auto& m) { return m.gcs_uri.ends_with("/" + std::string(file_name)); });
}

class Folder {
 public:
  Folder(FileSystem& fs, const std::string& folder, const std::vector<FirebaseModel>& listed,
         bool publish_all)
      : fs_(fs), folder_(folder), listed_(listed), publish_all_(publish_all) {}

  Result<std::vector<ImportCandidate>> Find() {
    GODWIT_ASSIGN_OR_RETURN(const auto names, fs_.List(folder_));
    for (const std::string& name : names) {
      if (name.starts_with('.')) continue;
      GODWIT_ASSIGN_OR_RETURN(ImportCandidate candidate, ReadFile(name));
      candidates_.push_back(std::move(candidate));
    }
    for (const FirebaseModel& model : listed_) {
      if (!found_.contains(&model)) AddMissing(model);
    }
    return std::move(candidates_);
  }

 private:
  Result<ImportCandidate> ReadFile(const std::string& file_name) {
    ImportCandidate candidate;
    candidate.origin = candidate.name = file_name;
    const std::string path = JoinPath(folder_, file_name);
    GODWIT_ASSIGN_OR_RETURN(const FileInfo info, fs_.Stat(path));
    if (info.is_directory) {
      candidate.obstacle = "it is a folder";
      return candidate;
    }
    auto file = MappedFile::Open(path);
    if (!file.ok()) {
      candidate.failure = file.status();
      return candidate;
    }
    if (!IsModelFile(file_name, file->bytes())) {
      candidate.obstacle = "it is no .tflite file";
      return candidate;
    }
    candidate.failure = tflite::ReadModel(file->bytes()).status();
    candidate.name = ModelNameOfFile(file_name);
    candidate.publish = publish_all_;
    candidate.digest = DigestOf(file->bytes());
    candidate.fetch = [path]() -> Result<std::string> { return path; };
    Describe(file_name, &candidate);
    const auto [taken, is_new] = names_.emplace(candidate.name, file_name);
    if (!is_new) {
      candidate.failure =
          Status(StatusCode::kAlreadyExists, "'" + taken->second + "' is model '" + candidate.name +
                                                 "' already; rename one of the two files");
    }
    return candidate;
  }

  // Takes over what the list says.
  void Describe(const std::string& file_name, ImportCandidate* candidate) {
    const FirebaseModel* const model = FindListed(listed_, file_name, *candidate->digest);
    if (model == nullptr) return;
    found_.insert(model);
    candidate->name = model->name;
    candidate->tags = model->tags;
    candidate->publish = publish_all_ || model->published;
    if (model->digest && model->digest != candidate->digest) {
      candidate->failure = Status(StatusCode::kModelHashMismatch,
                                  "the list gives '" + model->name +
                                      "' another SHA-256, so this is not the file that Firebase "
                                      "served; find the right one");
    }
  }

  void AddMissing(const FirebaseModel& model) {
    ImportCandidate& candidate = candidates_.emplace_back();
    candidate.name = model.name;
    candidate.origin = "models/" + model.id;
    candidate.obstacle = model.obstacle;
    candidate.failure = Status(StatusCode::kNotFound, "the list has it, but no file here is it");
  }

  FileSystem& fs_;
  const std::string& folder_;
  const std::vector<FirebaseModel>& listed_;
  const bool publish_all_;
  std::vector<ImportCandidate> candidates_;
  std::map<std::string, std::string> names_;  // The file that has a model's name.
  std::set<const FirebaseModel*> found_;
};

}  // namespace

std::string ModelNameOfFile(std::string_view file_name) {
  std::string name;
  for (const char c : WithoutExtension(file_name)) {
    const bool is_allowed = IsModelName(std::string_view(&c, 1));
    if (is_allowed || name.empty() || name.back() != '_') name += is_allowed ? c : '_';
  }
  return name.substr(0, kNameMaxBytes);
}

Result<std::vector<ImportCandidate>> FindSavedModels(FileSystem& fs, const std::string& folder,
                                                     const std::vector<FirebaseModel>& listed,
                                                     bool publish_all) {
  return Folder(fs, folder, listed, publish_all).Find();
}

}  // namespace godwit::cli
