// Package reason puts names to why a process died: exceptions of Windows, signals
// of Linux, Mach exceptions of macOS. It reads a [minidump.Dump] and nothing else.
package reason

import (
	"fmt"

	"socorro/stackwalk/minidump"
)

// Of is the crash reason, such as "SIGSEGV / SEGV_MAPERR" or
// "EXCEPTION_ACCESS_VIOLATION_READ". Codes without a name are printed as numbers.
// It is "" when the dump has no exception.
func Of(d *minidump.Dump) string {
	e := d.Exception
	if e == nil {
		return ""
	}
	var text string
	switch d.System.OS {
	case minidump.Windows:
		return windows(e)
	case minidump.Linux, minidump.Android:
		text = linux(e)
	case minidump.MacOS, minidump.IOS:
		text = mac(e, d.System.CPU)
	}
	if text == "" {
		text = fmt.Sprintf("unknown 0x%08x / 0x%08x", e.Code, e.Flags)
	}
	return text
}

// Address is the address that the crash is about: the one that could not be
// accessed where the exception says so, else the instruction. It is 0 when the
// dump has no exception; look at d.Exception to tell that from a null pointer.
func Address(d *minidump.Dump) uint64 {
	e := d.Exception
	if e == nil {
		return 0
	}
	addr := e.Address
	if d.System.OS == minidump.Windows && (e.Code == accessViolation || e.Code == inPageError) && e.Parameters >= 2 {
		addr = e.Information[1]
	}
	// 32-bit addresses above 2 GB come sign-extended from some writers: 0xffffffff80001000.
	if d.System.CPU.PointerSize() == 4 {
		addr &= 0xffffffff
	}
	return addr
}

// linux is the signal and, where it says more, the si_code. A signal that another
// process sent (SI_USER, 0) stands alone.
func linux(e *minidump.Exception) string {
	signal, ok := name("linux", uint64(e.Code))
	if !ok {
		return ""
	}
	if kind, ok := name("linux/"+signal, uint64(e.Flags)); ok {
		return signal + " / " + kind
	}
	if e.Flags == 0 {
		return signal
	}
	if kind, ok := name("linux/si", uint64(e.Flags)); ok {
		return signal + " / " + kind
	}
	return fmt.Sprintf("%s / 0x%08x", signal, e.Flags)
}
