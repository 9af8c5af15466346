package collect

import (
	"bufio"
	"bytes"
	"io"
	"sync"
)

// buffered is what the parsers need of a reader.
type buffered interface {
	io.Reader
	Peek(int) ([]byte, error)
	Buffered() int
	Discard(int) (int, error)
	ReadSlice(byte) ([]byte, error)
}

const smallBuffer = 4 << 10 // bytes

// source is a buffered reader that is small while it waits: thousands of slow
// clients must not cost a large buffer each. It grows when the bytes come as
// fast as it takes them.
type source struct {
	src   io.Reader
	pools *bufferPools

	buf   []byte
	r, w  int  // buf[r:w] is unread
	last  int  // bytes of the last read
	full  bool // the last read filled the buffer
	err   error
	small *[]byte
	large *[]byte
}

// bufferPools are the two sizes of buffers.
type bufferPools struct{ small, large sync.Pool }

func newBufferPools() *bufferPools {
	of := func(size int) func() any {
		return func() any { b := make([]byte, size); return &b }
	}
	return &bufferPools{small: sync.Pool{New: of(smallBuffer)}, large: sync.Pool{New: of(readBuffer)}}
}

func newSource(src io.Reader, pools *bufferPools) *source {
	s := &source{src: src, pools: pools}
	s.resize(false)
	return s
}

// release gives the buffer back; the source must not be used after it.
func (s *source) release() {
	s.drop()
	s.buf = nil
}

func (s *source) drop() {
	if s.small != nil {
		s.pools.small.Put(s.small)
	}
	if s.large != nil {
		s.pools.large.Put(s.large)
	}
	s.small, s.large = nil, nil
}

func (s *source) resize(large bool) {
	var next *[]byte
	if large {
		next = s.pools.large.Get().(*[]byte)
	} else {
		next = s.pools.small.Get().(*[]byte)
	}
	s.w = copy(*next, s.buf[s.r:s.w])
	s.r = 0
	s.drop()
	if s.buf = *next; large {
		s.large = next
	} else {
		s.small = next
	}
}

// fill reads more behind what is buffered. It must have room.
func (s *source) fill() {
	if s.err != nil {
		return
	}
	unread := s.w - s.r
	switch {
	case s.large == nil && (s.full || unread > len(s.buf)/2):
		s.resize(true)
	case s.large != nil && s.last < smallBuffer/2 && unread < smallBuffer/2:
		s.resize(false)
	case s.r > 0:
		s.w = copy(s.buf, s.buf[s.r:s.w])
		s.r = 0
	}
	for range 100 {
		n, err := s.src.Read(s.buf[s.w:])
		s.w, s.last, s.err = s.w+n, n, err
		s.full = s.w == len(s.buf)
		if n > 0 || err != nil {
			return
		}
	}
	s.err = io.ErrNoProgress
}

func (s *source) Buffered() int { return s.w - s.r }

func (s *source) Peek(n int) ([]byte, error) {
	for s.w-s.r < n && s.err == nil && s.w-s.r < readBuffer {
		s.fill()
	}
	if have := s.w - s.r; have < n {
		if s.err == nil {
			return s.buf[s.r:s.w], bufio.ErrBufferFull
		}
		return s.buf[s.r:s.w], s.err
	}
	return s.buf[s.r : s.r+n], nil
}

func (s *source) Discard(n int) (int, error) {
	n = min(n, s.w-s.r)
	s.r += n
	return n, nil
}

func (s *source) ReadSlice(delim byte) ([]byte, error) {
	searched := 0
	for {
		if i := bytes.IndexByte(s.buf[s.r+searched:s.w], delim); i >= 0 {
			line := s.buf[s.r : s.r+searched+i+1]
			s.r += len(line)
			return line, nil
		}
		searched = s.w - s.r
		if s.err != nil || searched >= readBuffer {
			rest, err := s.buf[s.r:s.w], s.err
			s.r = s.w
			if err == nil {
				err = bufio.ErrBufferFull
			}
			return rest, err
		}
		s.fill()
	}
}

func (s *source) Read(p []byte) (int, error) {
	if s.w == s.r {
		s.fill()
	}
	n := copy(p, s.buf[s.r:s.w])
	s.r += n
	if n == 0 && len(p) > 0 {
		return 0, s.err
	}
	return n, nil
}

func (s *source) ReadByte() (byte, error) {
	if s.w == s.r {
		s.fill()
	}
	if s.w == s.r {
		return 0, s.err
	}
	s.r++
	return s.buf[s.r-1], nil
}
