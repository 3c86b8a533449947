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

std::string DescribeTensor(const tflite::Tensor& tensor) {
  const std::vector<int32_t>& shape =
      tensor.shape_signature.empty() ? tensor.shape : tensor.shape_signature;
  std::string text = tflite::TensorTypeName(tensor.type) + " [";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += shape[i] < 0 ? "?" : std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace godwit::cli
