CREATE TABLE flows (
  cluster TEXT NOT NULL,
  hour BIGINT NOT NULL,
  flow TEXT NOT NULL,
  allowed BIGINT NOT NULL,
  denied BIGINT NOT NULL,
  reported BIGINT NOT NULL,
  mapping TEXT NOT NULL,
  reason TEXT NOT NULL,
  last_seen BIGINT NOT NULL,
  PRIMARY KEY (cluster, hour, flow)
);
