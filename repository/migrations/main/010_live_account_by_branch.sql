-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY record_account_live_by_branch
ON record_account (kind, branch, id) WHERE state <> 99;

-- migrate:down
DROP INDEX record_account_live_by_branch;
