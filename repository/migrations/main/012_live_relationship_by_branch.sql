-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY record_relationship_live_by_branch
ON record_relationship (kind, branch, id) WHERE state <> 99;

-- migrate:down
DROP INDEX record_relationship_live_by_branch;
