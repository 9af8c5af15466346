package web

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"socorro"

	"github.com/chromedp/chromedp"
)

// TestInABrowser reads the pages as people do, in one headless Chromium.
func TestInABrowser(t *testing.T) {
	ctx := startBrowser(t)
	for name, test := range map[string]func(*testing.T, *tab){
		"a reader goes from home to the cause":              readerGoesFromHomeToTheCause,
		"other threads open":                                otherThreadsOpen,
		"pages stay fresh":                                  pagesStayFresh,
		"a pending report appears":                          pendingReportAppears,
		"the theme follows the system and the button":       themeFollowsSystemAndButton,
		"nothing is wider than a phone":                     nothingIsWiderThanAPhone,
		"text has enough contrast in both themes":           textHasContrast,
		"the keyboard reaches what it needs, in good order": keyboardReachesContent,
	} {
		t.Run(name, func(t *testing.T) { test(t, newTab(t, ctx)) })
	}
}

func readerGoesFromHomeToTheCause(t *testing.T, b *tab) {
	url := serve(t, filled(t), Config{Version: "test"})
	b.scheme("light")
	b.open(url+"/", "table.crashes")
	b.shoot("home-light")
	if n := eval[int](b, `document.querySelectorAll("table.crashes tbody tr").length`); n != homeCrashes {
		t.Errorf("home shows %d recent crashes; want %d", n, homeCrashes)
	}
	b.click("table.crashes .what a")
	b.do("wait for the report", until(`document.querySelector("table.stack")`))
	if got, want := eval[string](b, "document.title"), "Atlas 4.2.1 crash @ app::run · Socorro"; got != want {
		t.Errorf("the report's title is %q; want %q", got, want)
	}
	b.shoot("report-light")
	id := string(crashID(0))
	b.open(url+"/crashes/", "table.crashes")
	b.do("go to the search", chromedp.KeyEvent("/"), until(`document.activeElement.id === "quick"`))
	// The protocol sends the character by itself even when the page refused the key.
	eval[string](b, `document.activeElement.value = ""`)
	b.do("search by id", chromedp.SendKeys(chromedp.CSS("#quick"), "bp-"+id+"\r"),
		until(`location.pathname === "/report/index/`+id+`" && document.querySelector("table.stack")`))
	b.do("search by words", chromedp.SendKeys(chromedp.CSS("#quick"), "panicking\r"),
		until(`location.search === "?contains=panicking" && document.querySelector("table.crashes")`))
	b.shoot("crashes-light")
	b.open(url+"/signatures/", "table.sigs")
	b.shoot("signatures-light")
	b.wantQuietConsole()
}

func otherThreadsOpen(t *testing.T, b *tab) {
	s := newSite()
	raw, p := crash(t, 0, stackJSON(t, "cpp_threads.json.gz"))
	s.raw[p.ID], s.processed[p.ID] = raw, p
	url := serve(t, s, Config{})
	report := url + "/report/index/" + string(p.ID)
	b.scheme("dark")
	b.open(report, "#threads")
	b.shoot("threads-dark")
	const open = `document.querySelectorAll("details.thread[open] table.stack").length`
	b.click("details.thread summary")
	if n := eval[int](b, open); n != 1 {
		t.Errorf("a click opened %d threads; want 1", n)
	}
	b.click("[data-open-all]")
	if n, all := eval[int](b, open), eval[int](b, `document.querySelectorAll("details.thread").length`); n == 0 || n != all {
		t.Errorf("%d of %d threads are open; want all", n, all)
	}
	b.open(url+"/", "main")
	b.open(report+"#thread-2", "#threads")
	b.do("wait for the linked thread", until(`document.getElementById("thread-2").open`))
	b.click(`nav.sub a[href="#details"]`)
	b.do("the heading of a linked part comes below what sticks to the top",
		until(`Math.abs(document.querySelector("#details h2").getBoundingClientRect().top - document.querySelector("nav.sub").getBoundingClientRect().bottom) < 60`),
		until(`document.querySelector("#details h2").getBoundingClientRect().top >= document.querySelector("nav.sub").getBoundingClientRect().bottom`))
	b.do("filter modules", chromedp.SendKeys(chromedp.CSS(`[data-filter="#module-rows"]`), "libstdc"),
		until(`[...document.querySelectorAll("#module-rows tr")].filter(tr => !tr.hidden).length === 1`))
	b.shoot("details-dark")
	b.wantQuietConsole()
}

func pagesStayFresh(t *testing.T, b *tab) {
	s := filled(t)
	var ticks atomic.Int64
	clock := func() time.Time { return noon.Add(time.Duration(ticks.Add(1)) * 100 * time.Millisecond) }
	url := serve(t, s, Config{EventInterval: 50 * time.Millisecond, Now: clock})
	b.scheme("light")
	b.open(url+"/actors/", "#live[data-state=on]")
	b.shoot("actors-light")
	s.change(func() {
		s.actors = append(slices.Clone(s.actors[1:]), socorro.ActorStatus{Path: "engine/zeta", Kind: "<b>new</b>", Handled: 123_456})
		s.depth.ByLane = map[socorro.Lane]int{socorro.Priority: 77}
	})
	b.do("an actor appears, one goes, a number changes",
		until(`document.querySelector('tr[data-key="engine/zeta"] [data-f=handled]')?.textContent === "123,456"`),
		until(`!document.querySelector('tr[data-key="engine"]')`),
		until(`document.querySelector('tr[data-key="lane-priority"] [data-f=count]').textContent === "77"`))
	if kind := eval[string](b, `document.querySelector('tr[data-key="engine/zeta"] [data-f=kind]').textContent`); kind != "<b>new</b>" {
		t.Errorf("the kind shows as %q; want it as it is", kind)
	}
	b.open(url+"/", "table.crashes")
	eval[bool](b, `window.scrollTo({top: 300, behavior: "instant"}), window.same = true`)
	s.change(func() {
		c := s.summaries[0]
		c.ID, c.Signature = crashID(900), "fresh::crash"
		s.summaries = append([]socorro.CrashSummary{c}, s.summaries...)
	})
	b.do("the new crash comes by itself", until(`document.querySelector("table.crashes .what").textContent.includes("fresh::crash")`))
	if !eval[bool](b, `window.same === true && window.scrollY === 300`) {
		t.Error("the refresh reloaded or scrolled the page")
	}
	b.wantQuietConsole()
}

func pendingReportAppears(t *testing.T, b *tab) {
	s := newSite()
	raw, p := crash(t, 0, stackJSON(t, "cpp_inline.json"))
	s.raw[p.ID] = raw
	s.status[p.ID] = socorro.QueueStatus{ID: p.ID, State: socorro.Queued, Lane: socorro.Normal, Enqueued: noon.Add(-5 * time.Second)}
	s.depth = socorro.QueueDepth{ByLane: map[socorro.Lane]int{socorro.Normal: 12, socorro.Priority: 1}}
	url := serve(t, s, Config{ReleaseCommand: func(id socorro.CrashID) string { return "bin/socorro release " + string(id) }})
	b.scheme("light")
	b.open(url+"/report/index/"+string(p.ID), "#state")
	b.shoot("pending-light")
	s.change(func() { s.processed[p.ID] = p; delete(s.status, p.ID) })
	b.do("the report appears", until(`document.querySelector("table.stack")`))
	b.open(url+"/", "#curl")
	b.shoot("empty-light")
	s.change(func() {
		s.raw[crashID(1)] = raw
		s.status[crashID(1)] = socorro.QueueStatus{ID: crashID(1), State: socorro.Parked, Attempts: 3, LastError: "panic: runtime error: index out of range [7] with length 7", Enqueued: noon.Add(-time.Hour)}
	})
	b.open(url+"/report/index/"+string(crashID(1)), "#state")
	b.shoot("parked-light")
	b.wantQuietConsole()
	b.open(url+"/nothing/here", "h1")
	b.shoot("notfound-light")
}

func themeFollowsSystemAndButton(t *testing.T, b *tab) {
	url := serve(t, filled(t), Config{})
	const background = `getComputedStyle(document.body).backgroundColor`
	b.scheme("dark")
	b.open(url+"/", "table.sigs")
	b.shoot("home-dark")
	system := eval[string](b, background)
	b.click("#theme")
	chosen := eval[string](b, background)
	b.open(url+"/actors/", "table.tree")
	next := eval[string](b, background)
	if system == chosen || chosen != next {
		t.Errorf("backgrounds: dark system %s, after the button %s, on the next page %s; want the button to switch and to be remembered", system, chosen, next)
	}
	b.click("#theme")
	b.shoot("actors-dark")
	b.wantQuietConsole()
}

func nothingIsWiderThanAPhone(t *testing.T, b *tab) {
	s := filled(t)
	hostile(s)
	url := serve(t, s, Config{ShowProtected: true})
	b.do("phone", chromedp.EmulateViewport(400, 850))
	b.scheme("light")
	for name, path := range everyPage() {
		b.open(url+path, "footer")
		width := eval[int](b, `{ for (const d of document.querySelectorAll("details")) d.open = true; document.documentElement.scrollWidth }`)
		if width > 400 {
			t.Errorf("%s is %d pixels wide on a screen of 400: %s", path, width, eval[string](b,
				`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > 401).slice(0, 5).map(e => e.tagName + "." + e.className).join(" ")`))
		}
		b.open(url+path, "footer")
		b.shoot("phone-" + name)
	}
}

// contrastJS finds visible text that is hard to read: below 4.5 : 1 against the
// first opaque background behind it.
const contrastJS = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (css) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1); const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
  const over = (a, b) => a.slice(0, 3).map((v, i) => v * a[3] + b[i] * (1 - a[3]));
  const light = (c) => c.map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
  const behind = (e) => { const layers = []; for (let n = e; n; n = n.parentElement) layers.push(rgba(getComputedStyle(n).backgroundColor)); return layers.reverse().reduce((b, l) => over(l, b), [255, 255, 255]); };
  const bad = new Map();
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest(".visually-hidden, .off, noscript, template")) continue;
    const back = behind(e), text = over(rgba(getComputedStyle(e).color), back);
    const [a, b] = [light(text), light(back)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) bad.set(e.tagName + "." + e.className + " in " + e.parentElement.className, ratio.toFixed(2));
  }
  return [...bad].map(([k, v]) => k + " " + v).join("; ");
})()`

func textHasContrast(t *testing.T, b *tab) {
	s := filled(t)
	hostile(s)
	url := serve(t, s, Config{})
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		for name, path := range everyPage() {
			b.open(url+path, "footer")
			if bad := eval[string](b, contrastJS); bad != "" {
				t.Errorf("%s, %s: text below 4.5 : 1: %s", name, scheme, bad)
			}
		}
	}
}

func keyboardReachesContent(t *testing.T, b *tab) {
	url := serve(t, filled(t), Config{})
	b.open(url+"/", "table.crashes")
	var order []string
	for range 8 {
		b.do("press Tab", chromedp.KeyEvent("\t"))
		order = append(order, eval[string](b, `document.activeElement.textContent.trim() || document.activeElement.id`))
	}
	want := []string{"Skip to content", "Socorro", "Crashes", "Signatures", "Actors", "quick", "theme"}
	if !slices.Equal(order[:len(want)], want) {
		t.Errorf("Tab goes to %q; want %q", order, want)
	}
	if outline := eval[string](b, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
		t.Error("the focused element has no ring")
	}
}

// everyPage names one page of each kind, for tests that look at all of them.
func everyPage() map[string]string {
	return map[string]string{
		"home": "/", "crashes": "/crashes/?signature=app%3A%3Arun&product=Atlas", "signatures": "/signatures/", "actors": "/actors/",
		"report": "/report/index/" + string(crashID(0)), "hostile": "/report/index/" + string(hostileID), "error": "/crashes/?page=x",
		"panic": "/report/index/" + string(crashID(1)),
	}
}
