package process

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

func hasReport(s *State) bool { return s.Report != nil }
func noReport(s *State) bool  { return s.Report == nil }

// cpu says on what processor it crashed.
func cpu(_ context.Context, s *State) error {
	sys := s.Report.SystemInfo
	s.Crash.CPUArch = sys.CPUArch
	s.Crash.CPUInfo = sys.CPUInfo
	s.Crash.CPUCount = sys.CPUCount
	return nil
}

// system says on what operating system it crashed.
func system(_ context.Context, s *State) error {
	s.Crash.OSName = strings.TrimSpace(s.Report.SystemInfo.OS)
	s.Crash.OSVersion = strings.TrimSpace(s.Report.SystemInfo.OSVer)
	return nil
}

// platformAnnotations fills in what the minidump could not tell, because there
// is none or it is damaged.
func platformAnnotations(_ context.Context, s *State) error {
	a := s.Raw.Annotations
	s.Crash.CPUArch = a.First("CPUArchitecture", "osarch")
	s.Crash.CPUInfo = a.Text("CPUInfo")
	s.Crash.OSName = a.First("OS", "plat", "platform")
	s.Crash.OSVersion = a.Text("OSVersion")
	return nil
}

// windowsNames are the marketing names of NT versions, by major and minor.
var windowsNames = map[string]string{
	"3.5": "Windows NT", "4.0": "Windows NT", "4.1": "Windows 98", "4.9": "Windows Me",
	"5.0": "Windows 2000", "5.1": "Windows XP", "5.2": "Windows Server 2003",
	"6.0": "Windows Vista", "6.1": "Windows 7", "6.2": "Windows 8", "6.3": "Windows 8.1", "10.0": "Windows 10",
}

// firstWindows11Build is where Windows 11 begins: it still calls itself 10.0.
const firstWindows11Build = 21996

// prettyOS is the name that people use: "Windows 11", "macOS 14", "Debian GNU/Linux 12".
func prettyOS(_ context.Context, s *State) error {
	major, minor, build := versionNumbers(s.Crash.OSVersion)
	switch s.Crash.OSName {
	case "Windows NT", "Windows":
		s.Crash.OSPrettyVersion = windowsName(major, minor, build)
	case "Mac OS X", "macOS":
		s.Crash.OSPrettyVersion = macName(major, minor)
	case "Linux":
		s.Crash.OSPrettyVersion = s.linuxName()
	case "Android":
		s.Crash.OSPrettyVersion = strings.TrimSpace("Android " + s.Raw.Annotations.First("Android_Version", "AndroidVersion"))
	default:
		s.Crash.OSPrettyVersion = s.Crash.OSName
	}
	return nil
}

func windowsName(major, minor, build int) string {
	if major == 10 && minor == 0 && build >= firstWindows11Build {
		return "Windows 11"
	}
	if name, ok := windowsNames[fmt.Sprintf("%d.%d", major, minor)]; ok {
		return name
	}
	return "Windows Unknown"
}

func macName(major, minor int) string {
	switch {
	case major >= 11:
		return fmt.Sprintf("macOS %d", major)
	case major == 10 && minor >= 0:
		return fmt.Sprintf("OS X 10.%d", minor)
	}
	return "OS X Unknown"
}

func (s *State) linuxName() string {
	if s.Report != nil && s.Report.LSBRelease != nil && s.Report.LSBRelease.Description != "" {
		return s.Report.LSBRelease.Description
	}
	if name := s.Raw.Annotations.First("LinuxLSBDescription", "lsb-release"); name != "" {
		return name
	}
	return "Linux"
}

// versionNumbers reads "10.0.22631 1234" as 10, 0, 22631; -1 stands for what is not there.
func versionNumbers(text string) (major, minor, build int) {
	numbers := [3]int{-1, -1, -1}
	head, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	for i, part := range strings.SplitN(head, ".", 4) {
		if i == len(numbers) {
			break
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		numbers[i] = n
	}
	return numbers[0], numbers[1], numbers[2]
}
