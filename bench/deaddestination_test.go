// Package bench_test measures the program as a whole. Nothing here is a test of
// time: numbers depend on the machine, so only compare those of one run.
package bench_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socorro"
	"socorro/system/systemtest"
)

const (
	deadCrashes = 5000
	maxRSS      = 400 // MB: the promise that memory does not grow with an outage
)

// BenchmarkDeadDestination posts 5,000 crashes while one of two destinations is
// down, waits until the other has all of them, and reports the memory used.
func BenchmarkDeadDestination(b *testing.B) {
	program, err := systemtest.Build()
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(filepath.Dir(program))
	dump, err := os.ReadFile(filepath.Join(systemtest.Root(), "testdata", "crashes", "cpp_inline.dmp"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		dir := b.TempDir()
		server := systemtest.Start(b, program, "--data", filepath.Join(dir, "data"), "--telemetry", filepath.Join(dir, "telemetry"),
			"--duplicate-window", "0s", "--inject-faults", "telemetry:down", "--symbols", filepath.Join(systemtest.Root(), "testdata", "symbols"))
		began := time.Now()
		postMany(b, server, dump)
		posted := time.Since(began)
		systemtest.Eventually(b, "the living destination has every crash", func() error {
			q, err := server.Queue()
			if err != nil {
				return err
			}
			if n := q.ByState[socorro.Done]; n != deadCrashes || q.Outbox["index"].Waiting > 0 || q.Outbox["telemetry"].Waiting != deadCrashes {
				return fmt.Errorf("%d processed, outboxes %+v", n, q.Outbox)
			}
			return nil
		})
		peak, err := peakRSS(server.PID())
		if err != nil {
			b.Fatal(err)
		}
		if peak > maxRSS {
			b.Errorf("peak memory %d MB; want at most %d", peak, maxRSS)
		}
		b.ReportMetric(float64(peak), "peak-MB")
		b.ReportMetric(deadCrashes/posted.Seconds(), "posts/s")
		b.ReportMetric(deadCrashes/time.Since(began).Seconds(), "processed/s")
		server.Kill()
	}
}

func postMany(b *testing.B, server *systemtest.Server, dump []byte) {
	b.Helper()
	contentType, body := systemtest.Form(b, dump, map[string]string{"ProductName": "Bench", "Version": "1"})
	var next atomic.Int64
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for next.Add(1) <= deadCrashes {
				status, reply, err := server.Post(http.Header{"Content-Type": {contentType}}, bytes.NewReader(body))
				if err == nil {
					_, err = systemtest.Accepted(status, reply)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
}

// peakRSS is the most memory that the process ever held, in MB.
func peakRSS(pid int) (int, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return kb / 1024, err
		}
	}
	return 0, errors.New("no VmHWM in /proc status")
}
