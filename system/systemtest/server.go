// Package systemtest starts the real program as a user would, for tests that
// post to it, look at it, and kill it.
package systemtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Root is the project's root directory.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Build makes the program once for all tests of a package and returns its path.
// Call it from TestMain, and remove the directory that holds it at the end.
func Build() (program string, err error) {
	dir, err := os.MkdirTemp("", "socorro-systemtest-")
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, "socorro")
	build := exec.Command("go", "build", "-o", program, "./cmd/socorro")
	build.Dir = Root()
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return program, nil
}

// Server is a running `socorro serve`.
type Server struct {
	URL string // "http://127.0.0.1:40123"

	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone
	state  error         // what Wait said; read after exited
	log    tailBuffer
}

// startTime is how long a start may take on a loaded machine.
const startTime = 60 * time.Second

// Start runs the program with `serve`, a free port and the given arguments, and
// waits until it listens. The test's end kills it.
func Start(t testing.TB, program string, args ...string) *Server {
	t.Helper()
	s, err := TryStart(program, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// TryStart is Start for a caller that outlives a failed start.
func TryStart(program string, args ...string) (*Server, error) {
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--log-format", "json"}, args...)
	s := &Server{cmd: exec.Command(program, args...), exited: make(chan struct{})}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	listening := make(chan string, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s.follow(stderr, listening)
	}()
	go func() {
		<-drained // Wait closes the pipe, so the log must be read first
		s.state = s.cmd.Wait()
		close(s.exited)
	}()
	select {
	case s.URL = <-listening:
		return s, nil
	case <-s.exited:
		return nil, fmt.Errorf("the server ended at start: %w\n%s", s.state, s.Log())
	case <-time.After(startTime):
		s.Kill()
		return nil, fmt.Errorf("the server does not listen after %s\n%s", startTime, s.Log())
	}
}

// follow keeps the end of the log and finds the line that tells the address.
func (s *Server) follow(stderr io.Reader, listening chan<- string) {
	lines := bufio.NewReader(stderr)
	for {
		line, err := lines.ReadBytes('\n')
		s.log.write(line)
		var entry struct{ Msg, URL string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "serving" {
			select {
			case listening <- string(bytes.TrimSuffix([]byte(entry.URL), []byte("/"))):
			default:
			}
		}
		if err != nil {
			return
		}
	}
}

// Kill ends the process with SIGKILL, as a power cut would, and waits for it.
func (s *Server) Kill() {
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(fmt.Sprintf("kill the server: %v", err))
	}
	<-s.exited
}

// Stop asks for a graceful end by SIGTERM and returns the exit code.
func (s *Server) Stop() (int, error) {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return -1, err
	}
	<-s.exited
	return s.cmd.ProcessState.ExitCode(), nil
}

// PID is the process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Log is the end of what the program logged.
func (s *Server) Log() string { return s.log.String() }

// tailBuffer keeps the last bytes written to it.
type tailBuffer struct {
	mu   sync.Mutex
	data []byte
}

const keepLog = 256 << 10

func (b *tailBuffer) write(line []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, line...)
	if len(b.data) > 2*keepLog {
		b.data = append([]byte(nil), b.data[len(b.data)-keepLog:]...)
	}
}

func (b *tailBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.data)
}
