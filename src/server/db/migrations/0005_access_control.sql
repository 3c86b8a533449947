-- Roles of accounts, what apps and keys are known by, and the key that an access token came from.

ALTER TABLE projects ADD COLUMN display_name TEXT NOT NULL DEFAULT '';

-- An Android app's package or an iOS app's bundle id; empty when it has none.
ALTER TABLE apps ADD COLUMN identity TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX apps_by_identity ON apps (project_number, platform, identity)
  WHERE identity <> '';

-- SHA-1 and SHA-256 of the certificates that sign an Android app, in lower-case hex.
CREATE TABLE app_certificates (
  app_id TEXT NOT NULL REFERENCES apps (app_id) ON DELETE CASCADE,
  fingerprint TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (app_id, fingerprint)
);

CREATE INDEX installations_by_app ON installations (app_id);

-- The restrictions are a JSON object, as in the API; app_id stays what it was.
ALTER TABLE api_keys ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN restrictions TEXT NOT NULL DEFAULT '{}';
ALTER TABLE api_keys ADD COLUMN updated_ms BIGINT NOT NULL DEFAULT 0;
UPDATE api_keys SET updated_ms = created_ms;

-- viewer, editor, admin or owner. The account of the first start is the owner's.
ALTER TABLE service_accounts ADD COLUMN role TEXT NOT NULL DEFAULT 'admin';
ALTER TABLE service_accounts ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
UPDATE service_accounts SET role = 'owner'
  WHERE email IN (SELECT email FROM service_accounts ORDER BY created_ms, email LIMIT 1);

-- So that a deleted key takes its tokens with it. Empty for older tokens, which any key takes.
ALTER TABLE access_tokens ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
