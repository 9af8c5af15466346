-- How many claims in a row ended with no answer: their processor was killed or
-- hung. A crash that does that again and again is claimed alone, then parked.
ALTER TABLE crash ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;

CREATE INDEX crash_working ON crash (owner, due, lost) WHERE state = 'claimed';  -- Claim: what the owner works on
