package collect

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// However the bytes arrive and are asked for, a source gives what bufio gives.
func TestSourceReadsLikeBufio(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	chance := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		text.WriteString(strings.Repeat("x", chance.IntN(120)) + "\n")
	}
	for how, wrap := range map[string]func(io.Reader) io.Reader{
		"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader,
		"in halves": iotest.HalfReader, "end with data": iotest.DataErrReader,
	} {
		want := bufio.NewReaderSize(strings.NewReader(text.String()), readBuffer)
		got := newSource(wrap(strings.NewReader(text.String())), newBufferPools())
		for step := range 20_000 {
			var a, b []byte
			var errA, errB error
			switch n := chance.IntN(6000); step % 4 {
			case 0:
				a, errA = want.Peek(n)
				b, errB = got.Peek(n)
			case 1:
				a, errA = want.ReadSlice('\n')
				b, errB = got.ReadSlice('\n')
			case 2:
				a, b = make([]byte, n/50), make([]byte, n/50)
				_, errA = io.ReadFull(want, a)
				_, errB = io.ReadFull(got, b)
			case 3:
				n = min(n/100, want.Buffered(), got.Buffered())
				want.Discard(n)
				got.Discard(n)
			}
			if !bytes.Equal(a, b) || errA != errB {
				t.Fatalf("%s, step %d: %d bytes, %v; want %d, %v", how, step, len(b), errB, len(a), errA)
			}
			if errA == io.EOF && want.Buffered() == 0 {
				break
			}
		}
		got.release()
	}
}

func TestASourceIsSmallWhileItWaits(t *testing.T) {
	t.Parallel()
	s := newSource(io.MultiReader(strings.NewReader("a few bytes"), iotest.OneByteReader(strings.NewReader(strings.Repeat("y", 100)))), newBufferPools())
	for range 50 {
		s.ReadByte()
	}
	if len(s.buf) != smallBuffer {
		t.Errorf("a slow client has a buffer of %d bytes", len(s.buf))
	}
	s = newSource(strings.NewReader(strings.Repeat("y", 1<<20)), newBufferPools())
	io.CopyN(io.Discard, s, 100_000)
	if len(s.buf) != readBuffer {
		t.Errorf("a fast client has a buffer of %d bytes", len(s.buf))
	}
}
