// ModelIntake: from an uploaded object to a validated model file.
#pragma once

#include "base/log.h"
#include "base/result.h"
#include "server/registry/model.h"
#include "server/storage/object_store.h"
#include "server/storage/storage_uri.h"
#include "tflite/model_reader.h"

namespace godwit::server {

// The JSON object that a version keeps of its model: operators, inputs, outputs, signatures.
// Lists are cut at kStructureListMax entries and names at kStructureNameMaxBytes, and what would
// make the text longer than kStructureMaxBytes is left out.
inline constexpr size_t kStructureListMax = 1000;
inline constexpr size_t kStructureNameMaxBytes = 256;
inline constexpr size_t kStructureMaxBytes = 1 << 20;
std::string StructureJson(const tflite::Model& model);

// Thread-safe; blocks on the disk.
class ModelIntake {
 public:
  // Both must outlive the intake.
  ModelIntake(ObjectStore& objects, Logger& logger) : objects_(objects), logger_(logger) {}

  // The file that the object is now. kNotFound when there is no such object.
  Result<PendingFile> Find(int64_t project_number, const StorageUri& uri);

  // Reads and checks the file. One that is no model is a success with validation_error set, as
  // Firebase has it. kNotFound when its bytes are gone, kDataLoss when they are others.
  Result<SubmittedFile> Validate(const PendingFile& file);

  // Reads and checks a golden file. kInvalidArgument when it is none or too large.
  Result<Golden> ValidateGolden(const PendingFile& file);

 private:
  ObjectStore& objects_;
  Logger& logger_;
};

}  // namespace godwit::server
