CREATE TABLE database_usage (
  cluster TEXT NOT NULL,
  hour BIGINT NOT NULL,
  account TEXT NOT NULL,
  tenant TEXT NOT NULL,
  db TEXT NOT NULL,
  connections BIGINT NOT NULL,
  queries BIGINT NOT NULL,
  denied BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  bytes_in BIGINT NOT NULL,
  bytes_out BIGINT NOT NULL,
  PRIMARY KEY (cluster, hour, account, tenant, db)
);
