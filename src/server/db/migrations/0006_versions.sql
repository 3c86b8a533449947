-- Aliases, the history of what was published, and operations that outlive their request.
CREATE TABLE model_aliases (
  project_number BIGINT NOT NULL,
  model_id TEXT NOT NULL,
  alias TEXT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (project_number, model_id, alias)
);

-- One row for each move of a model's published pointer, numbered from 1. `previous` is the row
-- that a rollback goes back to first: the one before, or for a rollback what is before its target.
CREATE TABLE publications (
  project_number BIGINT NOT NULL,
  model_id TEXT NOT NULL,
  publication BIGINT NOT NULL,
  action TEXT NOT NULL,
  version BIGINT NOT NULL,
  previous BIGINT NOT NULL,
  actor TEXT NOT NULL,
  time_ms BIGINT NOT NULL,
  PRIMARY KEY (project_number, model_id, publication)
);

ALTER TABLE models ADD COLUMN publication BIGINT NOT NULL DEFAULT 0;
ALTER TABLE models ADD COLUMN rollback_version BIGINT NOT NULL DEFAULT 0;
-- The SHA-256 of the account and the body that created the model.
ALTER TABLE models ADD COLUMN create_request TEXT NOT NULL DEFAULT '';

INSERT INTO publications (project_number, model_id, publication, action, version, previous, actor, time_ms)
  SELECT project_number, model_id, 1, 'publish', published_version, 0, 'godwitd', update_time_ms
  FROM models WHERE published_version <> 0;
UPDATE models SET publication = 1 WHERE published_version <> 0;

-- The validation of a file in the background. `change` is what takes effect with the file.
CREATE TABLE operations (
  operation_id TEXT PRIMARY KEY,
  project_number BIGINT NOT NULL,
  model_id TEXT NOT NULL,
  actor TEXT NOT NULL,
  change TEXT NOT NULL,
  source_uri TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  create_time_ms BIGINT NOT NULL,
  done_time_ms BIGINT NOT NULL,
  error_code BIGINT NOT NULL,
  error_message TEXT NOT NULL
);
CREATE INDEX operations_by_done_time ON operations (done_time_ms);
