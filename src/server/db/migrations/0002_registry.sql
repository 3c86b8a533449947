-- Models, versions, and the log of changes.
CREATE TABLE models (
  project_number BIGINT NOT NULL,
  model_id TEXT NOT NULL,
  display_name TEXT NOT NULL,
  tags TEXT NOT NULL,
  source_uri TEXT NOT NULL,
  validation_error TEXT NOT NULL,
  latest_version BIGINT NOT NULL,
  published_version BIGINT NOT NULL,
  etag BIGINT NOT NULL,
  create_time_ms BIGINT NOT NULL,
  update_time_ms BIGINT NOT NULL,
  PRIMARY KEY (project_number, model_id)
);
CREATE UNIQUE INDEX models_by_display_name ON models (project_number, display_name);

-- Every id that was ever given, so that none is given twice.
CREATE TABLE model_ids (
  model_id TEXT PRIMARY KEY
);

CREATE TABLE versions (
  project_number BIGINT NOT NULL,
  model_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  source_uri TEXT NOT NULL,
  structure TEXT NOT NULL,
  create_time_ms BIGINT NOT NULL,
  PRIMARY KEY (project_number, model_id, version)
);
CREATE INDEX versions_by_sha256 ON versions (sha256);

CREATE TABLE change_log (
  change_id BIGINT PRIMARY KEY,
  project_number BIGINT NOT NULL,
  time_ms BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  resource TEXT NOT NULL,
  detail TEXT NOT NULL
);
