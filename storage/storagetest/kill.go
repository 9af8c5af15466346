package storagetest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const (
	writerVar = "STORAGETEST_WRITER"
	mediumVar = "STORAGETEST_MEDIUM"
)

// A Writer writes to the medium at dir for ever, and calls acked with the words
// of a write after that was answered with nil.
type Writer func(dir string, acked func(words ...any)) error

// Main runs the tests or, in a process that Kill has started, one of the
// writers. Call it from TestMain and exit with what it returns.
func Main(m *testing.M, writers map[string]Writer) int {
	name := os.Getenv(writerVar)
	if name == "" {
		return m.Run()
	}
	// A writer whose killer was itself killed must not fill the disk.
	time.AfterFunc(time.Minute, func() { os.Exit(3) })
	err := writers[name](os.Getenv(mediumVar), func(words ...any) {
		// One write system call per line: nothing is buffered when the kill comes.
		if _, err := os.Stdout.WriteString(fmt.Sprintln(words...)); err != nil {
			os.Exit(3)
		}
	})
	fmt.Fprintln(os.Stderr, err)
	return 2
}

// Kill runs a writer of Main in a process of its own on the medium at dir,
// ends that with SIGKILL after it has acknowledged some writes, and returns
// the words of everything that was acknowledged. It may be killed at any
// point of the next write.
func Kill(t testing.TB, writer, dir string, after int) [][]string {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), writerVar+"="+writer, mediumVar+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	var acked [][]string
	killed := false
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil { // a line without its end was not acknowledged
			break
		}
		acked = append(acked, strings.Fields(line))
		if len(acked) >= after && !killed {
			killed = true
			check(t, cmd.Process.Kill())
		}
	}
	_ = cmd.Wait() // "signal: killed"
	if !killed {
		t.Fatalf("writer %s ended by itself after %d writes", writer, len(acked))
	}
	return acked
}
