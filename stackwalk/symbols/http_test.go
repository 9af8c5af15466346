package symbols

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// server answers like a symbol server and writes down what it was asked.
func server(t *testing.T, handler http.HandlerFunc) (base string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func supplier(t *testing.T, cfg HTTPConfig) *HTTP {
	t.Helper()
	h, err := NewHTTP(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestADownloadIsKept(t *testing.T) {
	var request string
	base, asked := server(t, func(w http.ResponseWriter, r *http.Request) {
		request = r.URL.String()
		w.Write([]byte("FUNC 10 10 0 f")) // no final newline
	})
	dir := t.TempDir()
	m := Module{DebugFile: "my app.pdb", DebugID: id, CodeFile: `C:\my app.exe`, CodeID: "45d35f6c2d000"}
	for range 2 {
		table, look, err := supplier(t, HTTPConfig{URLs: []string{base + "/v0/"}, Dir: dir}).Find(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := table.Lookup(0x10); s.Function != "f" || look.URL == "" || look.URL != table.URL {
			t.Errorf("symbol %+v, lookup %+v", s, look)
		}
	}
	want := "/v0/my%20app.pdb/" + id + "/my%20app.sym?code_file=my+app.exe&code_id=45d35f6c2d000"
	if request != want || asked.Load() != 1 {
		t.Errorf("asked %d times for %s; want once for %s", asked.Load(), request, want)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*", "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, "*", "*", ".*"))
	if len(files)+len(hidden) != 1 {
		t.Errorf("directory has %v and %v; want one file", files, hidden)
	}
	text, err := os.ReadFile(files[0])
	if diff := cmp.Diff("FUNC 10 10 0 f\nINFO URL "+base+want+"\n", string(text)); err != nil || diff != "" {
		t.Errorf("kept file, %v (-want +got):\n%s", err, diff)
	}
}

func TestTheNextServerIsAskedAndAbsenceRemembered(t *testing.T) {
	empty, first := server(t, http.NotFound)
	other, second := server(t, http.NotFound)
	now := time.Unix(0, 0)
	h := supplier(t, HTTPConfig{URLs: []string{empty, other}, Now: func() time.Time { return now }})
	find := func(want int64) {
		t.Helper()
		if _, _, err := h.Find(t.Context(), module("a")); !errors.Is(err, ErrNotFound) {
			t.Errorf("error = %v", err)
		}
		if first.Load() != want || second.Load() != want {
			t.Errorf("servers asked %d and %d times; want %d", first.Load(), second.Load(), want)
		}
	}
	find(1)
	find(1)
	now = now.Add(time.Hour)
	find(2)
	h.Forget(id)
	find(3)
}

func TestAServerThatIsDownIsAnErrorUnlessAnotherHasTheFile(t *testing.T) {
	down, asked := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	good, _ := server(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(program)) })
	if _, _, err := supplier(t, HTTPConfig{URLs: []string{down, good}}).Find(t.Context(), module("a")); err != nil {
		t.Errorf("with another: %v", err)
	}
	h := supplier(t, HTTPConfig{URLs: []string{down}})
	for range 2 {
		if _, _, err := h.Find(t.Context(), module("a")); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("alone: %v", err)
		}
	}
	if asked.Load() != 3 {
		t.Errorf("asked %d times; a failure must not be remembered", asked.Load())
	}
}

func TestABadDownloadIsNotKept(t *testing.T) {
	base, _ := server(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>sign in</html>")) })
	dir := t.TempDir()
	for _, cfg := range []HTTPConfig{{URLs: []string{base}, Dir: dir}, {URLs: []string{base}}} {
		_, look, err := supplier(t, cfg).Find(t.Context(), module("a"))
		if _, ok := errors.AsType[*ParseError](err); !ok || look.Found == "" {
			t.Errorf("%+v, %v", look, err)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*", "*", "*")); len(files) > 0 {
		t.Errorf("kept %v", files)
	}
}

func TestAddressesOfServersAreChecked(t *testing.T) {
	for _, u := range []string{"symbols.example.org", "ftp://example.org", "http://", "http://a b"} {
		if _, err := NewHTTP(HTTPConfig{URLs: []string{u}}); err == nil {
			t.Errorf("%q is accepted", u)
		}
	}
}
