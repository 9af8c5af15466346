package system

import (
	"io"
	"sync"
)

const heldBlock = 256 << 10

// heldBlocks are blocks that were printed and can be used again: the output of an
// overflowed stack is 27 MB, and a buffer that grows copies that twice.
type heldBlocks struct{ pool sync.Pool }

func (b *heldBlocks) get() []byte {
	if block, ok := b.pool.Get().(*[heldBlock]byte); ok {
		return block[:0]
	}
	return make([]byte, 0, heldBlock)
}

// held is output that waits for its turn.
type held struct {
	from   *heldBlocks
	blocks [][]byte
}

func (h *held) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		last := len(h.blocks) - 1
		if last < 0 || len(h.blocks[last]) == heldBlock {
			h.blocks = append(h.blocks, h.from.get())
			last++
		}
		block := h.blocks[last]
		n := min(len(rest), heldBlock-len(block))
		h.blocks[last] = append(block, rest[:n]...)
		rest = rest[n:]
	}
	return len(p), nil
}

// empty says whether there is nothing to print.
func (h *held) empty() bool { return len(h.blocks) == 0 }

// WriteTo prints what was held and gives the blocks back.
func (h *held) WriteTo(w io.Writer) (n int64, err error) {
	for _, block := range h.blocks {
		if err == nil {
			var wrote int
			wrote, err = w.Write(block)
			n += int64(wrote)
		}
		h.from.pool.Put((*[heldBlock]byte)(block[:heldBlock]))
	}
	h.blocks = nil
	return n, err
}
