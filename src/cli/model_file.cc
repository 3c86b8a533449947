#include "cli/model_file.h"

#include <utility>

namespace godwit::cli {

Result<ModelFile> OpenModelFile(const std::string& path) {
  GODWIT_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  auto model = tflite::ReadModel(file.bytes());
  if (!model.ok()) {
    return Status(StatusCode::kDataLoss,
                  "'" + path + "' cannot be used: " + model.status().message() +
                      "; give a .tflite file as TensorFlow's converter writes it");
  }
  return ModelFile{std::move(file), std::move(model).value()};
}

}  // namespace godwit::cli
