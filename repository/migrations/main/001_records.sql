-- migrate:up

-- Every sealed record of every kind. No column holds anything readable about a
-- person or an account: segments are sealed, ids are random or keyed MACs.
CREATE TABLE record (
    kind        smallint    NOT NULL,
    id          bytea       NOT NULL CHECK (octet_length(id) = 16),
    uid         uuid        NOT NULL,
    version     bigint      NOT NULL CHECK (version >= 1),
    state       smallint    NOT NULL,
    branch      text        NOT NULL DEFAULT '',
    xid         xid8        NOT NULL DEFAULT pg_current_xact_id(),
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    operational bytea,
    private     bytea,
    number      bytea,
    PRIMARY KEY (kind, id),
    CONSTRAINT record_deleted_is_empty CHECK (
        (state = 99) = (operational IS NULL)
        AND (state <> 99 OR (private IS NULL AND number IS NULL))
    )
) PARTITION BY LIST (kind);

-- Sealed bytes do not compress: do not let the server try.
ALTER TABLE record ALTER COLUMN operational SET STORAGE EXTERNAL;
ALTER TABLE record ALTER COLUMN private SET STORAGE EXTERNAL;
ALTER TABLE record ALTER COLUMN number SET STORAGE EXTERNAL;

CREATE TABLE record_customer     PARTITION OF record FOR VALUES IN (1) WITH (fillfactor = 90);
CREATE TABLE record_account      PARTITION OF record FOR VALUES IN (2) WITH (fillfactor = 90);
CREATE TABLE record_card         PARTITION OF record FOR VALUES IN (3) WITH (fillfactor = 90);
CREATE TABLE record_relationship PARTITION OF record FOR VALUES IN (4) WITH (fillfactor = 90);

CREATE INDEX record_by_branch ON record (kind, branch, id);

-- Drawn under the row's lock; CACHE 1, so that order of drawing is order of value.
CREATE SEQUENCE change_sequence AS bigint CACHE 1;

-- History and feed in one: a row for every version of every record.
CREATE TABLE change (
    kind          smallint    NOT NULL,
    id            bytea       NOT NULL,
    version       bigint      NOT NULL,
    time          timestamptz NOT NULL,
    xid           xid8        NOT NULL DEFAULT pg_current_xact_id(),
    sequence      bigint      NOT NULL DEFAULT nextval('change_sequence'),
    uid           uuid        NOT NULL,
    operation     smallint    NOT NULL,
    paths         text[]      NOT NULL,
    state         smallint    NOT NULL,
    branch        text        NOT NULL,
    actor         text        NOT NULL,
    method        text        NOT NULL,
    source_system text        NOT NULL CHECK (source_system ~ '^[A-Z0-9_]{0,64}$'),
    reason        text        NOT NULL CHECK (reason ~ '^[A-Z0-9_]{0,64}$'),
    request_id    uuid        NOT NULL,
    operational   bytea,
    private       bytea,
    number        bytea,
    PRIMARY KEY (kind, id, version, time)
) PARTITION BY RANGE (time);

ALTER TABLE change ALTER COLUMN operational SET STORAGE EXTERNAL;
ALTER TABLE change ALTER COLUMN private SET STORAGE EXTERNAL;
ALTER TABLE change ALTER COLUMN number SET STORAGE EXTERNAL;
ALTER SEQUENCE change_sequence OWNED BY change.sequence;

-- Months are made ahead by the migration runner; this one catches what nobody foresaw.
CREATE TABLE change_default PARTITION OF change DEFAULT;

CREATE INDEX change_by_xid ON change (xid);

-- Indexes only: customer -> account, DPAN -> card, keyed identifier -> customer.
CREATE TABLE link (
    relation  smallint NOT NULL,
    key       bytea    NOT NULL,
    id        bytea    NOT NULL,
    exclusive boolean  NOT NULL DEFAULT false,
    PRIMARY KEY (relation, key, id)
);

CREATE UNIQUE INDEX link_exclusive ON link (relation, key) WHERE exclusive;

-- What a repeated request is answered with; the answer itself is the change row.
CREATE TABLE idempotency (
    key         bytea       NOT NULL,
    payload_mac bytea       NOT NULL,
    kind        smallint    NOT NULL,
    id          bytea       NOT NULL,
    version     bigint      NOT NULL,
    time        timestamptz NOT NULL DEFAULT now(),
    replays     integer     NOT NULL DEFAULT 0,
    CONSTRAINT idempotency_pkey PRIMARY KEY (key)
);

CREATE INDEX idempotency_by_time ON idempotency (time);

-- Which life of this database this is: part of every cache key, cursor and token.
CREATE TABLE incarnation (
    only_one  boolean  NOT NULL DEFAULT true PRIMARY KEY CHECK (only_one),
    id        bytea    NOT NULL CHECK (octet_length(id) = 8),
    timeline  integer  NOT NULL,
    first_xid xid8     NOT NULL
);

INSERT INTO incarnation (id, timeline, first_xid)
SELECT substr(sha256(uuid_send(gen_random_uuid())), 1, 8), timeline_id, pg_current_xact_id()
FROM pg_control_checkpoint();

-- migrate:down
DROP TABLE incarnation, idempotency, link, change, record;
