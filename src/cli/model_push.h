// PushModel: bytes become a model's latest version, however often it is tried.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "digest/digest.h"

namespace godwit::cli {

struct ModelPush {
  std::string name;  // REQUIRES: IsModelName.
  std::string file;  // Where the bytes are from, for messages.
  std::span<const std::byte> bytes;
  Digest digest;                  // Of the bytes.
  std::vector<std::string> tags;  // Empty: those of the model stay.
};

struct PushedModel {
  Json model;                   // As the server has it now.
  bool is_new_version = false;  // False: the latest version held the same bytes already.
};

// Makes the model if it is new; moves its latest version, never the published one. Blocks. Shows
// progress. kDataLoss when the server does not accept the bytes as a model.
Result<PushedModel> PushModel(Context& context, AdminClient& client, const ModelPush& push);

// Gives the model these tags instead of its own; the model as the server has it then.
Result<Json> SetTags(AdminClient& client, const Json& model, const std::vector<std::string>& tags);

// Uploads golden inputs and attaches them to the model's latest version. Blocks.
Status AttachGolden(Context& context, AdminClient& client, const std::string& name,
                    const Json& model, const std::string& file);

// Lets devices have that version; the model as the server has it then.
Result<Json> PublishVersion(AdminClient& client, const Json& model, int64_t version);

}  // namespace godwit::cli
