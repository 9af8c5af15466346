package spool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"socorro"
)

// record is one line of a journal: a crash, or that one is done.
type record struct {
	Raw   *socorro.RawCrash `json:"raw,omitempty"`
	Dumps []keptDump        `json:"dumps,omitempty"`
	Done  socorro.CrashID   `json:"done,omitempty"`
}

const (
	journalPrefix = "journal-"
	sumLen        = 8         // hex digits
	maxLine       = 128 << 20 // bytes; the collector takes 16 MiB of annotations, JSON may write a byte as six
)

var errDamaged = errors.New("damaged line")

func encodeLine(r record) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	line := make([]byte, 0, sumLen+len(text)+2)
	line = fmt.Appendf(line, "%08x ", crc32.Checksum(text, castagnoli()))
	return append(append(line, text...), '\n'), nil
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) } // made once by the library

// decodeLine reads a line without its line feed.
func decodeLine(line []byte) (record, error) {
	var r record
	if len(line) < sumLen+1 || line[sumLen] != ' ' {
		return r, errDamaged
	}
	sum, err := strconv.ParseUint(string(line[:sumLen]), 16, 32)
	text := line[sumLen+1:]
	if err != nil || uint32(sum) != crc32.Checksum(text, castagnoli()) {
		return r, errDamaged
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%w: %w", errDamaged, err)
	}
	for _, d := range r.Dumps {
		// Nothing but a name in our own folder may be opened or removed.
		if d.File == "" || d.File != filepath.Base(d.File) || d.File == ".." || d.File == "." {
			return r, fmt.Errorf("%w: dump in file %.80q", errDamaged, d.File)
		}
	}
	if r.Raw != nil {
		if id, err := socorro.ParseCrashID(string(r.Raw.ID)); err != nil || id != r.Raw.ID {
			return r, fmt.Errorf("%w: crash id %.80q", errDamaged, r.Raw.ID)
		}
	}
	return r, nil
}

// segment is one journal file.
type segment struct {
	dir  string
	name string
	f    *os.File

	live   atomic.Int64 // crashes in it that are not done, and one more while it is written to
	broken bool         // it has damaged lines: keep it for whoever wants to look
}

func (g *segment) path() string { return filepath.Join(g.dir, g.name) }

func journalName(n uint64) string { return fmt.Sprintf("%s%08d", journalPrefix, n) }

func journalNumber(name string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, journalPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}

// read gets the crash of an entry back.
func (e *entry) read() (record, error) {
	line := make([]byte, e.size)
	if _, err := e.segment.f.ReadAt(line, e.at); err != nil {
		return record{}, err
	}
	r, err := decodeLine(bytes.TrimSuffix(line, []byte("\n")))
	if err == nil && r.Raw == nil {
		err = errDamaged
	}
	if err != nil {
		return r, fmt.Errorf("%s at %d: %w: %w", e.segment.path(), e.at, err, socorro.ErrInvalid)
	}
	return r, nil
}
