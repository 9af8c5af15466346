package symbols

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrNotFound says that a supplier has no symbols for a module. That is the
// common case, not a fault.
var ErrNotFound = errors.New("no symbols")

// A Module is what symbol files are found by.
type Module struct {
	DebugFile string // path or name of the file with debug information; may be ""
	DebugID   string // 32 hex digits and the age; "" finds nothing
	CodeFile  string // path or name of the program or library
	CodeID    string
}

// A Supplier finds the symbols of modules. It is safe for concurrent use.
type Supplier interface {
	// Find reads the symbols of m. The Lookup says where it looked, whatever the
	// outcome. The error is [ErrNotFound] when there are none, a [*ParseError]
	// when the file is useless, ctx's, or one of reading; only the first two will
	// be the same on the next try.
	Find(ctx context.Context, m Module) (*Table, Lookup, error)
}

// A Lookup says how a search for symbols went, for people who wonder why there
// are none.
type Lookup struct {
	Found string   // path or URL of the file; "" when there was none
	URL   string   // where it came from, when a symbol server had it
	Tried []string // all places, in order, Found included
	// Near are the debug ids that there are symbols of for a file of the same name,
	// when there are none for the right one: of another build, most likely. At most 8.
	Near []string
}

// Path is where a module's file stands in a symbol directory, with slashes:
// "app.pdb/0123…F1/app.sym". It is false when the module has no id, or a name
// that is no file name (a dump can say anything, "..\.." too).
func (m Module) Path() (string, bool) {
	name := leaf(m.DebugFile)
	if name == "" {
		name = leaf(m.CodeFile)
	}
	if name == "" || name == "." || name == ".." || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", false
	}
	if len(m.DebugID) < 32 || len(m.DebugID) > 40 {
		return "", false
	}
	for i := range len(m.DebugID) {
		if hexDigit(m.DebugID[i]) < 0 {
			return "", false
		}
	}
	base := name
	if ext := len(name) - len(".pdb"); ext > 0 && strings.EqualFold(name[ext:], ".pdb") {
		base = name[:ext]
	}
	return name + "/" + m.DebugID + "/" + base + ".sym", true
}

// leaf is the last part of a path of any system.
func leaf(path string) string {
	return path[strings.LastIndexAny(path, `/\`)+1:]
}

// A Dir finds symbols in directories with the layout of [Module.Path]. A file may
// be packed: name.sym.gz or name.sym.zst.
type Dir struct {
	Roots   []string // searched in order
	Options Options
}

// Find looks in each root; the first file wins, also when it is useless.
func (d Dir) Find(ctx context.Context, m Module) (*Table, Lookup, error) {
	var look Lookup
	path, ok := m.Path()
	if !ok {
		return nil, look, ErrNotFound
	}
	for _, root := range d.Roots {
		for _, suffix := range [...]string{"", ".gz", ".zst"} {
			if err := ctx.Err(); err != nil {
				return nil, look, err
			}
			name := filepath.Join(root, filepath.FromSlash(path)) + suffix
			look.Tried = append(look.Tried, name)
			f, err := os.Open(name)
			if absent(err) {
				continue
			}
			if err != nil {
				return nil, look, fmt.Errorf("stackwalk/symbols: open symbols: %w", err)
			}
			look.Found = name
			t, err := d.read(ctx, f, suffix)
			f.Close()
			if err != nil {
				return nil, look, fmt.Errorf("stackwalk/symbols: read %s: %w", name, err)
			}
			look.URL = t.URL
			return t, look, nil
		}
	}
	look.Near = d.near(path)
	return nil, look, ErrNotFound
}

// absent says whether there is no such file. A name too long for the file system
// cannot be there either.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || err != nil && strings.Contains(err.Error(), "file name too long")
}

func parsePacked(ctx context.Context, r io.Reader, suffix string, opt Options) (*Table, error) {
	r, done, err := unpacked(contextReader{ctx, r}, suffix)
	if err != nil {
		return nil, unpackError(ctx, err)
	}
	defer done()
	t, err := Parse(r, opt)
	if err != nil && suffix != "" {
		return nil, unpackError(ctx, err)
	}
	return t, err
}

// unpackError makes a [*ParseError] of what an unpacker says, because a damaged
// file stays damaged.
func unpackError(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*ParseError](err); ok || ctx.Err() != nil {
		return err
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return err
	}
	return &ParseError{0, "cannot unpack: " + err.Error()}
}

// A contextReader stops when its context is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// A Chain asks suppliers in turn until one has the symbols.
type Chain []Supplier

// Find is the first answer that is not [ErrNotFound].
func (c Chain) Find(ctx context.Context, m Module) (*Table, Lookup, error) {
	var all Lookup
	for _, s := range c {
		t, look, err := s.Find(ctx, m)
		look.Tried = append(all.Tried, look.Tried...)
		look.Near = nearest(append(all.Near, look.Near...))
		if err == nil || !errors.Is(err, ErrNotFound) {
			return t, look, err
		}
		all = look
	}
	return nil, all, ErrNotFound
}
