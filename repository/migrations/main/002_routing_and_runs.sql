-- migrate:up

-- The FedACH directory (155-character rows) and the bank's own settings for its numbers.
CREATE TABLE routing_number (
    routing_number          text     NOT NULL PRIMARY KEY CHECK (routing_number ~ '^[0-9]{9}$'),
    office_code             text     NOT NULL DEFAULT 'O',
    servicing_frb_number    text     NOT NULL DEFAULT '',
    record_type_code        text     NOT NULL DEFAULT '1',
    change_date             date,
    new_routing_number      text     NOT NULL DEFAULT '',
    customer_name           text     NOT NULL DEFAULT '',
    address                 text     NOT NULL DEFAULT '',
    city                    text     NOT NULL DEFAULT '',
    state_code              text     NOT NULL DEFAULT '',
    zip_code                text     NOT NULL DEFAULT '',
    zip_code_extension      text     NOT NULL DEFAULT '',
    telephone               text     NOT NULL DEFAULT '',
    institution_status_code text     NOT NULL DEFAULT '1',
    data_view_code          text     NOT NULL DEFAULT '1',
    ours                    boolean  NOT NULL DEFAULT false,
    participates            boolean  NOT NULL DEFAULT true,
    limited                 boolean  NOT NULL DEFAULT false,
    scheme_length_min       smallint NOT NULL DEFAULT 1,
    scheme_length_max       smallint NOT NULL DEFAULT 17,
    scheme_charset          text     NOT NULL DEFAULT '',
    scheme_check            text     NOT NULL DEFAULT '',
    strip_leading_zeros     boolean  NOT NULL DEFAULT false
);

-- Bumped by every import: the change poll carries it, so workers reload their table.
CREATE TABLE routing_revision (
    only_one boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (only_one),
    revision bigint  NOT NULL
);

INSERT INTO routing_revision (revision) VALUES (1);

-- One row per NACHA file resolved: the same hash again is a duplicate file.
CREATE TABLE ach_run (
    file_hash            bytea       NOT NULL PRIMARY KEY CHECK (octet_length(file_hash) = 32),
    immediate_origin     text        NOT NULL,
    immediate_destination text       NOT NULL,
    file_creation        text        NOT NULL,
    actor                text        NOT NULL,
    start_time           timestamptz NOT NULL DEFAULT now(),
    end_time             timestamptz,
    position             bigint      NOT NULL DEFAULT 0,
    batches              bigint      NOT NULL DEFAULT 0,
    entries              bigint      NOT NULL DEFAULT 0,
    posted               bigint      NOT NULL DEFAULT 0,
    posted_with_noc      bigint      NOT NULL DEFAULT 0,
    returned             bigint      NOT NULL DEFAULT 0,
    reviewed             bigint      NOT NULL DEFAULT 0,
    not_ours             bigint      NOT NULL DEFAULT 0,
    returns_by_code      jsonb       NOT NULL DEFAULT '{}',
    nocs_by_code         jsonb       NOT NULL DEFAULT '{}',
    findings             bigint      NOT NULL DEFAULT 0
);

CREATE INDEX ach_run_by_time ON ach_run (start_time, file_hash);

-- migrate:down
DROP TABLE ach_run, routing_revision, routing_number;
