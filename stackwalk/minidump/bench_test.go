package minidump_test

import (
	"path/filepath"
	"testing"

	"socorro/stackwalk/minidump"
)

func BenchmarkParse(b *testing.B) {
	data := load(b, filepath.Join("testdata", "my-rs_segv.dmp"))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := minidump.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

// Firefox: 69 threads, 151 modules, 1 MB.
func BenchmarkParseFirefox(b *testing.B) {
	data := load(b, filepath.Join(oracle(b), "dumps", "client-firefox153-browser-sigsegv.dmp"))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := minidump.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
