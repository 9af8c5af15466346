package reason

import (
	"fmt"

	"socorro/stackwalk/minidump"
)

const macSimulated = 0x43507378 // a dump that Crashpad was asked for, no crash

// mac is the Mach exception and what its first code says.
func mac(e *minidump.Exception, cpu minidump.CPU) string {
	exception, ok := name("mac", uint64(e.Code))
	switch {
	case !ok:
		return ""
	case e.Code == macSimulated:
		return "Simulated Exception"
	case exception == "EXC_RESOURCE":
		if kind, ok := name("mac/resource", uint64(e.Flags>>29)); ok {
			return exception + " / " + kind + " / " + resource(kind, e.Information[1], e.Information[2])
		}
	case exception == "EXC_GUARD":
		if kind, ok := name("mac/guard", uint64(e.Flags>>29)); ok {
			return exception + " / " + kind + guard(kind, e.Information[1], e.Information[2])
		}
	}
	// The kernel's reason for a bad access is the same on all CPUs; the rest are traps of one.
	for _, group := range []string{"mac/" + exception, "mac/" + exception + "/" + macCPU(cpu)} {
		if kind, ok := name(group, uint64(e.Flags)); ok {
			return exception + " / " + kind
		}
	}
	return fmt.Sprintf("%s / 0x%08x", exception, e.Flags)
}

// macCPU is how the groups call a CPU.
func macCPU(cpu minidump.CPU) string {
	if cpu == minidump.AMD64 {
		return "x86"
	}
	return cpu.String()
}

// resource explains a limit that was passed. The codes are bit fields, laid out
// in XNU's kern/exc_resource.h.
func resource(kind string, code, subcode uint64) string {
	flavor, ok := name("mac/"+kind, code>>58&7)
	if !ok {
		return raw(code, subcode)
	}
	switch kind {
	case "RESOURCE_TYPE_CPU":
		return fmt.Sprintf("%s interval: %ds CPU limit: %d%% CPU consumed: %d%%", flavor, code>>7&0x1ffffff, code&7, subcode&7)
	case "RESOURCE_TYPE_WAKEUPS":
		return fmt.Sprintf("%s interval: %ds wakeups permitted: %d wakeups observed: %d", flavor, code>>20&0xfffff, code&0xfff, subcode&0xfff)
	case "RESOURCE_TYPE_MEMORY":
		return fmt.Sprintf("%s high watermark limit: %dMiB", flavor, code&0x1fff)
	case "RESOURCE_TYPE_IO":
		return fmt.Sprintf("%s interval: %ds I/O limit: %d%% I/O observed: %d%%", flavor, code>>15&0x1ffff, code&0x7fff, subcode&0x7fff)
	default:
		return fmt.Sprintf("%s high watermark limit: %d", flavor, code&0x7fff)
	}
}

// guard explains the misuse of something guarded; see XNU's kern/exc_guard.h.
func guard(kind string, code, subcode uint64) string {
	switch kind {
	case "GUARD_TYPE_NONE":
		return ""
	case "GUARD_TYPE_USER": // the missing blank is what other walkers print
		return fmt.Sprintf("/ namespace: %d guard identifier: %d", code&0xffffffff, subcode)
	}
	flavor, ok := name("mac/"+kind, code>>32&0x1fffffff)
	if !ok {
		return " / " + raw(code, subcode)
	}
	target := code & 0xfffffff
	switch kind {
	case "GUARD_TYPE_MACH_PORT":
		text := fmt.Sprintf(" / %s port name: %d", flavor, target)
		if subcode != 0 {
			text += fmt.Sprintf(" subcode: %d", subcode)
		}
		return text
	case "GUARD_TYPE_FD":
		return fmt.Sprintf(" / %s file descriptor: %d guard identifier: %d", flavor, target, subcode)
	case "GUARD_TYPE_VN":
		return fmt.Sprintf(" / %s pid: %d guard identifier: %d", flavor, target, subcode)
	case "GUARD_TYPE_VIRT_MEMORY":
		return fmt.Sprintf(" / %s offset: %d", flavor, subcode)
	default:
		return fmt.Sprintf(" / %s syscall: %d", flavor, subcode)
	}
}

func raw(code, subcode uint64) string { return fmt.Sprintf("0x%016x / 0x%016x", code, subcode) }
