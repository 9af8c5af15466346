package symbols

import (
	"fmt"
	"io"
	"math"
)

const (
	// longestLine is how long a line may be; longer ones are left out. C++
	// symbols of more than 100 KB have been seen, and the peers stop there too.
	longestLine = 160 << 10
	// DefaultMaxSize bounds a symbol file, unpacked, in bytes.
	DefaultMaxSize = 2 << 30
	badSamples     = 8
)

// Options say how to read a symbol file. The zero value is forgiving.
type Options struct {
	// Strict rejects the whole file for one line that makes no sense, for a
	// missing newline at its end and for a MODULE line that is not the first, as
	// rust-minidump does.
	Strict bool
	// MaxSize is the most bytes a file may have. 0 means [DefaultMaxSize].
	MaxSize int64
	// Store keeps the tables of files between processes. nil keeps none. [Parse]
	// has no use for it: what it reads is no file.
	Store *Store
}

// limit is how many bytes are read at most. Offsets into a table's data are 32
// bits wide.
func (o Options) limit() int64 {
	if o.MaxSize == 0 {
		return DefaultMaxSize
	}
	return min(o.MaxSize, math.MaxUint32)
}

// A ParseError says where a symbol file stopped making sense.
type ParseError struct {
	Line   int // from 1; 0 when the file as a whole is wrong
	Reason string
}

func (e *ParseError) Error() string {
	if e.Line == 0 {
		return "symbol file: " + e.Reason
	}
	return fmt.Sprintf("symbol file line %d: %s", e.Line, e.Reason)
}

// Parse reads a symbol file into memory, on all CPUs when it is large. The error
// is a [*ParseError] when the file is no symbol file, or else what r returned.
func Parse(r io.Reader, opt Options) (*Table, error) {
	var kept memory
	a := assembly{opt: opt, out: &kept}
	if err := a.read(r); err != nil {
		return nil, err
	}
	t := &Table{data: kept.data, packed: true, strict: opt.Strict}
	return t, a.finish(t)
}

// check reads a symbol file and says why it is none, as Parse does.
func check(r io.Reader, opt Options) error {
	a := assembly{opt: opt}
	if err := a.read(r); err != nil {
		return err
	}
	return a.verdict()
}

// memory keeps packed bodies and names.
type memory struct{ data []byte }

func (m *memory) Write(b []byte) (int, error) {
	if cap(m.data)-len(m.data) < len(b) {
		m.data = append(make([]byte, 0, len(m.data)+max(len(m.data)/2, len(b))), m.data...)
	}
	m.data = append(m.data, b...)
	return len(b), nil
}
