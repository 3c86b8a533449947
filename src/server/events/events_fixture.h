// EventsFixture: installations of one project and a model of two versions, on a real database.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "server/access/access_fixture.h"
#include "server/events/event_store.h"
#include "server/events/model_stats.h"
#include "server/events/sightings.h"
#include "server/installations/installations.h"
#include "server/registry/registry.h"

namespace godwit::server {

class EventsFixture : public AccessFixture {
 protected:
  EventsFixture() {
    ModelChange change;
    change.display_name = "face";
    for (const char* bytes : {"one", "two"}) {
      change.file = SubmittedFile{"gs://b/o", "", DigestOf(std::string_view(bytes)), 3, "{}"};
      change.published = true;
      const auto changed = model_ ? registry_->Update(project_.number, model_->id, change, "test")
                                  : registry_->Create(project_.number, change, "test", "");
      EXPECT_TRUE(changed.ok()) << changed.status().ToString();
      model_ = *changed;
      change.display_name.reset();
    }
  }

  std::string HashOf(std::string_view bytes) { return DigestOf(bytes).ToHex(); }

  CreatedInstallation Install() {
    return installations_.Create({"my-project", key_.key}, {"", app_.id, "a:1"}).value();
  }

  EventRow Row(EventKind kind, int64_t count, EventReason reason = EventReason::kNone) {
    return {{DayOf(clock_.NowMs()), "face", HashOf("two"), kind, reason},
            {count, 100 * count, 10 * count}};
  }

  Result<EventReply> Take(const std::string& fid, int64_t sequence, std::vector<EventRow> rows) {
    return events_.Take(project_.number, fid, {sequence, std::move(rows)}, *registry_->snapshot());
  }

  std::vector<StoredEvent> Exported() {
    const int64_t today = DayOf(clock_.NowMs());
    return events_
        .Export(project_.number, {today - 1000, today}, EventStore::kPageSizeMax, "",
                *registry_->snapshot())
        .value()
        .events;
  }

  ModelStats Stats(int64_t days = 30) {
    return ReadModelStats(*database_, *registry_->snapshot()->FindByName(project_.number, "face"),
                          days, clock_.NowMs())
        .value();
  }

  std::unique_ptr<Registry> registry_ = Registry::Open(*database_, clock_).value();
  Installations installations_{*database_, *store_, clock_};
  EventStore events_{*database_, clock_};
  Sightings sightings_{*database_, *registry_};
  const App app_ = apps_.Create(owner_, {"android", "First", ""}).value();
  const CreatedApiKey key_ = keys_.Create(owner_, {}).value();
  ModelPointer model_;
};

}  // namespace godwit::server
