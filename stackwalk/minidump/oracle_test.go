package minidump_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// load reads a file, or the .gz beside it.
func load(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		return data
	}
	packed, err := os.ReadFile(path + ".gz")
	if err != nil {
		tb.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		tb.Fatal(err)
	}
	if data, err = io.ReadAll(r); err != nil {
		tb.Fatal(err)
	}
	return data
}

// goldens maps each golden to its dump, by name without suffix.
func goldens(tb testing.TB) map[string]string {
	tb.Helper()
	dir := oracle(tb)
	found := map[string]string{}
	for _, pattern := range []string{"goldens/*.json", "goldens/*.json.gz", "mutants/*.json"} {
		paths, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, p := range paths {
			p = strings.TrimSuffix(p, ".gz")
			name := strings.TrimSuffix(filepath.Base(p), ".json")
			dump := filepath.Join(dir, "dumps", name+".dmp")
			if rest, ok := strings.CutPrefix(name, "rm-"); ok {
				dump = filepath.Join(dir, "rust-minidump", rest+".dmp")
			}
			if filepath.Base(filepath.Dir(p)) == "mutants" {
				dump = filepath.Join(dir, "mutants", name+".dmp")
			}
			found[p] = dump
		}
	}
	if len(found) == 0 {
		tb.Fatal("the oracle has no goldens")
	}
	return found
}

// A report is the part of a golden that comes from the dump alone.
type report struct {
	PID     *uint32 `json:"pid"`
	Uptime  *int64  `json:"process_uptime"`
	Threads []struct {
		ID   uint32  `json:"thread_id"`
		Name *string `json:"thread_name"`
	} `json:"threads"`
	Modules  []module   `json:"modules"`
	Unloaded []unloaded `json:"unloaded_modules"`
	System   struct {
		OS        string  `json:"os"`
		Version   string  `json:"os_ver"`
		Arch      string  `json:"cpu_arch"`
		Info      *string `json:"cpu_info"`
		Count     int     `json:"cpu_count"`
		Microcode *string `json:"cpu_microcode_version"`
	} `json:"system_info"`
	Handles *[]handle `json:"handles"`
	Maps    *int      `json:"linux_memory_map_count"`
	LSB     *lsb      `json:"lsb_release"`
	Limits  *struct {
		Limits []limit `json:"limits"`
	} `json:"proc_limits"`
	SoftErrors any      `json:"soft_errors"`
	Crashing   *crashed `json:"crashing_thread"`
}

type module struct {
	Base      string  `json:"base_addr"`
	End       string  `json:"end_addr"`
	File      string  `json:"filename"`
	CodeID    string  `json:"code_id"`
	DebugFile string  `json:"debug_file"`
	DebugID   string  `json:"debug_id"`
	Version   *string `json:"version"`
}

type unloaded struct {
	Base   string `json:"base_addr"`
	End    string `json:"end_addr"`
	File   string `json:"filename"`
	CodeID string `json:"code_id"`
}

type handle struct {
	Value uint64  `json:"handle"`
	Type  *string `json:"type_name"`
	Name  *string `json:"object_name"`
}

type lsb struct {
	ID          string `json:"id"`
	Release     string `json:"release"`
	Codename    string `json:"codename"`
	Description string `json:"description"`
}

type limit struct {
	Name string `json:"name"`
	Soft any    `json:"soft"`
	Hard any    `json:"hard"`
	Unit string `json:"unit"`
}

type crashed struct {
	Frames []struct {
		Registers map[string]string `json:"registers"`
	} `json:"frames"`
}

// summary is a dump in the golden's words.
func summary(d *minidump.Dump) report {
	var r report
	address := func(v uint64) string { return fmt.Sprintf("0x%0*x", 2*d.System.CPU.PointerSize(), v) }
	if pid, ok := d.PID(); ok {
		r.PID = &pid
	}
	if up, ok := d.Uptime(); ok {
		r.Uptime = ptr(int64(up.Seconds()))
	}
	for _, t := range d.Threads {
		r.Threads = append(r.Threads, struct {
			ID   uint32  `json:"thread_id"`
			Name *string `json:"thread_name"`
		}{t.ID, optional(t.Name, t.Named)})
	}
	for _, m := range d.Modules {
		id := m.DebugID
		if id == "" {
			id = strings.Repeat("0", 33)
		}
		r.Modules = append(r.Modules, module{
			address(m.Base), address(m.End()), leaf(m.CodeFile), m.CodeID, leaf(m.DebugFile), id, optional(m.Version, m.Version != ""),
		})
	}
	for _, m := range d.UnloadedModules {
		r.Unloaded = append(r.Unloaded, unloaded{address(m.Base), address(m.End()), m.Name, m.CodeID})
	}
	system(&r, d)
	linux(&r, d)
	if d.Handles != nil {
		r.Handles = &[]handle{}
	}
	for _, h := range d.Handles {
		*r.Handles = append(*r.Handles, handle{h.Value, h.TypeName, h.ObjectName})
	}
	r.Crashing = registersOf(d, address)
	return r
}

func system(r *report, d *minidump.Dump) {
	version, build := d.System.OSVersion()
	r.System.OS, r.System.Arch, r.System.Count = d.System.OSName(), d.System.CPU.String(), d.System.CPUCount
	r.System.Version = strings.TrimSuffix(version+" "+build, " ")
	r.System.Info = optional(d.System.CPUInfo(), d.System.CPUInfo() != "")
	if d.CPUInfo != nil && d.CPUInfo.Microcode != nil {
		r.System.Microcode = ptr(fmt.Sprintf("%#x", *d.CPUInfo.Microcode))
	}
}

func linux(r *report, d *minidump.Dump) {
	if d.Maps != nil {
		r.Maps = ptr(len(d.Maps))
	}
	if d.LSB != nil {
		r.LSB = &lsb{d.LSB.ID, d.LSB.Release, d.LSB.Codename, d.LSB.Description}
	}
	if d.SoftErrors != nil {
		_ = json.Unmarshal(d.SoftErrors, &r.SoftErrors)
	}
	if d.Limits == nil {
		return
	}
	r.Limits = &struct {
		Limits []limit `json:"limits"`
	}{[]limit{}}
	value := func(v minidump.LimitValue) any {
		if v.Kind == minidump.LimitUnlimited {
			return "unlimited"
		}
		return float64(v.Value)
	}
	for _, l := range d.Limits {
		r.Limits.Limits = append(r.Limits.Limits, limit{l.Name, value(l.Soft), value(l.Hard), l.Unit})
	}
}

// registersOf is frame 0 of the thread that the dump is about.
func registersOf(d *minidump.Dump, address func(uint64) string) *crashed {
	var regs *minidump.Registers
	id, known := uint32(0), false
	if d.Exception != nil {
		id, known, regs = d.Exception.ThreadID, true, d.Exception.Context
	} else if d.Breakpad != nil && d.Breakpad.RequestingThread != nil {
		id, known = *d.Breakpad.RequestingThread, true
	}
	i, ok := d.Thread(id)
	if !known || !ok {
		return nil
	}
	if regs == nil {
		regs = d.Threads[i].Context
	}
	if regs == nil {
		return nil
	}
	names := map[string]string{}
	for i := range regs.CPU.RegisterCount() {
		v, _ := regs.Get(i)
		names[regs.CPU.RegisterName(i)] = address(v)
	}
	c := &crashed{}
	c.Frames = append(c.Frames, struct {
		Registers map[string]string `json:"registers"`
	}{names})
	return c
}

func optional(s string, known bool) *string {
	if !known {
		return nil
	}
	return &s
}

func leaf(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }

func TestDumpsSayWhatTheOracleSays(t *testing.T) {
	for golden, dump := range goldens(t) {
		t.Run(filepath.Base(golden), func(t *testing.T) {
			t.Parallel()
			var want report
			if err := json.Unmarshal(load(t, golden), &want); err != nil {
				t.Fatal(err)
			}
			d, err := minidump.Parse(load(t, dump))
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			got := summary(d.Strict())
			// The golden's limits come in random order, and only its first frame has registers.
			for _, l := range []*report{&got, &want} {
				if l.Limits != nil {
					slices.SortFunc(l.Limits.Limits, func(a, b limit) int { return strings.Compare(a.Name, b.Name) })
				}
				if l.Crashing != nil {
					l.Crashing.Frames = l.Crashing.Frames[:1]
				}
				if len(l.Unloaded) == 0 {
					l.Unloaded = nil
				}
				if len(l.Modules) == 0 {
					l.Modules = nil
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the dump differs (-oracle +ours):\n%s\nwarnings: %q", diff, d.Warnings)
			}
		})
	}
}

func TestDumpsThatTheOracleRefusedAreRefused(t *testing.T) {
	dir := oracle(t)
	paths, _ := filepath.Glob(filepath.Join(dir, "mutants", "*.dmp"))
	bad, _ := filepath.Glob(filepath.Join(dir, "rust-minidump", "invalid-r*.dmp"))
	refused := 0
	for _, path := range append(paths, bad...) {
		_, err := os.Stat(strings.TrimSuffix(path, ".dmp") + ".json")
		if err == nil {
			continue // this one was read, see the test above
		}
		refused++
		d, err := minidump.Parse(load(t, path))
		if err == nil {
			t.Errorf("%s was read, with %d threads", filepath.Base(path), len(d.Threads))
			continue
		}
		if _, ok := errors.AsType[*minidump.FormatError](err); !ok {
			t.Errorf("%s: %v is no FormatError", filepath.Base(path), err)
		}
	}
	if refused < 5 {
		t.Errorf("the oracle has only %d bad dumps", refused)
	}
}

func TestOpenMapsAFileUntilClose(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.dmp")
	want := sample(minidump.AMD64).build(minidump.AMD64, minidump.Windows).Bytes()
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := minidump.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil { // the mapping outlives the name
		t.Fatal(err)
	}
	if got := string(d.Memory.Regions[0].Data); got != "code" {
		t.Errorf("memory %q; want code", got)
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func TestOpenNamesTheFileThatItCannotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	short := filepath.Join(dir, "short.dmp")
	empty := filepath.Join(dir, "empty.dmp")
	for path, text := range map[string]string{short: "MDMP", empty: ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{short: "MissingHeader", empty: "EmptyMinidump"} {
		_, err := minidump.Open(path)
		fe, ok := errors.AsType[*minidump.FormatError](err)
		if !ok || fe.Name() != want || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s) = %v; want a FormatError named %s that says the path", path, err, want)
		}
	}
	if _, err := minidump.Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a missing file = %v; want fs.ErrNotExist", err)
	}
	if _, err := minidump.Open(dir); err == nil {
		t.Error("Open of a folder succeeded")
	}
}
