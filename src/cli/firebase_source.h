// FirebaseSource: the models of a Firebase project and their files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/firebase_model.h"

namespace godwit::cli {

// Where Firebase is. The defaults are Google's.
struct FirebaseAddresses {
  std::string models = "https://firebaseml.googleapis.com";
  std::string storage = "https://storage.googleapis.com";
  std::string installations = "https://firebaseinstallations.googleapis.com";
};

// One app of the project, as which published models can be got like on a device.
struct FirebaseApp {
  std::string app_id;
  std::string api_key;
};

// Not thread-safe. Every call blocks.
class FirebaseSource {
 public:
  // key: a service account of the project; its url and storage_url are set from the addresses.
  // folder: keeps files, whole and in part, until they are discarded.
  FirebaseSource(Context& context, AdminSettings key, const FirebaseAddresses& addresses,
                 std::optional<FirebaseApp> app, std::string folder);

  // All models; an entry that is none is an error, for the list is then not Firebase's.
  Result<std::vector<FirebaseModel>> List();

  // The path of the model's file, checked against all that is known of it. From Cloud Storage;
  // where it is not there (any more), as an app gets it. Goes on where an earlier run broke off.
  Result<std::string> Fetch(const FirebaseModel& model);
  // Removes what Fetch left.
  void Discard(const FirebaseModel& model);

 private:
  Result<std::string> FetchFromStorage(const FirebaseModel& model);
  Result<std::string> FetchAsApp(const FirebaseModel& model);
  Result<std::string> InstallationToken();
  // Of the names of all files of this model.
  std::string FilePrefix(const FirebaseModel& model) const;
  // identity: what tells this file from others of the model, so that parts of two never mix.
  std::string PathOf(const FirebaseModel& model, const std::string& identity) const;

  Context& context_;
  AdminClient client_;
  const FirebaseAddresses addresses_;
  const std::optional<FirebaseApp> app_;
  const std::string folder_;
  std::string installation_token_;
};

}  // namespace godwit::cli
