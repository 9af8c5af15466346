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
	CommentStreamA           StreamType = 10
	CommentStreamW           StreamType = 11
	HandleDataStream         StreamType = 12
	UnloadedModuleListStream StreamType = 14
	MiscInfoStream           StreamType = 15
	FunctionTableStream      StreamType = 13
	MemoryInfoListStream     StreamType = 16
	ThreadInfoListStream     StreamType = 17
	ThreadNamesStream        StreamType = 24
	BreakpadInfoStream       StreamType = 0x47670001
	AssertionInfoStream      StreamType = 0x47670002
	LinuxCPUInfoStream       StreamType = 0x47670003
	LinuxProcStatusStream    StreamType = 0x47670004
	LinuxLSBReleaseStream    StreamType = 0x47670005
	LinuxCmdLineStream       StreamType = 0x47670006
	LinuxEnvironStream       StreamType = 0x47670007
	LinuxMapsStream          StreamType = 0x47670009
	StabilityReportStream    StreamType = 0x4b6b0002
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
	case CommentStreamA:
		return "CommentA"
	case CommentStreamW:
		return "CommentW"
	case HandleDataStream:
		return "HandleData"
	case UnloadedModuleListStream:
		return "UnloadedModuleList"
	case MiscInfoStream:
		return "MiscInfo"
	case FunctionTableStream:
		return "FunctionTable"
	case MemoryInfoListStream:
		return "MemoryInfoList"
	case ThreadInfoListStream:
		return "ThreadInfoList"
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
	case LinuxCmdLineStream:
		return "LinuxCmdLine"
	case LinuxEnvironStream:
		return "LinuxEnviron"
	case LinuxMapsStream:
		return "LinuxMaps"
	case StabilityReportStream:
		return "StabilityReport"
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
