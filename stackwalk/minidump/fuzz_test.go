package minidump_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"socorro/stackwalk/minidump"
)

func FuzzParse(f *testing.F) {
	for _, cpu := range []minidump.CPU{minidump.X86, minidump.AMD64, minidump.ARM64Old, minidump.MIPS} {
		f.Add(sample(cpu).build(cpu, minidump.Windows).Bytes())
		f.Add(sample(cpu).build(cpu, minidump.Linux).BigEndian().Full().Bytes())
	}
	dumps, err := filepath.Glob("testdata/*.dmp")
	if err != nil || len(dumps) == 0 {
		f.Fatalf("no dumps in testdata: %v", err)
	}
	for _, path := range dumps {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := minidump.Parse(data)
		if err != nil {
			fe, ok := errors.AsType[*minidump.FormatError](err)
			if !ok || fe.Offset < 0 || fe.Reason == "" || fe.Name() == "StreamReadFailure" {
				t.Fatalf("Parse = %v, which does not say what and where", err)
			}
			return
		}
		check(t, d, len(data))
	})
}

// check holds for whatever Parse accepts.
func check(t *testing.T, d *minidump.Dump, size int) {
	t.Helper()
	if n := len(d.Threads)*48 + len(d.Modules)*108 + len(d.Handles)*32 + len(d.MemoryInfo)*48; n > 4*size {
		t.Errorf("lists of %d bytes from a file of %d", n, size)
	}
	for i, r := range d.Memory.Regions {
		if len(r.Data) > size {
			t.Fatalf("region %d has %d bytes, the file %d", i, len(r.Data), size)
		}
		if got, ok := d.Memory.At(r.Base); len(r.Data) > 0 && r.Base+uint64(len(r.Data)) > r.Base && (!ok || !got.Contains(r.Base)) {
			t.Fatalf("no region holds %#x, the start of region %d", r.Base, i)
		}
	}
	for i, m := range d.Modules {
		if m.Size == 0 || m.End() < m.Base {
			t.Fatalf("module %d has %#x bytes at %#x", i, m.Size, m.Base)
		}
		if j, ok := d.ModuleAt(m.Base); !ok || m.Base < d.Modules[j].Base || m.Base >= d.Modules[j].End() {
			t.Fatalf("ModuleAt(%#x) = %d, %v", m.Base, j, ok)
		}
	}
	for _, i := range d.UnloadedModulesByAddress() {
		_ = d.UnloadedModulesAt(d.UnloadedModules[i].Base)
	}
	for i := range d.Threads {
		_, _ = d.LastError(&d.Threads[i])
		if c := d.Threads[i].Context; c != nil && c.CPU != d.System.CPU {
			t.Fatalf("thread %d has registers of %s on %s", i, c.CPU, d.System.CPU)
		}
	}
	_, _ = d.System.OSVersion()
	_, _ = d.System.CPUInfo(), d.System.OSName()
	_, _ = d.PID()
	_, _ = d.Uptime()
}
