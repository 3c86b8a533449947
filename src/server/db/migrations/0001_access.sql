-- Who may ask for what. Times are milliseconds since 1970 UTC; hashes are SHA-256 in hex.

CREATE TABLE projects (
  number BIGINT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  created_ms BIGINT NOT NULL
);

CREATE TABLE apps (
  app_id TEXT NOT NULL PRIMARY KEY,
  project_number BIGINT NOT NULL REFERENCES projects (number),
  platform TEXT NOT NULL,
  display_name TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

-- An empty app_id: the key opens every app of its project.
CREATE TABLE api_keys (
  key_hash TEXT NOT NULL PRIMARY KEY,
  key_id TEXT NOT NULL UNIQUE,
  project_number BIGINT NOT NULL REFERENCES projects (number),
  app_id TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

CREATE TABLE service_accounts (
  email TEXT NOT NULL PRIMARY KEY,
  project_number BIGINT NOT NULL REFERENCES projects (number),
  client_id TEXT NOT NULL UNIQUE,
  created_ms BIGINT NOT NULL
);

-- Public keys alone: the private ones exist in key files only.
CREATE TABLE service_account_keys (
  key_id TEXT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL REFERENCES service_accounts (email) ON DELETE CASCADE,
  public_key_pem TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);
CREATE INDEX service_account_keys_by_email ON service_account_keys (email);

CREATE TABLE access_tokens (
  token_hash TEXT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL REFERENCES service_accounts (email) ON DELETE CASCADE,
  project_number BIGINT NOT NULL REFERENCES projects (number),
  expires_ms BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_email ON access_tokens (email);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_ms);

-- For installation tokens and blob links. The newest signs; older ones verify.
CREATE TABLE signing_keys (
  kid TEXT NOT NULL PRIMARY KEY,
  secret_hex TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);

CREATE TABLE installations (
  project_number BIGINT NOT NULL REFERENCES projects (number),
  fid TEXT NOT NULL,
  app_id TEXT NOT NULL REFERENCES apps (app_id),
  refresh_token_hash TEXT NOT NULL,
  sdk_version TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (project_number, fid)
);

-- Steps that happen once in a server's life, such as the first start's.
CREATE TABLE milestones (
  name TEXT NOT NULL PRIMARY KEY,
  reached_ms BIGINT NOT NULL
);
