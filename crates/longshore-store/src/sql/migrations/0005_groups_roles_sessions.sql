-- Groups of users, roles, and the sessions in which roles are taken.

CREATE TABLE iam_groups (
    name TEXT NOT NULL PRIMARY KEY,
    path TEXT NOT NULL,
    id TEXT NOT NULL,
    arn TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE iam_group_members (
    user_name TEXT NOT NULL REFERENCES users (name),
    group_name TEXT NOT NULL REFERENCES iam_groups (name),
    PRIMARY KEY (user_name, group_name)
);
CREATE INDEX iam_group_members_by_group ON iam_group_members (group_name, user_name);

CREATE TABLE iam_group_policies (
    group_name TEXT NOT NULL REFERENCES iam_groups (name),
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (group_name, name)
);

-- max_session: seconds.
CREATE TABLE iam_roles (
    name TEXT NOT NULL PRIMARY KEY,
    path TEXT NOT NULL,
    id TEXT NOT NULL,
    arn TEXT NOT NULL,
    trust_policy TEXT NOT NULL,
    description TEXT,
    max_session BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE iam_role_policies (
    role_name TEXT NOT NULL REFERENCES iam_roles (name),
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (role_name, name)
);

-- A role's sessions end with it. Of the token only a digest is kept: it is shown once.
CREATE TABLE iam_sessions (
    access_key_id TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL,
    token_sha256 TEXT NOT NULL,
    role_name TEXT NOT NULL REFERENCES iam_roles (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    policy TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX iam_sessions_by_end ON iam_sessions (expires_at);
CREATE INDEX iam_sessions_of_role ON iam_sessions (role_name);
