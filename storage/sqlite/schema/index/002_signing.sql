-- What signatures are made of, packed, so that changed signature lists can be
-- tried on stored crashes without reading their reports. It goes with its crash.
CREATE TABLE signing (
	n    INTEGER PRIMARY KEY REFERENCES crash ON DELETE CASCADE,
	data BLOB NOT NULL
) STRICT;
