package symbols

import (
	"bytes"
	"fmt"
	"io"
)

const (
	// Text is parsed in chunks of 64 to 512 KiB. Small ones keep the memory small
	// beside that of a small file, large ones cost less time, and all fit the cache
	// of a CPU core.
	smallChunk  = 64 << 10
	middleChunk = 128 << 10
	largeChunk  = 512 << 10
	// longestBlock is how long a function's records, or the records before the
	// first function, may be together. The longest function of Firefox has 3 MB.
	longestBlock = 64 << 20
)

// A chunker cuts a symbol file into pieces that can be parsed apart: each begins
// with a record that ends whatever was before it.
type chunker struct {
	r     io.Reader
	limit int64 // how many bytes the file may have
	mark  bool  // skip a byte order mark, which Windows editors put before UTF-8
	size  int   // of a piece

	carry []byte // read, and not yet given out
	total int64
	inner bool // a function or STACK CFI INIT has begun
	ended bool
}

// chunkOf is the size of chunks for a file of some size.
func chunkOf(size int64) int {
	return int(min(max(size/512, smallChunk), largeChunk))
}

// A tooLargeError is a file of more than the bytes allowed.
type tooLargeError struct{ limit int64 }

func (e tooLargeError) Error() string {
	return fmt.Sprintf("the file is larger than the %d bytes allowed", e.limit)
}

// A longBlockError is a function that takes too much memory to be read.
type longBlockError struct{}

func (longBlockError) Error() string {
	return fmt.Sprintf("a function has more than %d MiB of lines", longestBlock>>20)
}

// next puts the next piece into buf, which it may replace by a larger one. last
// says that it is the last, which may be empty.
func (c *chunker) next(buf []byte) (chunk []byte, last bool, err error) {
	if cap(buf) < c.size {
		buf = make([]byte, 0, c.size)
	}
	buf = append(buf[:0], c.carry...)
	c.carry = c.carry[:0]
	for {
		if buf, err = c.fill(buf); err != nil {
			return buf, false, err
		}
		if c.ended {
			return buf, true, nil
		}
		if at := c.cut(buf); at > 0 {
			c.carry = append(c.carry, buf[at:]...)
			return buf[:at], false, nil
		}
		if len(buf) >= longestBlock {
			return buf, false, longBlockError{}
		}
		buf = append(make([]byte, 0, 2*cap(buf)), buf...)
	}
}

// fill reads until buf is full or the file ends.
func (c *chunker) fill(buf []byte) ([]byte, error) {
	for idle := 0; len(buf) < cap(buf); {
		n, err := c.r.Read(buf[len(buf):cap(buf)])
		c.total += int64(n)
		buf = buf[:len(buf)+n]
		switch {
		case c.total > c.limit:
			return buf, tooLargeError{c.limit}
		case err == io.EOF:
			c.ended = true
		case err != nil:
			return buf, err
		case n == 0:
			if idle++; idle == 100 {
				return buf, io.ErrNoProgress
			}
		default:
			idle = 0
		}
		if c.ended {
			break
		}
	}
	if c.mark {
		c.mark = false
		buf = bytes.TrimPrefix(buf, []byte("\xef\xbb\xbf"))
	}
	return buf, nil
}

// cut is where the last block in buf begins, 0 when there is only one. Before the
// first function, any line will do.
func (c *chunker) cut(buf []byte) int {
	if !c.inner {
		c.inner = beginsInner(buf) || bytes.Contains(buf, []byte("\nFUNC")) || bytes.Contains(buf, []byte("\nSTACK"))
		if !c.inner {
			return bytes.LastIndexByte(buf, '\n') + 1
		}
	}
	for end := len(buf); ; {
		end = bytes.LastIndexByte(buf[:end], '\n')
		if end < 0 {
			return 0
		}
		if beginsBlock(buf[end+1:]) {
			return end + 1
		}
	}
}

func beginsInner(b []byte) bool {
	return bytes.HasPrefix(b, []byte("FUNC")) || bytes.HasPrefix(b, []byte("STACK"))
}

// beginsBlock says whether a line ends the block before it, whatever that is.
func beginsBlock(line []byte) bool {
	if len(line) == 0 {
		return false
	}
	switch line[0] {
	case 'F':
		return bytes.HasPrefix(line, []byte("FUNC "))
	case 'P':
		return bytes.HasPrefix(line, []byte("PUBLIC "))
	case 'S':
		return bytes.HasPrefix(line, []byte("STACK CFI INIT ")) || bytes.HasPrefix(line, []byte("STACK WIN "))
	}
	return false
}
