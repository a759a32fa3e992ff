-- The EC2 inventory.

CREATE TABLE ec2_instances (
    id TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
);
