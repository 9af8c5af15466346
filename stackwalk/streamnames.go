package stackwalk

import "socorro/stackwalk/minidump"

// streamVendor is who made a type of stream, as rust-minidump prints it.
func streamVendor(t minidump.StreamType) string {
	switch {
	case t <= 0xffff:
		return "Official"
	case t>>16 == 0x4767:
		return "Google Extension"
	case t>>16 == 0x4d7a:
		return "Mozilla Extension"
	}
	return "Unknown Extension"
}

// streamName is the name of a stream that nothing in the report comes from. read
// is true for those that we, or at least the peers, make use of. It is "" for
// streams that nobody knows.
func streamName(t minidump.StreamType) (name string, read bool) {
	switch t {
	case 0:
		return "UnusedStream", false
	case 1:
		return "ReservedStream0", false
	case 2:
		return "ReservedStream1", false
	case 8:
		return "ThreadExListStream", false
	case 10:
		return "CommentStreamA", false
	case 11:
		return "CommentStreamW", false
	case 13:
		return "FunctionTable", false
	case 18:
		return "HandleOperationListStream", false
	case 19:
		return "TokenStream", false
	case 20:
		return "JavaScriptDataStream", false
	case 21:
		return "SystemMemoryInfoStream", false
	case 22:
		return "ProcessVmCountersStream", false
	case 23:
		return "IptTraceStream", false
	case 0xffff:
		return "LastReservedStream", false
	case 0x47670006:
		return "LinuxCmdLine", false
	case 0x47670008:
		return "LinuxAuxv", false
	case 0x4767000a:
		return "LinuxDsoDebug", false
	case 0x47670007, 0x4b6b0002: // LinuxEnviron and Chromium's StabilityReport
		return "", true
	}
	if t >= 0x8000 && t < 0x8000+minidump.StreamType(len(ceStreams)) {
		return "ceStream" + ceStreams[t-0x8000], false
	}
	return "", t >= 3 && t <= 24 || t > 0x47670000 && t < 0x4767000a || t == 0x43500001 || t >= 0x4d7a0001 && t <= 0x4d7a0004
}

// ceStreams are the streams of Windows CE, from 0x8000 on.
var ceStreams = [...]string{
	"Null", "SystemInfo", "Exception", "ModuleList", "ProcessList", "ThreadList", "ThreadContextList",
	"ThreadCallStackList", "MemoryVirtualList", "MemoryPhysicalList", "BucketParameters", "ProcessModuleMap", "DiagnosisList",
}
