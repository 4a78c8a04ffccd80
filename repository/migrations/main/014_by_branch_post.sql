-- migrate:up

DROP INDEX record_by_branch;

-- migrate:down
CREATE INDEX record_by_branch ON record (kind, branch, id);
