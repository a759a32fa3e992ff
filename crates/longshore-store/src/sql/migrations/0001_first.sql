-- Everything that Longshore remembers.
--
-- Times are milliseconds since the epoch, booleans 0 or 1, documents and lists JSON. A column that
-- a query looks at is a column of its own; the rest of a thing is in its document. Names that can
-- change are never taken from a document: children point to their parent's id.

CREATE TABLE applications (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    tags TEXT NOT NULL
);

CREATE TABLE deployment_groups (
    id TEXT NOT NULL PRIMARY KEY,
    application_id TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    config TEXT NOT NULL,
    -- Identity of the target revision, NULL before the first success.
    target_revision TEXT,
    history TEXT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (application_id, name)
);
CREATE INDEX deployment_groups_config ON deployment_groups (config);

CREATE TABLE host_health (
    group_id TEXT NOT NULL REFERENCES deployment_groups (id) ON DELETE CASCADE,
    host_arn TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (group_id, host_arn)
);

CREATE TABLE deployment_configs (
    name TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
);

CREATE TABLE revisions (
    application_id TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    identity TEXT NOT NULL,
    location TEXT NOT NULL,
    description TEXT,
    registered_at BIGINT NOT NULL,
    first_used_at BIGINT,
    last_used_at BIGINT,
    PRIMARY KEY (application_id, identity)
);
CREATE INDEX revisions_in_order ON revisions (application_id, registered_at, identity);

-- A row without deregistered_at is a registered host, one with it a tombstone.
CREATE TABLE hosts (
    row_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    principal TEXT NOT NULL,
    deregistered_at BIGINT,
    document TEXT NOT NULL
);
CREATE UNIQUE INDEX hosts_registered_name ON hosts (name) WHERE deregistered_at IS NULL;
CREATE UNIQUE INDEX hosts_registered_principal ON hosts (principal) WHERE deregistered_at IS NULL;
CREATE INDEX hosts_name ON hosts (name);
CREATE INDEX hosts_tombstones ON hosts (deregistered_at) WHERE deregistered_at IS NOT NULL;

CREATE TABLE host_contacts (
    principal TEXT NOT NULL PRIMARY KEY,
    last_poll_at BIGINT NOT NULL,
    agent_version TEXT
);

-- Application and group are names as they were at creation. The group may be gone.
CREATE TABLE deployments (
    id TEXT NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL,
    application TEXT NOT NULL,
    group_name TEXT NOT NULL,
    group_id TEXT NOT NULL,
    config TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    is_final BIGINT NOT NULL,
    -- A stop was asked for, or it is final: no further command is scheduled.
    is_stopping BIGINT NOT NULL,
    ignores_stop_failures BIGINT NOT NULL,
    document TEXT NOT NULL
);
-- Also the rule that a group has at most one active deployment.
CREATE UNIQUE INDEX deployments_active ON deployments (group_id) WHERE is_final = 0;
CREATE INDEX deployments_in_order ON deployments (status, created_at DESC, id);
CREATE INDEX deployments_of_group
    ON deployments (application, group_name, status, created_at DESC, id);

-- state: Pending, Pickup and Report (both in progress, by what is waited for), Succeeded, Failed,
-- Skipped. event_idx and since belong to a target in progress and are 0 otherwise. The events are
-- last, so that a row's beginning can be read without them.
CREATE TABLE targets (
    row_id INTEGER PRIMARY KEY,
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    host TEXT NOT NULL,
    host_arn TEXT NOT NULL,
    principal TEXT NOT NULL,
    state TEXT NOT NULL,
    event_idx BIGINT NOT NULL,
    since BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    events TEXT NOT NULL
);
CREATE UNIQUE INDEX targets_in_order ON targets (deployment_id, position);
CREATE UNIQUE INDEX targets_by_host ON targets (deployment_id, host);
CREATE INDEX targets_waiting ON targets (principal, since) WHERE state = 'Pickup';

CREATE TABLE users (
    name TEXT NOT NULL PRIMARY KEY,
    path TEXT NOT NULL,
    id TEXT NOT NULL,
    arn TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE access_keys (
    id TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL,
    user_name TEXT NOT NULL REFERENCES users (name),
    is_active BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX access_keys_of_user ON access_keys (user_name, created_at);

CREATE TABLE user_policies (
    user_name TEXT NOT NULL REFERENCES users (name),
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (user_name, name)
);

-- keeps_versions: 1 on, 0 suspended, NULL never said.
CREATE TABLE buckets (
    name TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    keeps_versions BIGINT
);

-- AUTOINCREMENT: a sequence is never given twice, or a removed row's successor would not be newer.
CREATE TABLE objects (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket TEXT NOT NULL REFERENCES buckets (name),
    key TEXT NOT NULL,
    version TEXT NOT NULL,
    is_delete_marker BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    e_tag TEXT NOT NULL,
    modified_at BIGINT NOT NULL,
    files TEXT NOT NULL,
    headers TEXT NOT NULL
);
CREATE UNIQUE INDEX objects_by_version ON objects (bucket, key, version);
CREATE UNIQUE INDEX objects_in_order ON objects (bucket, key, sequence DESC);

-- Which rows name a file: the same names as in objects.files, for looking up.
CREATE TABLE object_files (
    file TEXT NOT NULL,
    sequence BIGINT NOT NULL REFERENCES objects (sequence) ON DELETE CASCADE,
    PRIMARY KEY (file, sequence)
);
CREATE INDEX object_files_of_object ON object_files (sequence);

CREATE TABLE uploads (
    id TEXT NOT NULL PRIMARY KEY,
    bucket TEXT NOT NULL REFERENCES buckets (name) ON DELETE CASCADE,
    key TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    headers TEXT NOT NULL
);

CREATE TABLE upload_parts (
    upload_id TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    e_tag TEXT NOT NULL,
    file TEXT NOT NULL,
    checksums TEXT NOT NULL,
    modified_at BIGINT NOT NULL,
    PRIMARY KEY (upload_id, number)
);
CREATE INDEX upload_parts_by_file ON upload_parts (file);

CREATE TABLE server_records (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
