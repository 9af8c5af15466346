package collect

import (
	"encoding/base64"
	"fmt"
	"io"
	"mime/quotedprintable"
)

// transferDecoded undoes a Content-Transfer-Encoding. RFC 7578 deprecates all of
// them, mail libraries used as uploaders send them nevertheless.
func transferDecoded(encoding string, chunk func() ([]byte, error)) (func() ([]byte, error), error) {
	var r io.Reader
	switch encoding {
	case "", "7bit", "8bit", "binary":
		return chunk, nil
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, &chunkReader{chunk: chunk})
	case "quoted-printable":
		r = quotedprintable.NewReader(&chunkReader{chunk: chunk})
	default:
		return nil, fmt.Errorf("unknown Content-Transfer-Encoding %.40q", encoding)
	}
	buf := make([]byte, 16<<10)
	return func() ([]byte, error) {
		n, err := r.Read(buf)
		if n > 0 {
			err = nil
		}
		return buf[:n], err
	}, nil
}

type chunkReader struct {
	chunk func() ([]byte, error)
	rest  []byte
}

func (c *chunkReader) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		b, err := c.chunk()
		if err != nil {
			return 0, err
		}
		c.rest = b
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}
