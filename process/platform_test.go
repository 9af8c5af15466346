package process

import "testing"

func TestPrettyNamesOfSystems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ version, want string }{
		{"10.0.22631 1234", "Windows 11"},
		{"10.0.19045", "Windows 10"},
		{"6.1.7601 Service Pack 1", "Windows 7"},
		{"5.2.3790", "Windows Server 2003"},
		{"7.7.1", "Windows Unknown"},
		{"", "Windows Unknown"},
	} {
		if got := windowsName(versionNumbers(c.version)); got != c.want {
			t.Errorf("windowsName(%q) = %q; want %q", c.version, got, c.want)
		}
	}
	for _, c := range []struct{ version, want string }{
		{"14.1.2 23B92", "macOS 14"}, {"10.15.7", "OS X 10.15"}, {"", "OS X Unknown"}, {"9.0", "OS X Unknown"},
	} {
		major, minor, _ := versionNumbers(c.version)
		if got := macName(major, minor); got != c.want {
			t.Errorf("macName(%q) = %q; want %q", c.version, got, c.want)
		}
	}
}
