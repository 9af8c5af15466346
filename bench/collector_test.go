package bench_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"socorro/system/systemtest"
)

const (
	uploadSize  = 419_434 // bytes of the body in collector/post.lua, and of a plain file
	connections = 16
	plainTime   = 3 * time.Second
	postTime    = 10 * time.Second
	rounds      = 3
)

// BenchmarkCollector posts crashes of 419 KB with wrk over 16 connections, on
// the CPUs that the server runs on, every answer after a sync to disk. Beside
// it, in turns, it measures how many files of that size the disk takes when
// each is created, written, and synced with its folder: as many as any store
// can durably keep one by one.
func BenchmarkCollector(b *testing.B) {
	wrk, err := exec.LookPath("wrk")
	if err != nil {
		b.Skip("wrk is not installed: tools/install.sh wrk")
	}
	program, err := systemtest.Build()
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(filepath.Dir(program))
	for b.Loop() {
		var plain, posted, p99, rss float64
		for range rounds {
			rate := plainFiles(b, b.TempDir())
			result, peak := postWithWrk(b, wrk, program)
			b.Logf("plain files %.0f/s; %s; peak %.0f MB", rate, result.text, peak)
			plain, posted = max(plain, rate), max(posted, result.rate)
			if result.rate == posted {
				p99 = result.p99
			}
			rss = max(rss, peak)
		}
		b.ReportMetric(plain, "plain/s")
		b.ReportMetric(posted, "crashes/s")
		b.ReportMetric(100*posted/plain, "%-of-plain")
		b.ReportMetric(p99, "p99-ms")
		b.ReportMetric(rss, "MB-peak")
	}
}

// plainFiles is the rate of create, write, sync file, sync folder.
func plainFiles(b *testing.B, dir string) float64 {
	b.Helper()
	data := make([]byte, uploadSize)
	for i := range data {
		data[i] = byte(i * i)
	}
	folder, err := os.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer folder.Close()
	var n atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range connections {
		all.Go(func() {
			for time.Since(began) < plainTime {
				f, err := os.Create(filepath.Join(dir, fmt.Sprint(n.Add(1))))
				if err != nil {
					b.Error(err)
					return
				}
				f.Write(data)
				if err := f.Sync(); err != nil {
					b.Error(err)
				}
				f.Close()
				folder.Sync()
			}
		})
	}
	all.Wait()
	return float64(n.Load()) / time.Since(began).Seconds()
}

type wrkResult struct {
	text      string
	rate, p99 float64
}

var wrkLine = regexp.MustCompile(`result: (\d+) crashes/s, .*p99 ([\d.]+) ms, .*refused 0, errors 0`)

// postWithWrk posts to a collector of its own.
func postWithWrk(b *testing.B, wrk, program string) (wrkResult, float64) {
	b.Helper()
	// Every body is the same here, so reports that are sent again must count.
	server := systemtest.Start(b, program, "--data", b.TempDir(), "--roles", "collector", "--duplicate-window", "0s")
	defer server.Kill()
	out, err := exec.Command(wrk, "-t2", fmt.Sprint("-c", connections), fmt.Sprintf("-d%ds", int(postTime.Seconds())),
		"-s", filepath.Join(systemtest.Root(), "bench", "collector", "post.lua"), server.URL).CombinedOutput()
	if err != nil {
		b.Fatalf("wrk: %v\n%s", err, out)
	}
	found := wrkLine.FindStringSubmatch(string(out))
	if found == nil {
		b.Fatalf("wrk's uploads were not all accepted:\n%s\n%s", out, server.Log())
	}
	rate, _ := strconv.ParseFloat(found[1], 64)
	p99, _ := strconv.ParseFloat(found[2], 64)
	peak, err := peakRSS(server.PID())
	if err != nil {
		b.Fatal(err)
	}
	return wrkResult{strings.TrimPrefix(found[0], "result: "), rate, p99}, float64(peak)
}

// BenchmarkIdleConnections holds 10,000 clients that have sent a part of a
// request and then nothing, half of them in its header and half in its body,
// while another client's upload is answered.
func BenchmarkIdleConnections(b *testing.B) {
	const clients = 10_000
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < clients+200 {
		b.Skipf("only %d files may be open: ulimit -n %d", limit.Cur, clients+200)
	}
	program, err := systemtest.Build()
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(filepath.Dir(program))
	for b.Loop() {
		server := systemtest.Start(b, program, "--data", b.TempDir(), "--roles", "collector")
		addr := strings.TrimPrefix(server.URL, "http://")
		head := "POST /submit HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\n"
		body := head + "Transfer-Encoding: chunked\r\n\r\n2000\r\n--B\r\nContent-Disposition: form-data; name=a\r\n\r\nslow"
		conns := make([]net.Conn, clients)
		for i := range conns {
			if conns[i], err = net.Dial("tcp", addr); err != nil {
				b.Fatal(err)
			}
			io.WriteString(conns[i], []string{head, body}[i%2])
		}
		contentType, form := systemtest.Form(b, []byte("MDMP"), map[string]string{"ProductName": "Idle", "Version": "1"})
		status, reply, err := server.Post(map[string][]string{"Content-Type": {contentType}}, strings.NewReader(string(form)))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := systemtest.Accepted(status, reply); err != nil {
			b.Error(err)
		}
		peak, err := peakRSS(server.PID())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(peak), "MB-peak")
		for _, c := range conns {
			c.Close()
		}
		server.Kill()
	}
}
