-- Where every crash stands. Times are microseconds since 1970, UTC.
--
--   queued     waits; may be claimed from due on
--   claimed    owner works on it until due (the end of the lease)
--   processed  committed under epoch
--   parked     given up, last_error says why
--   deferred   kept, not to be processed until asked for
--
-- epoch never goes down: it fences what a late owner still writes.
CREATE TABLE crash (
	n          INTEGER PRIMARY KEY,
	id         TEXT    NOT NULL UNIQUE,
	state      TEXT    NOT NULL CHECK (state IN ('queued', 'claimed', 'processed', 'parked', 'deferred')),
	lane       INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 2),
	epoch      INTEGER NOT NULL DEFAULT 0,
	attempts   INTEGER NOT NULL DEFAULT 0,
	due        INTEGER NOT NULL,
	owner      TEXT    NOT NULL DEFAULT '',
	last_error TEXT    NOT NULL DEFAULT '',
	enqueued   INTEGER NOT NULL,
	changed    INTEGER NOT NULL
) STRICT;

-- Each index holds only the rows that its query asks for, so that a million
-- processed crashes cost the queue nothing.
CREATE INDEX crash_waiting ON crash (lane, due)      WHERE state = 'queued';   -- Claim
CREATE INDEX crash_oldest  ON crash (enqueued)       WHERE state = 'queued';   -- Depth
CREATE INDEX crash_leases  ON crash (due)            WHERE state = 'claimed';  -- Claim: expired leases
CREATE INDEX crash_owners  ON crash (owner)          WHERE state = 'claimed';  -- RecoverOwner
CREATE INDEX crash_parked  ON crash (changed)        WHERE state = 'parked';   -- ParkedCrashes

-- What is still to be brought to each destination. A row goes when it is
-- acknowledged. AUTOINCREMENT: a seq is never used twice, or a late
-- acknowledgement could hit somebody else's row.
CREATE TABLE outbox (
	seq         INTEGER PRIMARY KEY AUTOINCREMENT,
	destination TEXT    NOT NULL,
	id          TEXT    NOT NULL,
	epoch       INTEGER NOT NULL,
	attempts    INTEGER NOT NULL DEFAULT 0,
	parked      INTEGER NOT NULL DEFAULT 0 CHECK (parked IN (0, 1)),
	last_error  TEXT    NOT NULL DEFAULT '',
	created     INTEGER NOT NULL,
	changed     INTEGER NOT NULL
) STRICT;

CREATE INDEX outbox_waiting ON outbox (destination, seq) WHERE parked = 0;  -- Peek
CREATE INDEX outbox_parked  ON outbox (destination, seq) WHERE parked = 1;  -- ParkedDeliveries
CREATE INDEX outbox_crash   ON outbox (id);                                 -- Forget

-- Counts for Depth, kept by triggers so that nobody has to count a million
-- rows for a page that refreshes every second.
CREATE TABLE crash_tally (
	state TEXT    NOT NULL,
	lane  INTEGER NOT NULL,
	rows  INTEGER NOT NULL,
	PRIMARY KEY (state, lane)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER crash_added AFTER INSERT ON crash BEGIN
	INSERT INTO crash_tally VALUES (new.state, new.lane, 1) ON CONFLICT DO UPDATE SET rows = rows + 1;
END;
CREATE TRIGGER crash_moved AFTER UPDATE OF state, lane ON crash WHEN old.state <> new.state OR old.lane <> new.lane BEGIN
	UPDATE crash_tally SET rows = rows - 1 WHERE state = old.state AND lane = old.lane;
	INSERT INTO crash_tally VALUES (new.state, new.lane, 1) ON CONFLICT DO UPDATE SET rows = rows + 1;
END;
CREATE TRIGGER crash_removed AFTER DELETE ON crash BEGIN
	UPDATE crash_tally SET rows = rows - 1 WHERE state = old.state AND lane = old.lane;
END;

CREATE TABLE outbox_tally (
	destination TEXT    NOT NULL,
	parked      INTEGER NOT NULL,
	rows        INTEGER NOT NULL,
	PRIMARY KEY (destination, parked)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER outbox_added AFTER INSERT ON outbox BEGIN
	INSERT INTO outbox_tally VALUES (new.destination, new.parked, 1) ON CONFLICT DO UPDATE SET rows = rows + 1;
END;
CREATE TRIGGER outbox_moved AFTER UPDATE OF parked ON outbox WHEN old.parked <> new.parked BEGIN
	UPDATE outbox_tally SET rows = rows - 1 WHERE destination = old.destination AND parked = old.parked;
	INSERT INTO outbox_tally VALUES (new.destination, new.parked, 1) ON CONFLICT DO UPDATE SET rows = rows + 1;
END;
CREATE TRIGGER outbox_removed AFTER DELETE ON outbox BEGIN
	UPDATE outbox_tally SET rows = rows - 1 WHERE destination = old.destination AND parked = old.parked;
END;
