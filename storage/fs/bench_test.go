package fs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socorro"
	"socorro/storage/storagetest"
)

// BenchmarkSaveRaw saves crashes with a dump of 419 KB, the size of a common
// one, with the writing of the upload included.
func BenchmarkSaveRaw(b *testing.B) {
	content := []byte(strings.Repeat("MDMP", 419_000/4))
	for _, parallel := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d at once", parallel), func(b *testing.B) {
			s := open(b, b.TempDir(), time.Now)
			var n atomic.Int64
			b.SetBytes(int64(len(content)))
			b.SetParallelism(parallel)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := int(n.Add(1))
					path := filepath.Join(s.Incoming(), fmt.Sprint(i))
					if err := os.WriteFile(path, content, 0o600); err != nil {
						b.Fatal(err)
					}
					if err := s.SaveRaw(b.Context(), storagetest.Raw(storagetest.ID(i)), []socorro.Dump{{Path: path}}); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "crashes/s")
		})
	}
}

func BenchmarkSaveProcessed(b *testing.B) {
	s := open(b, b.TempDir(), time.Now)
	id := storagetest.ID(1)
	if err := s.SaveRaw(b.Context(), storagetest.Raw(id), nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.SaveProcessed(b.Context(), storagetest.Processed(id, 1)); err != nil {
			b.Fatal(err)
		}
	}
}
