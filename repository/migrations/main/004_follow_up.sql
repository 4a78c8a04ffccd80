-- migrate:up

-- Customers whose accounts are being brought in line with them, a hundred a transaction. A row is
-- written by the customer's own change and deleted by the last step; `after` is how far it got.
CREATE TABLE follow_up (
    id            bytea       NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    after         bytea       NOT NULL DEFAULT '',
    actor         text        NOT NULL,
    method        text        NOT NULL,
    source_system text        NOT NULL CHECK (source_system ~ '^[A-Z0-9_]{0,64}$'),
    reason        text        NOT NULL CHECK (reason ~ '^[A-Z0-9_]{0,64}$'),
    request_id    uuid        NOT NULL,
    create_time   timestamptz NOT NULL
);

-- migrate:down
DROP TABLE follow_up;
