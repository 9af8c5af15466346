package collect

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// takenApart is a body as a list of parts, and the error that ended it.
func takenApart(br buffered, boundary string) (list []string, end string) {
	p := newParts(br, boundary)
	for {
		h, err := p.next()
		if err != nil {
			return list, err.Error()
		}
		var data []byte
		for {
			b, err := p.chunk()
			if err == io.EOF {
				break
			}
			if err != nil {
				return list, err.Error()
			}
			data = append(data, b...)
		}
		list = append(list, h.name+"|"+h.filename+"|"+h.contentType+"|"+string(data))
	}
}

// However the bytes arrive, the parts are the same.
func FuzzParts(f *testing.F) {
	f.Add([]byte("--B\r\nContent-Disposition: a; name=x\r\n\r\nv\r\n--B \r\n\r\n--B--"), "B")
	f.Add([]byte("pre\r\n--B\r\n\r\n--B\r\n\r\n\r\n--\r\n--B-\r\n--Bx\r\n--B--post"), "B")
	f.Add([]byte("--B\n\nv\n--B--"), "B")
	f.Add([]byte("\r\n--\r\n\r\n--\r\n----"), "")
	f.Fuzz(func(t *testing.T, body []byte, boundary string) {
		if len(boundary) > maxBoundary || boundary == "" {
			t.Skip()
		}
		want, wantEnd := takenApart(bufio.NewReaderSize(bytes.NewReader(body), readBuffer), boundary)
		got, gotEnd := takenApart(newSource(iotest.OneByteReader(bytes.NewReader(body)), newBufferPools()), boundary)
		if diff := cmp.Diff(want, got); diff != "" || wantEnd != gotEnd {
			t.Errorf("at once it ends with %q, byte by byte with %q; parts differ (-at once +byte by byte):\n%s", wantEnd, gotEnd, diff)
		}
	})
}

// What the standard library takes as a JSON object we take in the same way.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a": NaN}`, `{"a\\": "NaN", "b": [-Infinity, -1, {}]}`, `[1]`, "\xff\xfe{\x00}\x00", "\xef\xbb\xbf{}", `{"a": "\ud800"}`, `{"a`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decodeJSON(data)
		if err == nil {
			if _, err := json.Marshal(got); err != nil {
				t.Errorf("what was read cannot be written: %v", err)
			}
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		var want map[string]any
		if dec.Decode(&want) != nil || want == nil || !utf8.Valid(data) {
			return
		}
		if _, more := dec.Token(); more != io.EOF {
			return
		}
		if err != nil {
			t.Errorf("a JSON object is refused: %v", err)
		} else if diff := cmp.Diff(want, map[string]any(got)); diff != "" {
			t.Errorf("object differs (-standard +ours):\n%s", diff)
		}
	})
}

func FuzzHeaderParams(f *testing.F) {
	f.Add(`form-data; name="a\"b"; filename=x`)
	f.Add(`;=";`)
	f.Fuzz(func(t *testing.T, s string) {
		_, params := headerParams(s)
		if len(params) > strings.Count(s, "=") {
			t.Errorf("headerParams(%q) = %q; more parameters than equals signs", s, params)
		}
	})
}
