-- What finds instances by what they are, so that lists, counts and claims cost what
-- they return, however many instances there are.

-- A time at or shortly before updated, for lists in that order: an index that every
-- step moved would cost every step. 0 means that it is the time of creation.
ALTER TABLE instances ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;

ALTER TABLE instances ADD COLUMN changed INTEGER GENERATED ALWAYS AS
	(CASE WHEN touched = 0 THEN created ELSE touched END) VIRTUAL;

UPDATE instances SET updated = MAX(updated, created), finished = CASE WHEN finished = 0 THEN 0 ELSE MAX(finished, created) END,
	touched = MAX(updated, created)
	WHERE updated <> created;

-- How many executions there are of each kind. Lists read the range of each kind and
-- merge them.
CREATE TABLE kinds (
	status    TEXT    NOT NULL,
	queue     TEXT    NOT NULL,
	workflow  TEXT    NOT NULL,
	instances INTEGER NOT NULL,
	PRIMARY KEY (status, queue, workflow)
) STRICT, WITHOUT ROWID;

INSERT INTO kinds SELECT status, queue, workflow, COUNT(*) FROM instances GROUP BY status, queue, workflow;

CREATE TRIGGER instances_created AFTER INSERT ON instances BEGIN
	INSERT INTO kinds VALUES (NEW.status, NEW.queue, NEW.workflow, 1)
		ON CONFLICT DO UPDATE SET instances = instances + 1;
END;

CREATE TRIGGER instances_moved AFTER UPDATE OF status ON instances WHEN OLD.status <> NEW.status BEGIN
	UPDATE kinds SET instances = instances - 1
		WHERE status = OLD.status AND queue = OLD.queue AND workflow = OLD.workflow;
	INSERT INTO kinds VALUES (NEW.status, NEW.queue, NEW.workflow, 1)
		ON CONFLICT DO UPDATE SET instances = instances + 1;
END;

CREATE TRIGGER instances_removed AFTER DELETE ON instances BEGIN
	UPDATE kinds SET instances = instances - 1
		WHERE status = OLD.status AND queue = OLD.queue AND workflow = OLD.workflow;
END;

-- The orders of lists, for each kind.
DROP INDEX instances_status;

CREATE INDEX instances_by_created ON instances (status, queue, workflow, created);

CREATE INDEX instances_by_changed ON instances (status, queue, workflow, changed, pk, created);

-- Executions in trouble. Most have no attempt, and none of these three.
CREATE INDEX instances_by_attempt ON instances (attempt, pk, status, queue, workflow, created) WHERE attempt > 0;

CREATE INDEX instances_with_error ON instances (pk) WHERE last_error <> '';

CREATE INDEX instances_paused ON instances (pk) WHERE paused <> 0;

-- Claims go from one workflow to the next, and leave out those that the worker
-- doesn't know, and the builds that can't run them.
DROP INDEX instances_ready;

CREATE INDEX instances_ready ON instances (queue, workflow, blocked_builds, ready_at, pk) WHERE ready_at IS NOT NULL;

DROP INDEX instances_parked;

CREATE INDEX instances_parked ON instances (queue, workflow, parked, wake_at, pk) WHERE parked IS NOT NULL;

DROP INDEX instances_retry;

CREATE INDEX instances_retry ON instances (queue, workflow, parked, retry_at, pk) WHERE retry_at IS NOT NULL;

DROP INDEX activities_ready;

CREATE INDEX activities_ready ON activities (queue, name, ready_at, pk) WHERE ready_at IS NOT NULL;

-- As in the first migration, what the planner is to assume.
DELETE FROM sqlite_stat1 WHERE tbl = 'instances' AND idx IN ('instances_status', 'instances_ready', 'instances_parked', 'instances_retry');

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
	('instances', 'instances_by_created', '1000000 100000 50000 10000 1'),
	('instances', 'instances_by_changed', '1000000 100000 50000 10000 1 1 1'),
	('instances', 'instances_by_attempt', '10000 5000 1 1 1 1 1'),
	('instances', 'instances_with_error', '10000 1'),
	('instances', 'instances_paused', '10000 1'),
	('instances', 'instances_ready', '10000 5000 1000 500 1 1'),
	('instances', 'instances_parked', '10000 5000 1000 500 1 1'),
	('instances', 'instances_retry', '10000 5000 1000 500 1 1'),
	('activities', 'activities_ready', '10000 5000 1000 1 1');

ANALYZE sqlite_schema;
