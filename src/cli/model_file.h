// ModelFile: a TensorFlow Lite file that was opened, checked and read.
#pragma once

#include <string>

#include "cli/mapped_file.h"
#include "tflite/model_reader.h"

namespace godwit::cli {

struct ModelFile {
  MappedFile file;
  tflite::Model model;
};

// kNotFound and so on as MappedFile; kDataLoss when the bytes are no valid model.
Result<ModelFile> OpenModelFile(const std::string& path);

}  // namespace godwit::cli
