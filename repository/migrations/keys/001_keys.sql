-- migrate:up

-- Purpose keys, wrapped by the key-encryption key; generations live side by side.
CREATE TABLE purpose_key (
    purpose     text        NOT NULL,
    generation  smallint    NOT NULL,
    state       text        NOT NULL,
    wrapped     bytea       NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (purpose, generation)
);

-- One MAC of the key-encryption key over the whole table above.
CREATE TABLE purpose_table_mac (
    only_one boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (only_one),
    mac      bytea   NOT NULL
);

-- One key per customer: deleting the row is what erases the person.
CREATE TABLE customer_key (
    customer_id     bytea       NOT NULL PRIMARY KEY CHECK (octet_length(customer_id) = 16),
    wrap_generation smallint    NOT NULL,
    wrapped         bytea       NOT NULL,
    create_time     timestamptz NOT NULL DEFAULT now()
);

-- migrate:down
DROP TABLE customer_key, purpose_table_mac, purpose_key;
