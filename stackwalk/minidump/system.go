package minidump

import (
	"fmt"
	"strings"
)

func (p *parser) systemInfo(b *buf) {
	var s SystemInfo
	s.Architecture, s.CPULevel, s.CPURevision = b.u16(), b.u16(), b.u16()
	s.CPUCount, s.ProductType = int(b.u8()), b.u8()
	s.Major, s.Minor, s.Build, s.PlatformID = b.u32(), b.u32(), b.u32(), b.u32()
	csd := b.u32()
	s.SuiteMask = b.u16()
	b.skip(2)
	info := b.take(24)
	if b.err != nil {
		return
	}
	s.CPU, s.OS = cpuOf(s.Architecture), osOf(s.PlatformID)
	if text := p.utf16At(uint64(csd)); text != nil {
		s.CSD = *text
	}
	union := &buf{data: info, order: p.order}
	switch s.CPU {
	case X86:
		s.Vendor = vendor(union)
	case ARM:
		s.CPUID, s.ELFHwCaps = union.u32(), union.u32()
	}
	p.d.System = s
}

// vendor is three words of four letters, first letter in the lowest byte whatever
// the order of the dump.
func vendor(b *buf) string {
	text := make([]rune, 0, 12)
	for range 3 {
		for w, i := b.u32(), 0; i < 4; i++ {
			text = append(text, rune(w>>(8*i)&0xff))
		}
	}
	return string(text)
}

func cpuOf(architecture uint16) CPU {
	switch architecture {
	case 0, 10: // 10 is a 32-bit process of a 64-bit Windows
		return X86
	case 1:
		return MIPS
	case 3:
		return PPC
	case 5:
		return ARM
	case 9:
		return AMD64
	case 12:
		return ARM64
	case 0x8001:
		return SPARC
	case 0x8002:
		return PPC64
	case 0x8003:
		return ARM64Old
	case 0x8004:
		return MIPS64
	case 0x8006:
		return RISCV64
	default:
		return UnknownCPU
	}
}

func osOf(platform uint32) OS {
	switch platform {
	case 2, 3:
		return Windows
	case 0x8101:
		return MacOS
	case 0x8102:
		return IOS
	case 0x8201:
		return Linux
	case 0x8202:
		return Solaris
	case 0x8203:
		return Android
	case 0x8204:
		return PS3
	case 0x8205:
		return NaCl
	default:
		return UnknownOS
	}
}

// OSName is the system as reports print it. The double 0x of an unknown one is
// what other walkers print.
func (s *SystemInfo) OSName() string {
	if s.OS == UnknownOS {
		return fmt.Sprintf("0x0x%06x", s.PlatformID)
	}
	return s.OS.String()
}

// OSVersion is the system's version ("10.0.19045") and its build ("Service Pack
// 2", "20G630", "#1 SMP …"), "" when there is none.
//
// Breakpad and Crashpad write 0.0.0 for Linux and the output of uname -srvmo for
// its service pack: name, version, build in several words, machine, and maybe
// "Linux/GNU". Then both come from there, without the machine.
func (s *SystemInfo) OSVersion() (version, build string) {
	version = fmt.Sprintf("%d.%d.%d", s.Major, s.Minor, s.Build)
	build = strings.TrimSpace(s.CSD)
	if s.OS != Linux || version != "0.0.0" {
		return version, build
	}
	words := strings.Split(s.CSD, " ")
	if len(words) < 2 || words[1] == "0.0.0" {
		return version, build
	}
	version, words = words[1], words[2:]
	for _, last := range []bool{true, len(words) > 0 && words[len(words)-1] == "Linux/GNU"} {
		if last && len(words) > 0 {
			words = words[:len(words)-1]
		}
	}
	return version, strings.Join(words, " ")
}

// CPUInfo is the processor as reports print it, or "" when the dump does not
// describe one of its kind: "family 6 model 70 stepping 1", "ARMv7 ARM
// Cortex-A15 features: swp,half".
func (s *SystemInfo) CPUInfo() string {
	family := fmt.Sprintf("family %d model %d stepping %d", s.CPULevel, s.CPURevision>>8, s.CPURevision&0xff)
	switch s.CPU {
	case X86:
		return s.Vendor + " " + family
	case AMD64:
		return family
	case ARM:
		return s.armInfo()
	default:
		return ""
	}
}

func (s *SystemInfo) armInfo() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ARMv%d", s.CPULevel)
	if s.CPUID != 0 {
		b.WriteString(" " + armVendor(s.CPUID>>24) + " " + armPart(s.CPUID&0xff00fff0))
	}
	// Bits that Linux added after idivt make the heading appear and nothing else,
	// which is what other walkers do too.
	if s.ELFHwCaps&(1<<22-1) != 0 {
		names := [...]string{
			"swp", "half", "thumb", "26bit", "fastmult", "fpa", "vfpv2", "edsp", "java", "iwmmxt",
			"crunch", "thumbee", "neon", "vfpv3", "vfpv3d16", "tls", "vfpv4", "idiva", "idivt",
		}
		var have []string
		for i, n := range names {
			if s.ELFHwCaps&(1<<i) != 0 {
				have = append(have, n)
			}
		}
		b.WriteString(" features: " + strings.Join(have, ","))
	}
	return b.String()
}

func armVendor(id uint32) string {
	switch id {
	case 0x41:
		return "ARM"
	case 0x51:
		return "Qualcomm"
	case 0x56:
		return "Marvell"
	case 0x69:
		return "Intel/Marvell"
	default:
		return fmt.Sprintf("vendor(%#x)", id)
	}
}

func armPart(id uint32) string {
	switch id {
	case 0x4100c050:
		return "Cortex-A5"
	case 0x4100c080:
		return "Cortex-A8"
	case 0x4100c090:
		return "Cortex-A9"
	case 0x4100c0f0:
		return "Cortex-A15"
	case 0x4100c140:
		return "Cortex-R4"
	case 0x4100c150:
		return "Cortex-R5"
	case 0x4100b360:
		return "ARM1136"
	case 0x4100b560:
		return "ARM1156"
	case 0x4100b760:
		return "ARM1176"
	case 0x4100b020:
		return "ARM11-MPCore"
	case 0x41009260:
		return "ARM926"
	case 0x41009460:
		return "ARM946"
	case 0x41009660:
		return "ARM966"
	case 0x510006f0:
		return "Krait"
	case 0x510000f0:
		return "Scorpion"
	default:
		return fmt.Sprintf("part(%#x)", id)
	}
}
