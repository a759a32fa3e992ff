-- Deployments are listed by the id of their group, which outlives every renaming. Their names, which
-- are those of their creation, are only read: they are in the document.

DROP INDEX deployments_of_group;
CREATE INDEX deployments_of_group ON deployments (group_id, status, created_at DESC, id);
ALTER TABLE deployments DROP COLUMN application;
ALTER TABLE deployments DROP COLUMN group_name;
