package systemtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socorro"
)

var client = &http.Client{Timeout: 2 * time.Minute}

// Form is a multipart upload as a crash reporter makes it.
func Form(t testing.TB, dump []byte, annotations map[string]string) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for key, value := range annotations {
		if err := w.WriteField(key, value); err != nil {
			t.Fatal(err)
		}
	}
	if dump != nil {
		part, err := w.CreateFormFile(socorro.MainDump, "crash.dmp")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(dump); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

// Post sends a body to /submit and returns status and reply. An error means
// that no whole reply came: the crash may or may not be stored.
func (s *Server) Post(header http.Header, body io.Reader) (status int, reply string, err error) {
	return s.PostTo("/submit", header, body)
}

// PostTo is Post for another path, query included.
func (s *Server) PostTo(path string, header http.Header, body io.Reader) (status int, reply string, err error) {
	req, err := http.NewRequest(http.MethodPost, s.URL+path, body)
	if err != nil {
		return 0, "", err
	}
	req.Header = header
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// Accepted reads the crash id out of a collector's reply.
func Accepted(status int, reply string) (socorro.CrashID, error) {
	first, _, _ := strings.Cut(reply, "\n") // some clients get more lines
	id, ok := strings.CutPrefix(first, "CrashID=")
	if status != http.StatusOK || !ok {
		return "", fmt.Errorf("the collector answered %d %q", status, reply)
	}
	return socorro.ParseCrashID(id)
}

// errNotYet is a state that a test waits for.
var errNotYet = errors.New("not yet")

// JSON reads an address of the server; 404 is socorro.ErrNotFound.
func (s *Server) JSON(path string, into any) error {
	resp, err := client.Get(s.URL + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return json.NewDecoder(resp.Body).Decode(into)
	case http.StatusNotFound:
		return socorro.ErrNotFound
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	return fmt.Errorf("%s answered %s: %s", path, resp.Status, text)
}

// Processed waits until the crash is processed and returns it.
func (s *Server) Processed(t testing.TB, id socorro.CrashID) *socorro.ProcessedCrash {
	t.Helper()
	var crash socorro.ProcessedCrash
	Eventually(t, fmt.Sprintf("crash %s is processed", id), func() error {
		return s.JSON("/api/ProcessedCrash/?crash_id="+string(id), &crash)
	})
	return &crash
}

// patience is how long Eventually tries: long enough for a loaded two-core
// machine, and never waited for when all is well.
const patience = 3 * time.Minute

// Eventually tries until check returns nil and fails the test when it never does.
func Eventually(t testing.TB, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	err := errNotYet
	for time.Now().Before(deadline) {
		if err = check(); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("after %s it is still not so that %s: %v", patience, what, err)
}

// Oracle is the folder of inputs and answers of the original programs. Without
// it the test is skipped; in continuous integration it fails.
func Oracle(t testing.TB, path ...string) string {
	t.Helper()
	dir := os.Getenv("ORACLE")
	if dir == "" {
		dir = filepath.Join(Root(), "..", "shared", "oracle")
	}
	full := filepath.Join(append([]string{dir}, path...)...)
	if _, err := os.Stat(full); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no oracle data: %v (set ORACLE)", err)
		}
		t.Skipf("no oracle data at %s; set ORACLE to compare with the original programs", full)
	}
	return full
}

// Queue is what /api/Queue/ says.
type Queue struct {
	ByState map[socorro.CrashState]int `json:"by_state"`
	Outbox  map[string]struct {
		Waiting, Parked int
	} `json:"outbox"`
}

// Queue reads the depth of the queue and of the outboxes.
func (s *Server) Queue() (Queue, error) {
	var q Queue
	if err := s.JSON("/api/Queue/", &q); err != nil {
		return q, err
	}
	if q.ByState == nil || q.Outbox == nil {
		return q, fmt.Errorf("/api/Queue/ has changed its shape: %+v", q)
	}
	return q, nil
}

// Drained is nil when nothing waits, nothing is in work and nothing is parked.
func (s *Server) Drained() error {
	q, err := s.Queue()
	if err != nil {
		return err
	}
	for _, state := range []socorro.CrashState{socorro.Queued, socorro.Claimed, socorro.Parked} {
		if n := q.ByState[state]; n > 0 {
			return fmt.Errorf("%d crashes are %s", n, state)
		}
	}
	for name, out := range q.Outbox {
		if out.Waiting+out.Parked > 0 {
			return fmt.Errorf("outbox of %s: %d waiting, %d parked", name, out.Waiting, out.Parked)
		}
	}
	return nil
}
