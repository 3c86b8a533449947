// EventStore: what devices tell about their models, by installation and day, and in sums.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "protocol/event_messages.h"
#include "server/db/database.h"
#include "server/registry/registry_snapshot.h"

namespace godwit::server {

struct EventRetention {
  int64_t rows_days = 90;     // Of each installation.
  int64_t totals_days = 400;  // Sums over all, and when a device was last seen, with what.
};

// One row of an installation, for export.
struct StoredEvent {
  std::string fid;
  std::string model_id;
  EventRow row;  // Its key's model is the model's name now; empty once it is deleted.
};

struct StoredEventPage {
  std::vector<StoredEvent> events;
  std::string next_page_token;  // Empty: the last page.
};

// Which rows to export. Both days belong to them.
struct EventRange {
  int64_t first_day = 0;
  int64_t last_day = 0;
};

struct HeldModel {
  std::string sha256;  // Lower-case hex; empty: no file.
  int64_t seen_ms = 0;
};

// Thread-safe; blocks on the disk.
class EventStore {
 public:
  static constexpr int kPageSizeMax = 5000;
  // Rows that one installation may fill a day; new ones beyond it are dropped.
  static constexpr int64_t kRowsPerDayMax = 500;

  // What Export asks, one day at a time; events_by_day answers both, from where a page begins.
  static constexpr std::string_view kExportNextDayStatement =
      "SELECT day FROM events WHERE day BETWEEN $1 AND $2 ORDER BY day LIMIT 1";
  static constexpr std::string_view kExportDayStatement =
      "SELECT day, fid, model_id, sha256, kind, reason, count, bytes, duration_ms FROM events "
      "WHERE day = $2 AND project_number = $1 AND (fid, model_id, sha256, kind, reason) > "
      "($3, $4, $5, $6, $7) ORDER BY fid, model_id, sha256, kind, reason LIMIT $8";

  // All outlive it.
  EventStore(Database& database, const Clock& clock) : database_(database), clock_(clock) {}

  // Takes a batch once: one whose sequence is not above the last one's changes nothing. Rows of
  // models that are not in `registry` are dropped. kNotFound when there is no such installation.
  Result<EventReply> Take(int64_t project_number, std::string_view fid, const EventBatch& batch,
                          const RegistrySnapshot& registry);

  // Day by day, then by installation. page_token: of the page before; kInvalidArgument for
  // another.
  Result<StoredEventPage> Export(int64_t project_number, const EventRange& range, int page_size,
                                 std::string_view page_token, const RegistrySnapshot& registry);

  // What the installation held when it last asked for the model; nullopt when it never told.
  Result<std::optional<HeldModel>> FindHeld(int64_t project_number, std::string_view fid,
                                            const std::string& model_id) const;

  // Removes what is older than that, a part at a time, so that other writes get their turn.
  Status Forget(const EventRetention& retention);

 private:
  Database& database_;
  const Clock& clock_;
};

}  // namespace godwit::server
