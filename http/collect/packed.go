package collect

import (
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"

	"socorro"
)

// unpacked decompresses a minidump that the client compressed before it put it
// into a part: people who upload by a script do. Everything else passes as it is.
func (p *payloadReader) unpacked(h part, name string, chunk func() ([]byte, error)) (func() ([]byte, error), error) {
	filename := strings.ToLower(h.filename)
	if !strings.HasPrefix(name, socorro.MainDump) && !strings.HasSuffix(filename, ".dmp.gz") && !strings.HasSuffix(filename, ".mdmp.gz") {
		return chunk, nil
	}
	first, err := chunk()
	if err != nil {
		return func() ([]byte, error) { return nil, err }, nil //nolint:nilerr // whoever reads gets it
	}
	begun := false
	again := func() ([]byte, error) {
		if !begun {
			begun = true
			return first, nil
		}
		return chunk()
	}
	if !strings.HasPrefix(string(first[:min(2, len(first))]), "\x1f\x8b") {
		return again, nil
	}
	packed := &countingReader{r: &chunkReader{chunk: again}}
	z, err := gzip.NewReader(packed)
	if err != nil {
		return nil, &malformed{badGzip, fmt.Errorf("minidump %.60q: %w", h.name, err)}
	}
	p.note(fmt.Sprintf("minidump %.60s was compressed", h.name))
	buf, total := make([]byte, 32<<10), int64(0)
	return func() ([]byte, error) {
		n, err := z.Read(buf)
		total += int64(n)
		switch {
		case total > p.cfg.MaxInflated:
			return nil, &malformed{inflatedTooLarge, fmt.Errorf("minidump %.60q: more than %d bytes", h.name, p.cfg.MaxInflated)}
		case total > ratioFloor && float64(total) > p.cfg.MaxRatio*float64(packed.n):
			return nil, &malformed{inflateRatio, fmt.Errorf("minidump %.60q: %d bytes became more than %d", h.name, packed.n, total)}
		case n > 0:
			return buf[:n], nil
		case err == io.EOF:
			return nil, io.EOF
		case err != nil && packed.err != nil:
			return nil, packed.err // the body broke off, or into a limit
		case err != nil:
			return nil, &malformed{badGzip, fmt.Errorf("minidump %.60q: %w", h.name, err)}
		}
		return buf[:0], nil
	}, nil
}

// countingReader counts bytes and remembers what ended them.
type countingReader struct {
	r   io.Reader
	n   int64
	err error // but io.EOF
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}
