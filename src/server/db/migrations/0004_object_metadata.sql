-- What its writer says of an object, and which request wrote it. For an upload session: what its
-- bytes are, noted before they become a blob, so that a crash in between loses nothing.
ALTER TABLE objects ADD COLUMN metadata TEXT NOT NULL DEFAULT '';
ALTER TABLE objects ADD COLUMN metageneration BIGINT NOT NULL DEFAULT 1;
ALTER TABLE objects ADD COLUMN update_time_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE objects ADD COLUMN idempotency_token TEXT NOT NULL DEFAULT '';
UPDATE objects SET update_time_ms = create_time_ms;

ALTER TABLE upload_sessions ADD COLUMN metadata TEXT NOT NULL DEFAULT '';
ALTER TABLE upload_sessions ADD COLUMN sealed_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE upload_sessions ADD COLUMN sealed_size_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE upload_sessions ADD COLUMN sealed_crc32c BIGINT NOT NULL DEFAULT 0;
ALTER TABLE upload_sessions ADD COLUMN metageneration_match BIGINT;
ALTER TABLE upload_sessions ADD COLUMN metageneration_not_match BIGINT;
