package signature

import "testing"

// BenchmarkGenerate reports signatures per second over the oracle's crashes, on
// one core, decoding not counted: "warm" as in a processor that runs for a
// while, "cold" with a cache that remembers nothing.
func BenchmarkGenerate(b *testing.B) {
	lists := oracleLists(b)
	cases := readLines[crashCase](b, "crash_data-2026.jsonl.gz")
	run := func(b *testing.B, g *Generator, forget bool) {
		b.ReportAllocs()
		done := 0
		for b.Loop() {
			if forget {
				g.cache = newFrameCache()
			}
			g.Generate(&cases[done%len(cases)].Input)
			done++
		}
		b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "signatures/s")
	}
	b.Run("warm", func(b *testing.B) { run(b, New(lists), false) })
	b.Run("cold", func(b *testing.B) { run(b, New(lists), true) })
	b.Run("warm/our lists", func(b *testing.B) { run(b, New(nil), false) })
	b.Run("cold/our lists", func(b *testing.B) { run(b, New(nil), true) })
}
