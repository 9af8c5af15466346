-- One row per processed crash, as lists show it. Times are microseconds since
-- 1970, days are days since 1970, both UTC.
CREATE TABLE signature (
	sid     INTEGER PRIMARY KEY,
	text    TEXT    NOT NULL UNIQUE,
	folded  TEXT    NOT NULL,            -- lower case, for searches that ignore it
	crashes INTEGER NOT NULL DEFAULT 0   -- tells a search which way is shorter
) STRICT;

CREATE TABLE crash (
	n            INTEGER PRIMARY KEY,
	id           TEXT    NOT NULL UNIQUE,
	epoch        INTEGER NOT NULL,
	submitted    INTEGER NOT NULL,
	sid          INTEGER NOT NULL REFERENCES signature,
	product      TEXT    NOT NULL,
	version      TEXT    NOT NULL,
	build        TEXT    NOT NULL,
	channel      TEXT    NOT NULL,
	process_type TEXT    NOT NULL,
	os           TEXT    NOT NULL,
	cpu          TEXT    NOT NULL,
	reason       TEXT    NOT NULL,
	address      TEXT    NOT NULL,
	success      INTEGER NOT NULL
) STRICT;

-- Each is in the order of (submitted, id): newest first is a walk from the end,
-- never a sort. The first two end with sid, so that a search for part of a
-- signature looks at the index alone.
CREATE INDEX crash_recent            ON crash (submitted, id, sid);
CREATE INDEX crash_product           ON crash (product, submitted, id, sid);
CREATE INDEX crash_signature         ON crash (sid, submitted, id);
CREATE INDEX crash_signature_product ON crash (sid, product, submitted, id);

-- Crashes by day, so that counting a week does not mean reading a week.
CREATE TABLE signature_day (
	day     INTEGER NOT NULL,
	sid     INTEGER NOT NULL REFERENCES signature,
	product TEXT    NOT NULL,
	crashes INTEGER NOT NULL,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	PRIMARY KEY (day, sid, product)
) STRICT, WITHOUT ROWID;
CREATE INDEX signature_day_by_signature ON signature_day (sid, day, product, crashes);

CREATE TABLE product_day (
	day     INTEGER NOT NULL,
	product TEXT    NOT NULL,
	crashes INTEGER NOT NULL,
	PRIMARY KEY (day, product)
) STRICT, WITHOUT ROWID;
