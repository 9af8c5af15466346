package spool

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"socorro"
)

// replay finds the crashes that are not done. It removes dumps that belong to
// no crash: those of uploads that were not answered.
func (s *Spool) replay() (newest uint64, err error) {
	dir := s.dir
	entries, err := os.ReadDir(dir) // by name, so journals are in order
	if err != nil {
		return 0, err
	}
	pending := map[socorro.CrashID]*entry{}
	files := map[string]bool{} // dumps that are needed
	var order []*entry
	for _, e := range entries {
		n, ok := journalNumber(e.Name())
		if !ok {
			continue
		}
		newest = max(newest, n)
		g := &segment{dir: dir, name: e.Name()}
		if g.f, err = os.Open(g.path()); err != nil {
			return newest, err
		}
		g.live.Add(1)
		for at, line := range g.lines() {
			r, err := decodeLine(line)
			switch {
			case err != nil:
				// At the end this is a line that was being written when the program
				// was killed: nobody was answered for it.
				s.cfg.Log.Warn("damaged line of the spool's journal skipped", "journal", g.path(), "offset", at, "err", err)
				g.broken = g.broken || !g.atEnd(at, len(line))
			case r.Done != "":
				delete(pending, r.Done)
			case r.Raw != nil && pending[r.Raw.ID] == nil:
				s.cfg.Found(r.Raw)
				one := &entry{id: r.Raw.ID, segment: g, at: at, size: len(line) + 1}
				pending[one.id] = one
				order = append(order, one)
				for _, d := range r.Dumps {
					files[d.File] = true
				}
			}
		}
		defer s.release(g)
	}
	order = slices.DeleteFunc(order, func(e *entry) bool { return pending[e.id] != e })
	for _, e := range order {
		e.segment.live.Add(1)
	}
	s.queue = order
	if len(order) > 0 {
		s.signal()
	}
	return newest, removeOrphans(dir, entries, files)
}

// lines yields the offset and the text of every line that ends with a line feed,
// and of the rest.
func (g *segment) lines() iter.Seq2[int64, []byte] {
	return func(yield func(int64, []byte) bool) {
		br := bufio.NewReaderSize(io.NewSectionReader(g.f, 0, 1<<62), 64<<10)
		at := int64(0)
		for {
			line, n, err := readLine(br)
			if n > 0 && !yield(at, line) {
				return
			}
			at += n
			if err != nil {
				return
			}
		}
	}
}

// readLine reads up to the line feed, which it leaves off. Of a line that is
// longer than any of ours it keeps the beginning only.
func readLine(br *bufio.Reader) (line []byte, n int64, err error) {
	for {
		piece, err := br.ReadSlice('\n')
		n += int64(len(piece))
		if len(line) <= maxLine {
			line = append(line, piece...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSuffix(line, []byte("\n")), n, err
		}
	}
}

func (g *segment) atEnd(at int64, size int) bool {
	info, err := g.f.Stat()
	return err == nil && at+int64(size)+1 >= info.Size()
}

func removeOrphans(dir string, entries []os.DirEntry, needed map[string]bool) error {
	for _, e := range entries {
		name := e.Name()
		id, _, ok := cutID(name)
		if !ok || needed[name] {
			continue
		}
		if _, err := socorro.ParseCrashID(id); err != nil {
			continue // not ours
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// cutID splits the name of a dump's file.
func cutID(name string) (id, number string, ok bool) {
	const idLen = 36
	if len(name) < idLen+2 || name[idLen] != '.' {
		return "", "", false
	}
	return name[:idLen], name[idLen+1:], true
}
