package disasm_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"socorro/stackwalk/disasm"
)

func word(w uint32) []byte { return binary.LittleEndian.AppendUint32(nil, w) }

func memoryOf(in disasm.Inst) (disasm.Operand, bool) {
	for _, o := range in.Operands {
		if o.Kind == disasm.Memory {
			return o, true
		}
	}
	return disasm.Operand{}, false
}

func TestLoadsAndStoresOfARM64(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code    uint32
		text    string
		address string // base + index * scale, extended, + displacement
		size    int
		access  disasm.Access
	}{
		{0xf9400020, "ldr x0, [x1]", "x1", 8, disasm.Read},
		{0xf9400420, "ldr x0, [x1,#8]", "x1+8", 8, disasm.Read},
		{0xb9000fe0, "str w0, [sp,#12]", "sp+12", 4, disasm.Write},
		{0x39400020, "ldrb w0, [x1]", "x1", 1, disasm.Read},
		{0xb98007a0, "ldrsw x0, [x29,#4]", "fp+4", 4, disasm.Read},
		{0xf85f8020, "ldur x0, [x1,#-8]", "x1-8", 8, disasm.Read},
		{0xf8408420, "ldr x0, [x1],#8", "x1", 8, disasm.Read},
		{0xf8408c20, "ldr x0, [x1,#8]!", "x1+8", 8, disasm.Read},
		{0xf8627820, "ldr x0, [x1,x2,lsl #3]", "x1+x2*8", 8, disasm.Read},
		{0xb862d820, "ldr w0, [x1,w2,sxtw #2]", "x1+x2s*4", 4, disasm.Read},
		{0x38624820, "ldrb w0, [x1,w2,uxtw]", "x1+x2u*1", 1, disasm.Read},
		{0xa9bf7bfd, "stp x29, x30, [sp,#-16]!", "sp-16", 16, disasm.Write},
		{0xa8c17bfd, "ldp x29, x30, [sp],#16", "sp", 16, disasm.Read},
		{0x69410820, "ldpsw x0, x2, [x1,#8]", "x1+8", 8, disasm.Read},
		{0xad400440, "ldp q0, q1, [x2]", "x2", 32, disasm.Read},
		{0x3dc00420, "ldr q0, [x1,#16]", "x1+16", 16, disasm.Read},
		{0x58000040, "ldr x0, .+0x8", "pc+4", 8, disasm.Read},
		{0xc85f7c20, "ldxr x0, [x1]", "x1", 8, disasm.Read},
		{0xc8027c20, "stxr w2, x0, [x1]", "x1", 8, disasm.Write},
		{0xc87f0820, "ldxp x0, x2, [x1]", "x1", 16, disasm.Read},
		{0x88dffc20, "ldar w0, [x1]", "x1", 4, disasm.Read},
		{0x4c407020, "ld1 {v0.16b}, [x1]", "x1", 16, disasm.Read},
		{0x4c002020, "st1 {v0.16b-v3.16b}, [x1]", "x1", 64, disasm.Write},
		{0x0d408420, "ld1 {v0.d}[0], [x1]", "x1", 8, disasm.Read},
		// The next ones are written by number, as golang.org/x/arch does not know them.
		{0xf8200041, ".inst 0xf8200041", "x2", 8, disasm.ReadWrite}, // ldadd x0, x1, [x2]
		{0xc8a07c41, ".inst 0xc8a07c41", "x2", 8, disasm.ReadWrite}, // cas x0, x1, [x2]
		{0xf8200420, ".inst 0xf8200420", "x1", 8, disasm.Read},      // ldraa x0, [x1]
		{0xd9400020, ".inst 0xd9400020", "x1", 8, disasm.Read},      // ldapur x0, [x1]
	} {
		in, err := disasm.ARM64(word(c.code))
		m, ok := memoryOf(in)
		if err != nil || !ok || in.Text != c.text || address(m) != c.address || in.MemSize != c.size || m.Access != c.access {
			t.Errorf("%08x = %q at %s, %d bytes, access %d, %v; want %q at %s, %d, %d",
				c.code, in.Text, address(m), in.MemSize, m.Access, err, c.text, c.address, c.size, c.access)
		}
	}
}

func address(m disasm.Operand) string {
	s := m.Base
	if m.Index != "" {
		s += fmt.Sprintf("+%s%s*%d", m.Index, [...]string{"", "u", "s"}[m.Extend], m.Scale)
	}
	if m.Disp != 0 {
		s += fmt.Sprintf("%+d", m.Disp)
	}
	return s
}

func TestInstructionsOfARM64WithoutMemory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code   uint32
		text   string
		flow   disasm.Flow
		target string
	}{
		{0x8b020020, "add x0, x1, x2", disasm.Next, ""},
		{0xd4200020, "brk #0x1", disasm.Next, ""},
		{0xf9800020, "prfm pldl1keep, [x1]", disasm.Next, ""},
		{0xd65f03c0, "ret", disasm.Jumps, "lr"},
		{0xd63f0100, "blr x8", disasm.Jumps, "x8"},
		{0xd61f0200, "br x16", disasm.Jumps, "x16"},
		{0x94000002, "bl .+0x8", disasm.Jumps, ""},
		{0x54000040, "b.eq .+0x8", disasm.May, ""},
		{0xb4000040, "cbz x0, .+0x8", disasm.May, ""},
		{0xd65f0bff, ".inst 0xd65f0bff", disasm.Jumps, "lr"}, // retaa
		{0x00000000, ".inst 0x00000000", disasm.Next, ""},
	} {
		in, err := disasm.ARM64(word(c.code))
		target := ""
		if len(in.Operands) > 0 {
			target = in.Operands[0].Reg
		}
		if err != nil || in.Text != c.text || in.Flow != c.flow || target != c.target || in.MemSize != 0 {
			t.Errorf("%08x = %q, flow %d to %q, %d bytes, %v; want %q, %d, %q",
				c.code, in.Text, in.Flow, target, in.MemSize, err, c.text, c.flow, c.target)
		}
	}
	if _, err := disasm.ARM64([]byte{1, 2, 3}); !errors.Is(err, disasm.ErrTruncated) {
		t.Errorf("three bytes: %v; want %v", err, disasm.ErrTruncated)
	}
}

// The text comes from golang.org/x/arch, the address from our reading of the bits:
// two opinions of the same instruction, which must agree.
func TestTextAndAddressesOfARM64Agree(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	checked := 0
	for range 400_000 {
		w := r.Uint32()&^(1<<25) | 1<<27 // among the loads and stores
		in, err := disasm.ARM64(word(w))
		if err != nil {
			t.Fatal(err)
		}
		text := in.Text
		at := strings.LastIndexByte(text, '[')
		m, ok := memoryOf(in)
		if in.Mnemonic == ".inst" || strings.HasPrefix(in.Mnemonic, "prf") || m.Base == "pc" {
			continue
		}
		if ok != (at >= 0) {
			t.Fatalf("%08x %s: in memory %v", w, text, ok)
		}
		if !ok {
			continue
		}
		base, rest, _ := strings.Cut(strings.TrimSuffix(text[at+1:], "]"), "]")
		base, offset, _ := strings.Cut(base, ",")
		if renamed := strings.NewReplacer("x29", "fp", "x30", "lr").Replace(base); renamed != m.Base {
			t.Fatalf("%08x %s: base %s", w, text, m.Base)
		}
		disp := int64(0)
		if number, ok := strings.CutPrefix(offset, "#"); ok {
			if _, err := fmt.Sscan(number, &disp); err != nil {
				t.Fatalf("%08x %s: %v", w, text, err)
			}
		}
		if disp != m.Disp {
			t.Fatalf("%08x %s: displacement %d, rest %q", w, text, m.Disp, rest)
		}
		checked++
	}
	if checked < 1000 {
		t.Errorf("only %d of the words were loads and stores", checked)
	}
}
