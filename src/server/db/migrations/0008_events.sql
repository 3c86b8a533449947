-- What is known about installations. Everything of one goes with it.
ALTER TABLE installations ADD COLUMN last_seen_ms BIGINT NOT NULL DEFAULT 0;
-- The last X-Godwit-Context.
ALTER TABLE installations ADD COLUMN context TEXT NOT NULL DEFAULT '';
-- Of the last batch of events that was taken.
ALTER TABLE installations ADD COLUMN event_sequence BIGINT NOT NULL DEFAULT 0;

-- What a device said that it holds when it last asked for the model.
CREATE TABLE held_models (
  project_number BIGINT NOT NULL,
  fid TEXT NOT NULL,
  model_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  seen_ms BIGINT NOT NULL,
  PRIMARY KEY (project_number, fid, model_id),
  FOREIGN KEY (project_number, fid) REFERENCES installations (project_number, fid) ON DELETE CASCADE
);
CREATE INDEX held_models_by_model ON held_models (project_number, model_id, seen_ms);
CREATE INDEX held_models_by_time ON held_models (seen_ms);

-- Days count from 1970-01-01 UTC.
CREATE TABLE events (
  project_number BIGINT NOT NULL,
  fid TEXT NOT NULL,
  day BIGINT NOT NULL,
  model_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  count BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  PRIMARY KEY (project_number, fid, day, model_id, sha256, kind, reason),
  FOREIGN KEY (project_number, fid) REFERENCES installations (project_number, fid) ON DELETE CASCADE
);
CREATE INDEX events_by_day ON events (day, project_number, fid, model_id, sha256, kind, reason);

-- Sums over all installations, by which nobody is known any more. Version 0: an unknown one.
CREATE TABLE event_totals (
  project_number BIGINT NOT NULL,
  model_id TEXT NOT NULL,
  day BIGINT NOT NULL,
  version BIGINT NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  count BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  PRIMARY KEY (project_number, model_id, day, version, kind, reason)
);
CREATE INDEX event_totals_by_day ON event_totals (day);
