package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"socorro"
)

// classify turns what SQLite says into the domain's kinds, with what an
// operator can do. None of these lost anything that was answered with nil.
func classify(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return socorro.ErrNotFound
	}
	if errors.Is(err, sql.ErrConnDone) {
		return fmt.Errorf("%w: the database is closed", socorro.ErrUnavailable)
	}
	e, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return err
	}
	if text := advice(e.Code() & 0xff); text != "" {
		return fmt.Errorf("%w: %s: %w", socorro.ErrUnavailable, text, err)
	}
	return err
}

func advice(code int) string {
	switch code {
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_PROTOCOL:
		return "another process holds the database for too long: look who has it open"
	case codes.SQLITE_FULL:
		return "the disk is full: make room"
	case codes.SQLITE_IOERR:
		return "the disk does not answer properly: look for disk errors in the kernel log"
	case codes.SQLITE_READONLY, codes.SQLITE_PERM:
		return "the database may not be written: it must belong to the user that runs this program, on a writable disk"
	case codes.SQLITE_CANTOPEN:
		return "the database cannot be opened: check that the path is a file in a writable folder"
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return "the file is damaged or no database: move it away; a new queue and index can be filled from the crash store"
	case codes.SQLITE_NOMEM:
		return "the system is out of memory"
	case codes.SQLITE_INTERRUPT:
		return "the statement was interrupted"
	}
	return ""
}

// fatal tells errors after which the rest of a transaction is not worth trying.
func fatal(err error) bool { return errors.Is(err, socorro.ErrUnavailable) }
