package sqlite_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"socorro"
	"socorro/storage/sqlite"
	"socorro/storage/storagetest"
)

const atOnce = 32 // goroutines per CPU: group commit lives on company

func each(b *testing.B, f func(n int) error) {
	b.Helper()
	var n atomic.Int64
	b.SetParallelism(atOnce)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := f(int(n.Add(1))); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

func BenchmarkEnqueue(b *testing.B) {
	q := openQueue(b, b.TempDir(), time.Now)
	each(b, func(n int) error {
		_, err := q.Enqueue(b.Context(), storagetest.ID(n), socorro.Normal)
		return err
	})
}

func BenchmarkEnqueueAlone(b *testing.B) {
	q := openQueue(b, b.TempDir(), time.Now)
	n := 0
	for b.Loop() {
		n++
		if _, err := q.Enqueue(b.Context(), storagetest.ID(n), socorro.Normal); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClaimAndCommit(b *testing.B) {
	q := openQueue(b, b.TempDir(), time.Now)
	fill(b, q, b.N)
	each(b, func(int) error {
		claims, err := q.Claim(b.Context(), "me", 1, time.Hour)
		for _, c := range claims {
			err = q.Commit(b.Context(), c, []string{"index", "telemetry"})
		}
		return err
	})
}

func BenchmarkAck(b *testing.B) {
	q := openQueue(b, b.TempDir(), time.Now)
	fill(b, q, b.N)
	each(b, func(int) error {
		claims, err := q.Claim(b.Context(), "me", 1, time.Hour)
		for _, c := range claims {
			err = q.Commit(b.Context(), c, []string{"index"})
		}
		return err
	})
	b.ResetTimer()
	each(b, func(n int) error { return q.Ack(b.Context(), "index", int64(n)) })
}

func fill(b *testing.B, q *sqlite.Queue, n int) {
	b.Helper()
	ids := make([]socorro.CrashID, n)
	for i := range ids {
		ids[i] = storagetest.ID(i)
	}
	if _, err := q.Requeue(b.Context(), ids, socorro.Normal); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkIndexSave(b *testing.B) {
	x := openIndex(b, b.TempDir())
	each(b, func(n int) error {
		p := storagetest.Processed(storagetest.ID(n), 1)
		p.Signature = fmt.Sprint("signature ", n%1000)
		return x.Save(b.Context(), storagetest.Raw(p.ID), p)
	})
}
