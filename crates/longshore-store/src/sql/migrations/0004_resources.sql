-- Tokens for GitHub accounts, and which application uses which.

CREATE TABLE git_hub_tokens (
    name TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
ALTER TABLE applications ADD COLUMN git_hub_token TEXT
    REFERENCES git_hub_tokens (name) ON DELETE SET NULL;
CREATE INDEX applications_by_git_hub_token ON applications (git_hub_token) WHERE git_hub_token IS NOT NULL;

-- The history, oldest first, and the ids of what was forgotten: an id is never used twice.

CREATE INDEX deployments_by_age ON deployments (created_at, id);
CREATE TABLE forgotten_deployments (
    id TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;
