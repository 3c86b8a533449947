-- Versions that must not be used any more, versions' golden files, and test devices.
ALTER TABLE versions ADD COLUMN revoked_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN revoked_by TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN revoked_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN golden_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN golden_size_bytes BIGINT NOT NULL DEFAULT 0;
CREATE INDEX versions_by_golden_sha256 ON versions (golden_sha256) WHERE golden_sha256 <> '';

-- Why a version was revoked. Of the actions 'revoke' and 'unrevoke', `version` is the one that they
-- were done to; no rollback goes to these rows.
ALTER TABLE publications ADD COLUMN reason TEXT NOT NULL DEFAULT '';

-- Installations that get a version of their own; they go with the installation.
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
