-- migrate:up

-- One with the partitions', which are there already: nothing is built while writers wait.
CREATE INDEX record_live_by_branch ON record (kind, branch, id) WHERE state <> 99;

-- migrate:down
DROP INDEX record_live_by_branch;
