package reason

import (
	"fmt"

	"socorro/stackwalk/minidump"
)

const (
	accessViolation    = 0xc0000005
	inPageError        = 0xc0000006
	stackBufferOverrun = 0xc0000409 // __fastfail
	outOfMemory        = 0xe0000008
	cppException       = 0xe06d7363
	simulated          = 0x0517a7ed // a dump that was asked for, no crash
)

func windows(e *minidump.Exception) string {
	general, known := name("windows", uint64(e.Code))
	if !known {
		text := LastError(minidump.Windows, e.Code)
		if e.Code == stackBufferOverrun && e.Parameters >= 1 && text == "STATUS_STACK_BUFFER_OVERRUN" {
			return "EXCEPTION_STACK_BUFFER_OVERRUN / " + nameOrHex("windows/fastfail", e.Information[0])
		}
		return text
	}
	switch e.Code {
	case outOfMemory:
		return "Out of Memory"
	case cppException:
		return "Unhandled C++ Exception"
	case simulated:
		return "Simulated Exception"
	case accessViolation:
		if access := access(e, 1); access != "" {
			return general + "_" + access
		}
	case inPageError: // the third number says why the page could not be read
		if access := access(e, 3); access != "" {
			return general + "_" + access + " / " + nameOrHex("windows/ntstatus", e.Information[2])
		}
	}
	return general
}

// access is what an exception with at least so many parameters says was tried.
func access(e *minidump.Exception, parameters int) string {
	if e.Parameters < parameters {
		return ""
	}
	text, _ := name("windows/access", e.Information[0])
	return text
}

// Access is what the process tried at [Address]: "READ", "WRITE" or "EXEC". It is
// "" when the exception does not say, as on any system but Windows.
func Access(d *minidump.Dump) string {
	e := d.Exception
	if e == nil || d.System.OS != minidump.Windows || e.Code != accessViolation && e.Code != inPageError {
		return ""
	}
	return access(e, 1)
}

// LastError is the name of what GetLastError gave, or of any other error code of
// Windows: "ERROR_FILE_NOT_FOUND", "STATUS_PENDING", "unknown 0x12345678". It is
// "" for other systems. A few numbers are both a Win32 error and an NTSTATUS; the
// Win32 error is then the likelier one.
func LastError(os minidump.OS, code uint32) string {
	if os != minidump.Windows {
		return ""
	}
	for _, group := range []string{"windows/winerror", "windows/ntstatus"} {
		if text, ok := name(group, uint64(code)); ok {
			return text
		}
	}
	// A failed delay load is 0xc06d0000 and a Win32 error, and so on.
	if code&0xf0000000 != 0 {
		facility, ok := name("windows/facility", uint64(code&0x0fff0000>>16))
		problem, ok2 := name("windows/winerror", uint64(code&0xffff))
		if ok && ok2 {
			return facility + " / " + problem
		}
	}
	return fmt.Sprintf("unknown 0x%08x", code)
}

// nameOrHex takes the lower half of a parameter; the upper one is noise.
func nameOrHex(group string, v uint64) string {
	if text, ok := name(group, v&0xffffffff); ok {
		return text
	}
	return fmt.Sprintf("0x%08x", v&0xffffffff)
}
