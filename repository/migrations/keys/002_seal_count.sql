-- migrate:up

-- How many seals each generation has made, all workers together: beside the MACed table,
-- because it changes every minute. A key is replaced long before its limit.
CREATE TABLE seal_count (
    purpose    text     NOT NULL,
    generation smallint NOT NULL,
    seals      bigint   NOT NULL CHECK (seals >= 0),
    PRIMARY KEY (purpose, generation)
);

-- migrate:down
DROP TABLE seal_count;
