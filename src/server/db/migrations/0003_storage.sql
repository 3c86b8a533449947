-- Buckets: names over blobs, and uploads on their way.
CREATE TABLE buckets (
  bucket TEXT PRIMARY KEY,
  project_number BIGINT NOT NULL,
  create_time_ms BIGINT NOT NULL
);

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
  create_time_ms BIGINT NOT NULL,
  PRIMARY KEY (bucket, object_name)
);
CREATE INDEX objects_by_sha256 ON objects (sha256);

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
);
CREATE INDEX upload_sessions_by_time ON upload_sessions (create_time_ms);
