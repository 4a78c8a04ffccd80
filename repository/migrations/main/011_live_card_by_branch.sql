-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY record_card_live_by_branch
ON record_card (kind, branch, id) WHERE state <> 99;

-- migrate:down
DROP INDEX record_card_live_by_branch;
