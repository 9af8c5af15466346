package analysis_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"

	"socorro/stackwalk/analysis"
	"socorro/stackwalk/disasm"
	"socorro/stackwalk/minidump"
)

func TestX86IsAnalysedWhereThePeerGivesUp(t *testing.T) {
	t.Parallel()
	p := process{
		cpu: minidump.X86, os: minidump.Windows, code: "8b4708", regs: regs{minidump.EDI: 0},
		exception: minidump.Exception{Code: 0xc0000005, Parameters: 2, Information: [15]uint64{0, 8}},
	}
	got := p.analyse(t)
	same(t, "x86", analysis.Result{
		Instruction: "mov eax, dword [edi + 0x8]",
		Accesses:    []analysis.Access{{Address: 8, Size: 4, Type: disasm.Read}},
		Target:      analysis.Target{Known: true},
		Adjusted:    analysis.Adjusted{Kind: analysis.NullPointer, Value: 8},
	}, got)
	same(t, "x86 in compat mode", analysis.Result{}, analysis.Of(p.dump(t), true))

	p.regs = regs{minidump.EDI: 0xffff_fffc}
	same(t, "addresses wrap at 32 bits", []analysis.Access{{Address: 4, Size: 4, Type: disasm.Read}}, p.analyse(t).Accesses)
}

func TestARM64IsAnalysedWhereThePeerGivesUp(t *testing.T) {
	t.Parallel()
	code := func(w uint32) string { return hex.EncodeToString(binary.LittleEndian.AppendUint32(nil, w)) }
	for _, c := range []struct {
		what string
		p    process
		want analysis.Result
	}{
		{
			"a null base",
			process{code: code(0xf9400420), regs: regs{1: 0}},
			analysis.Result{
				Instruction: "ldr x0, [x1,#8]",
				Accesses:    []analysis.Access{{Address: 8, Size: 8, Type: disasm.Read}},
				Target:      analysis.Target{Known: true},
				Adjusted:    analysis.Adjusted{Kind: analysis.NullPointer, Value: 8},
			},
		},
		{
			"a tag in the top byte, and an index with its sign",
			process{code: code(0xb822d820), regs: regs{1: 0xb400_0000_0000_3000, 2: 0xffff_ffff}},
			analysis.Result{
				Instruction: "str w0, [x1,w2,sxtw #2]",
				Accesses:    []analysis.Access{{Address: 0x2ffc, Size: 4, Type: disasm.Write}},
				Target:      analysis.Target{Known: true},
			},
		},
		{
			"a literal",
			process{code: code(0x58000040)},
			analysis.Result{
				Instruction: "ldr x0, .+0x8",
				Accesses:    []analysis.Access{{Address: codeAt + 8, Size: 8, Type: disasm.Read}},
				Target:      analysis.Target{Known: true},
			},
		},
		{
			"a call of null",
			process{code: code(0xd63f0100), regs: regs{8: 0}},
			analysis.Result{
				Instruction: "blr x8",
				Accesses:    []analysis.Access{},
				Target:      analysis.Target{Known: true, Elsewhere: true},
				Adjusted:    analysis.Adjusted{Kind: analysis.NullPointer},
			},
		},
		{
			"a flipped bit",
			process{
				code: code(0xf9400020), regs: regs{1: dataAt ^ 1<<44}, maps: fmt.Sprintf("%x-%x rw-p\n", dataAt, dataAt+0x1000),
				exception: minidump.Exception{Code: 11, Flags: 1, Address: dataAt ^ 1<<44},
			},
			analysis.Result{
				Instruction: "ldr x0, [x1]",
				Accesses:    []analysis.Access{{Address: dataAt ^ 1<<44, Size: 8, Type: disasm.Read}},
				Target:      analysis.Target{Known: true},
				BitFlips:    []analysis.BitFlip{{Address: dataAt, Confidence: 0.25}, {Address: dataAt, Register: "x1", Confidence: 0.25}},
			},
		},
	} {
		for _, cpu := range []minidump.CPU{minidump.ARM64, minidump.ARM64Old} {
			c.p.cpu, c.p.os = cpu, minidump.Android
			same(t, c.what, c.want, c.p.analyse(t))
			same(t, c.what+" in compat mode", analysis.Result{}, analysis.Of(c.p.dump(t), true))
		}
	}
}

func TestOtherProcessorsHaveBitFlipsOnly(t *testing.T) {
	t.Parallel()
	p := process{
		cpu: minidump.MIPS64, os: minidump.Linux, code: "00000000",
		exception: minidump.Exception{Code: 11, Flags: 1, Address: dataAt | 1<<62}, maps: fmt.Sprintf("%x-%x rw-p\n", dataAt, dataAt+0x1000),
	}
	same(t, "mips64", analysis.Result{BitFlips: []analysis.BitFlip{{Address: dataAt, Confidence: 0.25}}}, p.analyse(t))
	p.cpu = minidump.MIPS
	same(t, "mips", analysis.Result{}, p.analyse(t))
}

func TestWhatIsMissingIsNotGuessed(t *testing.T) {
	t.Parallel()
	whole := process{code: "488b4710", regs: regs{minidump.RDI: 0}}
	for what, change := range map[string]func(*minidump.Dump){
		"no exception":                      func(d *minidump.Dump) { d.Exception = nil },
		"no registers":                      func(d *minidump.Dump) { d.Exception.Context = nil },
		"no memory":                         func(d *minidump.Dump) { d.Memory = minidump.MemoryMap{} },
		"registers of an unknown processor": func(d *minidump.Dump) { d.Exception.Context.CPU = minidump.UnknownCPU },
	} {
		d := whole.dump(t)
		change(d)
		same(t, what, analysis.Result{}, analysis.Of(d, false))
	}
	d := whole.dump(t)
	d.Exception.Context.Forget(minidump.RDI)
	same(t, "an unknown register", analysis.Result{Instruction: "mov rax, qword [rdi + 0x10]", Target: analysis.Target{Known: true}}, analysis.Of(d, false))
	d = process{code: "ff5008"}.dump(t)
	d.Threads = nil
	same(t, "no thread", analysis.Target{}, analysis.Of(d, false).Target)
	same(t, "an instruction that is cut off", analysis.Result{}, process{code: "488b"}.analyse(t))
}

func FuzzAnalysis(f *testing.F) {
	f.Add([]byte{0x48, 0x8b, 0x47, 0x10}, uint64(0), uint64(dataAt), uint64(0x10), uint8(0), uint8(0), true)
	f.Add([]byte{0xff, 0x50, 0x08}, uint64(1<<60), uint64(0), ^uint64(0), uint8(1), uint8(0), false)
	f.Add([]byte{0x20, 0x00, 0x40, 0xf9}, ^uint64(0), ^uint64(0), ^uint64(0), uint8(2), uint8(2), false)
	f.Fuzz(func(t *testing.T, code []byte, a, b, address uint64, cpu, os uint8, compat bool) {
		p := process{
			cpu:       []minidump.CPU{minidump.AMD64, minidump.X86, minidump.ARM64}[cpu%3],
			os:        []minidump.OS{minidump.Linux, minidump.Windows, minidump.MacOS}[os%3],
			code:      hex.EncodeToString(code[:min(len(code), 32)]),
			regs:      regs{},
			exception: minidump.Exception{Code: 11, Flags: 0x80, Address: address},
			maps:      fmt.Sprintf("%x-%x rw-p\n%x-%x ---p\n", dataAt, dataAt+0x1000, dataAt+0x1000, dataAt+0x2000),
		}
		if p.os == minidump.Windows {
			p.exception = minidump.Exception{Code: 0xc0000005, Parameters: 2, Information: [15]uint64{uint64(os) % 9, address}}
		}
		for n := range p.cpu.RegisterCount() {
			p.regs[n] = []uint64{a, b, address, 0}[n%4]
		}
		got := analysis.Of(p.dump(t), compat)
		if len(got.Accesses) > 8 || len(got.BitFlips) > 64*16 || got.Instruction == "" && got.Accesses != nil {
			t.Errorf("%x: %+v", code, got)
		}
		for _, flip := range got.BitFlips {
			if flip.Confidence <= 0 || flip.Confidence >= 1 {
				t.Errorf("%x: confidence %v", code, flip.Confidence)
			}
		}
	})
}

func BenchmarkAnalysis(b *testing.B) {
	maps := ""
	for i := range uint64(2000) {
		maps += mapsOf(dataAt+i*0x4000, 0x2000, "rw-p")
	}
	d := process{
		code: "488b4710", regs: regs{minidump.RDI: dataAt ^ 1<<44}, maps: maps,
		exception: minidump.Exception{Code: 11, Flags: 1, Address: dataAt ^ 1<<44 + 0x10},
	}.dump(b)
	for b.Loop() {
		if got := analysis.Of(d, false); len(got.BitFlips) == 0 {
			b.Fatal("no flips")
		}
	}
}
