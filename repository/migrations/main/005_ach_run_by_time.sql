-- migrate:up

-- Runs are forgotten when they are old, a thousand at a time.
CREATE INDEX ach_run_by_time ON ach_run (start_time);

-- migrate:down
DROP INDEX ach_run_by_time;
