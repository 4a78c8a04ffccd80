-- migrate:up

-- The lives of the database before the present one. Below shared_xid all transactions had ended in
-- that life, and are in the present one what they were: who goes on from what they did may do so.
CREATE TABLE former_incarnation (
    id         bytea NOT NULL PRIMARY KEY CHECK (octet_length(id) = 8),
    shared_xid xid8  NOT NULL
);

-- migrate:down
DROP TABLE former_incarnation;
