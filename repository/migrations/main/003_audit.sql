-- migrate:up

-- Who was given what the contract calls audited: a row per call, never a value. The request's
-- keyed digest tells whether a request at hand is the one that was made.
CREATE TABLE audit (
    audit_id    uuid        NOT NULL,
    time        timestamptz NOT NULL,
    actor       text        NOT NULL,
    method      text        NOT NULL,
    purpose     text        NOT NULL CHECK (purpose ~ '^[A-Z0-9_]{0,64}$'),
    items       integer     NOT NULL,
    outcome     text        NOT NULL CHECK (outcome ~ '^[A-Z0-9_]{1,64}$'),
    request_mac bytea       NOT NULL,
    PRIMARY KEY (audit_id)
);

CREATE INDEX audit_by_time ON audit (time);

-- migrate:down
DROP TABLE audit;
