-- Since when nothing has named a blob. Kept, because a server that is restarted every day would
-- otherwise never see one grow old.
CREATE TABLE unreferenced_blobs (
  sha256 TEXT PRIMARY KEY,
  since_ms BIGINT NOT NULL
);
