-- Who changed what: rows are added and, when they are old, deleted; never altered.

CREATE TABLE audit_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    principal TEXT NOT NULL,
    operation TEXT NOT NULL,
    event TEXT NOT NULL
);
CREATE INDEX audit_events_by_time ON audit_events (at);
