// Package signatures_test measures how fast crashes are signed: by one core in
// memory, and by the signature lab out of a server's data directory.
package signatures_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"socorro"
	"socorro/signature"
	"socorro/storage/sqlite"
	"socorro/system"
)

// corpus reads the crashes of $CORPUS, by default the oracle's.
func corpus(b *testing.B) []*signature.CrashData {
	b.Helper()
	path := os.Getenv("CORPUS")
	if path == "" {
		dir := os.Getenv("ORACLE")
		if dir == "" {
			dir = filepath.Join("..", "..", "..", "shared", "oracle")
		}
		path = filepath.Join(dir, "signature", "crash_data-2026.jsonl.gz")
	}
	f, err := os.Open(path)
	if err != nil {
		b.Skip("no corpus; set CORPUS or ORACLE")
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	var crashes []*signature.CrashData
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var c struct{ Input *signature.CrashData }
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			b.Fatal(err)
		}
		crashes = append(crashes, c.Input)
	}
	if lines.Err() != nil || len(crashes) == 0 {
		b.Fatalf("%s: %d crashes, %v", path, len(crashes), lines.Err())
	}
	return crashes
}

func BenchmarkSignatures(b *testing.B) {
	crashes := corpus(b)
	g := signature.New(nil)
	done := 0
	for b.Loop() {
		g.Generate(crashes[done%len(crashes)])
		done++
	}
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "signatures/s")
}

// stored is how many crashes the lab is measured with.
const stored = 100_000

// BenchmarkLab runs `socorro siglists try` over 100,000 stored crashes: those
// of the corpus, and stacks of 40 frames as real crashes have them.
func BenchmarkLab(b *testing.B) {
	crashes := corpus(b)
	b.Run("corpus", func(b *testing.B) { lab(b, crashes) })
	b.Run("forty frames", func(b *testing.B) { lab(b, deep(crashes)) })
}

// deep gives each crash the frames of those after it, up to 40.
func deep(crashes []*signature.CrashData) []*signature.CrashData {
	var frames []signature.Frame
	for _, c := range crashes {
		for _, t := range c.Threads {
			frames = append(frames, t.Frames...)
		}
	}
	out := make([]*signature.CrashData, len(crashes))
	for i := range crashes {
		at := i * 7 % (len(frames) - 40)
		out[i] = &signature.CrashData{OS: "Linux", Threads: []signature.Thread{{Frames: frames[at : at+40]}}}
	}
	return out
}

func lab(b *testing.B, crashes []*signature.CrashData) {
	dir := b.TempDir()
	fill(b, filepath.Join(dir, "index.db"), crashes)
	lists := b.TempDir()
	if err := os.WriteFile(filepath.Join(lists, "prefix_signature_re.txt"), []byte("Abort\nraise\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var out, errs strings.Builder
		if code := system.Main([]string{"siglists", "try", "--data", dir, "--format", "json", lists}, strings.NewReader(""), &out, &errs); code != 0 {
			b.Fatal(errs.String())
		}
		var report struct{ Crashes, Changed, Skipped int }
		if err := json.Unmarshal([]byte(out.String()), &report); err != nil || report.Crashes+report.Skipped != stored || report.Changed == 0 {
			b.Fatalf("%+v, %v: %s", report, err, errs.String())
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "index.db")); err == nil {
		b.ReportMetric(float64(info.Size())/stored, "B/crash")
	}
}

// fill lists the crashes as a server does, from as many goroutines as commits carry.
func fill(b *testing.B, path string, crashes []*signature.CrashData) {
	b.Helper()
	var packed [][]byte
	for _, c := range crashes {
		if data, ok := signature.Pack(c); ok {
			packed = append(packed, data)
		}
	}
	index, err := sqlite.OpenIndex(context.Background(), path)
	if err != nil {
		b.Fatal(err)
	}
	defer index.Close()
	g := signature.New(nil)
	const writers = 64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < stored; i += writers {
				data := packed[i%len(packed)]
				crash, err := signature.Unpack(data)
				if err != nil {
					b.Error(err)
					return
				}
				id := socorro.CrashID(fmt.Sprintf("%08x-5ec0-4aaa-8bbb-%05x0261123", uint32(i)*2654435761, i&0xfffff))
				p := &socorro.ProcessedCrash{ID: id, Epoch: 1, Product: "P", Signature: g.Generate(crash).Signature}
				raw := &socorro.RawCrash{ID: id, Submitted: time.Unix(1_790_000_000+int64(i), 0)}
				if err := index.SaveSigning(context.Background(), raw, p, data); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
}
