-- migrate:up

-- The FedACH directory's rows, and the bank's own additions that are laid over them.
CREATE TABLE routing_number (
    routing_number         text     NOT NULL CHECK (routing_number ~ '^[0-9]{9}$'),
    is_addition            boolean  NOT NULL,
    office_code            text     NOT NULL,
    servicing_frb          text     NOT NULL,
    record_type            smallint NOT NULL,
    change_date            date,
    new_routing_number     text     NOT NULL,
    customer_name          text     NOT NULL,
    town                   text     NOT NULL,
    region                 text     NOT NULL,
    ours                   boolean  NOT NULL,
    participates           boolean  NOT NULL,
    limited                boolean  NOT NULL,
    sold_to_routing_number text     NOT NULL,
    scheme_length_min      smallint NOT NULL,
    scheme_length_max      smallint NOT NULL,
    scheme_digits_only     boolean  NOT NULL,
    scheme_check           smallint NOT NULL,
    strip_leading_zeros    boolean  NOT NULL,
    PRIMARY KEY (routing_number, is_addition)
);

-- Bumped by every import: the change poll carries it, so workers reload their table.
CREATE TABLE routing_revision (
    only_one boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (only_one),
    revision bigint  NOT NULL
);

INSERT INTO routing_revision (revision) VALUES (1);

-- One row per resolution of a NACHA file, named by the caller's request id. A row without
-- end_time is a run that was not finished.
CREATE TABLE ach_run (
    actor                 text        NOT NULL,
    run_id                uuid        NOT NULL,
    as_of                 timestamptz NOT NULL,
    start_time            timestamptz NOT NULL DEFAULT now(),
    immediate_origin      text        NOT NULL,
    immediate_destination text        NOT NULL,
    file_creation         text        NOT NULL,
    file_hash             bytea       CHECK (octet_length(file_hash) = 32),
    end_time              timestamptz,
    duration_ms           bigint,
    duplicate             boolean,
    position              bigint,
    batches               bigint,
    entries               bigint,
    entries_by_outcome    jsonb,
    findings              bigint,
    PRIMARY KEY (actor, run_id)
);

CREATE INDEX ach_run_by_hash ON ach_run (file_hash);

-- migrate:down
DROP TABLE ach_run, routing_revision, routing_number;
