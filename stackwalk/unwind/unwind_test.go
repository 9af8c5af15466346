package unwind

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	md "socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
)

// code is a program of modules of 64 KiB each.
type code []struct {
	base    uint64
	symbols string // "" for none
}

func (c code) ModuleAt(addr uint64) (int, uint64, bool) {
	for i, m := range c {
		if addr >= m.base && addr-m.base < 1<<16 {
			return i, m.base, true
		}
	}
	return 0, 0, false
}

// MadeAt is true of one page.
func (c code) MadeAt(addr uint64) bool { return addr>>12 == 0x9_9999 }

func (c code) Symbols(_ context.Context, i int) *symbols.Table {
	if c[i].symbols == "" {
		return nil
	}
	t, err := symbols.Parse(strings.NewReader(c[i].symbols), symbols.Options{})
	if err != nil {
		panic(err)
	}
	return t
}

// region is stack memory of words that are size bytes wide.
func region(base uint64, size int, words ...uint64) md.Region {
	var b []byte
	for _, w := range words {
		if size == 4 {
			b = binary.LittleEndian.AppendUint32(b, uint32(w))
		} else {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
	}
	return md.Region{Base: base, Data: b}
}

func regs(cpu md.CPU, pairs ...uint64) md.Registers {
	r := md.Registers{CPU: cpu}
	for i := 0; i < len(pairs); i += 2 {
		r.Set(int(pairs[i]), pairs[i+1])
	}
	return r
}

// describe prints a frame: its trust, where it looks, and its registers.
func describe(f Frame) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %#x", f.Trust, f.Instruction)
	for i := range f.Registers.CPU.RegisterCount() {
		if v, ok := f.Registers.Get(i); ok {
			fmt.Fprintf(&b, " %s=%#x", f.Registers.CPU.RegisterName(i), v)
		}
	}
	return b.String()
}

// app has a function with rules, one without, and a PUBLIC with no name.
const app = `FUNC 100 100 0 ruled
FUNC 200 100 0 bare
PUBLIC 8000 0
STACK CFI INIT 100 100 .cfa: $rsp 16 + .ra: .cfa 8 - ^ $rbx: .cfa 16 - ^
STACK CFI INIT 300 100 .cfa: $rsp 8 +
STACK CFI INIT 400 100 .cfa: $rsp 8 + .ra: .undef
STACK CFI INIT 500 100 .cfa: $rsp 8 + $rip: .cfa 8 - ^
`

// A stackTest is a frame, its stack, and who called it.
type stackTest struct {
	name  string
	os    md.OS
	from  md.Registers
	trust Trust // of the frame; "" means Context
	root  bool  // stacks begin in the frame's function
	peer  bool  // with rust-minidump's mistakes
	stack md.Region
	code  code
	want  string // "" for no caller
}

func run(t *testing.T, tests []stackTest) {
	t.Helper()
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := Stack{Memory: c.stack, Order: binary.LittleEndian, OS: c.os, Code: c.code, Compat: c.peer}
			for _, m := range c.code {
				s.CodeEnd = max(s.CodeEnd, m.base+1<<16)
			}
			callee := Start(&c.from)
			callee.Root = c.root
			if c.trust != "" {
				callee.Trust = c.trust
			}
			got, ok := s.Caller(t.Context(), &callee, nil)
			if text := describe(got); ok != (c.want != "") || ok && text != c.want {
				t.Errorf("caller = %v, %s\nwant %s", ok, text, c.want)
			}
		})
	}
}

func TestAMD64(t *testing.T) {
	const base, sp = 0x40_0000, 0x8000
	with := code{{base, app}}
	without := code{{base, ""}}
	at := func(ip, bp uint64) md.Registers {
		return regs(md.AMD64, md.RIP, ip, md.RSP, sp, md.RBP, bp, md.RBX, 1, md.R12, 12, md.RAX, 99)
	}
	run(t, []stackTest{
		{
			name: "rules give the caller and keep what functions save",
			from: at(base+0x110, 5), code: with, stack: region(sp, 8, 77, base+0x210),
			want: "cfi at 0x40020f rbx=0x4d rbp=0x5 rsp=0x8010 r12=0xc rip=0x400210",
		},
		{
			name: "rules may lead out of all modules",
			from: at(base+0x110, 5), code: with, stack: region(sp, 8, 77, 0x1234_5678),
			want: "cfi at 0x12345677 rbx=0x4d rbp=0x5 rsp=0x8010 r12=0xc rip=0x12345678",
		},
		{
			name: "an address in the first page ends the stack",
			from: at(base+0x110, 5), code: with, stack: region(sp, 8, 77, 4095),
		},
		{
			name: "without rules the frame pointer is followed",
			from: at(base+0x210, sp+8), code: with, stack: region(sp, 8, 0, sp+0x20, base+0x220, 0, 0),
			want: "frame_pointer at 0x40021f rbp=0x8020 rsp=0x8018 rip=0x400220",
		},
		{
			name: "a frame pointer that goes down is not followed",
			from: at(base+0x210, sp+8), code: with, stack: region(sp, 8, base+0x220, sp, base+0x230, 0, 0),
			want: "scan at 0x40021f rsp=0x8008 rip=0x400220",
		},
		{
			name: "a frame pointer to a non-canonical address is not followed",
			from: at(base+0x210, sp+8), code: with, stack: region(sp, 8, 0, sp+0x20, 0x8000_0000_0000, 0, base+0x220),
			want: "scan at 0x40021f rsp=0x8028 rip=0x400220",
		},
		{
			name: "on Windows the frame pointer may point into the frame",
			os:   md.Windows,
			from: at(base+0x210, sp), code: with, stack: region(sp, 8, 0, 0, sp+0x28, base+0x220, 0, 0),
			want: "frame_pointer at 0x40021f rbp=0x8028 rsp=0x8020 rip=0x400220",
		},
		{
			name: "a scan wants a function with a name",
			from: at(base+0x210, 0), code: with, stack: region(sp, 8, 3, base+0x9000, base+0x50, base+0x220),
			want: "scan at 0x40021f rsp=0x8020 rip=0x400220",
		},
		{
			name: "a scan takes any address of a module without symbols",
			from: at(base+0x210, 0), code: without, stack: region(sp, 8, 3, base, base+0x9000),
			want: "scan at 0x408fff rsp=0x8018 rip=0x409000",
		},
		{
			name: "a scan keeps a frame pointer that lies ahead",
			from: at(base+0x210, sp+0x100), code: without, stack: region(sp, 8, 0, base+0x220),
			want: "scan at 0x40021f rbp=0x8100 rsp=0x8010 rip=0x400220",
		},
		{
			name: "a scan from a guess reaches 40 words",
			from: at(base+0x210, 0), trust: Scan, code: without,
			stack: region(sp, 8, append(make([]uint64, 40), base+0x220)...),
		},
		{
			name: "a scan from a context reaches 160 words",
			from: at(base+0x210, 0), code: without,
			stack: region(sp, 8, append(make([]uint64, 159), base+0x220)...),
			want:  "scan at 0x40021f rsp=0x8500 rip=0x400220",
		},
		{
			name: "a scan ends with the stack",
			from: at(base+0x210, 0), code: without, stack: region(sp, 8, 1, 2),
		},
		{
			name: "a scan finds code made at run time",
			from: at(base+0x210, 0), code: with, stack: region(sp, 8, 1, 0x9999_9010),
			want: "scan at 0x9999900f rsp=0x8010 rip=0x99999010",
		},
		{
			name: "the peer's scan does not",
			from: at(base+0x210, 0), code: with, stack: region(sp, 8, 1, 0x9999_9010), peer: true,
		},
		{
			name: "rules without a return address begin the stack",
			from: at(base+0x310, 0), code: with, stack: region(sp, 8, 1, base+0x220),
		},
		{
			name: "the peer scans on from there",
			from: at(base+0x310, 0), code: with, stack: region(sp, 8, 1, base+0x220), peer: true,
			want: "scan at 0x40021f rsp=0x8010 rip=0x400220",
		},
		{
			name: "rules with an undefined return address begin the stack",
			from: at(base+0x410, 0), code: with, stack: region(sp, 8, 1, base+0x220),
		},
		{
			name: "rules that name rip by mistake do not",
			from: at(base+0x510, 0), code: with, stack: region(sp, 8, 1, base+0x220),
			want: "scan at 0x40021f rsp=0x8010 rip=0x400220",
		},
		{
			name: "nothing called a function that stacks begin in",
			from: at(base+0x210, sp+8), root: true, code: with, stack: region(sp, 8, 0, sp+0x20, base+0x220, 0, 0),
		},
		{
			name: "unless its rules know better",
			from: at(base+0x110, 5), root: true, code: with, stack: region(sp, 8, 77, base+0x210),
			want: "cfi at 0x40020f rbx=0x4d rbp=0x5 rsp=0x8010 r12=0xc rip=0x400210",
		},
		{
			name: "no stack memory, no caller",
			from: at(base+0x110, 0), code: with,
		},
		{
			name: "no stack pointer, no caller",
			from: regs(md.AMD64, md.RIP, base+0x110), code: with, stack: region(sp, 8, 77, base+0x210),
		},
		{
			name: "a stack at the end of memory",
			from: regs(md.AMD64, md.RIP, base+0x210, md.RSP, 1<<64-8, md.RBP, 1<<64-8), code: without,
			stack: region(1<<64-16, 8, 0, base+0x220),
		},
	})
}

func TestX86(t *testing.T) {
	const base, sp = 0x40_0000, 0x8000
	const app = "FUNC 100 100 4 ruled\nFUNC 200 100 0 bare\n" +
		"STACK WIN 4 100 80 0 0 4 0 4 0 1 $eip .raSearch ^ = $esp .raSearch 4 + =\n" +
		"STACK CFI INIT 180 80 .cfa: $esp 4 + .ra: .cfa 4 - ^\n"
	with := code{{base, app}}
	at := func(ip, bp uint64) md.Registers {
		return regs(md.X86, md.EIP, ip, md.ESP, sp, md.EBP, bp, md.EBX, 1, md.ESI, 2, md.EDI, 3, md.EAX, 99)
	}
	run(t, []stackTest{
		{
			name: "STACK WIN makes known what it computes",
			from: at(base+0x110, 5), code: with, stack: region(sp, 4, 0, base+0x210),
			want: "cfi at 0x40020f eip=0x400210 esp=0x8008 ebp=0x5 ebx=0x1",
		},
		{
			name: "the peer's STACK WIN forwards esi and edi",
			from: at(base+0x110, 5), code: with, stack: region(sp, 4, 0, base+0x210), peer: true,
			want: "cfi at 0x40020f eip=0x400210 esp=0x8008 ebp=0x5 ebx=0x1 esi=0x2 edi=0x3",
		},
		{
			name: "STACK CFI",
			from: at(base+0x190, 5), code: with, stack: region(sp, 4, base+0x210),
			want: "cfi at 0x40020f eip=0x400210 esp=0x8004 ebp=0x5 ebx=0x1 esi=0x2 edi=0x3",
		},
		{
			name: "the frame pointer is followed unseen",
			from: at(base+0x210, sp+4), code: with, stack: region(sp, 4, 0, 0x1, 0x1234_5678),
			want: "frame_pointer at 0x12345677 eip=0x12345678 esp=0x800c ebp=0x1",
		},
		{
			name: "a scan finds the frame pointer before the return address",
			from: at(base+0x210, 0), code: with, stack: region(sp, 4, 0, sp+0x10, base+0x220, 0, 0),
			want: "scan at 0x40021f eip=0x400220 esp=0x800c ebp=0x8010",
		},
		{
			name: "a scan keeps a frame pointer that lies ahead",
			from: at(base+0x210, sp+0xe), code: with, stack: region(sp, 4, 0, 0, base+0x220, 0, 0),
			want: "scan at 0x40021f eip=0x400220 esp=0x800c ebp=0x800e",
		},
		{
			name: "a stack at the end of memory",
			from: regs(md.X86, md.EIP, base+0x210, md.ESP, 0xffff_fffc, md.EBP, 0xffff_fffc), code: with,
			stack: region(0xffff_fff8, 4, 0, base+0x220),
		},
	})
}

func TestARM64(t *testing.T) {
	const base, sp = 0x40_0000, 0x8000
	const app = "FUNC 100 100 0 ruled\nFUNC 200 100 0 bare\n" +
		"STACK CFI INIT 100 100 .cfa: sp 0 + .ra: x30\nSTACK CFI 104 .cfa: sp 16 + .ra: .cfa 8 - ^ x29: .cfa 16 - ^\n" +
		"STACK CFI INIT 300 100 .cfa: sp 16 + .ra: x30\n"
	with := code{{base, app}}
	at := func(pc, fp, lr uint64) md.Registers {
		return regs(md.ARM64, md.PC, pc, md.SP, sp, md.FP, fp, md.LR, lr, md.X19, 19, md.X0, 99)
	}
	run(t, []stackTest{
		{
			name: "a leaf's caller is in the link register, at the same stack pointer",
			from: at(base+0x100, 5, base+0x210), code: with, stack: region(sp, 8, 0),
			want: "cfi at 0x40020c x19=0x13 fp=0x5 sp=0x8000 pc=0x400210",
		},
		{
			name: "signatures of pointers are taken away",
			from: at(base+0x110, 5, 0), code: with, stack: region(sp, 8, 0xaa00_0000_0000_8020, 0xbbbb_0000_0040_0210),
			want: "cfi at 0x40020c x19=0x13 fp=0x8020 sp=0x8010 pc=0x400210",
		},
		{
			name: "frame pointers are followed, with the link register of the record above",
			from: at(base+0x210, sp+8, 0), code: with, stack: region(sp, 8, 0, sp+0x20, base+0x220, 0, 0, base+0x230),
			want: "frame_pointer at 0x40021c fp=0x8020 lr=0x400230 sp=0x8018 pc=0x400220",
		},
		{
			name: "a link register that was guessed is used at the first instruction",
			from: at(base+0x100, 5, base+0x210), trust: FramePointer, code: with, stack: region(sp, 8, 0),
			want: "cfi at 0x40020c x19=0x13 fp=0x5 sp=0x8000 pc=0x400210",
		},
		{
			name: "and not later",
			from: at(base+0x310, 5, base+0x210), trust: FramePointer, code: with, stack: region(sp, 8, 0),
		},
		{
			name: "a link register of the context is used anywhere",
			from: at(base+0x310, 5, base+0x210), code: with, stack: region(sp, 8, 0),
			want: "cfi at 0x40020c x19=0x13 fp=0x5 sp=0x8010 pc=0x400210",
		},
		{
			name: "a scan",
			from: at(base+0x210, 0, 0), code: with, stack: region(sp, 8, 0x100, base+0x220),
			want: "scan at 0x40021c sp=0x8010 pc=0x400220",
		},
		{
			name: "the end of the chain",
			from: at(base+0x210, 0, 0), code: with, stack: region(sp, 8, 0, 0),
		},
	})
}

func TestARMAndMIPS(t *testing.T) {
	const base, sp = 0x40_0000, 0x8000
	bare := code{{base, ""}}
	ruled := code{{base, "STACK CFI INIT 100 100 .cfa: sp 8 + .ra: .cfa -4 + ^ r4: .cfa -8 + ^\n"}}
	arm := func(fp uint64) md.Registers {
		return regs(md.ARM, md.ARMPC, base+0x110, md.ARMSP, sp, md.ARMFP, fp, md.ARMR4+1, 5)
	}
	run(t, []stackTest{
		{
			name: "ARM by rules",
			from: arm(9), code: ruled, stack: region(sp, 4, 44, base+0x210),
			want: "cfi at 0x40020e r4=0x2c r5=0x5 fp=0x9 sp=0x8008 pc=0x400210",
		},
		{
			name: "ARM by frame pointer on iOS", os: md.IOS,
			from: arm(sp + 4), code: bare, stack: region(sp, 4, 0, sp+0x20, base+0x210),
			want: "frame_pointer at 0x40020e fp=0x8020 sp=0x800c pc=0x400210",
		},
		{
			name: "ARM at the end of the chain on iOS", os: md.IOS,
			from: arm(0), code: bare, stack: region(sp, 4, 0, base+0x210),
		},
		{
			name: "ARM by scan elsewhere", os: md.Linux,
			from: arm(sp + 4), code: bare, stack: region(sp, 4, 0, sp+0x20, base+0x210),
			want: "scan at 0x40020e sp=0x800c pc=0x400210",
		},
		{
			name: "MIPS by scan skips the arguments of a caller", trust: CFI,
			from: regs(md.MIPS, md.MIPSPC, base, md.MIPSSP, sp), code: bare,
			stack: region(sp, 4, base+1, base+2, base+3, base+4, 0, base+0x210),
			want:  "scan at 0x400208 sp=0x8018 pc=0x400210",
		},
		{
			name: "MIPS64 by scan",
			from: regs(md.MIPS64, md.MIPSPC, base, md.MIPSSP, sp), code: bare,
			stack: region(sp, 8, 0, base+0x210),
			want:  "scan at 0x400208 sp=0x8010 pc=0x400210",
		},
		{
			name: "RISC-V by rules of a leaf",
			from: regs(md.RISCV64, md.RISCVPC, base+0x110, md.RISCVSP, sp, md.RISCVRA, base+0x210, md.RISCVS1, 9),
			code: code{{base, "STACK CFI INIT 100 100 .cfa: sp 0 + .ra: ra\n"}}, stack: region(sp, 8, 0),
			want: "cfi at 0x40020e pc=0x400210 sp=0x8000 s1=0x9",
		},
		{
			name: "RISC-V by rules with numbers for names",
			from: regs(md.RISCV64, md.RISCVPC, base+0x110, md.RISCVSP, sp, md.RISCVS0, 7),
			code: code{{base, "STACK CFI INIT 100 100 .cfa: x2 16 + .ra: .cfa -8 + ^ x8: .cfa -16 + ^\n"}}, stack: region(sp, 8, 5, base+0x210),
			want: "cfi at 0x40020e pc=0x400210 sp=0x8010 s0=0x5",
		},
		{
			name: "RISC-V by frame pointer, below which the record is",
			from: regs(md.RISCV64, md.RISCVPC, base+0x110, md.RISCVSP, sp, md.RISCVS0, sp+32), code: bare,
			stack: region(sp, 8, 0, 0, sp+0x40, base+0x210),
			want:  "frame_pointer at 0x40020e pc=0x400210 sp=0x8020 s0=0x8040",
		},
		{
			name: "RISC-V by scan when s0 is no frame pointer",
			from: regs(md.RISCV64, md.RISCVPC, base+0x110, md.RISCVSP, sp, md.RISCVS0, sp+16), code: bare,
			stack: region(sp, 8, 0, 7, base+0x210),
			want:  "scan at 0x40020e pc=0x400210 sp=0x8018",
		},
		{
			name: "PowerPC is not unwound",
			from: regs(md.PPC, md.PPCSRR0, base, md.PPCR1, sp), code: bare, stack: region(sp, 4, base+0x210),
		},
	})
}

func TestPointersKeepTheBitsThatModulesNeed(t *testing.T) {
	const signed = 0xabcd_8123_4567_89ab
	for end, want := range map[uint64]uint64{
		0:          0x0000_0123_4567_89ab, // 47 bits at least
		1 << 48:    0x0000_8123_4567_89ab,
		1<<48 + 1:  0x0001_8123_4567_89ab & (1<<49 - 1),
		1<<63 + 1:  signed,
		1<<64 - 1:  signed,
		0x40_0000:  0x0000_0123_4567_89ab,
		1 << 47:    0x0000_0123_4567_89ab,
		1<<47 + 99: 0x0000_8123_4567_89ab,
	} {
		s := Stack{CodeEnd: end}
		if got := s.address(signed); got != want {
			t.Errorf("with code up to %#x: address = %#x; want %#x", end, got, want)
		}
	}
}

// FuzzCaller checks that every walk ends and goes up the stack.
func FuzzCaller(f *testing.F) {
	f.Add(uint8(2), uint64(0x8000), uint64(0x8008), []byte("\x00\x00\x00\x00\x00\x00\x00\x00\x20\x80\x00\x00\x00\x00\x00\x00\x20\x02\x40\x00\x00\x00\x00\x00"))
	f.Add(uint8(1), uint64(0xfffffff0), uint64(0xfffffff8), []byte("0123456789abcdef"))
	f.Fuzz(func(t *testing.T, cpu uint8, sp, fp uint64, stack []byte) {
		r := md.Registers{CPU: md.CPU(cpu % 12)}
		if r.CPU.InstructionPointer() < 0 {
			return
		}
		if r.CPU.PointerSize() == 4 {
			sp, fp = sp&0xffff_ffff, fp&0xffff_ffff
		}
		for i := range r.CPU.RegisterCount() {
			r.Set(i, fp)
		}
		r.Set(r.CPU.StackPointer(), sp)
		r.Set(r.CPU.InstructionPointer(), 0x40_0110)
		s := Stack{Memory: md.Region{Base: sp, Data: stack}, Order: binary.LittleEndian, OS: md.OS(cpu % 8), Code: code{{0x40_0000, ""}}, CodeEnd: 0x41_0000}
		frame := Start(&r)
		for n := 0; ; n++ {
			caller, ok := s.Caller(t.Context(), &frame, nil)
			if !ok {
				return
			}
			if caller.Registers.SP() < frame.Registers.SP() || n > len(stack)+1 {
				t.Fatalf("the walk does not go up: %s after %s", describe(caller), describe(frame))
			}
			frame = caller
		}
	})
}
