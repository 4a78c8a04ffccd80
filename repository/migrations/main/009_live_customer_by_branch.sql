-- migrate:up transaction:false

-- Pages of a branch's records. What reads by id cannot take this index for theirs, whatever the
-- planner thinks of a table that nobody has analyzed yet: they ask for deleted records too.
CREATE INDEX CONCURRENTLY record_customer_live_by_branch
ON record_customer (kind, branch, id) WHERE state <> 99;

-- migrate:down
DROP INDEX record_customer_live_by_branch;
