package stackwalk

import (
	"bufio"
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
	out     *bufio.Writer
	pretty  bool
	depth   int
	empty   bool // the innermost object or array has nothing yet
	scratch []byte
}

func newJSONWriter(w io.Writer, pretty bool) *jsonWriter {
	return &jsonWriter{out: bufio.NewWriterSize(w, 64<<10), pretty: pretty}
}

func (j *jsonWriter) open(c byte) {
	j.out.WriteByte(c)
	j.depth++
	j.empty = true
}

func (j *jsonWriter) close(c byte) {
	j.depth--
	if !j.empty {
		j.newline()
	}
	j.out.WriteByte(c)
	j.empty = false
}

func (j *jsonWriter) newline() {
	if !j.pretty {
		return
	}
	j.out.WriteByte('\n')
	for range j.depth {
		j.out.WriteString("  ")
	}
}

// item begins an element of an array.
func (j *jsonWriter) item() {
	if !j.empty {
		j.out.WriteByte(',')
	}
	j.empty = false
	j.newline()
}

// key begins a member of an object.
func (j *jsonWriter) key(name string) {
	j.item()
	j.text(name)
	j.out.WriteByte(':')
	if j.pretty {
		j.out.WriteByte(' ')
	}
}

func (j *jsonWriter) null() { j.out.WriteString("null") }
func (j *jsonWriter) bool(v bool) {
	j.scratch = strconv.AppendBool(j.scratch[:0], v)
	j.out.Write(j.scratch)
}
func (j *jsonWriter) int(v int64) {
	j.scratch = strconv.AppendInt(j.scratch[:0], v, 10)
	j.out.Write(j.scratch)
}
func (j *jsonWriter) uint(v uint64) {
	j.scratch = strconv.AppendUint(j.scratch[:0], v, 10)
	j.out.Write(j.scratch)
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
	j.out.WriteByte('"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				j.out.WriteString(s[from:i])
				j.out.WriteString("\uFFFD")
				from = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		j.out.WriteString(s[from:i])
		j.escape(c)
		i++
		from = i
	}
	j.out.WriteString(s[from:])
	j.out.WriteByte('"')
}

func (j *jsonWriter) escape(c byte) {
	if n := bytes.IndexByte([]byte("\"\\\b\f\n\r\t"), c); n >= 0 {
		j.out.WriteByte('\\')
		j.out.WriteByte(`"\bfnrt`[n])
		return
	}
	const hex = "0123456789abcdef"
	j.out.WriteString(`\u00`)
	j.out.WriteByte(hex[c>>4])
	j.out.WriteByte(hex[c&15])
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
		j.out.WriteString(v.String())
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
			j.key(k)
			j.any(v[k])
		}
		j.close('}')
	}
}
