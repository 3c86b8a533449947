// The file that an app is built with: Firebase's, so that an app changes its file and no code.
#pragma once

#include <string>
#include <string_view>

#include "server/access/access_types.h"

namespace godwit::server {

struct AppConfig {
  std::string filename;  // google-services.json, GoogleService-Info.plist; empty for web.
  std::string contents;
};

// Of the app's platform; for web the JSON object that initializeApp takes.
AppConfig MakeAppConfig(const Project& project, const App& app, std::string_view api_key);

}  // namespace godwit::server
