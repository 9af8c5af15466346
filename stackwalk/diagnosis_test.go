package stackwalk_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro/stackwalk"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
	"socorro/stackwalk/synth"
)

// symbolDir is a symbol directory with these files.
func symbolDir(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestModulesSayInJSONWhyTheyHaveNoSymbols(t *testing.T) {
	t.Parallel()
	const (
		older = "11111111111111111111111111111111a"
		newer = "22222222222222222222222222222222b"
	)
	good := "MODULE Linux x86_64 " + appID + " app\nFUNC 0 1000 0 main\n"
	for _, c := range []struct {
		name   string
		module minidump.Module
		files  map[string]string
		strict bool
		want   string // ROOT stands for the directory
	}{
		{
			name: "found", files: map[string]string{"app/" + appID + "/app.sym": good},
			want: `{"error":null,"found":"ROOT/app/ID/app.sym","tried":["ROOT/app/ID/app.sym"]}`,
		},
		{
			name: "nothing there",
			want: `{"error":"there are no symbols of this file","found":null,"tried":["ROOT/app/ID/app.sym","ROOT/app/ID/app.sym.gz","ROOT/app/ID/app.sym.zst"]}`,
		},
		{
			name: "other builds", files: map[string]string{"app/" + older + "/app.sym": "", "app/" + newer + "/app.sym": "", "app/README/x": ""},
			want: `{"error":"there are symbols of other builds of this file only","found":null,"near_misses":["` + newer + `","` + older +
				`"],"tried":["ROOT/app/ID/app.sym","ROOT/app/ID/app.sym.gz","ROOT/app/ID/app.sym.zst"]}`,
		},
		{
			name: "of another build after all", files: map[string]string{"app/" + appID + "/app.sym": strings.Replace(good, appID, older, 1)},
			want: `{"error":null,"file_debug_id":"` + older + `","found":"ROOT/app/ID/app.sym","tried":["ROOT/app/ID/app.sym"]}`,
		},
		{
			name: "bad lines", files: map[string]string{"app/" + appID + "/app.sym": good + "nonsense\nFUNC x\n"},
			want: `{"bad_line_samples":[{"line":3,"reason":"unknown kind of record"},{"line":4,"reason":"a hexadecimal number is missing"}],"bad_lines":2,` +
				`"error":null,"found":"ROOT/app/ID/app.sym","tried":["ROOT/app/ID/app.sym"]}`,
		},
		{
			name: "useless", strict: true, files: map[string]string{"app/" + appID + "/app.sym": good + "nonsense\n"},
			want: `{"error":"stackwalk/symbols: read ROOT/app/ID/app.sym: symbol file line 3: unknown kind of record","error_line":3,` +
				`"found":"ROOT/app/ID/app.sym","tried":["ROOT/app/ID/app.sym"]}`,
		},
		{
			name: "no id", module: minidump.Module{Base: codeBase, Size: 0x1000, CodeFile: "/bin/app"},
			want: `{"error":"the dump has no debug id of this module","found":null,"tried":[]}`,
		},
		{
			name: "no name", module: minidump.Module{Base: codeBase, Size: 0x1000, DebugFile: "..", CodeFile: "..", DebugID: appID},
			want: `{"error":"the name of this module cannot be that of a file","found":null,"tried":[]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.module.Base == 0 {
				c.module = minidump.Module{Base: codeBase, Size: 0x1000, CodeFile: "/bin/app", DebugFile: "app", DebugID: appID}
			}
			root := symbolDir(t, c.files)
			if c.name == "other builds" { // newest first
				when := time.Unix(1_000_000_000, 0)
				if err := os.Chtimes(filepath.Join(root, "app", older), when, when); err != nil {
					t.Fatal(err)
				}
			}
			d := synth.New(minidump.AMD64, minidump.Linux).Module(c.module).
				Thread(minidump.Thread{ID: 1, Context: registers(codeBase+0x10, stackAt, 0), Stack: minidump.Region{Base: stackAt, Data: make([]byte, 16)}})
			s := symbols.Dir{Roots: []string{root}, Options: symbols.Options{Strict: c.strict}}
			r := walk(t, d, stackwalk.Options{Symbols: s})
			var b bytes.Buffer
			if err := r.WriteJSON(&b, false); err != nil {
				t.Fatal(err)
			}
			var report struct {
				Modules []struct{ Symbols json.RawMessage }
			}
			if err := json.Unmarshal(b.Bytes(), &report); err != nil {
				t.Fatal(err)
			}
			got := strings.NewReplacer(root, "ROOT", "app/"+appID, "app/ID").Replace(string(report.Modules[0].Symbols))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("symbols (-want +got):\n%s", diff)
			}
			b.Reset()
			if err := r.WriteHuman(&b, false); err != nil {
				t.Fatal(err)
			}
			if problem := strings.Contains(b.String(), "\nMissing symbols:\n"); problem == strings.Contains(c.want, `"error":null`) {
				t.Errorf("text:\n%s", b.String())
			}
		})
	}
}

func TestTextFoldsEndlessRecursion(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := walk(t, program(1000), stackwalk.Options{}).WriteHuman(&b, true); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSpace(line); strings.Contains(line, "app + ") || strings.HasPrefix(line, "…") {
			got = append(got, line)
		}
	}
	want := []string{"0  app + 0x20", "1  app + 0xff", "2  app + 0xff", "… 997 frames left out: the frame above comes 1000 times in all", "1000  app + 0xff"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	b.Reset()
	if err := walk(t, program(1000), stackwalk.Options{Compat: true}).WriteHuman(&b, true); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "app + "); n != 1001 {
		t.Errorf("the peer's text has %d frames; want all 1001", n)
	}
}

func TestTextCannotCommandATerminal(t *testing.T) {
	t.Parallel()
	d := synth.New(minidump.AMD64, minidump.Linux).Thread(minidump.Thread{ID: 1, Name: "a\x1b]0;owned\x07\u009b2J\u00a0é"})
	var b bytes.Buffer
	if err := walk(t, d, stackwalk.Options{}).WriteHuman(&b, false); err != nil {
		t.Fatal(err)
	}
	if want := `Thread 0 a\x1b]0;owned\x07\x9b2J` + "\u00a0é - tid: 1\n"; !strings.Contains(b.String(), want) {
		t.Errorf("text %q lacks %q", b.String(), want)
	}
}
