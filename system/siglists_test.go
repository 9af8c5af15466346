package system

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro"
	"socorro/siglists"
	"socorro/signature"
	"socorro/storage/fs"
	"socorro/storage/sqlite"
)

// listDir makes a directory with one list.
func listDir(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestListsAreChecked(t *testing.T) {
	t.Parallel()
	good := listDir(t, siglists.PrefixFile, "# why\nfoo\nbar\nfoo\n")
	if err := os.WriteFile(filepath.Join(good, "prefix.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := runProgram(t, "", "siglists", "check", good)
	if code != exitOK {
		t.Errorf("check of good lists ended with %d: %s", code, errs)
	}
	for _, want := range []string{"prefix_signature_re.txt                  3 entries", "trim_dll_signature_re.txt                not there"} {
		if !strings.Contains(out, want) {
			t.Errorf("check printed %q; want %q in it", out, want)
		}
	}
	for _, want := range []string{`line 4: "foo" is on line 2 already`, "prefix.txt is no list"} {
		if !strings.Contains(errs, want) {
			t.Errorf("check warned %q; want %q in it", errs, want)
		}
	}
	bad := listDir(t, siglists.IrrelevantFile, "fine\nfoo(?!bar)\n")
	code, _, errs = runProgram(t, "", "siglists", "check", bad)
	if code != exitFailed || !strings.Contains(errs, "irrelevant_signature_re.txt line 2") || !strings.Contains(errs, "list the wanted frames instead") {
		t.Errorf("check of a bad list ended with %d: %s; want %d, the line and what to write instead", code, errs, exitFailed)
	}
}

// crashID makes ids of one day.
func labID(n int) socorro.CrashID {
	return socorro.CrashID(fmt.Sprintf("%08x-5ec0-4aaa-8bbb-%06x260918", n, n))
}

// labCase is a stored crash: its stack.
func labProcessed(n int, functions ...string) *socorro.ProcessedCrash {
	type frame struct {
		Function string `json:"function"`
	}
	frames := []frame{}
	for _, f := range functions {
		frames = append(frames, frame{f})
	}
	dump, _ := json.Marshal(map[string]any{
		"crash_info": map[string]any{"crashing_thread": 0}, "system_info": map[string]any{"os": "Linux"},
		"threads": []any{map[string]any{"frames": frames}},
	})
	in := &socorro.ProcessedCrash{ID: labID(n), UUID: labID(n), Epoch: 1, JSONDump: dump}
	crash, _ := signature.FromProcessed(in)
	in.Signature = signature.New(nil).Generate(crash).Signature
	return in
}

// labData stores crashes as the server does. Those of number 100 and above are
// listed without what their signature was made of.
func labData(t *testing.T, crashes ...*socorro.ProcessedCrash) string {
	t.Helper()
	dir := t.TempDir()
	store, err := fs.Open(fs.Config{Root: filepath.Join(dir, crashDir), MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	index, err := sqlite.OpenIndex(t.Context(), filepath.Join(dir, indexFile))
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	for i, p := range crashes {
		raw := &socorro.RawCrash{ID: p.ID, Submitted: time.Now().AddDate(0, 0, -i)}
		if err := store.SaveRaw(t.Context(), raw, nil); err != nil {
			t.Fatal(err)
		}
		if err := store.SaveProcessed(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		save := signedIndex{index}.Save
		if p.ID >= labID(100) {
			save = index.Save
		}
		if err := save(t.Context(), raw, p); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheLabTellsWhatChangedListsDo(t *testing.T) {
	t.Parallel()
	data := labData(
		t,
		labProcessed(1, "alpha::wait", "one"), labProcessed(2, "alpha::wait", "one"), labProcessed(3, "alpha::wait", "two"),
		labProcessed(4, "noise::x", "same"), labProcessed(5, "noise::y", "same"),
		labProcessed(6, "gamma"), labProcessed(100, "gamma"),
		labProcessed(7, "delta::wait", "four"), labProcessed(101, "delta::wait", "four"),
	)
	lists := listDir(t, siglists.PrefixFile, "alpha::wait\ndelta::wait\n")
	if err := os.WriteFile(filepath.Join(lists, siglists.IrrelevantFile), []byte("noise::\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := runProgram(t, "", "siglists", "try", "--data", data, "--format=json", lists)
	if code != exitOK || errs != "" {
		t.Fatalf("try ended with %d: %s", code, errs)
	}
	var got labReport
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	got.Seconds = 0
	want := labReport{
		Crashes: 9, Changed: 7, Before: 5, After: 5,
		Splits:  []labGroup{{"alpha::wait", 3, []labPart{{"alpha::wait | one", 2}, {"alpha::wait | two", 1}}}},
		Merges:  []labGroup{{"same", 2, []labPart{{"noise::x", 1}, {"noise::y", 1}}}},
		Renames: []labMove{{"delta::wait", "delta::wait | four", 2}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}

	_, out, _ = runProgram(t, "", "siglists", "try", "--data", data, "--format=csv", "--stored", lists)
	if want := "kind,old,new,crashes\nsplit,alpha::wait,alpha::wait | one,2\nsplit,alpha::wait,alpha::wait | two,1\n" +
		"merge,noise::x,same,1\nmerge,noise::y,same,1\nrename,delta::wait,delta::wait | four,2\n"; out != want {
		t.Errorf("CSV, by stored signatures:\n%s\nwant:\n%s", out, want)
	}

	_, out, _ = runProgram(t, "", "siglists", "try", "--data", data, "--days=3", lists)
	for _, want := range []string{"3 crashes signed in", "3 crashes under another signature; 1 signature before, 2 after", "Splits (1)\n       3  alpha::wait\n          ->       2  alpha::wait | one\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("text of three days:\n%s\nwant %q in it", out, want)
		}
	}

	_, out, _ = runProgram(t, "", "siglists", "try", "--data", data, "--current", lists, lists)
	if !strings.Contains(out, "9 crashes signed") || !strings.Contains(out, "0 crashes under another signature") {
		t.Errorf("the same lists twice:\n%s", out)
	}
}

func TestTheLabSaysWhatItLeftOut(t *testing.T) {
	t.Parallel()
	gone := labProcessed(100, "gone")
	data := labData(t, labProcessed(1, "here"), gone)
	if err := os.RemoveAll(filepath.Join(data, crashDir)); err != nil {
		t.Fatal(err)
	}
	code, out, errs := runProgram(t, "", "siglists", "try", "--data", data, listDir(t, siglists.PrefixFile, "x\n"))
	if code != exitOK || !strings.Contains(errs, string(gone.ID)+" is left out") || !strings.Contains(out, "1 crash could not be signed") {
		t.Errorf("try ended with %d: %s\n%s", code, errs, out)
	}
}

func TestTheLabRefusesWhatIsNoData(t *testing.T) {
	t.Parallel()
	lists := listDir(t, siglists.PrefixFile, "x\n")
	empty := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--data", empty, lists}, exitFailed, "is no data directory"},
		{[]string{"--days=-1", lists}, exitUsage, "--days"},
		{[]string{"--max=0", lists}, exitUsage, "--max"},
		{[]string{"--url=http://x/api/Bugs/", lists}, exitUsage, "is no search"},
		{[]string{"--url=x", lists}, exitUsage, "not the URL"},
		{[]string{filepath.Join(empty, "none")}, exitUsage, "none"},
		{[]string{"--data", empty, listDir(t, siglists.PrefixFile, "(\n")}, exitFailed, "line 1"},
	} {
		code, _, errs := runProgram(t, "", append([]string{"siglists", "try"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("try %q ended with %d: %s; want %d: %s", c.args, code, errs, c.code, c.want)
		}
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) > 0 {
		t.Errorf("a directory that is no server's was written to: %v, %v", entries, err)
	}
}

func TestTheLabTakesCrashesOfASearch(t *testing.T) {
	t.Parallel()
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+"?"+r.URL.RawQuery)
		switch q := r.URL.Query(); {
		case r.URL.Path == "/api/SuperSearch/" && q.Get("_results_offset") == "0":
			fmt.Fprintf(w, `{"hits": [{"uuid": %q}, {"uuid": %q}], "total": 3}`, labID(1), labID(2))
		case r.URL.Path == "/api/SuperSearch/":
			fmt.Fprintf(w, `{"hits": [{"uuid": %q}], "total": 3}`, labID(3))
		case q.Get("crash_id") == string(labID(2)):
			http.NotFound(w, r)
		default:
			text, _ := labProcessed(1, "alpha::wait", "one").MarshalJSON()
			w.Write(text)
		}
	}))
	t.Cleanup(srv.Close)
	lists := listDir(t, siglists.PrefixFile, "alpha::wait\n")
	code, out, errs := runProgram(t, "", "siglists", "try", "--url", srv.URL+"/search/?product=Firefox&_facets=x&_columns=y", "--format=csv", lists)
	if code != exitOK || !strings.Contains(errs, string(labID(2))+" is left out") {
		t.Errorf("try ended with %d: %s", code, errs)
	}
	if want := "kind,old,new,crashes\nrename,alpha::wait,alpha::wait | one,2\n"; out != want {
		t.Errorf("try printed\n%s\nwant\n%s", out, want)
	}
	if want := "/api/SuperSearch/?_columns=uuid&_facets_size=0&_results_number=1000&_results_offset=0&product=Firefox"; asked[0] != want {
		t.Errorf("asked for %s; want %s", asked[0], want)
	}
}

func TestMovesThatAreASplitAndAMerge(t *testing.T) {
	t.Parallel()
	m := newMoves()
	m.counts = map[move]int{{"a", "a"}: 5, {"a", "b"}: 2, {"b", "b"}: 1, {"c", "d"}: 4, {"", "e"}: 3}
	r := newLabReport(m)
	want := &labReport{
		Crashes: 15, Changed: 9, Before: 4, After: 4,
		Splits:  []labGroup{{"a", 7, []labPart{{"a", 5}, {"b", 2}}}},
		Merges:  []labGroup{{"b", 3, []labPart{{"a", 2}, {"b", 1}}}},
		Renames: []labMove{{"c", "d", 4}, {"", "e", 3}},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}
