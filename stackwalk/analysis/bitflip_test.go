package analysis_test

import (
	"fmt"
	"testing"

	"socorro/stackwalk/analysis"
	"socorro/stackwalk/minidump"
)

// mapsOf is one mapping.
func mapsOf(at, size uint64, perms string) string {
	return fmt.Sprintf("%x-%x %s\n", at, at+size, perms)
}

func TestBitFlips(t *testing.T) {
	t.Parallel()
	flip := func(addr uint64, register string, confidence float32, f analysis.BitFlip) analysis.BitFlip {
		f.Address, f.Register, f.Confidence = addr, register, confidence
		return f
	}
	type list []analysis.BitFlip
	var plain analysis.BitFlip
	read := func(base uint64) process { // of 8 bytes at rdi + 0x10
		return process{
			code: "488b4710", regs: regs{minidump.RDI: base - 0x10}, exception: minidump.Exception{Code: 11, Flags: 1, Address: base},
			maps: mapsOf(dataAt, 0x2000, "rw-p"),
		}
	}
	with := func(p process, change func(*process)) process { change(&p); return p }
	const wrong = dataAt + 0x1000 ^ 1<<44
	for _, c := range []struct {
		what string
		p    process
		want list
	}{
		{"one bit off, and the register of the address as well", read(wrong), list{
			flip(dataAt+0x1000, "", 0.25, plain), flip(dataAt+0xff0, "rdi", 0.25, plain),
		}},
		{"in the midst of the access", with(read(wrong), func(p *process) { p.exception.Address += 7 }), list{
			flip(dataAt+0x1000, "", 0.25, plain), flip(dataAt+0xff0, "rdi", 0.25, plain),
		}},
		{"an access that the address is not of", with(read(wrong), func(p *process) { p.exception.Address += 8 }), list{
			flip(dataAt+0x1008, "", 0.25, plain), flip(dataAt+0xff0, "rdi", 0.25, plain),
		}},
		{"a mapped address", read(dataAt + 0x1000), nil},
		{"two bits off", read(wrong ^ 1<<45), nil},
		{"one step beyond", read(dataAt + 0x2000), nil},
		{"a step and a half", with(read(dataAt+0x2000), func(p *process) { p.regs[minidump.RDI] += 8; p.exception.Address += 8 }), list{
			flip(dataAt+8, "", 0.25, plain),
		}},
		{"no maps", with(read(wrong), func(p *process) { p.maps = "" }), nil},
		{"a null pointer with an offset", with(read(0x10), func(p *process) { p.maps = mapsOf(0x400000, 0x1000, "r-xp") }), nil},
		{"a register close by", with(read(wrong), func(p *process) { p.regs[minidump.RAX] = dataAt }), list{
			flip(dataAt+0x1000, "", 0.625, analysis.BitFlip{Nearby: 1}), flip(dataAt+0xff0, "rdi", 0.625, analysis.BitFlip{Nearby: 1}),
		}},
		{"two registers close by", with(read(wrong), func(p *process) { p.regs[minidump.RAX], p.regs[minidump.RBX] = dataAt, dataAt+0x1ff0 }), list{
			flip(dataAt+0x1000, "", 0.6625, analysis.BitFlip{Nearby: 2}), flip(dataAt+0xff0, "rdi", 0.6625, analysis.BitFlip{Nearby: 2}),
		}},
		{"five registers close by", with(read(wrong), func(p *process) {
			for _, n := range []int{minidump.RAX, minidump.RBX, minidump.RCX, minidump.RDX, minidump.RSI} {
				p.regs[n] = dataAt + 0x800
			}
		}), list{
			flip(dataAt+0x1000, "", 0.73749995, analysis.BitFlip{Nearby: 5}), flip(dataAt+0xff0, "rdi", 0.73749995, analysis.BitFlip{Nearby: 5}),
		}},
		{"poison makes it less likely", with(read(wrong), func(p *process) { p.regs[minidump.R9] = 0xe5e5_e5e5_e5e5_e5e5 }), list{
			flip(dataAt+0x1000, "", 0.125, analysis.BitFlip{Poison: true}), flip(dataAt+0xff0, "rdi", 0.125, analysis.BitFlip{Poison: true}),
		}},
		{"a repeated byte that nobody poisons with", with(read(wrong), func(p *process) { p.regs[minidump.R9] = 0x0101_0101_0101_0101 }), list{
			flip(dataAt+0x1000, "", 0.25, plain), flip(dataAt+0xff0, "rdi", 0.25, plain),
		}},
		{"null was meant", process{
			code: "488b00", regs: regs{minidump.RAX: 1 << 40}, exception: minidump.Exception{Code: 11, Flags: 1, Address: 1 << 40},
		}, list{
			flip(0, "", 0.625, analysis.BitFlip{Null: true}), flip(0, "rax", 0.625, analysis.BitFlip{Null: true}),
		}},
		{"null was meant, but for a small number", process{
			code: "488b00", regs: regs{minidump.RAX: 8}, exception: minidump.Exception{Code: 11, Flags: 1, Address: 8},
		}, list{
			flip(0, "", 0.4375, analysis.BitFlip{Null: true, Low: true}), flip(0, "rax", 0.4375, analysis.BitFlip{Null: true, Low: true}),
		}},
		{"a bit that must not differ", process{
			code: "488b00", regs: regs{minidump.RAX: dataAt | 1<<60}, exception: minidump.Exception{Code: 11, Flags: 0x80},
			maps: mapsOf(dataAt, 0x2000, "rw-p"),
		}, list{
			flip(dataAt, "", 0.92499995, analysis.BitFlip{NonCanonical: true}), flip(dataAt, "rax", 0.92499995, analysis.BitFlip{NonCanonical: true}),
		}},
		{"a bit within the address is not looked for then", process{
			code: "488b00", regs: regs{minidump.RAX: (dataAt | 1<<60) ^ 1<<20}, exception: minidump.Exception{Code: 11, Flags: 0x80},
			maps: mapsOf(dataAt, 0x2000, "rw-p"),
		}, nil},
		{"without the instruction, by the address alone", process{
			exception: minidump.Exception{Code: 11, Flags: 1, Address: wrong}, maps: mapsOf(dataAt, 0x2000, "rw-p"),
		}, list{flip(dataAt+0x1000, "", 0.25, plain)}},
		{"32 bits are too crowded", process{
			cpu: minidump.X86, code: "8b00", regs: regs{minidump.EAX: 0x80000}, exception: minidump.Exception{Code: 11, Flags: 1, Address: 0x80000},
			maps: mapsOf(0, 0x1000, "rw-p"),
		}, nil},
	} {
		c.p.os = minidump.Linux
		same(t, c.what, []analysis.BitFlip(c.want), c.p.analyse(t).BitFlips)
	}
}

func TestABitFlipMustLeadToMemoryThatMayBeUsedSo(t *testing.T) {
	t.Parallel()
	const wrong = dataAt ^ 1<<30
	for _, c := range []struct {
		kind    uint64 // read, write, execute
		protect uint32
		want    int
	}{
		{0, 0x02, 2},
		{1, 0x02, 0}, // a write to memory that is for reading
		{1, 0x04, 2},
		{8, 0x04, 0},
		{8, 0x20, 2},
		{0, 0x01, 0}, // no access at all
	} {
		p := process{
			os: minidump.Windows, code: "488b00", regs: regs{minidump.RAX: wrong},
			exception: minidump.Exception{Code: 0xc0000005, Parameters: 2, Information: [15]uint64{c.kind, wrong}},
			infos:     []minidump.MemoryInfo{{Base: dataAt, Size: 0x1000, State: 0x1000, Protect: c.protect}},
		}
		if got := p.analyse(t).BitFlips; len(got) != c.want {
			t.Errorf("kind %d, protection %#x: %+v; want %d", c.kind, c.protect, got, c.want)
		}
	}
}

func TestRegistersAreLookedAtInTheOrderOfTheirNames(t *testing.T) {
	t.Parallel()
	const wrong = dataAt ^ 1<<44
	p := process{
		code: "43890c88", regs: regs{minidump.R8: wrong, minidump.R9: 0}, // mov dword [r8 + r9 * 4], ecx
		exception: minidump.Exception{Code: 11, Flags: 1, Address: wrong}, maps: mapsOf(dataAt, 0x2000, "rw-p"),
	}
	got := ""
	for _, f := range p.analyse(t).BitFlips {
		got += fmt.Sprintf("%s=%x ", f.Register, f.Address)
	}
	if want := fmt.Sprintf("=%x r8=%x ", dataAt, dataAt); got != want {
		t.Errorf("flips %q; want %q", got, want)
	}
}
