package symbols

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
)

// smallFile is how large a symbol file may be to be parsed anew each time. That
// takes a millisecond or two.
const smallFile = 256 << 10

// read makes the table of a file: from the store when there is one, or else by
// reading it.
func (d Dir) read(ctx context.Context, f *os.File, suffix string) (*Table, error) {
	return readSymbols(ctx, f, suffix, d.Options)
}

func readSymbols(ctx context.Context, f *os.File, suffix string, opt Options) (*Table, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || suffix == "" && info.Size() <= smallFile {
		return parsePacked(ctx, f, suffix, opt)
	}
	if opt.Store != nil {
		t, err := readStored(ctx, f, suffix, opt, info)
		_, notKept := errors.AsType[notKeptError](err)
		if !notKept {
			return t, err
		}
		// The disk is full, say. The symbols are good all the same.
		opt.Store.count(func(n *StoreStats) { n.Failed++; n.LastError = err })
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
	}
	if suffix != "" {
		return parsePacked(ctx, f, suffix, opt)
	}
	return openText(ctx, f, info.Size(), opt)
}

// readStored takes the table of a file from the store, or makes it there.
func readStored(ctx context.Context, f *os.File, suffix string, opt Options, info os.FileInfo) (*Table, error) {
	key := keyOf(f.Name(), info, opt)
	t := opt.Store.load(key)
	if t == nil {
		r, done, err := unpacked(contextReader{ctx, f}, suffix)
		if err != nil {
			return nil, unpackError(ctx, err)
		}
		defer done()
		read := func(a *assembly) error {
			a.chunk = chunkOf(info.Size())
			return a.read(r)
		}
		t, err = opt.Store.make(read, key, opt)
		if _, notKept := errors.AsType[notKeptError](err); err != nil && !notKept && suffix != "" {
			return nil, unpackError(ctx, err)
		}
		if err != nil {
			return nil, err
		}
	}
	path, place, store := f.Name(), opt.Store.place(key), opt.Store
	t.repair.make = func() *Table {
		store.count(func(n *StoreStats) { n.Damaged++ })
		os.Remove(place) // so that the next process makes a good one
		return parseAgain(path, suffix, opt)
	}
	return t, nil
}

// parseAgain reads a file into memory, nil when that does not work: then the
// symbols are gone.
func parseAgain(path, suffix string, opt Options) *Table {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	t, err := parsePacked(context.Background(), f, suffix, opt)
	if err != nil {
		return nil
	}
	return t
}

// openText makes a table of a file that is not packed: it reads the file once, on
// all CPUs, and keeps only where its records are. Names, lines and rules stay in
// the file, which is mapped into memory, and are read when an address needs them.
// The first crash with the symbols of a large library waits for reading, not for
// building a table that it asks fifty questions.
//
// Whoever replaces the file should do it by rename. If it is written over or cut
// short instead, lookups that notice read it anew, see [repair].
func openText(ctx context.Context, f *os.File, size int64, opt Options) (*Table, error) {
	a := assembly{opt: opt, chunk: chunkOf(size)}
	if err := a.read(contextReader{ctx, f}); err != nil {
		return nil, err
	}
	if a.base > uint64(size) {
		return nil, errors.New("the file grew while it was read")
	}
	data, err := mapFile(f, int64(a.base))
	if err != nil {
		return nil, err
	}
	t := &Table{data: data, strict: opt.Strict, mapped: data}
	runtime.AddCleanup(t, unmap, data)
	if !t.intact(func() bool { err = a.finish(t); return true }) {
		return nil, errors.New("the file shrank while it was read")
	}
	if err != nil {
		return nil, err
	}
	path := f.Name()
	t.repair.make = func() *Table { return parseAgain(path, "", opt) }
	return t, nil
}
