package stackwalk_test

import (
	"bytes"
	"io"
	"path/filepath"
	"testing"

	"socorro/stackwalk"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
)

// BenchmarkParseLibc reads 3.7 MB of symbols.
func BenchmarkParseLibc(b *testing.B) {
	found, _ := filepath.Glob(filepath.Join(oracle(b), "symbols", "libc.so.6", "*", "*.gz"))
	if len(found) == 0 {
		b.Skip("no symbols of libc")
	}
	text := load(b, found[0])
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		table, err := symbols.Parse(bytes.NewReader(text), symbols.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(table.Size())/float64(len(text)), "table/file")
	}
}

// benchmarkWalk walks a golden's dump with its symbols in memory.
func benchmarkWalk(b *testing.B, name string, threads int) {
	for _, g := range goldens(b) {
		if g.name != name {
			continue
		}
		dump := load(b, g.dump)
		opt := stackwalk.Options{Symbols: symbols.NewCache(symbols.Dir{Roots: []string{g.symbols}}, symbols.CacheConfig{}), Threads: threads}
		b.ReportAllocs()
		for b.Loop() {
			d, err := minidump.Parse(dump)
			if err != nil {
				b.Fatal(err)
			}
			r, err := stackwalk.Walk(b.Context(), d, opt)
			if err != nil {
				b.Fatal(err)
			}
			if err := r.WriteJSON(io.Discard, false); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkWalkThreads(b *testing.B)       { benchmarkWalk(b, "my-cpp_threads", 0) }
func BenchmarkWalkThreadsOneCPU(b *testing.B) { benchmarkWalk(b, "my-cpp_threads", 1) }
func BenchmarkWalkOverflow(b *testing.B)      { benchmarkWalk(b, "my-c_overflow", 0) }
