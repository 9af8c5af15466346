package reason

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"socorro/stackwalk/minidump"
)

// oracle is the folder with real dumps and what another walker made of them.
func oracle(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("ORACLE")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "oracle")
	}
	dir = filepath.Join(dir, "stackwalk")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("the oracle is missing: %v", err)
		}
		tb.Skip("no oracle here; set ORACLE to its folder")
	}
	return dir
}

func TestReasonsOfRealDumps(t *testing.T) {
	t.Parallel()
	dir := oracle(t)
	seen := 0
	for _, pattern := range []string{"goldens/*.json", "mutants/*.json"} {
		paths, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, path := range paths {
			name := strings.TrimSuffix(filepath.Base(path), ".json")
			dump := filepath.Join(dir, "dumps", name+".dmp")
			if rest, ok := strings.CutPrefix(name, "rm-"); ok {
				dump = filepath.Join(dir, "rust-minidump", rest+".dmp")
			}
			if strings.HasPrefix(pattern, "mutants") {
				dump = strings.TrimSuffix(path, ".json") + ".dmp"
			}
			compareWithGolden(t, path, dump)
			seen++
		}
	}
	if seen < 20 {
		t.Errorf("only %d dumps in the oracle", seen)
	}
}

func compareWithGolden(t *testing.T, golden, dump string) {
	t.Helper()
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Crash struct {
			Type    *string `json:"type"`
			Address *string `json:"address"`
		} `json:"crash_info"`
		Threads []struct {
			LastError *string `json:"last_error_value"`
		} `json:"threads"`
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	d, err := minidump.Open(dump)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	if got := Of(d); got != text(want.Crash.Type) {
		t.Errorf("%s: Of = %q; want %q", filepath.Base(dump), got, text(want.Crash.Type))
	}
	address := ""
	if d.Exception != nil {
		address = fmt.Sprintf("0x%0*x", 2*d.System.CPU.PointerSize(), Address(d))
	}
	if address != text(want.Crash.Address) {
		t.Errorf("%s: Address = %s; want %s", filepath.Base(dump), address, text(want.Crash.Address))
	}
	for i := range want.Threads {
		got := ""
		if code, ok := d.LastError(&d.Threads[i]); ok {
			got = LastError(d.System.OS, code)
		}
		if got != text(want.Threads[i].LastError) {
			t.Errorf("%s: thread %d: LastError = %q; want %q", filepath.Base(dump), i, got, text(want.Threads[i].LastError))
		}
	}
}

// Every code of the oracle's tables must be found under its group, by the same
// binary search that a crash goes through.
func TestEveryCodeIsFound(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(codes) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		v, err := strconv.ParseUint(f[1], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := name(f[0], v); !ok || got != f[2] {
			t.Fatalf("name(%q, %#x) = %q, %v; want %q", f[0], v, got, ok, f[2])
		}
	}
	data, err := os.ReadFile(filepath.Join(oracle(t), "data", "crash_reason_codes.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	missing := 0
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		v, err := strconv.ParseUint(strings.TrimPrefix(f[2], "0x"), 16, 64)
		if err != nil {
			continue // the heading
		}
		if !strings.Contains(codes, fmt.Sprintf("\t%08x\t%s\n", v&0xffffffff, f[1])) {
			missing++
			t.Errorf("%s %s = %#x is missing", f[0], f[1], v)
		}
	}
	if missing > 0 {
		t.Errorf("%d codes are missing", missing)
	}
}

func TestWhatIsNotInTheTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		group string
		value uint64
	}{
		{"linux", 0}, {"linux", 1 << 32}, {"linux", 1<<64 - 1}, {"", 0}, {"linux/", 1}, {"zzz", 1}, {"mac/EXC_SYSCALL", 1},
	} {
		if got, ok := name(c.group, c.value); ok {
			t.Errorf("name(%q, %#x) = %q; want none", c.group, c.value, got)
		}
	}
}

func BenchmarkName(b *testing.B) {
	for b.Loop() {
		if _, ok := name("windows/ntstatus", 0xc0000034); !ok {
			b.Fatal("not found")
		}
	}
}
