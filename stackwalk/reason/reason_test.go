package reason_test

import (
	"testing"

	"socorro/stackwalk/minidump"
	"socorro/stackwalk/reason"
	"socorro/stackwalk/synth"
)

func dump(t *testing.T, cpu minidump.CPU, os minidump.OS, e minidump.Exception) *minidump.Dump {
	t.Helper()
	d, err := minidump.Parse(synth.New(cpu, os).Exception(e).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// ex is an exception with a code, flags and as many parameters as are given.
func ex(code, flags uint32, info ...uint64) minidump.Exception {
	e := minidump.Exception{Code: code, Flags: flags, Parameters: len(info)}
	copy(e.Information[:], info)
	return e
}

func TestReasons(t *testing.T) {
	t.Parallel()
	const (
		win, lin, mac = minidump.Windows, minidump.Linux, minidump.MacOS
		amd, x86, arm = minidump.AMD64, minidump.X86, minidump.ARM64
		gpflt         = 0xd
	)
	for _, c := range []struct {
		want string
		cpu  minidump.CPU
		os   minidump.OS
		e    minidump.Exception
	}{
		{"EXCEPTION_ACCESS_VIOLATION_READ", amd, win, ex(0xc0000005, 0, 0, 0x45)},
		{"EXCEPTION_ACCESS_VIOLATION_WRITE", amd, win, ex(0xc0000005, 0, 1, 0x45)},
		{"EXCEPTION_ACCESS_VIOLATION_EXEC", amd, win, ex(0xc0000005, 0, 8)},
		{"EXCEPTION_ACCESS_VIOLATION", amd, win, ex(0xc0000005, 0, 2, 0x45)},
		{"EXCEPTION_ACCESS_VIOLATION", amd, win, ex(0xc0000005, 0, 1<<32, 0x45)},
		{"EXCEPTION_ACCESS_VIOLATION", amd, win, ex(0xc0000005, 0)},
		{"EXCEPTION_IN_PAGE_ERROR_READ / STATUS_IO_DEVICE_ERROR", amd, win, ex(0xc0000006, 0, 0, 1, 0xffffffffc0000185)},
		{"EXCEPTION_IN_PAGE_ERROR_WRITE / 0x0bad0bad", amd, win, ex(0xc0000006, 0, 1, 1, 0x0bad0bad)},
		{"EXCEPTION_IN_PAGE_ERROR", amd, win, ex(0xc0000006, 0, 0, 1)},
		{"EXCEPTION_STACK_BUFFER_OVERRUN / FAST_FAIL_STACK_COOKIE_CHECK_FAILURE", amd, win, ex(0xc0000409, 0, 2)},
		{"EXCEPTION_STACK_BUFFER_OVERRUN / 0x0000ffff", amd, win, ex(0xc0000409, 0, 0xffff)},
		{"STATUS_STACK_BUFFER_OVERRUN", amd, win, ex(0xc0000409, 0)},
		{"STATUS_INVALID_PARAMETER", amd, win, ex(0xc000000d, 0)},
		{"EXCEPTION_STACK_OVERFLOW", amd, win, ex(0xc00000fd, 0)},
		{"EXCEPTION_BREAKPOINT", amd, win, ex(0x80000003, 0)},
		{"Out of Memory", amd, win, ex(0xe0000008, 0)},
		{"Unhandled C++ Exception", amd, win, ex(0xe06d7363, 0)},
		{"Simulated Exception", amd, win, ex(0x517a7ed, 0)},
		{"FACILITY_VISUALCPP / ERROR_MOD_NOT_FOUND", amd, win, ex(0xc06d007e, 0)},
		{"FACILITY_VISUALCPP / ERROR_PROC_NOT_FOUND", amd, win, ex(0xc06d007f, 0)},
		{"ERROR_FILE_NOT_FOUND", amd, win, ex(2, 0)},
		{"unknown 0xdeadbeef", amd, win, ex(0xdeadbeef, 0)},
		{"unknown 0x006d007e", amd, win, ex(0x006d007e, 0)},

		{"SIGSEGV / SEGV_MAPERR", amd, lin, ex(11, 1)},
		{"SIGSEGV / SEGV_PKUERR", amd, lin, ex(11, 4)},
		{"SIGSEGV / SI_KERNEL", amd, lin, ex(11, 0x80)},
		{"SIGSEGV", amd, lin, ex(11, 0)},
		{"SIGSEGV / 0x00000009", amd, lin, ex(11, 9)},
		{"SIGBUS / BUS_ADRALN", arm, minidump.Android, ex(7, 1)},
		{"SIGILL / ILL_ILLOPN", amd, lin, ex(4, 2)},
		{"SIGFPE / FPE_INTDIV", amd, lin, ex(8, 1)},
		{"SIGTRAP / TRAP_BRKPT", amd, lin, ex(5, 1)},
		{"SIGSYS / SYS_SECCOMP", amd, lin, ex(31, 1)},
		{"SIGABRT / SI_TKILL", amd, lin, ex(6, 0xfffffffa)},
		{"SIGABRT / 0x00000001", amd, lin, ex(6, 1)},
		{"DUMP_REQUESTED", amd, lin, ex(0xffffffff, 0)},
		{"unknown 0x00000063 / 0x00000001", amd, lin, ex(99, 1)},

		{"EXC_BAD_ACCESS / KERN_INVALID_ADDRESS", amd, mac, ex(1, 1)},
		{"EXC_BAD_ACCESS / EXC_I386_GPFLT", amd, mac, ex(1, gpflt)},
		{"EXC_BAD_ACCESS / 0x0000000d", arm, mac, ex(1, gpflt)},
		{"EXC_BAD_ACCESS / EXC_ARM_PAC_FAIL", arm, minidump.IOS, ex(1, 0x105)},
		{"EXC_BAD_ACCESS / EXC_PPC_UNALIGNED", minidump.PPC, mac, ex(1, 0x103)},
		{"EXC_BAD_INSTRUCTION / EXC_I386_INVOP", x86, mac, ex(2, 1)},
		{"EXC_ARITHMETIC / EXC_I386_DIV", amd, mac, ex(3, 1)},
		{"EXC_SOFTWARE / UNCAUGHT_NS_EXCEPTION", amd, mac, ex(5, 0xdeadc0de)},
		{"EXC_BREAKPOINT / EXC_ARM_BREAKPOINT", arm, mac, ex(6, 1)},
		{"EXC_SYSCALL / 0x00000001", amd, mac, ex(7, 1)},
		{"Simulated Exception", amd, mac, ex(0x43507378, 0)},
		{"unknown 0x00000000 / 0x00000000", amd, mac, ex(0, 0)},

		{"unknown 0x0000000b / 0x00000001", amd, minidump.Solaris, ex(11, 1)},
	} {
		if got := reason.Of(dump(t, c.cpu, c.os, c.e)); got != c.want {
			t.Errorf("%s %s %#x/%#x %v: Of = %q; want %q", c.os, c.cpu, c.e.Code, c.e.Flags, c.e.Information[:c.e.Parameters], got, c.want)
		}
	}
}

// The codes of these are bit fields: kind in the flags' upper three bits, flavour
// and numbers in the second and third parameter.
func TestMacLimitsAndGuards(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want               string
		code               uint32
		kind, code2, code3 uint64
	}{
		{"EXC_RESOURCE / RESOURCE_TYPE_CPU / FLAVOR_CPU_MONITOR interval: 180s CPU limit: 5% CPU consumed: 7%", 11, 1, 1<<58 | 180<<7 | 5, 7},
		{"EXC_RESOURCE / RESOURCE_TYPE_WAKEUPS / FLAVOR_WAKEUPS_MONITOR interval: 300s wakeups permitted: 150 wakeups observed: 206", 11, 2, 1<<58 | 300<<20 | 150, 206},
		{"EXC_RESOURCE / RESOURCE_TYPE_MEMORY / FLAVOR_HIGH_WATERMARK high watermark limit: 300MiB", 11, 3, 1<<58 | 300, 0},
		{"EXC_RESOURCE / RESOURCE_TYPE_IO / FLAVOR_IO_LOGICAL_WRITES interval: 10s I/O limit: 20% I/O observed: 30%", 11, 4, 2<<58 | 10<<15 | 20, 30},
		{"EXC_RESOURCE / RESOURCE_TYPE_THREADS / FLAVOR_THREADS_HIGH_WATERMARK high watermark limit: 99", 11, 5, 1<<58 | 99, 0},
		{"EXC_RESOURCE / RESOURCE_TYPE_CPU / 0x0000000000000001 / 0x0000000000000002", 11, 1, 1, 2},
		{"EXC_RESOURCE / 0xe0000000", 11, 7, 0, 0},
		{"EXC_GUARD / GUARD_TYPE_NONE", 12, 0, 0, 0},
		{"EXC_GUARD / GUARD_TYPE_MACH_PORT / GUARD_EXC_INVALID_RIGHT port name: 17", 12, 1, 0x100<<32 | 17, 0},
		{"EXC_GUARD / GUARD_TYPE_MACH_PORT / GUARD_EXC_MOD_REFS port name: 17 subcode: 3", 12, 1, 2<<32 | 17, 3},
		{"EXC_GUARD / GUARD_TYPE_FD / GUARD_EXC_CLOSE file descriptor: 3 guard identifier: 9", 12, 2, 1<<32 | 3, 9},
		{"EXC_GUARD / GUARD_TYPE_USER/ namespace: 4 guard identifier: 5", 12, 3, 4, 5},
		{"EXC_GUARD / GUARD_TYPE_VN / GUARD_EXC_UNLINK pid: 6 guard identifier: 7", 12, 4, 4<<32 | 6, 7},
		{"EXC_GUARD / GUARD_TYPE_VIRT_MEMORY / GUARD_EXC_DEALLOC_GAP offset: 8", 12, 5, 1 << 32, 8},
		{"EXC_GUARD / GUARD_TYPE_REJECTED_SC / GUARD_EXC_MACH_TRAP syscall: 10", 12, 6, 0, 10},
		{"EXC_GUARD / GUARD_TYPE_FD / 0x0000000000000003 / 0x0000000000000009", 12, 2, 3, 9},
		{"EXC_GUARD / 0xe0000000", 12, 7, 0, 0},
	} {
		e := ex(c.code, uint32(c.kind<<29), 0, c.code2, c.code3)
		if got := reason.Of(dump(t, minidump.AMD64, minidump.MacOS, e)); got != c.want {
			t.Errorf("Of = %q; want %q", got, c.want)
		}
	}
}

func TestNoExceptionNoReason(t *testing.T) {
	t.Parallel()
	d, err := minidump.Parse(synth.New(minidump.AMD64, minidump.Windows).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if of, addr, access := reason.Of(d), reason.Address(d), reason.Access(d); of != "" || addr != 0 || access != "" {
		t.Errorf("Of, Address, Access = %q, %#x, %q; want nothing", of, addr, access)
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	at := func(e minidump.Exception) minidump.Exception { e.Address = 0xffffffff80001000; return e }
	for _, c := range []struct {
		name string
		cpu  minidump.CPU
		os   minidump.OS
		e    minidump.Exception
		want uint64
	}{
		{"an access violation names its address", minidump.AMD64, minidump.Windows, at(ex(0xc0000005, 0, 1, 0x45)), 0x45},
		{"so does a page error", minidump.AMD64, minidump.Windows, at(ex(0xc0000006, 0, 1, 0x46, 0)), 0x46},
		{"but not with one parameter", minidump.AMD64, minidump.Windows, at(ex(0xc0000005, 0, 1)), 0xffffffff80001000},
		{"another exception is about the instruction", minidump.AMD64, minidump.Windows, at(ex(0x80000003, 0, 1, 2)), 0xffffffff80001000},
		{"32 bits on x86", minidump.X86, minidump.Windows, at(ex(0x80000003, 0)), 0x80001000},
		{"32 bits for the violation too", minidump.X86, minidump.Windows, ex(0xc0000005, 0, 0, 0xfffffffff0000001), 0xf0000001},
		{"Linux has no such parameters", minidump.AMD64, minidump.Linux, at(ex(0xc0000005, 0, 1, 0x45)), 0xffffffff80001000},
		{"an unknown CPU keeps 64 bits", minidump.UnknownCPU, minidump.Linux, at(ex(11, 0)), 0xffffffff80001000},
	} {
		if got := reason.Address(dump(t, c.cpu, c.os, c.e)); got != c.want {
			t.Errorf("%s: Address = %#x; want %#x", c.name, got, c.want)
		}
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		os   minidump.OS
		e    minidump.Exception
		want string
	}{
		{minidump.Windows, ex(0xc0000005, 0, 0), "READ"},
		{minidump.Windows, ex(0xc0000005, 0, 1), "WRITE"},
		{minidump.Windows, ex(0xc0000006, 0, 8), "EXEC"},
		{minidump.Windows, ex(0xc0000005, 0), ""},
		{minidump.Windows, ex(0x80000003, 0, 1), ""},
		{minidump.Linux, ex(0xc0000005, 0, 1), ""},
	} {
		if got := reason.Access(dump(t, minidump.AMD64, c.os, c.e)); got != c.want {
			t.Errorf("%s %#x: Access = %q; want %q", c.os, c.e.Code, got, c.want)
		}
	}
}

func TestLastError(t *testing.T) {
	t.Parallel()
	for code, want := range map[uint32]string{
		0: "ERROR_SUCCESS", 2: "ERROR_FILE_NOT_FOUND", 0xc0000005: "STATUS_ACCESS_VIOLATION", 0xc0000034: "STATUS_OBJECT_NAME_NOT_FOUND",
		0xc06d007e: "FACILITY_VISUALCPP / ERROR_MOD_NOT_FOUND", 0xffffffff: "unknown 0xffffffff",
	} {
		if got := reason.LastError(minidump.Windows, code); got != want {
			t.Errorf("LastError(%#x) = %q; want %q", code, got, want)
		}
	}
	if got := reason.LastError(minidump.Linux, 2); got != "" {
		t.Errorf("LastError on Linux = %q; want none", got)
	}
}
