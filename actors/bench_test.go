package actors_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"socorro"
	"socorro/actors"
	"socorro/actors/dispatcher"
)

// BenchmarkEngine measures what the actors themselves cost: claims, credits,
// three actors per crash and one delivery, with stores and processor in memory.
func BenchmarkEngine(b *testing.B) {
	w := newWorld()
	arrived := make(chan struct{}, 1024)
	e := start(b, actors.Config{Processor: true, Dispatcher: dispatcher.Config{Credits: 64}}, w.deps(processor{}, actors.Destination{
		Name:        "index",
		Destination: saver(func(context.Context, *socorro.ProcessedCrash) error { arrived <- struct{}{}; return nil }),
	}))
	const batch = 500 // the queue in memory scans all its rows, so it is kept short
	for done := 0; done < b.N; {
		n := min(batch, b.N-done)
		w.mu.Lock()
		clear(w.rows)
		w.order = w.order[:0]
		w.mu.Unlock()
		w.add(done, done+n)
		e.Wake()
		for range n {
			<-arrived
		}
		done += n
		for w.count(socorro.Done) < n {
			runtime.Gosched()
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "crashes/s")
	halt(b, e)
}

// BenchmarkDeadDestination measures the memory of an engine whose destination
// is out: 5,000 waiting deliveries must cost what one does.
func BenchmarkDeadDestination(b *testing.B) {
	for _, waiting := range []int{1, 5000} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			var total int64
			for range b.N {
				total += deadDestination(b, waiting)
			}
			b.ReportMetric(float64(total)/float64(b.N)/1024, "KiB/engine")
		})
	}
}

func deadDestination(b *testing.B, waiting int) int64 {
	w := newWorld()
	w.deliver("dead", 0, waiting)
	tried := make(chan struct{}, 1)
	before := heap()
	e := start(b, actors.Config{Processor: true}, w.deps(processor{}, actors.Destination{
		Name: "dead",
		Destination: saver(func(context.Context, *socorro.ProcessedCrash) error {
			select {
			case tried <- struct{}{}:
			default:
			}
			return socorro.ErrUnavailable
		}),
	}))
	<-tried
	used := heap() - before
	halt(b, e)
	return used
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
