-- Which server has handed out the present command of a target, where several share the database; one
-- that has its database for itself remembers it in memory.
CREATE TABLE hand_outs (
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    event_idx BIGINT NOT NULL,
    server TEXT NOT NULL,
    at BIGINT NOT NULL,
    is_ack_answered BIGINT NOT NULL,
    PRIMARY KEY (deployment_id, host)
);
