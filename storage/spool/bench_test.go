package spool_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"socorro"
	"socorro/storage/spool"
)

var dumpBytes = []byte("MDMP" + strings.Repeat("0123456789abcdef", 419_000/16))

// BenchmarkKeep keeps crashes with a dump of 419 KB, the writing of the upload
// included, beside the least that any durable store has to do: create, write,
// sync the file, sync its folder.
func BenchmarkKeep(b *testing.B) {
	b.Run("plain files", func(b *testing.B) {
		dir := b.TempDir()
		inParallel(b, func(n int) error {
			path := filepath.Join(dir, fmt.Sprint(n))
			f, err := os.Create(path)
			if err != nil {
				return err
			}
			f.Write(dumpBytes)
			if err := f.Sync(); err != nil {
				return err
			}
			f.Close()
			d, err := os.Open(dir)
			if err != nil {
				return err
			}
			defer d.Close()
			return d.Sync()
		})
	})
	b.Run("spool", func(b *testing.B) {
		s := open(b, spool.Config{Dir: b.TempDir()})
		inParallel(b, func(n int) error {
			return s.Keep(context.Background(), rawCrash(n), []socorro.Dump{stage(b, s, fmt.Sprint(n), string(dumpBytes))})
		})
	})
}

func inParallel(b *testing.B, do func(n int) error) {
	b.Helper()
	var n atomic.Int64
	b.SetBytes(int64(len(dumpBytes)))
	b.SetParallelism(8) // 16 at once on two cores
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(int(n.Add(1))); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "crashes/s")
}
