package disasm

import (
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// regName is the register's name as people write it: r8d and not r8l.
func regName(r x86asm.Reg) string {
	name := strings.ToLower(r.String())
	switch {
	case x86asm.SPB <= r && r <= x86asm.DIB:
		return [...]string{"spl", "bpl", "sil", "dil"}[r-x86asm.SPB]
	case x86asm.R8L <= r && r <= x86asm.R15L:
		return strings.TrimSuffix(name, "l") + "d"
	case x86asm.F0 <= r && r <= x86asm.F7:
		return "st(" + name[1:] + ")"
	case x86asm.M0 <= r && r <= x86asm.M7:
		return "m" + name
	case x86asm.X0 <= r && r <= x86asm.X31:
		return "xmm" + name[1:]
	case x86asm.Y0 <= r && r <= x86asm.Y31:
		return "ymm" + name[1:]
	case x86asm.Z0 <= r && r <= x86asm.Z31:
		return "zmm" + name[1:]
	}
	return name
}

// regSize is the bytes of a register, 0 for those that have no size of use.
func regSize(r x86asm.Reg) int {
	switch {
	case x86asm.AL <= r && r <= x86asm.R15B:
		return 1
	case x86asm.AX <= r && r <= x86asm.R15W:
		return 2
	case x86asm.EAX <= r && r <= x86asm.R15L:
		return 4
	case x86asm.RAX <= r && r <= x86asm.R15, x86asm.M0 <= r && r <= x86asm.M7:
		return 8
	case x86asm.X0 <= r && r <= x86asm.X31:
		return 16
	case x86asm.Y0 <= r && r <= x86asm.Y31:
		return 32
	case x86asm.Z0 <= r && r <= x86asm.Z31:
		return 64
	}
	return 0
}
