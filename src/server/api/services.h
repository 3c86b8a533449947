// What the handlers stand on, made in main and borrowed by all of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "server/access/access_store.h"
#include "server/db/database.h"
#include "server/events/event_store.h"
#include "server/events/sightings.h"
#include "server/http/http_server.h"
#include "server/installations/installations.h"
#include "server/jobs/model_intake.h"
#include "server/jobs/verifier.h"
#include "server/registry/registry.h"
#include "server/storage/object_store.h"
#include "server/storage/upload_sessions.h"

namespace godwit::server {

struct ApiOptions {
  bool require_installation_token = true;
  // Cloud Storage without credentials, as its emulators work. Only on loopback.
  bool storage_emulator = false;
  uint64_t model_max_bytes = 2ull << 30;
  // Bigger files are validated in the background.
  uint64_t verify_at_once_max_bytes = 32 << 20;
  // host[:port] names that are this server: of the listen addresses, the public URL and what the
  // owner adds. Links are made for these and no others.
  std::vector<std::string> storage_hosts;
  std::string version;
};

// Plain references; everything outlives the API.
struct ApiServices {
  Database& database;
  AccessStore& access;
  Installations& installations;
  EventStore& events;
  Sightings& sightings;
  Registry& registry;
  ObjectStore& objects;
  UploadSessions& sessions;
  ModelIntake& intake;
  Verifier& verifier;
  const Clock& clock;
  Logger& logger;
  ApiOptions options;
  std::function<HttpServerStats()> http_stats;
};

}  // namespace godwit::server
