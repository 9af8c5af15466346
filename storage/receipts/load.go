package receipts

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"socorro"
)

const (
	linesSuffix = ".jsonl"
	sumsSuffix  = ".sums"
	maxLine     = 1 << 20 // bytes
)

func encode(r socorro.Receipt) ([]byte, error) {
	r.Time = r.Time.UTC().Truncate(time.Microsecond)
	line, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return append(line, '\n'), nil
}

// load counts every day and learns the keys of those within the window. Of days
// that are over it reads the sums instead, once they were made.
func (l *Log) load() error {
	entries, err := os.ReadDir(l.cfg.Dir) // by name: in order of time
	if err != nil {
		return err
	}
	today := l.cfg.Now().UTC()
	from := today.Add(-l.cfg.Window).AddDate(0, 0, -1).Format(dayForm) // the window reaches into that day
	for _, e := range entries {
		day, ok := strings.CutSuffix(e.Name(), linesSuffix)
		if _, err := time.Parse(dayForm, day); !ok || err != nil {
			continue
		}
		if day < from && l.addSums(day) == nil {
			continue
		}
		if err := l.read(day, day < today.Format(dayForm)); err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	return nil
}

// daySums is the content of a day's sums file.
type daySums struct {
	Size  int64     `json:"size"` // of the lines that were counted
	First time.Time `json:"first"`
	Sums  sums      `json:"sums"`
}

// read counts the lines of a day, and writes their sums when it is over.
func (l *Log) read(day string, over bool) error {
	f, err := os.Open(filepath.Join(l.cfg.Dir, day+linesSuffix))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	of := daySums{Size: info.Size(), Sums: sums{}}
	err = each(f, func(r socorro.Receipt) {
		if of.First.IsZero() {
			of.First = r.Time
		}
		of.Sums.add(r.Result, r.Reason, 1)
		l.remember(r)
	})
	if err != nil {
		return err
	}
	l.add(of)
	if over {
		return l.writeSums(day, of)
	}
	return nil
}

// each reads the receipts of a file. A line that a full disk or a power cut tore
// is left out.
func each(f io.Reader, do func(socorro.Receipt)) error {
	br := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := readLine(br)
		var r socorro.Receipt
		if json.Unmarshal(line, &r) == nil && slices.Contains(socorro.Results(), r.Result) {
			do(r)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Recover writes the receipts of kept crashes that are not there. It returns how
// many it wrote.
func (l *Log) Recover(kept []socorro.Receipt) (written int, err error) {
	if len(kept) == 0 {
		return 0, nil
	}
	if err := l.flush(); err != nil {
		return 0, failure("recover", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	missing := make(map[socorro.CrashID]socorro.Receipt, len(kept))
	from := kept[0].Time
	for _, r := range kept {
		missing[r.ID] = r
		if r.Time.Before(from) {
			from = r.Time
		}
	}
	if err := l.strike(missing, from.UTC().Format(dayForm)); err != nil {
		return 0, failure("recover", err)
	}
	for _, r := range kept {
		if _, ok := missing[r.ID]; !ok {
			continue
		}
		if err := l.write(r); err != nil {
			return written, failure("recover "+string(r.ID), err)
		}
		written++
	}
	return written, nil
}

// strike takes off the list what has a receipt of that day or a later one.
func (l *Log) strike(missing map[socorro.CrashID]socorro.Receipt, from string) error {
	entries, err := os.ReadDir(l.cfg.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		day, ok := strings.CutSuffix(e.Name(), linesSuffix)
		if !ok || day < from {
			continue
		}
		f, err := os.Open(filepath.Join(l.cfg.Dir, e.Name()))
		if err != nil {
			return err
		}
		err = each(f, func(r socorro.Receipt) {
			if r.Result == socorro.Accepted || r.Result == socorro.Postponed {
				delete(missing, r.ID)
			}
		})
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// readLine reads a line and throws away what makes it longer than maxLine.
func readLine(br *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		piece, err := br.ReadSlice('\n')
		if len(line) < maxLine {
			line = append(line, piece...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSpace(line), err
		}
	}
}

func (l *Log) add(of daySums) {
	for result, reasons := range of.Sums {
		for reason, n := range reasons {
			l.sums.add(result, reason, n)
		}
	}
	if l.first.IsZero() {
		l.first = of.First
	}
}

// addSums counts a day by its sums file. An error means that there is none that fits.
func (l *Log) addSums(day string) error {
	text, err := os.ReadFile(filepath.Join(l.cfg.Dir, day+sumsSuffix))
	if err != nil {
		return err
	}
	var of daySums
	if err := json.Unmarshal(text, &of); err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(l.cfg.Dir, day+linesSuffix))
	if err != nil {
		return err
	}
	if info.Size() != of.Size {
		return fmt.Errorf("the sums of %s are of %d bytes, not %d: %w", day, of.Size, info.Size(), socorro.ErrInvalid)
	}
	l.add(of)
	return nil
}

func (l *Log) writeSums(day string, of daySums) error {
	text, err := json.Marshal(of)
	if err != nil {
		return err
	}
	path := filepath.Join(l.cfg.Dir, day+sumsSuffix)
	if err := os.WriteFile(path+".new", text, fileMode); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
