-- migrate:up

-- Reads that show private fields are recorded too, with the customers that each call showed: their
-- ids, 16 bytes each. What a release before this one records has none.
ALTER TABLE audit ADD COLUMN customer_ids bytea NOT NULL DEFAULT '';

-- migrate:down
ALTER TABLE audit DROP COLUMN customer_ids;
