// Package sqlite keeps the queue, the outbox and the index of crashes in
// SQLite files, for an installation without any service beside it.
//
// Writes of all goroutines go through one writer that commits them in groups:
// one sync of the disk answers everybody who waited for it. Reads go their own
// way and never wait for a write. Several processes may open the same file;
// it must be on a local disk, for SQLite's locks do not hold on NFS.
//
// What a method answered with nil survives kill -9 and power loss
// (journal_mode WAL, synchronous FULL).
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver named "sqlite"

	"socorro"
)

//go:embed schema
var schemas embed.FS

const (
	// busyTimeout is how long a write waits for another process's.
	busyTimeout = 5 * time.Second
	readers     = 4
)

// fileKind says what a file is for. SQLite keeps the number in the file's
// header (application_id), so that no file is taken for another.
type fileKind struct {
	name   string
	number int
	schema string
}

var (
	queueFile = fileKind{"queue", 0x536f6351, "schema/queue"} // "SocQ"
	indexFile = fileKind{"index", 0x536f6349, "schema/index"} // "SocI"
)

// db is one SQLite file: its writer, and a pool of connections that only read.
type db struct {
	path   string
	write  *sql.DB
	read   *sql.DB
	writer *writer
}

func open(ctx context.Context, path string, kind fileKind) (*db, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("%w: %w", socorro.ErrUnavailable, err)
	}
	d := &db{path: path}
	if d.write, err = sql.Open("sqlite", dsn(path, "synchronous(FULL)", "journal_size_limit(67108864)")); err != nil {
		return nil, err
	}
	d.write.SetMaxOpenConns(1)
	if err := migrate(ctx, d.write, kind); err != nil {
		return nil, errors.Join(err, d.write.Close())
	}
	if d.read, err = sql.Open("sqlite", dsn(path, "query_only(1)")); err != nil {
		return nil, errors.Join(err, d.write.Close())
	}
	d.read.SetMaxOpenConns(readers)
	d.read.SetMaxIdleConns(readers)
	if d.writer, err = startWriter(ctx, d.write); err != nil {
		return nil, errors.Join(err, d.read.Close(), d.write.Close())
	}
	return d, nil
}

func dsn(path string, pragmas ...string) string {
	q := url.Values{}
	// The timeout comes first: switching to WAL already needs the lock.
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()))
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "foreign_keys(1)")
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// close answers every write that is under way, then closes the file.
func (d *db) close() error {
	return errors.Join(d.writer.close(), d.read.Close(), d.write.Close())
}

// migrate brings the file to the newest schema. user_version counts the
// scripts that it has seen. The whole runs in one transaction under the write
// lock, so that processes that start together do it once.
func migrate(ctx context.Context, pool *sql.DB, kind fileKind) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return classify(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return classify(err)
	}
	if err := migrateIn(ctx, conn, kind); err != nil {
		_, undo := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return errors.Join(classify(err), undo)
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return classify(err)
}

func migrateIn(ctx context.Context, conn *sql.Conn, kind fileKind) error {
	var number, version int
	if err := conn.QueryRowContext(ctx, "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version").Scan(&number, &version); err != nil {
		return err
	}
	if number != kind.number && (number != 0 || version != 0) {
		return fmt.Errorf("the file is no %s of ours (application_id %#x, not %#x): give another path: %w", kind.name, number, kind.number, socorro.ErrInvalid)
	}
	scripts, err := fs.Glob(schemas, kind.schema+"/*.sql") // sorted
	if err != nil {
		return err
	}
	if version > len(scripts) {
		return fmt.Errorf("the %s has schema %d, this program knows %d: it was used by a newer version, run that: %w", kind.name, version, len(scripts), socorro.ErrInvalid)
	}
	if version == len(scripts) {
		return nil
	}
	for _, script := range scripts[version:] {
		text, err := schemas.ReadFile(script)
		if err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", script, err)
		}
	}
	_, err = conn.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", len(scripts), kind.number))
	return err
}
