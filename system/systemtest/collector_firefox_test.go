package systemtest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"socorro"
	"socorro/system/systemtest"
)

// Firefox crashes, its own crash reporter posts to us, and notes the crash id
// and the link to the report that we answered with.
func TestFirefoxsCrashReporterUploads(t *testing.T) {
	t.Parallel()
	firefox, libraries := findFirefox(t)
	server := systemtest.Start(t, program, "--data", t.TempDir())
	home := t.TempDir()
	profile := filepath.Join(home, "profile")
	if err := os.Mkdir(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(firefox, "--headless", "--no-remote", "--profile", profile, "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME=", "LD_LIBRARY_PATH="+libraries, "MOZ_CRASHREPORTER=1",
		"MOZ_CRASHREPORTER_URL="+server.URL+"/submit", "MOZ_CRASHREPORTER_AUTO_SUBMIT=1", "MOZ_DISABLE_CONTENT_SANDBOX=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	// Its crash reporter is set up before the profile is written to.
	systemtest.Eventually(t, "Firefox has started", func() error {
		_, err := os.Stat(filepath.Join(profile, "prefs.js"))
		return err
	})
	if err := cmd.Process.Signal(syscall.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	var note string
	systemtest.Eventually(t, "the crash reporter has noted our answer", func() error {
		found := ""
		filepath.WalkDir(home, func(path string, d os.DirEntry, err error) error {
			if err == nil && strings.Contains(path, "/submitted/bp-") {
				found = path
			}
			return nil
		})
		data, err := os.ReadFile(found)
		note = string(data)
		if err == nil && note == "" {
			err = fmt.Errorf("%s is empty", found)
		}
		return err
	})
	_, text, _ := strings.Cut(note, "bp-")
	id, err := socorro.ParseCrashID(text[:min(len(text), 36)])
	if err != nil {
		t.Fatalf("%v\n%s", err, note)
	}
	if !strings.Contains(note, server.URL+"/report/index/"+string(id)) {
		t.Errorf("the note has no link to the report:\n%s", note)
	}
	if crash := server.Processed(t, id); crash.Product != "Firefox" || crash.MDSWStatus != "OK" || !strings.Contains(crash.Reason, "SIGSEGV") {
		t.Errorf("product %q, walker %q, reason %q", crash.Product, crash.MDSWStatus, crash.Reason)
	}
}

// findFirefox finds an installed Firefox ESR, or the package unpacked by
// "apt-get download firefox-esr libvpx7" and "dpkg -x" into the clients' folder.
func findFirefox(t *testing.T) (program, libraries string) {
	t.Helper()
	unpacked := filepath.Join(clientCache(t), "firefox-esr")
	for _, place := range []struct{ program, libraries string }{
		{"/usr/lib/firefox-esr/firefox-esr", ""},
		{filepath.Join(unpacked, "usr/lib/firefox-esr/firefox-esr"), filepath.Join(unpacked, "usr/lib/x86_64-linux-gnu")},
	} {
		if _, err := os.Stat(place.program); err == nil {
			return place.program, place.libraries
		}
	}
	absent(t, "Firefox is not installed: tools/install.sh firefox-esr")
	return "", ""
}
