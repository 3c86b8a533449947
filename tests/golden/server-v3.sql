-- A server's database as schema 3 wrote it: models digits (versions 1 and 2, 1 published) and small.
-- app 1:138847138409:android:2ac2d25e0daf3a3c459084, API key AIzalbAzCF2dIP8ze9BU3VlhdTdwN7v_8FIF_7q, access token gat_DswNI1hAjx-OX-DOVdU38QiYSI_k-dhNLd2fj0_vsa4: they open this fixture only.
BEGIN TRANSACTION;
CREATE TABLE access_tokens (
  token_hash TEXT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL REFERENCES service_accounts (email) ON DELETE CASCADE,
  project_number BIGINT NOT NULL REFERENCES projects (number),
  expires_ms BIGINT NOT NULL
);
INSERT INTO "access_tokens" VALUES('72210636d4f7893b97905788393255da56a749af304e349ca3ffeccb9bb41eb7','godwit-admin@godwit.iam.gserviceaccount.com',138847138409,4102444800000);
CREATE TABLE api_keys (
  key_hash TEXT NOT NULL PRIMARY KEY,
  key_id TEXT NOT NULL UNIQUE,
  project_number BIGINT NOT NULL REFERENCES projects (number),
  app_id TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);
INSERT INTO "api_keys" VALUES('f317b83fa5e25121d00a4a07ada35fafc7eb23a6a5d7278b2fd5d4849d100bf3','4b95d92d5589ad86',138847138409,'1:138847138409:android:2ac2d25e0daf3a3c459084',1795526718252);
CREATE TABLE apps (
  app_id TEXT NOT NULL PRIMARY KEY,
  project_number BIGINT NOT NULL REFERENCES projects (number),
  platform TEXT NOT NULL,
  display_name TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);
INSERT INTO "apps" VALUES('1:138847138409:android:2ac2d25e0daf3a3c459084',138847138409,'android','First app',1795526718252);
CREATE TABLE buckets (
  bucket TEXT PRIMARY KEY,
  project_number BIGINT NOT NULL,
  create_time_ms BIGINT NOT NULL
);
INSERT INTO "buckets" VALUES('godwit-models',138847138409,1795526718442);
CREATE TABLE change_log (
  change_id BIGINT PRIMARY KEY,
  project_number BIGINT NOT NULL,
  time_ms BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  resource TEXT NOT NULL,
  detail TEXT NOT NULL
);
INSERT INTO "change_log" VALUES(1,138847138409,1795526718463,'godwit-admin@godwit.iam.gserviceaccount.com','model.create','models/745807040180','{"displayName":"digits","latest":1,"published":0}');
INSERT INTO "change_log" VALUES(2,138847138409,1795526718467,'godwit-admin@godwit.iam.gserviceaccount.com','model.update','models/745807040180','{"displayName":"digits","latest":1,"published":1}');
INSERT INTO "change_log" VALUES(3,138847138409,1795526718644,'godwit-admin@godwit.iam.gserviceaccount.com','model.update','models/745807040180','{"displayName":"digits","latest":2,"published":1}');
INSERT INTO "change_log" VALUES(4,138847138409,1795526718827,'godwit-admin@godwit.iam.gserviceaccount.com','model.create','models/788380316610','{"displayName":"small","latest":1,"published":0}');
INSERT INTO "change_log" VALUES(5,138847138409,1795526718831,'godwit-admin@godwit.iam.gserviceaccount.com','model.update','models/788380316610','{"displayName":"small","latest":1,"published":1}');
CREATE TABLE installations (
  project_number BIGINT NOT NULL REFERENCES projects (number),
  fid TEXT NOT NULL,
  app_id TEXT NOT NULL REFERENCES apps (app_id),
  refresh_token_hash TEXT NOT NULL,
  sdk_version TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (project_number, fid)
);
CREATE TABLE milestones (
  name TEXT NOT NULL PRIMARY KEY,
  reached_ms BIGINT NOT NULL
);
INSERT INTO "milestones" VALUES('first_start',1795526718252);
CREATE TABLE model_ids (
  model_id TEXT PRIMARY KEY
);
INSERT INTO "model_ids" VALUES('745807040180');
INSERT INTO "model_ids" VALUES('788380316610');
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
INSERT INTO "models" VALUES(138847138409,'745807040180','digits','["demo"]','gs://godwit-models/Firebase/ML/Models/digits-c86ccbb4e1b07940.tflite','',2,1,3,1795526718463,1795526718644);
INSERT INTO "models" VALUES(138847138409,'788380316610','small','[]','gs://godwit-models/Firebase/ML/Models/small-00355bb34b9f681b.tflite','',1,1,2,1795526718827,1795526718831);
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
INSERT INTO "objects" VALUES('godwit-models','Firebase/ML/Models/digits-d5ab991013b4fe52.tflite',138847138409,1795526718442000,'d5ab991013b4fe522704dbdf4a9b1e99b68808f1b5dc7a06803f808e4c5fd377',4878,1332699573,'','application/octet-stream',1795526718442);
INSERT INTO "objects" VALUES('godwit-models','Firebase/ML/Models/digits-c86ccbb4e1b07940.tflite',138847138409,1795526718638000,'c86ccbb4e1b079408d1915d1f7796fb7021d7a1e924b7edc1312a81ff0974366',66854,2514683838,'','application/octet-stream',1795526718638);
INSERT INTO "objects" VALUES('godwit-models','Firebase/ML/Models/small-00355bb34b9f681b.tflite',138847138409,1795526718810000,'00355bb34b9f681baf6fed1dc797e5f8e2da05e3f8fc4dab04483cbd8371d708',22162,3978285638,'','application/octet-stream',1795526718810);
CREATE TABLE projects (
  number BIGINT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  created_ms BIGINT NOT NULL
);
INSERT INTO "projects" VALUES(138847138409,'godwit',1795526718252);
CREATE TABLE schema_migrations (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_ms BIGINT NOT NULL);
INSERT INTO "schema_migrations" VALUES(1,'0001_access','0d1bce1e7ecf9e6b20d1f0b77ecf7a07d4a425abb7316f7d6c4abf427b151b2c',1795526717608);
INSERT INTO "schema_migrations" VALUES(2,'0002_registry','3daabd53a51b829443d3343ac3c61cc8a9bdb8ef52a96a7c0d2cf88bfa1c727f',1795526717627);
INSERT INTO "schema_migrations" VALUES(3,'0003_storage','85459525f255c21e6b59a547740a894d20e4927c65b66eefb9e4e9d1654e35d8',1795526717630);
CREATE TABLE service_account_keys (
  key_id TEXT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL REFERENCES service_accounts (email) ON DELETE CASCADE,
  public_key_pem TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);
INSERT INTO "service_account_keys" VALUES('dc6853f4fa86aa9f272107c51a6dc7c4364bf0a8','godwit-admin@godwit.iam.gserviceaccount.com','-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0fmL357Cqf5kcEyAzAPJ
yNc6+01gCcrvDHXWxfmVt7y+cc+OMqZV/wSCxw3hqla8dAivs5Y0QQH4DmyQcVWn
aOIouoHZI20TyK+xFTeGQXP0K23e4mS3q6s1bwewcBI7qph2csR2XZWbbJShp/Ku
V+XbCkEabGvgeMzErSPbbVOtPps9LPDZnuEjMiy67IZ9VT1HTyMiSbkOcJWos3KA
zm3jwkspxbic0VTZ2fmF/2QDKGqRDWFr/CqL8Np4iB1RSlXDvixLHo1q+zIuj0vy
L+U51ydrkj2tcVnyOzO2Jc8QgAbgDXnjcNRJF2Ergh380tBPws0Lw7nQ7XcgVljK
RQIDAQAB
-----END PUBLIC KEY-----
',1795526718252);
CREATE TABLE service_accounts (
  email TEXT NOT NULL PRIMARY KEY,
  project_number BIGINT NOT NULL REFERENCES projects (number),
  client_id TEXT NOT NULL UNIQUE,
  created_ms BIGINT NOT NULL
);
INSERT INTO "service_accounts" VALUES('godwit-admin@godwit.iam.gserviceaccount.com',138847138409,'776542665368310995369',1795526718252);
CREATE TABLE signing_keys (
  kid TEXT NOT NULL PRIMARY KEY,
  secret_hex TEXT NOT NULL,
  created_ms BIGINT NOT NULL
);
INSERT INTO "signing_keys" VALUES('9137b1c6','dc3c46f97d36b2c5d768b719bb80cb21b62e2e6531ea9fb237ecbe3f216d943b',1795526717669);
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
INSERT INTO "upload_sessions" VALUES('b008495ece84c856e4adaa1c86cb97ee',138847138409,'godwit-models','Firebase/ML/Models/digits-d5ab991013b4fe52.tflite','application/octet-stream','','',4878,NULL,NULL,'f80de8d87a0708858f9b3caab6423f63',1795526718442000,1795526718398);
INSERT INTO "upload_sessions" VALUES('0b92aa09705dd7054ed1e5e43f95a14d',138847138409,'godwit-models','Firebase/ML/Models/digits-c86ccbb4e1b07940.tflite','application/octet-stream','','',66854,NULL,NULL,'e1d1e1d9fd1211df9760f1139eb48f19',1795526718638000,1795526718600);
INSERT INTO "upload_sessions" VALUES('b4b3ee3c0240af941a2a6af29e0a7c78',138847138409,'godwit-models','Firebase/ML/Models/small-00355bb34b9f681b.tflite','application/octet-stream','','',22162,NULL,NULL,'a592024c7b4b90f6557804dd9f1b85b4',1795526718810000,1795526718778);
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
INSERT INTO "versions" VALUES(138847138409,'745807040180',1,'d5ab991013b4fe522704dbdf4a9b1e99b68808f1b5dc7a06803f808e4c5fd377',4878,'gs://godwit-models/Firebase/ML/Models/digits-d5ab991013b4fe52.tflite','{"operators":[{"name":"FULLY_CONNECTED","version":1,"custom":false,"count":2},{"name":"RESHAPE","version":1,"custom":false,"count":1},{"name":"SOFTMAX","version":1,"custom":false,"count":1}],"inputs":[{"name":"image","type":"float32","shape":[1,8,8,1]}],"outputs":[{"name":"probabilities","type":"float32","shape":[1,10]}],"signatures":[{"key":"serving_default","inputs":["image"],"outputs":["probabilities"]}]}',1795526718463);
INSERT INTO "versions" VALUES(138847138409,'745807040180',2,'c86ccbb4e1b079408d1915d1f7796fb7021d7a1e924b7edc1312a81ff0974366',66854,'gs://godwit-models/Firebase/ML/Models/digits-c86ccbb4e1b07940.tflite','{"operators":[{"name":"CONV_2D","version":1,"custom":false,"count":3},{"name":"FULLY_CONNECTED","version":1,"custom":false,"count":1},{"name":"MAX_POOL_2D","version":1,"custom":false,"count":1},{"name":"RESHAPE","version":1,"custom":false,"count":1},{"name":"SOFTMAX","version":1,"custom":false,"count":1}],"inputs":[{"name":"image","type":"float32","shape":[1,8,8,1]}],"outputs":[{"name":"probabilities","type":"float32","shape":[1,10]}],"signatures":[{"key":"serving_default","inputs":["image"],"outputs":["probabilities"]}]}',1795526718644);
INSERT INTO "versions" VALUES(138847138409,'788380316610',1,'00355bb34b9f681baf6fed1dc797e5f8e2da05e3f8fc4dab04483cbd8371d708',22162,'gs://godwit-models/Firebase/ML/Models/small-00355bb34b9f681b.tflite','{"operators":[{"name":"CONV_2D","version":3,"custom":false,"count":3},{"name":"FULLY_CONNECTED","version":4,"custom":false,"count":1},{"name":"MAX_POOL_2D","version":2,"custom":false,"count":1},{"name":"RESHAPE","version":1,"custom":false,"count":1},{"name":"SOFTMAX","version":2,"custom":false,"count":1}],"inputs":[{"name":"image","type":"int8","shape":[1,8,8,1]}],"outputs":[{"name":"probabilities","type":"int8","shape":[1,10]}],"signatures":[{"key":"serving_default","inputs":["image"],"outputs":["probabilities"]}]}',1795526718827);
CREATE INDEX service_account_keys_by_email ON service_account_keys (email);
CREATE INDEX access_tokens_by_email ON access_tokens (email);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_ms);
CREATE UNIQUE INDEX models_by_display_name ON models (project_number, display_name);
CREATE INDEX versions_by_sha256 ON versions (sha256);
CREATE INDEX objects_by_sha256 ON objects (sha256);
CREATE INDEX upload_sessions_by_time ON upload_sessions (create_time_ms);
COMMIT;
