package unwind

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"

	md "socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
)

// loaded is a program of one module whose symbols are in memory.
type loaded struct{ table *symbols.Table }

func (loaded) ModuleAt(addr uint64) (int, uint64, bool) {
	return 0, 0x40_0000, addr >= 0x40_0000 && addr < 0x41_0000
}
func (l loaded) Symbols(context.Context, int) *symbols.Table { return l.table }
func (loaded) MadeAt(uint64) bool                            { return false }

// An overflowed stack has 30,000 frames.
func TestAFrameCostsNoMemory(t *testing.T) {
	const text = `FUNC 100 100 0 f
STACK CFI INIT 100 80 .cfa: $rsp 16 + .ra: .cfa 8 - ^ $rbx: .cfa 16 - ^
STACK CFI 140 .cfa: $rsp 32 +
STACK WIN 4 300 20 0 0 0 0 8 0 1 $T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + =
STACK WIN 0 400 20 0 0 0 0 8 0 0 0
`
	table, err := symbols.Parse(strings.NewReader(text), symbols.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const stack = 0x7000_0000
	for _, c := range []struct {
		name  string
		first md.Registers
		ip    uint64 // that every word of the stack holds
		trust Trust
	}{
		{"amd64 rules", regs(md.AMD64, md.RIP, 0x40_0150, md.RSP, stack), 0x40_0160, CFI},
		{"amd64 scan", regs(md.AMD64, md.RIP, 0x40_01a0, md.RSP, stack), 0x40_01a8, Scan},
		{"x86 program", regs(md.X86, md.EIP, 0x40_0301, md.ESP, stack, md.EBP, stack), 0x40_0308, CFI},
		{"x86 without", regs(md.X86, md.EIP, 0x40_0401, md.ESP, stack, md.EBP, stack), 0x40_0408, CFI},
		{"arm64 frame pointer", regs(md.ARM64, md.PC, 0x40_01a0, md.SP, stack, md.FP, stack), 0x40_01a8, FramePointer},
	} {
		t.Run(c.name, func(t *testing.T) {
			words := make([]uint64, 512)
			size := c.first.CPU.PointerSize()
			for i := range words {
				words[i] = c.ip
			}
			s := Stack{Memory: region(stack, size, words...), Order: binary.LittleEndian, Code: loaded{table}}
			from := Start(&c.first)
			// The first call makes what is kept between frames.
			caller, ok := s.Caller(t.Context(), &from, nil)
			if !ok || caller.Trust != c.trust {
				t.Fatalf("Caller = %s, %v; want one by %s", describe(caller), ok, c.trust)
			}
			ctx := t.Context()
			if allocs := testing.AllocsPerRun(100, func() { s.Caller(ctx, &from, nil) }); allocs > 0 {
				t.Errorf("%g allocations", allocs)
			}
		})
	}
}
