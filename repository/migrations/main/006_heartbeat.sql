-- migrate:up

-- One worker after the other moves it on, every quarter of a second: a primary whose commits no
-- standby confirms any more stands still here, and vouches for nothing.
CREATE TABLE heartbeat (
    only_one boolean     NOT NULL DEFAULT true PRIMARY KEY CHECK (only_one),
    beat     bigint      NOT NULL,
    time     timestamptz NOT NULL
);

INSERT INTO heartbeat (beat, time) VALUES (1, now());

-- migrate:down
DROP TABLE heartbeat;
