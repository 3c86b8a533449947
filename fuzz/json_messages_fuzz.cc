// Every message from outside, from the same bytes: none may read past them, and what the parser
// takes must come out of the writer as the same value.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "protocol/device_context.h"
#include "protocol/error_body.h"
#include "protocol/event_messages.h"
#include "protocol/installation_messages.h"
#include "protocol/json.h"
#include "protocol/model_address.h"
#include "protocol/model_messages.h"
#include "protocol/seed_manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto json = godwit::Json::Parse(text); json.ok()) {
    const auto again = godwit::Json::Parse(json->Serialize());
    if (!again.ok() || !(*again == *json)) std::abort();
  }
  static_cast<void>(godwit::ParseDownloadReply(text, std::string(64, 'a')).ok());
  static_cast<void>(godwit::ParseCreateInstallationRequest(text).ok());
  static_cast<void>(godwit::ParseCreateInstallationReply(text).ok());
  static_cast<void>(godwit::ParseInstallationToken(text).ok());
  static_cast<void>(godwit::ParseEventReply(text).ok());
  if (const auto batch = godwit::ParseEventBatch(text, 20'455); batch.ok()) {
    const auto again = godwit::ParseEventBatch(godwit::SerializeEventBatch(*batch), 20'455);
    if (!again.ok() || again->rows != batch->rows) std::abort();
  }
  if (const auto seeds = godwit::ParseSeedManifest(text); seeds.ok()) {
    const auto again = godwit::ParseSeedManifest(godwit::SerializeSeedManifest(*seeds));
    if (!again.ok() || *again != *seeds) std::abort();
  }
  static_cast<void>(godwit::StatusFromErrorBody(500, text));
  static_cast<void>(godwit::RevokedHashFromErrorBody(text));
  if (const auto context = godwit::DeviceContext::Parse(text); context.ok()) {
    const std::string written = context->Serialize();
    const auto again = godwit::DeviceContext::Parse(written);
    if (!again.ok() || !(*again == *context)) std::abort();
  }
  if (const auto address = godwit::ModelAddress::Parse(text); address.ok()) {
    if (address->ToString() != text) std::abort();
  }
  return 0;
}
