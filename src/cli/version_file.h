// VersionFile: the file of a model's version on the server, and how to have it here.
#pragma once

#include <cstdint>
#include <string>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "digest/digest.h"
#include "protocol/model_address.h"

namespace godwit::cli {

struct VersionFile {
  std::string address;  // "face@7", exact whatever was asked for.
  std::string url;      // A link that lives for a day.
  uint64_t size_bytes = 0;
  Digest digest;
};

// Which version of the model the address means: the one that it names, its alias's, or the
// published one. kNotFound when there is none.
Result<int64_t> VersionOf(const ModelAddress& address, const Json& model);

// Asks the server. kNotFound when there is no such model or version, or a name alone is given and
// the model is not published.
Result<VersionFile> FindVersionFile(AdminClient& client, const ModelAddress& address);

// Downloads to `path`, which holds exactly the wanted bytes, synced, after Ok. Goes on where a
// transfer broke off. title: what the progress bar says.
Status DownloadVersion(Context& context, const VersionFile& wanted, const std::string& path,
                       const std::string& title);

// The path of the version's file in the user's cache, downloaded if it is not there; its digest is
// checked either way. The cache keeps what was fetched last, up to some gigabytes.
Result<std::string> CachedVersion(Context& context, const VersionFile& wanted);

}  // namespace godwit::cli
