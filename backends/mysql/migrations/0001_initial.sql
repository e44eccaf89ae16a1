-- Statements are separated by empty lines. Times are nanoseconds since 1970 in
-- UTC; 0 means none.
--
-- Each statement can be run again: it commits by itself, and a program that dies
-- leaves the rest to the next one.
--
-- Ids and names are VARBINARY, which compares bytes: every collation that MySQL and
-- MariaDB have in common takes "a" and "a " for the same.

CREATE TABLE IF NOT EXISTS instances (
	pk               BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
	status           VARBINARY(32)  NOT NULL,
	paused           TINYINT        NOT NULL DEFAULT 0,
	ready_at         BIGINT,
	wake_at          BIGINT         NOT NULL DEFAULT 0,
	next_timer       BIGINT         NOT NULL DEFAULT 0,
	hold_until       BIGINT         NOT NULL DEFAULT 0,
	lease_until      BIGINT         NOT NULL DEFAULT 0,
	last_seq         BIGINT         NOT NULL DEFAULT 0,
	history_bytes    BIGINT         NOT NULL DEFAULT 0,
	local_activities BIGINT         NOT NULL DEFAULT 0,
	inbox_count      BIGINT         NOT NULL DEFAULT 0,
	inbox_next       BIGINT         NOT NULL DEFAULT 1,
	attempt          BIGINT         NOT NULL DEFAULT 0,
	created          BIGINT         NOT NULL,
	updated          BIGINT         NOT NULL,
	finished         BIGINT         NOT NULL DEFAULT 0,
	unread           BIGINT         NOT NULL DEFAULT 0,
	retry_at         BIGINT,
	superseded       TINYINT        NOT NULL DEFAULT 0,
	-- A time at or shortly before updated, for lists in that order: an index that every
	-- step moved would cost every step. 0 means that it is the time of creation.
	touched          BIGINT         NOT NULL DEFAULT 0,
	changed          BIGINT         GENERATED ALWAYS AS (CASE WHEN touched = 0 THEN created ELSE touched END) STORED,
	latest           TINYINT        GENERATED ALWAYS AS (CASE WHEN superseded = 0 THEN 1 END) STORED,
	instance_id      VARBINARY(255) NOT NULL,
	execution_id     VARBINARY(255) NOT NULL,
	first_execution  VARBINARY(255) NOT NULL,
	workflow         VARBINARY(255) NOT NULL,
	queue            VARBINARY(255) NOT NULL,
	token            VARBINARY(64)  NOT NULL DEFAULT '',
	holder           VARBINARY(255) NOT NULL DEFAULT '',
	last_worker      VARBINARY(255) NOT NULL DEFAULT '',
	last_step        VARBINARY(255) NOT NULL DEFAULT '',
	build            VARBINARY(255) NOT NULL DEFAULT '',
	parent_instance  VARBINARY(255),
	parent_execution VARBINARY(255) NOT NULL DEFAULT '',
	trace_id         VARBINARY(255) NOT NULL DEFAULT '',
	blocked_builds   VARBINARY(2100) NOT NULL DEFAULT '',
	parked           VARBINARY(2100),
	-- The queue where there is something to claim: in an index that begins with it, one
	-- range holds nothing else.
	ready_queue      VARBINARY(255) GENERATED ALWAYS AS (CASE WHEN ready_at IS NOT NULL THEN queue END) STORED,
	parked_queue     VARBINARY(255) GENERATED ALWAYS AS (CASE WHEN parked IS NOT NULL THEN queue END) STORED,
	retry_queue      VARBINARY(255) GENERATED ALWAYS AS (CASE WHEN retry_at IS NOT NULL THEN queue END) STORED,
	block_class      VARBINARY(255) NOT NULL DEFAULT '',
	status_line      LONGTEXT       NOT NULL DEFAULT (''),
	last_error       LONGTEXT       NOT NULL DEFAULT (''),
	has_last_error   TINYINT        GENERATED ALWAYS AS (CASE WHEN last_error <> '' THEN 1 END) STORED,
	waiting          LONGTEXT,
	tags             LONGTEXT       NOT NULL DEFAULT (''),
	block            LONGBLOB,
	-- An execution by its ids, and lists by a prefix of the InstanceID.
	UNIQUE KEY instances_id (instance_id, superseded, execution_id),
	-- At most one execution is the latest; NULLs differ from each other.
	UNIQUE KEY instances_latest (instance_id, latest),
	-- What claims look at: those ready, those blocked, and those blocked to be tried
	-- again, by the builds that can't run them. Keys end with the pk.
	KEY instances_ready (ready_queue, blocked_builds, workflow, ready_at),
	KEY instances_parked (parked_queue, parked, workflow, wake_at),
	KEY instances_retry (retry_queue, parked, workflow, retry_at),
	-- The orders of lists, for each kind.
	KEY instances_by_created (status, queue, workflow, created),
	KEY instances_by_changed (status, queue, workflow, changed),
	-- Executions in trouble.
	KEY instances_by_attempt (attempt),
	KEY instances_with_error (has_last_error),
	KEY instances_paused (paused),
	KEY instances_parent (parent_instance, parent_execution)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS history (
	instance BIGINT   NOT NULL,
	first    BIGINT   NOT NULL,
	count    BIGINT   NOT NULL,
	events   LONGBLOB NOT NULL,
	PRIMARY KEY (instance, first)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS inbox (
	instance BIGINT  NOT NULL,
	id       BIGINT  NOT NULL,
	moves    TINYINT NOT NULL,
	quiet    TINYINT NOT NULL,
	event    LONGBLOB,
	PRIMARY KEY (instance, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS timers (
	instance BIGINT NOT NULL,
	ref      BIGINT NOT NULL,
	slot     BIGINT NOT NULL,
	due      BIGINT NOT NULL,
	event    LONGBLOB,
	PRIMARY KEY (instance, ref, slot)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS activities (
	pk          BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
	instance    BIGINT         NOT NULL,
	ref         BIGINT         NOT NULL,
	name        VARBINARY(255) NOT NULL,
	queue       VARBINARY(255) NOT NULL,
	ready_at    BIGINT,
	ready_queue VARBINARY(255) GENERATED ALWAYS AS (CASE WHEN ready_at IS NOT NULL THEN queue END) STORED,
	due         BIGINT         NOT NULL,
	scheduled   BIGINT         NOT NULL,
	attempt     BIGINT         NOT NULL,
	started     BIGINT         NOT NULL DEFAULT 0,
	lease_until BIGINT         NOT NULL DEFAULT 0,
	token       VARBINARY(64)  NOT NULL DEFAULT '',
	holder      VARBINARY(255) NOT NULL DEFAULT '',
	last_error  LONGTEXT       NOT NULL DEFAULT (''),
	details     LONGBLOB,
	event       LONGBLOB,
	UNIQUE KEY activities_ref (instance, ref),
	KEY activities_ready (ready_queue, name, ready_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS closings (
	pk           BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
	instance     BIGINT         NOT NULL,
	ref          BIGINT         NOT NULL,
	trigger_on   VARBINARY(32)  NOT NULL,
	to_instance  VARBINARY(255) NOT NULL,
	to_execution VARBINARY(255) NOT NULL,
	to_first     VARBINARY(255) NOT NULL,
	terminates   TINYINT        NOT NULL,
	event        LONGBLOB,
	KEY closings_instance (instance, ref)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS tags (
	name     VARBINARY(255) NOT NULL,
	value    VARBINARY(255) NOT NULL,
	instance BIGINT         NOT NULL,
	PRIMARY KEY (name, value, instance),
	KEY tags_instance (instance)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS deliveries (
	id      VARBINARY(255) NOT NULL PRIMARY KEY,
	answer  VARBINARY(255) NOT NULL,
	created BIGINT         NOT NULL,
	KEY deliveries_created (created)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS workers (
	id   VARBINARY(255) NOT NULL PRIMARY KEY,
	seen BIGINT         NOT NULL,
	data LONGTEXT       NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS wakes (
	pk           BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
	holder       VARBINARY(600) NOT NULL,
	instance_id  VARBINARY(255) NOT NULL,
	execution_id VARBINARY(255) NOT NULL,
	created      BIGINT         NOT NULL,
	KEY wakes_created (created)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
