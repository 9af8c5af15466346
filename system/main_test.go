package system

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"socorro": func() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// The command line is pinned: scripts of users depend on it.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status},
		Setup: func(env *testscript.Env) error {
			env.Setenv("TESTDATA", root+"/../testdata")
			server := httptest.NewServer(symbolServer(root + "/../testdata/symbols"))
			env.Defer(server.Close)
			env.Setenv("SYMBOL_SERVER", server.URL)
			return nil
		},
	})
}

// symbolServer has the symbol files below dir, which are packed there.
func symbolServer(dir string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		http.ServeFile(w, r, filepath.Join(dir, filepath.FromSlash(r.URL.Path)+".gz"))
	})
}

// status runs the program and compares its exit code: `status 2 serve --roles=cook`.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: status CODE ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("socorro", args[1:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		got = -1
	}
	if got != want {
		ts.Fatalf("socorro %q ended with %d (%v); want %d", args[1:], got, err, want)
	}
}
