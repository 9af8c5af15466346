package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"socorro"

	"github.com/google/go-cmp/cmp"
)

func TestSplitFunction(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, name, params string }{
		{"main", "main", ""},
		{"boom(int)", "boom", "(int)"},
		{"app::sum<int>(std::function<int (int)>, Matrix<int>&)", "app::sum<int>", "(std::function<int (int)>, Matrix<int>&)"},
		{"app::(anonymous namespace)::Visitor::visit(int) const", "app::(anonymous namespace)::Visitor::visit", "(int) const"},
		{"(anonymous namespace)::f()", "(anonymous namespace)::f", "()"},
		{"std::function<int (int)>::operator()(int) const", "std::function<int (int)>::operator()", "(int) const"},
		{"operator<<(std::ostream&, X)", "operator<<", "(std::ostream&, X)"},
		{"core::ops::function::FnOnce::call_once{{vtable.shim}}", "core::ops::function::FnOnce::call_once{{vtable.shim}}", ""},
		{"a->b(c)", "a->b", "(c)"},
		{"<T as Trait>::run(x)", "<T as Trait>::run", "(x)"},
		{"(", "(", ""},
		{"", "unknown function", ""},
	} {
		got := splitFunction(c.in)
		if got.Name != c.name || got.Params != c.params {
			t.Errorf("splitFunction(%q) = %q and %q; want %q and %q", c.in, got.Name, got.Params, c.name, c.params)
		}
	}
}

func FuzzSplitFunctionKeepsTheText(f *testing.F) {
	for _, s := range []string{"a(b)", "operator()", "<<>>((", "x::(anonymous namespace)::y", "\xff(\xfe)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := splitFunction(s)
		if want := shorten(visible(s), functionLimit); s != "" && got.Name+got.Params != want {
			t.Errorf("splitFunction(%q) = %q + %q; want together %q", s, got.Name, got.Params, want)
		}
	})
}

func TestSourcesLinkToTheTwoKnownHostsOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file  string
		line  int64
		short string
		url   string
	}{
		{"/home/dev/crashcases/src/a.cpp", 13, "src/a.cpp:13", ""},
		{`c:\build\src\win\main.cc`, 7, "win/main.cc:7", ""},
		{"a.c", 0, "a.c", ""},
		{"git:github.com/rust-lang/rust:library/std/src/rt.rs:5680fa18feaa", 75, "src/rt.rs:75", "https://github.com/rust-lang/rust/blob/5680fa18feaa/library/std/src/rt.rs#L75"},
		{"hg:hg.mozilla.org/mozilla-central:xpcom/base/nsDebug.cpp:7ea8", 0, "base/nsDebug.cpp", "https://hg.mozilla.org/mozilla-central/file/7ea8/xpcom/base/nsDebug.cpp"},
		{"git:evil.example/a:b.c:12", 1, "git:evil.example/a:b.c:12:1", ""},
		{"git:github.com/a/b:../../x:12", 1, "../x:12:1", ""},
		{"git:github.com/a/b:c.c:main\"><script>", 1, `b:c.c:main"><script>:1`, ""},
		{"git:github.com:c.c:12", 1, "git:github.com:c.c:12:1", ""},
	} {
		got := sourceOf(c.file, c.line)
		if got.URL != c.url || !strings.HasSuffix(got.Short, c.short) {
			t.Errorf("sourceOf(%q, %d) = %q, %q; want %q, %q", c.file, c.line, got.Short, got.URL, c.short, c.url)
		}
	}
}

func overflow(frames, threads int) json.RawMessage {
	var b strings.Builder
	b.WriteString(`{"crash_info":{"crashing_thread":0},"threads":[`)
	for th := range threads {
		if th > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"thread_id":%d,"thread_name":"t%d","frame_count":%d,"frames":[`, th, th, frames)
		for i := range frames {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"frame":%d,"function":"boom","module":"c_overflow","trust":"cfi","file":"/src/c_overflow.c","line":2}`, i)
		}
		b.WriteString(`]}`)
	}
	b.WriteString(`]}`)
	return json.RawMessage(b.String())
}

func TestALongStackIsFolded(t *testing.T) {
	t.Parallel()
	s := newSite()
	raw, p := crash(t, 0, overflow(30_815, 1))
	s.raw[p.ID], s.processed[p.ID] = raw, p
	app := s.app(Config{})
	a := get(t, app, "/report/index/"+string(p.ID))
	checkPage(t, app, a)
	a.wants(t, "30,515 frames are not shown here", `<td class="num">249</td>`, `<td class="num">30765</td>`, `<td class="num">30814</td>`, "30,815 frames")
	a.lacks(t, `<td class="num">250</td>`, `<td class="num">30764</td>`)
	if len(a.body) > 300_000 {
		t.Errorf("the page has %d bytes; want less than 300,000", len(a.body))
	}
}

func TestManyThreadsShareABudget(t *testing.T) {
	t.Parallel()
	s := newSite()
	raw, p := crash(t, 0, overflow(200, 1_500))
	s.raw[p.ID], s.processed[p.ID] = raw, p
	app := s.app(Config{})
	a := get(t, app, "/report/index/"+string(p.ID))
	checkPage(t, app, a)
	a.wants(t, "more frames than a page can hold")
	if rows := strings.Count(a.body, `class="function"`); rows > frameBudget {
		t.Errorf("the page has %d frames; want at most %d", rows, frameBudget)
	}
	if len(a.body) > 4_000_000 {
		t.Errorf("the page has %d bytes; want less than 4,000,000", len(a.body))
	}
}

func TestAStackFoldsOnlyWhatIsWorthIt(t *testing.T) {
	t.Parallel()
	for frames, want := range map[int]int{0: 0, 5: 5, 6: 6, 7: 6, 100: 6} {
		var th thread
		for i := range frames {
			th.Frames = append(th.Frames, json.RawMessage(fmt.Sprintf(`{"frame":%d}`, i)))
		}
		budget := 1_000
		v := th.view(0, newModules(&walk{}), fold{3, 2}, &budget)
		if len(v.Rows) != want {
			t.Errorf("%d frames make %d rows; want %d", frames, len(v.Rows), want)
		}
	}
}

func TestFramesWithoutSymbolsSayWhereTheyAre(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{`{"module":"libxul.so","module_offset":"0x00000000000016e8"}`, "libxul.so + 0x16e8"},
		{`{"offset":"0x0000000000000000"}`, "0x0"},
		{`{"unloaded_modules":[{"module":"gone.dll","offsets":["0x10"]}]}`, "gone.dll + 0x10"},
		{`{}`, "unknown"},
	} {
		rows := frameRows(json.RawMessage(c.in), 0, newModules(&walk{}))
		if got := rows[0].Function; got.Name != c.want || !got.Bare {
			t.Errorf("the function of %s is %q, bare %v; want %q, bare", c.in, got.Name, got.Bare, c.want)
		}
	}
}

func TestInlinesComeBeforeTheirFrame(t *testing.T) {
	t.Parallel()
	rows := frameRows(json.RawMessage(`{"frame":3,"function":"outer","module":"m","trust":"cfi","inlines":[{"function":"inner","file":"a.c","line":1},{"function":"middle"}]}`), 0, newModules(&walk{}))
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprint(r.Number, " ", r.Function.Name, " ", r.Inline, " ", r.Trust.Word))
	}
	if diff := cmp.Diff([]string{"3 inner true inline", "3 middle true inline", "3 outer false cfi"}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestWantedSymbolsNameTheFile(t *testing.T) {
	t.Parallel()
	w := &walk{Modules: []module{
		{File: "a.exe", DebugFile: "a.PDB", DebugID: "44E4EC8C2F41492B9369D6B9A059577C2", Missing: true},
		{File: "libb.so", DebugFile: "libb.so", DebugID: "000000000000000000000000000000000", CodeID: "beef"},
		{File: "c.so", DebugFile: "c.so", DebugID: "1", Corrupt: true},
		{File: "d.so", DebugFile: "d.so", DebugID: "2", Loaded: true},
		{File: "unseen.so", Missing: true},
	}}
	m := newModules(w)
	for _, f := range []string{"d.so", "a.exe", "a.exe", "c.so", "libb.so", "nowhere"} {
		m.seen(&frame{Module: f})
	}
	m.seen(&frame{Module: "unseen.so", Function: "known"})
	want := []wanted{
		{"a.exe", 2, "a.PDB/44E4EC8C2F41492B9369D6B9A059577C2/a.sym", "", "its symbol file was not found"},
		{"libb.so", 1, "", "beef", "the dump names no debug id for it, so no symbol file can match"},
		{"c.so", 1, "c.so/1/c.so.sym", "", "its symbol file is damaged"},
		{"d.so", 1, "d.so/2/d.so.sym", "", "its symbol file does not name these addresses"},
	}
	if diff := cmp.Diff(want, m.wanted()); diff != "" {
		t.Errorf("wanted (-want +got):\n%s", diff)
	}
}

func TestADumpOfTheWrongShapeStillMakesAReport(t *testing.T) {
	t.Parallel()
	for _, dump := range []string{
		`null`, `[]`, `42`, `"x"`, `{"threads":7}`, `{"threads":[1,{"frames":{}}]}`, `{"crash_info":{"crashing_thread":99},"threads":[{"frames":[{}]}]}`,
		`{"crashing_thread":{"threads_index":3,"frames":[{"function":"old::walker"}]}}`, `{"modules":[null],"threads":[{"frames":[null]}]}`, `{"threads":[{"frame_count":-1,"thread_id":"x"}]}`,
	} {
		s := newSite()
		raw, p := crash(t, 0, json.RawMessage(dump))
		p.CrashingThread = nil
		s.raw[p.ID], s.processed[p.ID] = raw, p
		app := s.app(Config{ShowProtected: true})
		a := get(t, app, "/report/index/"+string(p.ID))
		if a.status != 200 {
			t.Errorf("the report with the dump %s answers %d", dump, a.status)
		}
		checkPage(t, app, a)
		if strings.Contains(dump, "old::walker") {
			a.wants(t, "old::walker")
		}
	}
}

func FuzzReadWalk(f *testing.F) {
	f.Add([]byte(`{"crash_info":{"crashing_thread":0},"threads":[{"frames":[{"function":"f","inlines":[{}]}]}],"modules":[{}]}`))
	f.Add([]byte(`{"crashing_thread":{"frames":[{"registers":{"rip":"0x0"}}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, _ := readWalk(data)
		mods, budget := newModules(w), 100
		for i := range w.Threads {
			w.Threads[i].view(i, mods, otherFold, &budget)
		}
		mods.wanted()
		mods.views()
		w.registers()
		if at := w.crashingThread(nil); at >= len(w.Threads) {
			t.Errorf("crashing thread %d of %d", at, len(w.Threads))
		}
		details(&socorro.ProcessedCrash{}, nil, w, true)
	})
}

func BenchmarkReportOfAStackOverflow(b *testing.B) {
	s := newSite()
	raw, p := crash(b, 0, overflow(30_000, 1))
	s.raw[p.ID], s.processed[p.ID] = raw, p
	app := s.app(Config{})
	for b.Loop() {
		get(b, app, "/report/index/"+string(p.ID))
	}
}

func BenchmarkReportOfFortyThreads(b *testing.B) {
	s := newSite()
	raw, p := crash(b, 0, stackJSON(b, "cpp_threads.json.gz"))
	s.raw[p.ID], s.processed[p.ID] = raw, p
	app := s.app(Config{})
	for b.Loop() {
		get(b, app, "/report/index/"+string(p.ID))
	}
}
