-- What happened to each deployment, in the order in which it happened.
CREATE TABLE timeline (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    host TEXT,
    what TEXT NOT NULL
);
CREATE INDEX timeline_of_deployment ON timeline (deployment_id, seq);

-- Up to where the timeline was looked at for whom to tell. One row at most.
CREATE TABLE told (
    id BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);

-- Whom to tell what. A row goes when it was taken; due_at is NULL when nobody tries any more.
CREATE TABLE deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    due_at BIGINT,
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    error TEXT,
    document TEXT NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_dead ON deliveries (created_at, id) WHERE due_at IS NULL;
