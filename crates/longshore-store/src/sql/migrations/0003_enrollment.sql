-- Tokens with which machines enroll themselves as hosts, and what became of each use.

CREATE TABLE enrollment_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    max_uses BIGINT NOT NULL,
    n_uses BIGINT NOT NULL,
    revoked_at BIGINT,
    tags TEXT NOT NULL
);
CREATE INDEX enrollment_tokens_by_end ON enrollment_tokens (expires_at);

-- By request and host, so that a request that is repeated finds its answer.
CREATE TABLE enrollments (
    token_id TEXT NOT NULL REFERENCES enrollment_tokens (id) ON DELETE CASCADE,
    request_id TEXT NOT NULL,
    host TEXT NOT NULL,
    host_arn TEXT NOT NULL,
    access_key_id TEXT NOT NULL,
    PRIMARY KEY (token_id, request_id, host)
);
