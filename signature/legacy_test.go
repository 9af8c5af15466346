package signature

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro"
	"socorro/siglists"
)

// legacy makes a generator of the rules of 2018 with small lists.
func legacy(tb testing.TB, compat bool) *Generator {
	tb.Helper()
	lists := smallLists(tb)
	trim, err := siglists.Parse(siglists.TrimDLLFile, "test", []byte("nvd3dum\\.dll\n"))
	if err != nil {
		tb.Fatal(err)
	}
	copied := *lists
	copied.TrimDLL = trim
	g, err := NewGenerator(Config{Lists: &copied, Pipeline: Rules2018, Compat: compat})
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func decodeLegacy(tb testing.TB, raw, processed string) *CrashData {
	tb.Helper()
	d, err := DecodeLegacy([]byte(`{"raw_crash": ` + raw + `, "processed_crash": ` + processed + `}`))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// legacyStack is a processed crash of 2018 with one thread.
func legacyStack(frames string) string {
	return `{"json_dump": {"crash_info": {"crashing_thread": 0}, "system_info": {"os": "Windows NT"}, "threads": [{"frames": [` + frames + `]}]}}`
}

func TestSignaturesOf2018(t *testing.T) {
	t.Parallel()
	g := legacy(t, false)
	for _, c := range []struct{ name, raw, processed, want string }{
		{
			"a driver without symbols is cut at its offset and merged", `{}`,
			legacyStack(`{"module": "NVD3DUM.dll", "module_offset": "0x1"}, {"module": "nvd3dum.dll", "module_offset": "0x2"}, {"function": "f(int)"}`),
			"nvd3dum.dll | f",
		},
		{"other modules keep it, and end the signature", `{}`, legacyStack(`{"module": "a.exe", "module_offset": "0x1"}, {"function": "f"}`), "a.exe@0x1"},
		{"a module without offset", `{}`, legacyStack(`{"module": "a.exe"}`), "a.exe@None"},
		{"an address alone, as it stands", `{}`, legacyStack(`{"offset": "0x00"}`), "@0x00"},
		{"types and arguments, but no return type", `{}`, legacyStack(`{"function": "static void a<b<c>, d>::e(f(g)) const"}`), "static void a<T>::e const"},
		{"a closing bracket too many swallows the rest", `{}`, legacyStack(`{"function": "a::operator->(int)"}`), "a::operator-"},
		{"Rust is read as C++", `{}`, legacyStack(`{"function": "<A as B>::c::h0123456789abcdef", "file": "/x.rs", "line": 1}`), "<T>::c::h0123456789abcdef"},
		{"a frame that was normalised before", `{}`, legacyStack(`{"normalized": "done<as>(it is)", "function": "x"}`), "done<as>(it is)"},
		{"a hang of the browser", `{}`, `{"hang_type": 1, ` + legacyStack(`{"function": "f"}`)[1:], "chromehang | f"},
		{"a hang of a plugin", `{}`, `{"hang_type": -1, ` + legacyStack(`{"function": "f"}`)[1:], "hang | f"},
		{"nobody knows who crashed", `{}`, `{}`, "EMPTY: no crashing thread identified"},
		{"no frames, and why", `{}`, `{"json_dump": {"crash_info": {"crashing_thread": 0}}, "mdsw_status_string": "bad"}`, "EMPTY: no frame data available; bad"},
		{"nothing but irrelevant frames", `{}`, legacyStack(`{"offset": "0x123"}, {"function": "mozalloc_abort"}`), "@0x123"},
		{"the browser's half of an IPC error", `{"ipc_channel_error": "E", "additional_minidumps": "browser"}`, `{}`, "IPCError-browser | E"},
		{"code made on the fly", `{}`, `{"classifications": {"jit": {"category": "small"}}}`, "jit | small"},
		{"an assertion", `{"MozCrashReason": "MOZ_RELEASE_ASSERT(parentBuildID == childBuildID)"}`, `{}`, "parentBuildID != childBuildID"},
		{"an abort message", `{"AbortMessage": "xx ###!!! ABORT: bad\tthing: file a, line 1"}`, legacyStack(`{"function": "f"}`), "Abort | bad thing | f"},
		{"small memory", `{"OOMAllocationSize": "10"}`, legacyStack(`{"function": "f"}`), "OOM | small"},
		{"memory, and nobody knows how much", `{}`, legacyStack(`{"function": "NS_ABORT_OOM"}`), "OOM | unknown | NS_ABORT_OOM"},
		{"a shutdown without conditions", `{"AsyncShutdownTimeout": "{\"phase\": \"p\", \"conditions\": []}"}`, `{}`, "AsyncShutdownTimeout | p | (none)"},
		{"a shutdown that says less than it must", `{"AsyncShutdownTimeout": "{\"phase\": \"p\"}"}`, `{}`, "AsyncShutdownTimeout | p | UNKNOWN"},
		{
			"the watchdog blames the first thread", `{}`,
			`{"json_dump": {"crash_info": {"crashing_thread": 1}, "system_info": {"os": "Linux"}, "threads": [{"frames": [{"function": "main"}]}, {"frames": [{"function": "RunWatchdog"}]}]}}`,
			"shutdownhang | main",
		},
		{"a long signature", `{}`, legacyStack(`{"function": "` + strings.Repeat("é", 300) + `"}`), strings.Repeat("é", 252) + "..."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := g.Generate(decodeLegacy(t, c.raw, c.processed)); got.Signature != c.want {
				t.Errorf("Generate(%s, %s) = %q, notes %q; want %q", c.raw, c.processed, got.Signature, got.Notes, c.want)
			}
		})
	}
}

func TestTodaysCrashDataCanBeSignedByTheRulesOf2018(t *testing.T) {
	t.Parallel()
	in := stack("Abort", "foo(int)")
	got := legacy(t, false).Generate(&in)
	if got.Signature != "Abort | foo" || len(got.Notes) > 0 {
		t.Errorf("Generate = %q, notes %q; want %q", got.Signature, got.Notes, "Abort | foo")
	}
}

func TestCompatLosesWhatSocorroLost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, raw, processed, ours, theirs string }{
		{"a letter outside of ASCII", `{"IPCMessageName": "é"}`, legacyStack(`{"function": "f"}`), "f | IPC_Message_Name=é", "f"},
		{"an unknown hang type", `{}`, `{"hang_type": 2, ` + legacyStack(`{"function": "f"}`)[1:], "f", ""},
		{"a hang type in text", `{}`, `{"hang_type": "-1", ` + legacyStack(`{"function": "f"}`)[1:], "hang | f", ""},
		{"a null module on Windows", `{}`, legacyStack(`{"module": null, "offset": "0x1"}`), "@0x1", ""},
		{"a crashing thread in text", `{}`, strings.Replace(legacyStack(`{"function": "f"}`), `"crashing_thread": 0`, `"crashing_thread": "0"`, 1), "f", ""},
		{"007 in JSON", `{"AsyncShutdownTimeout": "{\"phase\": \"p\", \"conditions\": [007, -]}"}`, legacyStack(`{"function": "f"}`), "AsyncShutdownTimeout | UNKNOWN", "f"},
	} {
		in := decodeLegacy(t, c.raw, c.processed)
		if got := legacy(t, false).Generate(in).Signature; got != c.ours {
			t.Errorf("%s: %q; want %q", c.name, got, c.ours)
		}
		if got := legacy(t, true).Generate(in).Signature; got != c.theirs {
			t.Errorf("%s, with Compat: %q; want %q", c.name, got, c.theirs)
		}
	}
}

// Socorro signs the thread that hangs by its built-in lists, whatever lists it
// was told to use.
func TestCompatSignsHangsByTheBuiltInLists(t *testing.T) {
	t.Parallel()
	prefixes, err := siglists.Parse(siglists.PrefixFile, "test", []byte("only_here\n"))
	if err != nil {
		t.Fatal(err)
	}
	lists := *siglists.Default()
	lists.Prefix = prefixes
	in := CrashData{CrashingThread: 1, Threads: []Thread{
		{Frames: []Frame{{Function: "only_here"}, {Function: "main_loop"}}},
		{Frames: []Frame{{Function: "RunWatchdog"}}},
	}}
	for compat, want := range map[bool]string{false: "shutdownhang | only_here | main_loop", true: "shutdownhang | only_here"} {
		g, err := NewGenerator(Config{Lists: &lists, Compat: compat})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Generate(&in).Signature; got != want {
			t.Errorf("Generate with Compat %t = %q; want %q", compat, got, want)
		}
	}
}

func TestExplainKnowsTheTrimList(t *testing.T) {
	t.Parallel()
	in := decodeLegacy(t, `{}`, legacyStack(`{"offset": "0x123"}, {"module": "nvd3dum.dll", "module_offset": "0x1"},
		{"module": "nvd3dum.dll", "module_offset": "0x2"}, {"function": "f"}, {"function": "g"}`))
	var got []Fate
	for _, step := range legacy(t, false).Explain(in).Steps {
		got = append(got, step.Fate)
	}
	if want := []Fate{Irrelevant, KeptAndOn, Merged, KeptAndDone, Unseen}; !slices.Equal(got, want) {
		t.Errorf("fates %v; want %v", got, want)
	}
}

func TestThereIsNoOtherPipeline(t *testing.T) {
	t.Parallel()
	if _, err := NewGenerator(Config{Pipeline: "2019"}); !errors.Is(err, socorro.ErrInvalid) || !strings.Contains(err.Error(), `["2026" "2018"]`) {
		t.Errorf("NewGenerator of 2019: %v; want ErrInvalid and the years that there are", err)
	}
	for range Pipeline("2019").Rules() {
		t.Error("2019 has rules")
	}
}

func TestEveryRuleIsDescribed(t *testing.T) {
	t.Parallel()
	for _, p := range Pipelines() {
		text := p.Document()
		for name, doc := range p.Rules() {
			if !strings.HasSuffix(doc, ".") || !strings.Contains(text, "**"+name+"**: "+doc) {
				t.Errorf("%s: the rule %s is described as %q", p, name, doc)
			}
		}
	}
}

func TestLegacyDecodingRefusesWhatIsNoPair(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `5`, `{}`, `{"raw_crash": {}}`, `{"raw_crash": [], "processed_crash": {}}`, `{"raw_crash": {}, "processed_crash": {}} x`} {
		if _, err := DecodeLegacy([]byte(text)); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("DecodeLegacy(%s): %v; want ErrInvalid", text, err)
		}
	}
}

// The public documentation says which mistakes are left out and how many of
// the oracle's crashes that changes.
func TestTheDocumentationCountsTheMistakes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "docs", "signatures.md"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| 2018 \| ([^|]+) \| .* \| (\d+) \|$`).FindAllStringSubmatch(string(text), -1) {
		got[row[1]] = row[2]
	}
	want := map[string]string{}
	for _, m := range mistakes2018 {
		want[m.title] = strconv.Itoa(m.count)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/signatures.md lists (-tests +docs):\n%s", diff)
	}
}

// FuzzLegacy: whatever raw and processed crash say, there is a signature or a
// note, in the lengths that are promised, and Compat changes no more than that.
func FuzzLegacy(f *testing.F) {
	f.Add([]byte(`{"raw_crash": {"AbortMessage": "é"}, "processed_crash": ` + legacyStack(`{"function": "a<b>(c)"}`) + `}`))
	f.Add([]byte(`{"raw_crash": {"AsyncShutdownTimeout": "{\"phase\": 01}"}, "processed_crash": {"hang_type": 1}}`))
	f.Add([]byte(`{"raw_crash": {"ipc_channel_error": ["x"]}, "processed_crash": {"json_dump": {"crash_info": {"crashing_thread": 1e30}, "threads": []}}}`))
	ours, theirs := legacy(f, false), legacy(f, true)
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := DecodeLegacy(text)
		if err != nil {
			if !errors.Is(err, socorro.ErrInvalid) {
				t.Errorf("DecodeLegacy: %v is not ErrInvalid", err)
			}
			return
		}
		for _, g := range []*Generator{ours, theirs} {
			r := g.Generate(d)
			if len([]rune(r.Signature)) > maxLength {
				t.Errorf("a signature of %d characters: %q", len([]rune(r.Signature)), r.Signature)
			}
			if r.Signature == "" && len(r.Notes) == 0 && !r.HasProto {
				t.Error("neither a signature nor a note")
			}
			g.Explain(d)
		}
	})
}
