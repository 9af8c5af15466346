package minidump

import "fmt"

// A StreamType says what a stream of the dump holds.
type StreamType uint32

// The streams that we read.
const (
	ThreadListStream         StreamType = 3
	ModuleListStream         StreamType = 4
	MemoryListStream         StreamType = 5
	ExceptionStream          StreamType = 6
	SystemInfoStream         StreamType = 7
	Memory64ListStream       StreamType = 9
	HandleDataStream         StreamType = 12
	UnloadedModuleListStream StreamType = 14
	MiscInfoStream           StreamType = 15
	MemoryInfoListStream     StreamType = 16
	ThreadNamesStream        StreamType = 24
	BreakpadInfoStream       StreamType = 0x47670001
	AssertionInfoStream      StreamType = 0x47670002
	LinuxCPUInfoStream       StreamType = 0x47670003
	LinuxProcStatusStream    StreamType = 0x47670004
	LinuxLSBReleaseStream    StreamType = 0x47670005
	LinuxMapsStream          StreamType = 0x47670009
	CrashpadInfoStream       StreamType = 0x43500001
	MozMacCrashInfoStream    StreamType = 0x4d7a0001
	MozMacBootArgsStream     StreamType = 0x4d7a0002
	MozLinuxLimitsStream     StreamType = 0x4d7a0003
	MozSoftErrorsStream      StreamType = 0x4d7a0004
)

// String is the name of the stream, or its number in hex when we do not read it.
func (t StreamType) String() string {
	switch t {
	case ThreadListStream:
		return "ThreadList"
	case ModuleListStream:
		return "ModuleList"
	case MemoryListStream:
		return "MemoryList"
	case ExceptionStream:
		return "Exception"
	case SystemInfoStream:
		return "SystemInfo"
	case Memory64ListStream:
		return "Memory64List"
	case HandleDataStream:
		return "HandleData"
	case UnloadedModuleListStream:
		return "UnloadedModuleList"
	case MiscInfoStream:
		return "MiscInfo"
	case MemoryInfoListStream:
		return "MemoryInfoList"
	case ThreadNamesStream:
		return "ThreadNames"
	case BreakpadInfoStream:
		return "BreakpadInfo"
	case AssertionInfoStream:
		return "AssertionInfo"
	case LinuxCPUInfoStream:
		return "LinuxCpuInfo"
	case LinuxProcStatusStream:
		return "LinuxProcStatus"
	case LinuxLSBReleaseStream:
		return "LinuxLsbRelease"
	case LinuxMapsStream:
		return "LinuxMaps"
	case CrashpadInfoStream:
		return "CrashpadInfo"
	case MozMacCrashInfoStream:
		return "MozMacosCrashInfo"
	case MozMacBootArgsStream:
		return "MozMacosBootargs"
	case MozLinuxLimitsStream:
		return "MozLinuxLimits"
	case MozSoftErrorsStream:
		return "MozSoftErrors"
	default:
		return fmt.Sprintf("stream %#x", uint32(t))
	}
}
