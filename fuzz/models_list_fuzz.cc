// A saved models.list: whatever it says, what comes out are names that the server takes.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "cli/firebase_model.h"
#include "protocol/model_address.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto models = godwit::cli::ReadModelsList(text);
  if (models.ok()) {
    for (const auto& model : *models) {
      if (!godwit::IsModelName(model.name) || model.id.empty()) std::abort();
      const auto object = godwit::cli::ReadGcsUri(model.gcs_uri);
      if (object && "gs://" + object->bucket + "/" + object->name != model.gcs_uri) std::abort();
    }
  }
  (void)godwit::cli::ReadModelHash(text);
  return 0;
}
