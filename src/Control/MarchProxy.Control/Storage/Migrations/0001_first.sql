CREATE TABLE revision (
  only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
  number BIGINT NOT NULL
);
INSERT INTO revision (only_row, number) VALUES (1, 0);

CREATE TABLE resources (
  cluster TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  document TEXT NOT NULL,
  etag TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  PRIMARY KEY (cluster, kind, name)
);

CREATE TABLE snapshots (
  cluster TEXT NOT NULL,
  number BIGINT NOT NULL,
  version TEXT NOT NULL,
  author TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  comment TEXT NOT NULL,
  changes TEXT NOT NULL,
  PRIMARY KEY (cluster, number)
);

CREATE TABLE audit (
  id {identity},
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  source TEXT NOT NULL,
  action TEXT NOT NULL,
  cluster TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  before_document TEXT,
  after_document TEXT,
  result TEXT NOT NULL
);
CREATE INDEX audit_by_object ON audit (cluster, kind, name, id);
CREATE INDEX audit_by_actor ON audit (actor, id);

CREATE TABLE users (
  email TEXT PRIMARY KEY,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL,
  cluster TEXT,
  must_change BIGINT NOT NULL,
  failed_logins BIGINT NOT NULL,
  locked_until BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE refresh_tokens (
  hash {bytes} PRIMARY KEY,
  family TEXT NOT NULL,
  email TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family);

CREATE TABLE cluster_keys (
  id TEXT PRIMARY KEY,
  cluster TEXT NOT NULL,
  hash {bytes} NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT
);

CREATE TABLE proxies (
  cluster TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  host TEXT NOT NULL,
  version TEXT NOT NULL,
  capabilities TEXT NOT NULL,
  registered_at BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,
  running_version TEXT,
  nack_version TEXT,
  nack_reason TEXT,
  nack_at BIGINT,
  PRIMARY KEY (cluster, name)
);

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value {bytes} NOT NULL
);
