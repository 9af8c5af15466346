package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"socorro"

	"github.com/gofiber/fiber/v2"
)

func TestEveryPageIsWellFormed(t *testing.T) {
	t.Parallel()
	for _, protected := range []bool{false, true} {
		s := filled(t)
		hostile(s)
		app := s.app(Config{ShowProtected: protected})
		for name, path := range everyPage() {
			t.Run(fmt.Sprintf("%s, protected data shown: %v", name, protected), func(t *testing.T) {
				a := get(t, app, path)
				checkPage(t, app, a)
				if got := a.header.Get("Content-Security-Policy"); got != policy {
					t.Errorf("Content-Security-Policy = %q; want %q", got, policy)
				}
				if got := a.header.Get("Content-Type"); got != "text/html; charset=utf-8" {
					t.Errorf("Content-Type = %q", got)
				}
			})
		}
	}
}

func TestHomeOfAnEmptySiteTellsHowToSendACrash(t *testing.T) {
	t.Parallel()
	app := newSite().app(Config{})
	a := get(t, app, "http://crash.example.com:8000/")
	checkPage(t, app, a)
	a.wants(t, "No crashes yet", "-F upload_file_minidump=@crash.dmp", "http://crash.example.com:8000/submit", "bin/socorro submit")

	a = get(t, newSite().app(Config{PublicURL: "https://crash.example.org/"}), "/")
	a.wants(t, "https://crash.example.org/submit")

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "x$(reboot)"
	res, err := app.Test(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	odd := answer{res.StatusCode, string(body), res.Header}
	odd.wants(t, "http://localhost/submit")
	odd.lacks(t, "reboot")
}

func TestHomeShowsCountsAndLinksThem(t *testing.T) {
	t.Parallel()
	s := filled(t)
	a := get(t, s.app(Config{}), "/")
	a.wants(t, "1,284", "1 min", "Parked", `href="/crashes/?days=7&amp;signature=app%3A%3Arun"`,
		"2026-11-23 12:00:00", `href="/report/index/`+string(crashID(0))+`"`, "no signature")
}

func TestHomeWorksWhileTheQueueIsDown(t *testing.T) {
	t.Parallel()
	s := filled(t)
	s.queueErr = fmt.Errorf("queue: %w", socorro.ErrUnavailable)
	app := s.app(Config{})
	a := get(t, app, "/")
	checkPage(t, app, a)
	a.wants(t, "does not answer right now", "app::run")
	a = get(t, app, "/actors/")
	checkPage(t, app, a)
	a.wants(t, "The queue does not answer", "dispatcher")
	if !strings.Contains(s.log.String(), "queue depth not shown") {
		t.Error("the failure is not in the log")
	}
}

func TestErrorsBecomePages(t *testing.T) {
	t.Parallel()
	id := string(crashID(1))
	for _, c := range []struct {
		name, path string
		site       func(*site)
		status     int
		wants      string
	}{
		{"an unknown page", "/no/such/page", nil, 404, "Page not found"},
		{"an unknown static file", "/static/..%2fbase.html", nil, 404, "Page not found"},
		{"a page number that is none", "/crashes/?page=-1", nil, 400, "The parameter page=&#34;-1&#34; is not a number from 1 to 200,000."},
		{"a span that is none", "/signatures/?days=soon", nil, 400, "is not a number"},
		{"a filter that is too long", "/crashes/?contains=" + strings.Repeat("a", 5_000), nil, 400, "too long, at most 4000"},
		{"a signature page without signature", "/signature/", nil, 400, "parameter is missing"},
		{"a short id", "/report/index/abc", nil, 400, "3 characters where 36 are needed"},
		{"an id with an impossible day", "/report/index/de1bb258-1c2d-4e3f-8a4b-000000261399", nil, 400, "is not a day"},
		{"an unknown id", "/report/index/" + id, nil, 404, "There is no crash report " + id},
		{"a store that is down", "/report/index/" + id, func(s *site) { s.storeErr = fmt.Errorf("s3: %w", socorro.ErrUnavailable) }, 503, "A store is down"},
		{"an index that is down", "/", func(s *site) { s.indexErr = socorro.ErrUnavailable }, 503, "A store is down"},
		{"a fault", "/crashes/", func(s *site) { s.indexErr = errors.New("secret detail") }, 500, "Something went wrong here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite()
			if c.site != nil {
				c.site(s)
			}
			app := s.app(Config{})
			a := get(t, app, c.path)
			if a.status != c.status {
				t.Errorf("GET %.60s = %d; want %d", c.path, a.status, c.status)
			}
			checkPage(t, app, a)
			a.wants(t, c.wants)
			a.lacks(t, "secret detail")
			if logged := s.log.Len() > 0; logged != (c.status >= 500) {
				t.Errorf("logged = %v for a %d: %s", logged, c.status, s.log.String())
			}
		})
	}
}

func TestLinksLeadWhereTheyShould(t *testing.T) {
	t.Parallel()
	app := filled(t).app(Config{})
	id := string(crashID(0))
	for path, want := range map[string]string{
		"/search/quick/?query=bp-" + id:        "/report/index/" + id,
		"/search/quick/?query=+" + id + "+":    "/report/index/" + id,
		"/search/quick/?query=a%26b%3Dc%23d":   "/crashes/?contains=a%26b%3Dc%23d",
		"/search/quick/":                       "/crashes/",
		"/search/quick/?query=//evil.example/": "/crashes/?contains=%2F%2Fevil.example%2F",
		"/report/index/bp-" + id:               "/report/index/" + id,
		"/signature/?signature=a%3A%3Ab":       "/crashes/?signature=a%3A%3Ab",
	} {
		a := get(t, app, path)
		if got := a.header.Get("Location"); a.status != 302 || got != want {
			t.Errorf("GET %s = %d to %q; want 302 to %q", path, a.status, got, want)
		}
	}
}

func TestTheListFiltersAndPages(t *testing.T) {
	t.Parallel()
	s := filled(t)
	app := s.app(Config{})
	a := get(t, app, "/crashes/")
	a.wants(t, "116 in all", "1–50 of 116", `href="/crashes/?page=2"`)
	a.lacks(t, `rel="prev"`)
	a = get(t, app, "/crashes/?page=3")
	a.wants(t, "101–116 of 116", `rel="prev"`)
	a.lacks(t, `rel="next"`)
	a = get(t, app, "/crashes/?page=9")
	a.wants(t, "There is no page 9", `<a href="/crashes/?page=3">page 3</a>`)
	a = get(t, app, "/crashes/?contains=PANICKING&product=Atlas+Player")
	a.wants(t, "28 match", `<option value="Atlas Player" selected="selected">`)
	a = get(t, app, "/crashes/?signature=app%3A%3Arun&product=Nobody")
	a.wants(t, "No crashes match", `<option value="Nobody" selected="selected">`, "remove this filter")
	if n := strings.Count(get(t, app, "/signatures/?days=30").body, `class="share"`); n != 6 {
		t.Errorf("/signatures/ has %d rows; want 6", n)
	}
}

func TestAReportShowsWhatIsSet(t *testing.T) {
	t.Parallel()
	app := filled(t).app(Config{})
	a := get(t, app, "/report/index/"+string(crashID(0)))
	a.wants(t, "<title>Atlas 4.2.1 crash @ app::run · Socorro</title>", "2 h 15 min (8,125 s)", "23.5 GiB (25,276,502,016 bytes)",
		"read 0x0 (4 bytes)", "mov ecx, dword [rcx]", "Decoded the extra JSON part.", "rule symbols: 6 modules have no symbols",
		"/api/ProcessedCrash/?crash_id="+string(crashID(0)), "linux-vdso.so.1 &#43; 0x1fff")
	a.lacks(t, "Android", "I clicked save", "https://example.org/private", "--user=jane", "Registers", "crashpad/1")
	a.wants(t, "switch-1", "protected")

	a = get(t, filled(t).app(Config{ShowProtected: true}), "/report/index/"+string(crashID(0)))
	a.wants(t, "I clicked save", "https://example.org/private", "--user=jane", "Registers", "rip     0x0000555d4a6856e8")
}

func TestAReportLivesWithoutItsRawCrash(t *testing.T) {
	t.Parallel()
	s := filled(t)
	delete(s.raw, crashID(0))
	s.processed[crashID(0)].JSONDump = nil
	s.processed[crashID(0)].MDSWStatus = "EmptyMinidump"
	app := s.app(Config{ShowProtected: true})
	a := get(t, app, "/report/index/"+string(crashID(0)))
	checkPage(t, app, a)
	a.wants(t, "The raw crash is no longer in the store.", "the stack walker says EmptyMinidump.")
}

func TestACrashWithoutReportSaysWhereItStands(t *testing.T) {
	t.Parallel()
	id := crashID(1)
	for _, c := range []struct {
		name   string
		status *socorro.QueueStatus
		wants  []string
		lacks  string
	}{
		{
			"queued", &socorro.QueueStatus{State: socorro.Queued, Lane: socorro.Reprocessing, Enqueued: noon.Add(-90 * time.Second), Attempts: 2, LastError: "storage: down"},
			[]string{"waits to be processed", "reprocessing", "1,000", "284", `http-equiv="refresh" content="3"`, "storage: down"},
			"release-it",
		},
		{"claimed", &socorro.QueueStatus{State: socorro.Claimed}, []string{"is being processed", `http-equiv="refresh"`}, "release-it"},
		{"parked", &socorro.QueueStatus{State: socorro.Parked, Attempts: 3, LastError: "panic: <index>"}, []string{"given up", "panic: &lt;index&gt;", "release-it"}, "refresh"},
		{"parked without a reason", &socorro.QueueStatus{State: socorro.Parked}, []string{"given up"}, "Why it was"},
		{"deferred", &socorro.QueueStatus{State: socorro.Deferred}, []string{"kept, but not processed", "throttle rules", "release-it"}, "refresh"},
		{"processed but lost", &socorro.QueueStatus{State: socorro.Done}, []string{"is missing", "release-it"}, "refresh"},
		{"unknown to the queue", nil, []string{"nobody processes it", `http-equiv="refresh"`}, "In the queue since"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := filled(t)
			delete(s.processed, id)
			if c.status != nil {
				c.status.ID = id
				s.status[id] = *c.status
			}
			app := s.app(Config{ReleaseCommand: func(id socorro.CrashID) string { return "release-it " + string(id) }})
			a := get(t, app, "/report/index/"+string(id))
			checkPage(t, app, a)
			a.wants(t, c.wants...)
			a.lacks(t, c.lacks)
		})
	}
}

func TestAReportSaysThatItIsBeingRedone(t *testing.T) {
	t.Parallel()
	s := filled(t)
	s.status[crashID(0)] = socorro.QueueStatus{State: socorro.Queued}
	get(t, s.app(Config{}), "/report/index/"+string(crashID(0))).wants(t, "waits to be processed again", "app::run")
}

func TestStaticFilesAreKeptByTheBrowser(t *testing.T) {
	t.Parallel()
	s := newSite()
	app := s.app(Config{})
	p := New(Config{}, Deps{})
	for name := range p.assets {
		at, err := p.assetURL(name)
		if err != nil {
			t.Fatal(err)
		}
		a := get(t, app, at)
		if a.status != 200 || !strings.Contains(a.header.Get("Cache-Control"), "immutable") || a.header.Get("Content-Type") == "" {
			t.Errorf("GET %s = %d, Cache-Control %q, Content-Type %q", at, a.status, a.header.Get("Cache-Control"), a.header.Get("Content-Type"))
		}
		if a := get(t, app, "/static/"+name); strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("/static/%s without its hash is immutable", name)
		}
		r := httptest.NewRequest(http.MethodGet, at, nil)
		r.Header.Set("If-None-Match", a.header.Get("ETag"))
		res, err := app.Test(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusNotModified {
			t.Errorf("GET %s with its ETag = %d; want 304", at, res.StatusCode)
		}
	}
	if _, err := p.assetURL("nope.js"); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("assetURL(nope.js) = %v; want ErrNotFound", err)
	}
	get(t, app, "/robots.txt").wants(t, "Disallow: /")
	if a := get(t, app, "/favicon.ico"); a.status != 302 {
		t.Errorf("/favicon.ico = %d; want 302", a.status)
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	t.Parallel()
	app := filled(t).app(Config{})
	for _, method := range []string{http.MethodPost, http.MethodDelete, http.MethodPut} {
		res, err := app.Test(httptest.NewRequest(method, "/crashes/", nil))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode < 400 {
			t.Errorf("%s /crashes/ = %d; want a refusal", method, res.StatusCode)
		}
	}
}

func TestTheErrorHandlerKeepsFibersStatus(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]int{405: 405, 413: 413, 404: 404, 502: 500} {
		if got := explain(fiber.NewError(code, "words")).Status; got != want {
			t.Errorf("explain(fiber error %d) = %d; want %d", code, got, want)
		}
	}
}

func FuzzQuickSearchStaysHere(f *testing.F) {
	for _, s := range []string{"", "bp-" + string(crashID(0)), "//evil.example", "\r\nSet-Cookie: a=b", "a::b<c>", "\x00\xff"} {
		f.Add(s)
	}
	app := newSite().app(Config{})
	f.Fuzz(func(t *testing.T, q string) {
		a := get(t, app, "/search/quick/?query="+url.QueryEscape(q))
		to := a.header.Get("Location")
		if a.status != 302 || !(strings.HasPrefix(to, "/crashes/") || strings.HasPrefix(to, "/report/index/")) {
			t.Errorf("search for %q = %d to %q", q, a.status, to)
		}
	})
}
