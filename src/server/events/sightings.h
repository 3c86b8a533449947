// Sightings: what a device's question tells about it, kept on the way past.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "digest/digest.h"
#include "server/db/database.h"
#include "server/registry/registry.h"

namespace godwit::server {

// Views; they need to live for the call only.
struct Sighting {
  int64_t project_number = 0;
  std::string_view fid;
  std::string_view model;      // Its name or id.
  std::string_view held_hash;  // If-None-Match, without quotes; may be anything.
  std::string_view context;    // X-Godwit-Context; may be anything, and is then passed over.
  int64_t time_ms = 0;
};

// Thread-safe. Note goes into rings of fixed size that one thread empties now and then; when one
// is full the sighting is dropped and counted, because the device comes again.
class Sightings {
 public:
  // Both outlive it.
  Sightings(Database& database, const Registry& registry);
  ~Sightings();

  // On a loop: allocates nothing, takes no lock, never waits.
  void Note(const Sighting& sighting) noexcept;

  // Writes what was noted. Blocks on the disk. An installation that was deleted meanwhile, or a
  // model, is not made again.
  Status Flush();

  struct Stats {
    uint64_t written = 0;  // Of installations and models, after those of the same were joined.
    uint64_t dropped = 0;
  };
  Stats stats() const;

 private:
  struct Entry;
  class Ring;
  // Threads share them in turn; more of them than loops, so that loops seldom meet.
  static constexpr size_t kRings = 16;

  Status Write(const std::vector<Entry>& entries);

  Database& database_;
  const Registry& registry_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::mutex flush_mutex_;
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> dropped_{0};
};

}  // namespace godwit::server
