// The first start: what a new server gives its owner.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "crypto/crypto.h"
#include "fs/file_system.h"
#include "server/access/access_store.h"

namespace godwit::server {

struct FirstStart {
  bool created = false;    // This call made it.
  std::string admin_path;  // DIR/credentials/admin.json, a Google service-account key file.
  std::string app_path;    // DIR/credentials/app.json: project_id, project_number, app_id,
                           // api_key, server_url.
};

// On an empty database: makes project `godwit`, a service account, an app and an API key, and
// writes the two files (0600). A crash at any instant leaves a server that the next call sets up
// anew. Later calls change nothing, also when the owner has moved the files away. Blocks.
Result<FirstStart> SetUpOnFirstStart(
    AccessStore& store, Database& database, FileSystem& fs, const std::string& data_directory,
    const std::function<Result<RsaKey>()>& make_key = RsaKey::Generate);

// Puts the server's present address into those of the two files that are there and have another
// one; nothing else in them changes. Each file is replaced atomically. Blocks.
Status UpdateCredentialAddresses(FileSystem& fs, const FirstStart& paths,
                                 const std::string& public_url);

}  // namespace godwit::server
