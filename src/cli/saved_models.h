// SavedModels: model files that somebody saved in a folder, and what is known of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/firebase_model.h"
#include "cli/model_import.h"
#include "fs/file_system.h"

namespace godwit::cli {

// "face_v2" for "face v2.tflite": the name without its extension, each run of characters that no
// model's name has as one '_', at most 32 characters.
std::string ModelNameOfFile(std::string_view file_name);

// One candidate for each file of the folder (not below it), and one for each listed model that is
// none of them. A file is the listed model of its SHA-256, else of its name: display name, id, or
// the object's name in Cloud Storage. Reads all files.
Result<std::vector<ImportCandidate>> FindSavedModels(FileSystem& fs, const std::string& folder,
                                                     const std::vector<FirebaseModel>& listed,
                                                     bool publish_all);

}  // namespace godwit::cli
