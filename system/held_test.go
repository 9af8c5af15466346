package system

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestWhatIsHeldComesOutWhole(t *testing.T) {
	blocks := &heldBlocks{}
	for _, size := range []int{0, 1, heldBlock - 1, heldBlock, heldBlock + 1, 3*heldBlock + 7} {
		h := held{from: blocks}
		want := strings.Repeat("0123456789", size/10+1)[:size]
		for rest := want; rest != ""; {
			n := min(len(rest), 100_001)
			if wrote, err := h.Write([]byte(rest[:n])); wrote != n || err != nil {
				t.Fatalf("Write = %d, %v", wrote, err)
			}
			rest = rest[n:]
		}
		var out bytes.Buffer
		if n, err := h.WriteTo(&out); n != int64(size) || err != nil || out.String() != want {
			t.Errorf("%d bytes: WriteTo = %d, %v", size, n, err)
		}
		if !h.empty() {
			t.Errorf("%d bytes: there is more", size)
		}
	}
	h := held{from: blocks}
	h.Write([]byte("x"))
	if _, err := h.WriteTo(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("error = %v", err)
	}
}

var errBroken = errors.New("nobody reads any more")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }
