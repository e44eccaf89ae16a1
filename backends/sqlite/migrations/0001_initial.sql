-- Statements are separated by empty lines. Times are nanoseconds since 1970 in
-- UTC; 0 means none.

CREATE TABLE instances (
	pk               INTEGER PRIMARY KEY,
	status           TEXT    NOT NULL,
	paused           INTEGER NOT NULL DEFAULT 0,
	ready_at         INTEGER,
	wake_at          INTEGER NOT NULL DEFAULT 0,
	next_timer       INTEGER NOT NULL DEFAULT 0,
	hold_until       INTEGER NOT NULL DEFAULT 0,
	lease_until      INTEGER NOT NULL DEFAULT 0,
	last_seq         INTEGER NOT NULL DEFAULT 0,
	history_bytes    INTEGER NOT NULL DEFAULT 0,
	local_activities INTEGER NOT NULL DEFAULT 0,
	inbox_count      INTEGER NOT NULL DEFAULT 0,
	inbox_next       INTEGER NOT NULL DEFAULT 1,
	attempt          INTEGER NOT NULL DEFAULT 0,
	created          INTEGER NOT NULL,
	updated          INTEGER NOT NULL,
	finished         INTEGER NOT NULL DEFAULT 0,
	unread           INTEGER NOT NULL DEFAULT 0,
	retry_at         INTEGER,
	superseded       INTEGER NOT NULL DEFAULT 0,
	instance_id      TEXT    NOT NULL,
	execution_id     TEXT    NOT NULL,
	first_execution  TEXT    NOT NULL,
	workflow         TEXT    NOT NULL,
	queue            TEXT    NOT NULL,
	token            TEXT    NOT NULL DEFAULT '',
	holder           TEXT    NOT NULL DEFAULT '',
	last_worker      TEXT    NOT NULL DEFAULT '',
	last_step        TEXT    NOT NULL DEFAULT '',
	build            TEXT    NOT NULL DEFAULT '',
	parent_instance  TEXT,
	parent_execution TEXT    NOT NULL DEFAULT '',
	trace_id         TEXT    NOT NULL DEFAULT '',
	blocked_builds   TEXT    NOT NULL DEFAULT '',
	parked           TEXT,
	block_class      TEXT    NOT NULL DEFAULT '',
	status_line      TEXT    NOT NULL DEFAULT '',
	last_error       TEXT    NOT NULL DEFAULT '',
	waiting          TEXT,
	tags             TEXT    NOT NULL DEFAULT '',
	block            BLOB
) STRICT;

-- An execution by its ids, the latest execution of an InstanceID, and lists by a
-- prefix of it. It is one index for all, because ids are random: each index on them
-- is a page more to write for every new instance.
CREATE UNIQUE INDEX instances_id ON instances (instance_id, superseded, execution_id);

-- What claims look at. Executions that nothing will wake are not in it.
-- The pk stands before what filters, so that the order of the index is that of claims.
CREATE INDEX instances_ready ON instances (queue, ready_at, pk, workflow) WHERE ready_at IS NOT NULL;

-- Blocked executions by the builds that can't run them, and those to try again.
CREATE INDEX instances_parked ON instances (queue, parked, wake_at, pk, workflow) WHERE parked IS NOT NULL;

CREATE INDEX instances_retry ON instances (queue, parked, retry_at, pk, workflow) WHERE retry_at IS NOT NULL;

-- The order of lists. One over all statuses is merged from one for each.
CREATE INDEX instances_status ON instances (status, created);

CREATE INDEX instances_parent ON instances (parent_instance, parent_execution) WHERE parent_instance IS NOT NULL;

CREATE TABLE history (
	pk       INTEGER PRIMARY KEY,
	instance INTEGER NOT NULL,
	first    INTEGER NOT NULL,
	count    INTEGER NOT NULL,
	events   BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX history_first ON history (instance, first);

CREATE TABLE inbox (
	instance INTEGER NOT NULL,
	id       INTEGER NOT NULL,
	moves    INTEGER NOT NULL,
	quiet    INTEGER NOT NULL,
	event    BLOB,
	PRIMARY KEY (instance, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE timers (
	instance INTEGER NOT NULL,
	ref      INTEGER NOT NULL,
	slot     INTEGER NOT NULL,
	due      INTEGER NOT NULL,
	event    BLOB,
	PRIMARY KEY (instance, ref, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE activities (
	pk          INTEGER PRIMARY KEY,
	instance    INTEGER NOT NULL,
	ref         INTEGER NOT NULL,
	name        TEXT    NOT NULL,
	queue       TEXT    NOT NULL,
	ready_at    INTEGER,
	due         INTEGER NOT NULL,
	scheduled   INTEGER NOT NULL,
	attempt     INTEGER NOT NULL,
	started     INTEGER NOT NULL DEFAULT 0,
	lease_until INTEGER NOT NULL DEFAULT 0,
	token       TEXT    NOT NULL DEFAULT '',
	holder      TEXT    NOT NULL DEFAULT '',
	last_error  TEXT    NOT NULL DEFAULT '',
	details     BLOB,
	event       BLOB
) STRICT;

CREATE UNIQUE INDEX activities_ref ON activities (instance, ref);

CREATE INDEX activities_ready ON activities (queue, ready_at, pk, name) WHERE ready_at IS NOT NULL;

CREATE TABLE closings (
	pk           INTEGER PRIMARY KEY,
	instance     INTEGER NOT NULL,
	ref          INTEGER NOT NULL,
	trigger_on   TEXT    NOT NULL,
	to_instance  TEXT    NOT NULL,
	to_execution TEXT    NOT NULL,
	to_first     TEXT    NOT NULL,
	terminates   INTEGER NOT NULL,
	event        BLOB
) STRICT;

CREATE INDEX closings_instance ON closings (instance, ref);

CREATE TABLE tags (
	name     TEXT    NOT NULL,
	value    TEXT    NOT NULL,
	instance INTEGER NOT NULL,
	PRIMARY KEY (name, value, instance)
) STRICT, WITHOUT ROWID;

CREATE INDEX tags_instance ON tags (instance);

CREATE TABLE deliveries (
	id      TEXT    NOT NULL PRIMARY KEY,
	answer  TEXT    NOT NULL,
	created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_created ON deliveries (created);

CREATE TABLE workers (
	id   TEXT    NOT NULL PRIMARY KEY,
	seen INTEGER NOT NULL,
	data TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT, because readers remember the last row that they saw.
CREATE TABLE wakes (
	pk           INTEGER PRIMARY KEY AUTOINCREMENT,
	holder       TEXT    NOT NULL,
	instance_id  TEXT    NOT NULL,
	execution_id TEXT    NOT NULL,
	created      INTEGER NOT NULL
) STRICT;

-- What the planner is to assume of a store that has filled up, so that its choice
-- of indexes is right then, and the same in every store: rows in the index, and
-- rows for each value of its first column, its first two columns, and so on.
ANALYZE;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
	('instances', 'instances_id', '1000000 1 1 1'),
	('instances', 'instances_ready', '10000 1000 1 1 1'),
	('instances', 'instances_parked', '10000 5000 2000 1 1 1'),
	('instances', 'instances_retry', '10000 5000 2000 1 1 1'),
	('instances', 'instances_status', '1000000 150000 1'),
	('instances', 'instances_parent', '100000 10 10'),
	('tags', 'tags', '1000000 50000 1000 1'),
	('tags', 'tags_instance', '1000000 2');

ANALYZE sqlite_schema;
