-- Hosts that have come, or come back, and are to be looked after. `silent_since` is null for one that was not
-- silent before.
CREATE TABLE arrivals (
    principal TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    silent_since BIGINT
);
