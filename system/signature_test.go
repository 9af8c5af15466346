package system

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ids of crashes on the server of crashServer.
const (
	plainID   = "de1bb258-cbbf-4589-a673-34f800260918"
	renamedID = "de1bb258-cbbf-4589-a673-34f801260918"
	missingID = "de1bb258-cbbf-4589-a673-34f802260918"
	brokenID  = "de1bb258-cbbf-4589-a673-34f803260918"
	limitedID = "de1bb258-cbbf-4589-a673-34f804260918"
	wrongID   = "de1bb258-cbbf-4589-a673-34f805260918"
	rawlessID = "de1bb258-cbbf-4589-a673-34f806260918"
)

// crashServer answers as Socorro's API does, to who shows the token.
func crashServer(t *testing.T) string {
	t.Helper()
	stack := `"json_dump": {"crash_info": {"crashing_thread": 0}, "system_info": {"os": "Linux"},
		"threads": [{"frames": [{"function": "foo(int)"}]}]}`
	processed := map[string]string{
		plainID:   `{"signature": "foo", ` + stack + `}`,
		renamedID: `{"signature": "old \"name\"", "abort_message": 5, ` + stack + `}`,
		wrongID:   `{"error": "you may not"}`,
		rawlessID: `{"signature": "foo", ` + stack + `}`,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Query().Get("crash_id")
		switch {
		case r.Header.Get("Auth-Token") != "sekrit":
			http.Error(w, "no token", http.StatusForbidden)
		case id == brokenID:
			http.Error(w, "oops", http.StatusInternalServerError)
		case id == limitedID:
			http.Error(w, "slow down", http.StatusTooManyRequests)
		case r.URL.Path == "/api/RawCrash/" && id != rawlessID:
			fmt.Fprint(w, `{"AbortMessage": "raw"}`)
		case r.URL.Path == "/api/ProcessedCrash/" && processed[id] != "":
			fmt.Fprint(w, processed[id])
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// runProgram gives exit code, standard output and standard error.
func runProgram(t *testing.T, stdin string, args ...string) (int, string, string) {
	t.Helper()
	var out, errs strings.Builder
	code := Main(args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// runSignature asks the server about crashes.
func runSignature(t *testing.T, stdin string, args ...string) (int, string, string) {
	t.Helper()
	return runProgram(t, stdin, append([]string{"signature", "--host", crashServer(t), "--token", "sekrit"}, args...)...)
}

func TestCrashesAreSignedAgain(t *testing.T) {
	t.Parallel()
	note := "AbortSignature: Rule failed: abort_message is a number where a string is needed"
	for _, c := range []struct {
		name  string
		args  []string
		stdin string
		want  string
	}{
		{
			name: "text", args: []string{plainID, "bp-" + renamedID},
			want: "Crash id: " + plainID + "\nOriginal: foo\nNew:      foo\nSame?:    True\n\n" +
				"Crash id: " + renamedID + "\nOriginal: old \"name\"\nNew:      foo\nSame?:    False\nNotes:    (1)\n          " + note + "\n\n",
		},
		{
			name: "those that differ, from standard input", args: []string{"--different-only", "--format=csv"},
			stdin: "https://crash-stats.example/report/index/" + plainID + "\n\n  http://x/report/index/bp-" + renamedID + "/#tab \n",
			want: `"crashid","old","new","same?","notes"` + "\n" +
				`"` + renamedID + `","old ""name""","foo","False","` + note + `"` + "\n",
		},
		{
			name: "markdown", args: []string{"--format=markdown", plainID},
			want: "* **Crash id:** `" + plainID + "`\n* **Original:** `foo`\n* **New:** `foo`\n* **Same?:** True\n\n",
		},
		{
			name: "JSON, in detail", args: []string{"--format=json", "-v", plainID},
			want: `{"crash_id":"` + plainID + `","old":"foo","new":"foo","same":true,"notes":[],"proto_signature":"foo",` +
				`"debug":["SignatureGenerationRule: change signature: \"\" -> \"foo\""]}` + "\n",
		},
		{
			name: "text, in detail", args: []string{"-v", plainID},
			want: "Crash id: " + plainID + "\nOriginal: foo\nNew:      foo\nSame?:    True\n" +
				"Debug:    (1)\n          SignatureGenerationRule: change signature: \"\" -> \"foo\"\nExtra:\n          proto_signature: foo\n\n",
		},
		{
			name: "by the rules of 2018, which look at the raw crash", args: []string{"--pipeline=2018", "--format=csv", plainID},
			want: `"crashid","old","new","same?","notes"` + "\n" + `"` + plainID + `","foo","Abort | raw | foo","False",""` + "\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := runSignature(t, c.stdin, c.args...)
			if code != exitOK || errs != "" {
				t.Errorf("signature %q ended with %d: %s", c.args, code, errs)
			}
			if diff := cmp.Diff(c.want, out); diff != "" {
				t.Errorf("signature %q (-want +got):\n%s", c.args, diff)
			}
		})
	}
}

func TestWhatCannotBeSignedIsWarnedOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		code int
		want string // on standard error
		goes bool   // on to the crash behind it
	}{
		{"not an id", []string{"x"}, exitOK, "WARNING: Error: x is not a valid crash id\n", true},
		{"not a report's URL", []string{"http://x/search/" + plainID}, exitOK, "is not a valid crash id\n", true},
		{"missing", []string{missingID}, exitOK, "WARNING: " + missingID + ": does not have processed crash.\n", true},
		{"no raw crash", []string{"--pipeline=2018", rawlessID}, exitOK, "WARNING: " + rawlessID + ": does not exist.\n", true},
		{"server error", []string{brokenID}, exitOK, "WARNING: " + brokenID + ": the server answered 500\n", true},
		{"rate limit", []string{limitedID}, exitFailed, "WARNING: API rate limit reached. ", false},
		{"error in the answer", []string{wrongID}, exitFailed, `answered the error "you may not"`, false},
		{"wrong token", []string{"--token=x", plainID}, exitFailed, "403 Forbidden", false},
		{"wrong host", []string{"--host=here", plainID}, exitUsage, `"here" is not the URL of a server`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := runSignature(t, "", append(c.args, plainID)...)
			if code != c.code || !strings.Contains(errs, c.want) {
				t.Errorf("signature %q ended with %d: %s; want %d: %s", c.args, code, errs, c.code, c.want)
			}
			if strings.Contains(out, plainID) != c.goes {
				t.Errorf("signature %q printed %q; want the next crash: %t", c.args, out, c.goes)
			}
		})
	}
}

func TestCrashDataIsSignedLineByLine(t *testing.T) {
	t.Parallel()
	lines := []string{
		`{"threads": [{"frames": [{"function": "a<b>(c)"}]}]}`,
		``,
		`{"input": {"java_stack_trace": "E: <x>\n at f"}, "expected": 5}`,
		`{]`,
		`{"input": {"threads": [{"frames": [{"function": "last()"}]}]}}`,
	}
	code, out, errs := runProgram(t, strings.Join(lines, "\n"), "signature", "--crash-data")
	if code != exitFailed || !strings.Contains(errs, "1 of 4 lines are no crash data") {
		t.Errorf("ended with %d: %s; want %d and the number of bad lines", code, errs, exitFailed)
	}
	got := strings.Split(strings.TrimSpace(out), "\n")
	want := []string{
		`{"signature":"a<T>","proto_signature":"a<T>","notes":[]}`,
		`{"signature":"E: <x> at f","proto_signature":null,"notes":[]}`,
		`{"signature":"","proto_signature":null,"notes":[],"error":"line 3: signature: decode crash data`,
		`{"signature":"last","proto_signature":"last","notes":[]}`,
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(got), len(want), out)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("line %d = %s; want %s", i+1, got[i], want[i])
		}
	}
}

func TestCrashesOf2018AreReadAsPairsOrAsCrashData(t *testing.T) {
	t.Parallel()
	in := `{"input": {"raw_crash": {"MozCrashReason": "MOZ_RELEASE_ASSERT(parentBuildID == childBuildID)"}, "processed_crash": {}}}
{"os": "Windows NT", "threads": [{"frames": [{"module": "A.dll", "module_offset": "0x1"}]}]}
`
	code, out, errs := runProgram(t, in, "signature", "--crash-data", "--pipeline", "2018")
	if code != exitOK {
		t.Errorf("ended with %d: %s", code, errs)
	}
	var got []string
	for line := range strings.Lines(out) {
		var answer signedLine
		if err := json.Unmarshal([]byte(line), &answer); err != nil {
			t.Fatal(err)
		}
		got = append(got, answer.Signature)
	}
	// The second crash does not say which thread crashed, which mattered in 2018.
	want := []string{"parentBuildID != childBuildID", "EMPTY: no crashing thread identified"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("signatures (-want +got):\n%s", diff)
	}
}

func TestManyLinesComeOutInOrder(t *testing.T) {
	t.Parallel()
	var in, want strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&in, `{"threads": [{"frames": [{"function": "f%d()"}]}]}`+"\n", i)
		fmt.Fprintf(&want, `{"signature":"f%d","proto_signature":"f%d","notes":[]}`+"\n", i, i)
	}
	code, out, errs := runProgram(t, in.String(), "signature", "--crash-data")
	if code != exitOK || out != want.String() {
		t.Errorf("ended with %d: %s; the output is in order: %t", code, errs, out == want.String())
	}
}

// A program at the other end may send the next crash only after the answer to
// the one before.
func TestEachLineIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	in, toProgram := io.Pipe()
	fromProgram, out := io.Pipe()
	done := make(chan int, 1)
	go func() { done <- Main([]string{"signature", "--crash-data"}, in, out, io.Discard) }()
	answers := json.NewDecoder(fromProgram)
	for _, name := range []string{"one", "two", "three"} {
		fmt.Fprintf(toProgram, `{"threads": [{"frames": [{"function": %q}]}]}`+"\n", name)
		var answer signedLine
		if err := answers.Decode(&answer); err != nil || answer.Signature != name {
			t.Fatalf("the answer is %+v, %v; want %s", answer, err, name)
		}
	}
	toProgram.Close()
	if code := <-done; code != exitOK {
		t.Errorf("ended with %d", code)
	}
}

func TestRulesAreWrittenDown(t *testing.T) {
	t.Parallel()
	code, out, _ := runProgram(t, "", "signature-doc")
	if code != exitOK || !strings.Contains(out, "14. **SigTruncate**") {
		t.Errorf("signature-doc ended with %d:\n%s", code, out)
	}
	file := filepath.Join(t.TempDir(), "rules.rst")
	if code, out, errs := runProgram(t, "", "signature-doc", "2018", file); code != exitOK || out != "" {
		t.Errorf("signature-doc 2018 FILE ended with %d: %s%s", code, out, errs)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "10. **SignatureJitCategory**") {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if code, _, _ := runProgram(t, "", "signature-doc", "2019"); code != exitUsage {
		t.Errorf("signature-doc 2019 ended with %d; want %d", code, exitUsage)
	}
}
