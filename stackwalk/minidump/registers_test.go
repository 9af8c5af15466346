package minidump_test

import (
	"testing"

	"socorro/stackwalk/minidump"
)

func TestEveryRegisterHasANameAndANumber(t *testing.T) {
	t.Parallel()
	for cpu := minidump.UnknownCPU; cpu <= minidump.SPARC; cpu++ {
		for i := range cpu.RegisterCount() {
			name := cpu.RegisterName(i)
			for _, n := range []string{name, "$" + name} {
				if got, ok := cpu.RegisterNumber(n); !ok || got != i {
					t.Errorf("%s: RegisterNumber(%q) = %d, %v; want %d", cpu, n, got, ok, i)
				}
			}
		}
		if name := cpu.RegisterName(cpu.RegisterCount()); name != "" {
			t.Errorf("%s has a register %q after its last", cpu, name)
		}
		if _, ok := cpu.RegisterNumber("nonsense"); ok {
			t.Errorf("%s has a register nonsense", cpu)
		}
	}
}

func TestConstantsAreTheRegistersThatTheyName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cpu  minidump.CPU
		name string
		reg  int
	}{
		{minidump.AMD64, "rax", minidump.RAX},
		{minidump.AMD64, "rsp", minidump.RSP},
		{minidump.AMD64, "r15", minidump.R15},
		{minidump.AMD64, "rip", minidump.RIP},
		{minidump.X86, "eip", minidump.EIP},
		{minidump.X86, "ebp", minidump.EBP},
		{minidump.X86, "eflags", minidump.EFLAGS},
		{minidump.ARM64, "x19", minidump.X19},
		{minidump.ARM64, "x29", minidump.FP},
		{minidump.ARM64Old, "x30", minidump.LR},
		{minidump.ARM64, "pc", minidump.PC},
		{minidump.ARM, "r7", minidump.ARMR7},
		{minidump.ARM, "r11", minidump.ARMFP},
		{minidump.ARM, "r12", minidump.ARMR12},
		{minidump.ARM, "r13", minidump.ARMSP},
		{minidump.ARM, "r14", minidump.ARMLR},
		{minidump.ARM, "r15", minidump.ARMPC},
		{minidump.MIPS, "s7", minidump.MIPSS7},
		{minidump.MIPS64, "ra", minidump.MIPSRA},
		{minidump.PPC, "r1", minidump.PPCR1},
		{minidump.PPC64, "srr0", minidump.PPCSRR0},
		{minidump.SPARC, "g_r14", minidump.SPARCO6},
		{minidump.SPARC, "pc", minidump.SPARCPC},
	} {
		if got, ok := c.cpu.RegisterNumber(c.name); !ok || got != c.reg {
			t.Errorf("%s: RegisterNumber(%q) = %d, %v; want %d", c.cpu, c.name, got, ok, c.reg)
		}
	}
}

func TestRegistersKnowWhatTheyKnow(t *testing.T) {
	t.Parallel()
	r := minidump.Registers{CPU: minidump.AMD64}
	if v, ok := r.Get(minidump.RAX); ok || v != 0 {
		t.Errorf("Get of an unknown register = %d, %v", v, ok)
	}
	r.Set(minidump.RIP, 0x1234)
	r.Set(minidump.RSP, 0x5678)
	if r.IP() != 0x1234 || r.SP() != 0x5678 {
		t.Errorf("IP, SP = %#x, %#x; want 0x1234, 0x5678", r.IP(), r.SP())
	}
	r.Forget(minidump.RSP)
	if v, ok := r.Get(minidump.RSP); ok || v != 0 {
		t.Errorf("Get of a forgotten register = %d, %v", v, ok)
	}
	for _, reg := range []int{-1, 40, 1 << 20} {
		r.Set(reg, 1)
		r.Forget(reg)
		if _, ok := r.Get(reg); ok {
			t.Errorf("register %d is known", reg)
		}
	}
	unknown := minidump.Registers{}
	if unknown.IP() != 0 || unknown.SP() != 0 {
		t.Error("an unknown CPU has an instruction pointer")
	}
}

func TestMemoryInfoPermissions(t *testing.T) {
	t.Parallel()
	for protect, want := range map[uint32]string{0x01: "---", 0x02: "r--", 0x04: "rw-", 0x08: "-w-", 0x10: "--x", 0x20: "r-x", 0x40: "rwx", 0x80: "-wx", 0x104: "rw-"} {
		m := minidump.MemoryInfo{Protect: protect}
		got := []byte("---")
		for i, has := range []bool{m.Readable(), m.Writable(), m.Executable()} {
			if has {
				got[i] = "rwx"[i]
			}
		}
		if string(got) != want {
			t.Errorf("protection %#x = %s; want %s", protect, got, want)
		}
	}
}
