-- The schema after all migrations; made by server_db_test, never edited by hand.

CREATE TABLE access_tokens (
  token_hash TEXT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL REFERENCES service_accounts (email) ON DELETE CASCADE,
  project_number BIGINT NOT NULL REFERENCES projects (number),
  expires_ms BIGINT NOT NULL
, key_id TEXT NOT NULL DEFAULT '');

CREATE INDEX access_tokens_by_email ON access_tokens (email);

CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_ms);

CREATE TABLE api_keys (
  key_hash TEXT NOT NULL PRIMARY KEY,
  key_id TEXT NOT NULL UNIQUE,
  project_number BIGINT NOT NULL REFERENCES projects (number),
  app_id TEXT NOT NULL,
  created_ms BIGINT NOT NULL
, display_name TEXT NOT NULL DEFAULT '', restrictions TEXT NOT NULL DEFAULT '{}', updated_ms BIGINT NOT NULL DEFAULT 0);

CREATE TABLE app_certificates (
  app_id TEXT NOT NULL REFERENCES apps (app_id) ON DELETE CASCADE,
  fingerprint TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (app_id, fingerprint)
);

CREATE TABLE apps (
  app_id TEXT NOT NULL PRIMARY KEY,
  project_number BIGINT NOT NULL REFERENCES projects (number),
  platform TEXT NOT NULL,
  display_name TEXT NOT NULL,
  created_ms BIGINT NOT NULL
, identity TEXT NOT NULL DEFAULT '');

CREATE UNIQUE INDEX apps_by_identity ON apps (project_number, platform, identity)
  WHERE identity <> '';

CREATE TABLE buckets (
  bucket TEXT PRIMARY KEY,
  project_number BIGINT NOT NULL,
  create_time_ms BIGINT NOT NULL
);

CREATE TABLE change_log (
  change_id BIGINT PRIMARY KEY,
  project_number BIGINT NOT NULL,
  time_ms BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  resource TEXT NOT NULL,
  detail TEXT NOT NULL
);

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

CREATE TABLE installations (
  project_number BIGINT NOT NULL REFERENCES projects (number),
  fid TEXT NOT NULL,
  app_id TEXT NOT NULL REFERENCES apps (app_id),
  refresh_token_hash TEXT NOT NULL,
  sdk_version TEXT NOT NULL,
  created_ms BIGINT NOT NULL, last_seen_ms BIGINT NOT NULL DEFAULT 0, context TEXT NOT NULL DEFAULT '', event_sequence BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (project_number, fid)
);

CREATE INDEX installations_by_app ON installations (app_id);

CREATE TABLE milestones (
  name TEXT NOT NULL PRIMARY KEY,
  reached_ms BIGINT NOT NULL
);

CREATE TABLE model_aliases (
  project_number BIGINT NOT NULL,
  model_id TEXT NOT NULL,
  alias TEXT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (project_number, model_id, alias)
);

CREATE TABLE model_ids (
  model_id TEXT PRIMARY KEY
);

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
  update_time_ms BIGINT NOT NULL, publication BIGINT NOT NULL DEFAULT 0, rollback_version BIGINT NOT NULL DEFAULT 0, create_request TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (project_number, model_id)
);

CREATE UNIQUE INDEX models_by_display_name ON models (project_number, display_name);

CREATE TABLE objects (
  bucket TEXT NOT NULL,
  object_name TEXT NOT NULL,
  project_number BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  crc32c BIGINT NOT NULL,
  md5 TEXT NOT NULL,
  content_type TEXT NOT NULL,
  create_time_ms BIGINT NOT NULL, metadata TEXT NOT NULL DEFAULT '', metageneration BIGINT NOT NULL DEFAULT 1, update_time_ms BIGINT NOT NULL DEFAULT 0, idempotency_token TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (bucket, object_name)
);

CREATE INDEX objects_by_sha256 ON objects (sha256);

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

CREATE TABLE projects (
  number BIGINT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  created_ms BIGINT NOT NULL
, display_name TEXT NOT NULL DEFAULT '');

CREATE TABLE publications (
  project_number BIGINT NOT NULL,
  model_id TEXT NOT NULL,
  publication BIGINT NOT NULL,
  action TEXT NOT NULL,
  version BIGINT NOT NULL,
  previous BIGINT NOT NULL,
  actor TEXT NOT NULL,
  time_ms BIGINT NOT NULL, reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (project_number, model_id, publication)
);

CREATE TABLE schema_migrations (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_ms BIGINT NOT NULL);

CREATE TABLE service_account_keys (
  key_id TEXT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL REFERENCES service_accounts (email) ON DELETE CASCADE,
  public_key_pem TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

CREATE INDEX service_account_keys_by_email ON service_account_keys (email);

CREATE TABLE service_accounts (
  email TEXT NOT NULL PRIMARY KEY,
  project_number BIGINT NOT NULL REFERENCES projects (number),
  client_id TEXT NOT NULL UNIQUE,
  created_ms BIGINT NOT NULL
, role TEXT NOT NULL DEFAULT 'admin', display_name TEXT NOT NULL DEFAULT '');

CREATE TABLE signing_keys (
  kid TEXT NOT NULL PRIMARY KEY,
  secret_hex TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

CREATE TABLE test_devices (
  project_number BIGINT NOT NULL,
  model_id TEXT NOT NULL,
  fid TEXT NOT NULL,
  version BIGINT NOT NULL,
  note TEXT NOT NULL,
  actor TEXT NOT NULL,
  create_time_ms BIGINT NOT NULL,
  PRIMARY KEY (project_number, model_id, fid),
  FOREIGN KEY (project_number, fid) REFERENCES installations (project_number, fid) ON DELETE CASCADE
);

CREATE INDEX test_devices_by_fid ON test_devices (project_number, fid);

CREATE TABLE unreferenced_blobs (
  sha256 TEXT PRIMARY KEY,
  since_ms BIGINT NOT NULL
);

CREATE TABLE upload_sessions (
  session_id TEXT PRIMARY KEY,
  project_number BIGINT NOT NULL,
  bucket TEXT NOT NULL,
  object_name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  declared_crc32c TEXT NOT NULL,
  declared_md5 TEXT NOT NULL,
  declared_size_bytes BIGINT,
  generation_match BIGINT,
  generation_not_match BIGINT,
  blob_upload_id TEXT NOT NULL,
  finished_generation BIGINT NOT NULL,
  create_time_ms BIGINT NOT NULL
, metadata TEXT NOT NULL DEFAULT '', sealed_sha256 TEXT NOT NULL DEFAULT '', sealed_size_bytes BIGINT NOT NULL DEFAULT 0, sealed_crc32c BIGINT NOT NULL DEFAULT 0, metageneration_match BIGINT, metageneration_not_match BIGINT);

CREATE INDEX upload_sessions_by_time ON upload_sessions (create_time_ms);

CREATE TABLE versions (
  project_number BIGINT NOT NULL,
  model_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  source_uri TEXT NOT NULL,
  structure TEXT NOT NULL,
  create_time_ms BIGINT NOT NULL, revoked_ms BIGINT NOT NULL DEFAULT 0, revoked_by TEXT NOT NULL DEFAULT '', revoked_reason TEXT NOT NULL DEFAULT '', golden_sha256 TEXT NOT NULL DEFAULT '', golden_size_bytes BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (project_number, model_id, version)
);

CREATE INDEX versions_by_golden_sha256 ON versions (golden_sha256) WHERE golden_sha256 <> '';

CREATE INDEX versions_by_sha256 ON versions (sha256);
