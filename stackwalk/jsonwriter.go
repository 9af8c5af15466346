package stackwalk

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// A jsonWriter writes JSON as it goes, compact or indented by two spaces. The
// report of an overflowed stack is 27 MB of JSON; a tree of it would be ten times
// that. Its buffer keeps the first error.
type jsonWriter struct {
	out     *jsonBuffer
	pretty  bool
	depth   int
	empty   bool // the innermost object or array has nothing yet
	scratch []byte
}

func newJSONWriter(w io.Writer, pretty bool) *jsonWriter {
	return &jsonWriter{out: &jsonBuffer{w: w}, pretty: pretty}
}

// A jsonBuffer is a buffer before a writer. Appending to a slice is a third of
// the work of a bufio.Writer, whose methods are too large to be inlined; most
// writes are of one byte or ten.
type jsonBuffer struct {
	w   io.Writer
	buf []byte
	err error
}

const jsonBufferSize = 64 << 10

// room flushes when the buffer is nearly full: what follows may be appended.
func (b *jsonBuffer) room() {
	if len(b.buf) > jsonBufferSize-1<<10 {
		_ = b.Flush() // kept in err
	}
}

// Flush writes what is in the buffer. The error is the first of all writes.
func (b *jsonBuffer) Flush() error {
	if b.err == nil && len(b.buf) > 0 {
		_, b.err = b.w.Write(b.buf)
	}
	b.buf = b.buf[:0]
	return b.err
}

func (b *jsonBuffer) byte(c byte) { b.buf = append(b.buf, c) }

func (b *jsonBuffer) bytes(p []byte) { b.buf = append(b.buf, p...) }

func (b *jsonBuffer) string(s string) {
	b.buf = append(b.buf, s...)
	b.room()
}

func (j *jsonWriter) open(c byte) {
	j.out.byte(c)
	j.depth++
	j.empty = true
}

func (j *jsonWriter) close(c byte) {
	j.depth--
	if !j.empty {
		j.newline()
	}
	j.out.byte(c)
	j.empty = false
}

func (j *jsonWriter) newline() {
	if !j.pretty {
		return
	}
	j.out.byte('\n')
	for range j.depth {
		j.out.string("  ")
	}
}

// item begins an element of an array.
func (j *jsonWriter) item() {
	if !j.empty {
		j.out.byte(',')
	}
	j.empty = false
	j.newline()
}

// name begins a member of an object whose name comes out of a dump, where it may
// be anything.
func (j *jsonWriter) name(text string) {
	j.item()
	j.text(text)
	j.out.byte(':')
	if j.pretty {
		j.out.byte(' ')
	}
}

// key begins a member of an object with a name of ours, which needs no escapes.
func (j *jsonWriter) key(name string) {
	j.item()
	b := append(j.out.buf, '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	if j.pretty {
		b = append(b, ' ')
	}
	j.out.buf = b
	j.out.room()
}

func (j *jsonWriter) null() { j.out.string("null") }
func (j *jsonWriter) bool(v bool) {
	j.scratch = strconv.AppendBool(j.scratch[:0], v)
	j.out.bytes(j.scratch)
}

func (j *jsonWriter) int(v int64) {
	j.scratch = strconv.AppendInt(j.scratch[:0], v, 10)
	j.out.bytes(j.scratch)
}

func (j *jsonWriter) uint(v uint64) {
	j.scratch = strconv.AppendUint(j.scratch[:0], v, 10)
	j.out.bytes(j.scratch)
}

// textOrNull writes null for "".
func (j *jsonWriter) textOrNull(s string) {
	if s == "" {
		j.null()
		return
	}
	j.text(s)
}

// text writes a string with the escapes that are needed and no other, and U+FFFD
// for bytes that are no UTF-8.
func (j *jsonWriter) text(s string) {
	j.out.byte('"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if unescaped[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				j.out.string(s[from:i])
				j.out.string("\uFFFD")
				from = i + 1
			}
			i += size
			continue
		}
		j.out.string(s[from:i])
		j.escape(c)
		i++
		from = i
	}
	j.out.string(s[from:])
	j.out.byte('"')
}

// unescaped are the bytes that stand for themselves in a string.
var unescaped = func() (is [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		is[c] = c != '"' && c != '\\'
	}
	return is
}()

func (j *jsonWriter) escape(c byte) {
	if n := bytes.IndexByte([]byte("\"\\\b\f\n\r\t"), c); n >= 0 {
		j.out.byte('\\')
		j.out.byte(`"\bfnrt`[n])
		return
	}
	const hex = "0123456789abcdef"
	j.out.string(`\u00`)
	j.out.byte(hex[c>>4])
	j.out.byte(hex[c&15])
}

// raw writes JSON that is there already, with the keys of its objects in order,
// and null for what is none.
func (j *jsonWriter) raw(data json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		j.null()
		return
	}
	j.any(v)
}

func (j *jsonWriter) any(v any) {
	switch v := v.(type) {
	case nil:
		j.null()
	case bool:
		j.bool(v)
	case string:
		j.text(v)
	case json.Number:
		j.out.string(v.String())
	case []any:
		j.open('[')
		for _, e := range v {
			j.item()
			j.any(e)
		}
		j.close(']')
	case map[string]any:
		j.open('{')
		for _, k := range slices.Sorted(maps.Keys(v)) {
			j.name(k)
			j.any(v[k])
		}
		j.close('}')
	}
}
