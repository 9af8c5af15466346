package minidump

import "fmt"

const (
	threadSize     = 48
	threadNameSize = 12
)

func (p *parser) threadList(b *buf) {
	n := b.count(threadSize)
	threads := make([]Thread, 0, n)
	for range n {
		t := Thread{ID: b.u32(), SuspendCount: b.u32(), PriorityClass: b.u32(), Priority: b.u32(), TEB: b.u64()}
		t.StackBase = b.u64()
		stack, context := b.location(), b.location()
		var stray bool
		if t.Stack, stray = p.stack(t.StackBase, stack); stray {
			p.d.strays = append(p.d.strays, len(threads))
		}
		raw, _ := p.part(context)
		p.d.contexts = append(p.d.contexts, raw)
		t.Context = p.context(context, fmt.Sprintf("thread %d", t.ID))
		threads = append(threads, t)
	}
	if b.err == nil {
		p.d.Threads = threads
	}
}

// stack is the memory of a thread's stack. Windows sometimes writes no place for
// it, or a wrong one, but has the memory in the list of regions under the right
// address.
func (p *parser) stack(base uint64, loc location) (r Region, fromMemory bool) {
	if loc.rva != 0 && loc.size != 0 {
		if data, ok := p.part(loc); ok {
			return Region{base, data}, false
		}
	}
	return p.d.Memory.At(base)
}

// threadNames gives the threads their names. A name that is unreadable costs
// only itself.
func (p *parser) threadNames(b *buf) {
	n := b.count(threadNameSize)
	names := make(map[uint32]string, min(n, len(p.d.Threads)))
	for range n {
		id, rva := b.u32(), b.u64()
		if b.err != nil {
			return
		}
		text := p.utf16At(rva)
		if text == nil {
			p.warn(&FormatError{Malformed, b.stream, b.start + int64(b.off) - 8, fmt.Sprintf("the name of thread %d is not readable", id)})
			continue
		}
		names[id] = *text
	}
	for i := range p.d.Threads {
		t := &p.d.Threads[i]
		t.Name, t.Named = names[t.ID], false
		_, t.Named = names[t.ID]
	}
}

// Thread is the thread with an id. Where ids repeat, the last one is meant.
func (d *Dump) Thread(id uint32) (index int, ok bool) {
	for i := len(d.Threads) - 1; i >= 0; i-- {
		if d.Threads[i].ID == id {
			return i, true
		}
	}
	return 0, false
}
