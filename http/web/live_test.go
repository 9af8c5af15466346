package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socorro"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// advancing is a clock that goes on by a second whenever somebody looks.
func advancing() func() time.Time {
	var n atomic.Int64
	return func() time.Time { return noon.Add(time.Duration(n.Add(1)) * time.Second) }
}

type stream struct {
	lines  *bufio.Scanner
	cancel context.CancelFunc
	res    *http.Response
}

func openStream(t *testing.T, url string) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/actors/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 10<<20)
	return &stream{lines, cancel, res}
}

func (s *stream) next(t *testing.T) actorsBody {
	t.Helper()
	for s.lines.Scan() {
		if data, ok := strings.CutPrefix(s.lines.Text(), "data: "); ok {
			var b actorsBody
			if err := json.Unmarshal([]byte(data), &b); err != nil {
				t.Fatalf("event %.200s: %v", data, err)
			}
			return b
		}
	}
	t.Fatalf("the stream ended: %v", s.lines.Err())
	return actorsBody{}
}

func TestTheStreamTellsWhatThePageShows(t *testing.T) {
	s := filled(t)
	url := serve(t, s, Config{EventInterval: 5 * time.Millisecond, Now: advancing()})
	st := openStream(t, url)
	if got := st.res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type = %q", got)
	}
	first := st.next(t)
	if len(first.Actors) != len(s.actors) || first.Actors[0].Key != "engine" || first.Actors[1].Depth != 1 {
		t.Errorf("the first event has %d actors and begins %+v", len(first.Actors), first.Actors[:2])
	}
	s.change(func() { s.actors = s.actors[:1] })
	for range 50 {
		if b := st.next(t); len(b.Actors) == 1 {
			return
		}
	}
	t.Error("fifty events later the gone actors are still there")
}

func TestStreamsAreBoundedAndGivenBack(t *testing.T) {
	s := filled(t)
	url := serve(t, s, Config{EventInterval: 5 * time.Millisecond, MaxStreams: 2, Now: advancing()})
	a, b := openStream(t, url), openStream(t, url)
	a.next(t)
	b.next(t)
	if third := openStream(t, url); third.res.StatusCode != 503 || third.res.Header.Get("Retry-After") == "" {
		t.Errorf("the third of two streams answers %d", third.res.StatusCode)
	}
	a.cancel()
	for deadline := time.Now().Add(10 * time.Second); ; {
		if again := openStream(t, url); again.res.StatusCode == 200 {
			again.next(t)
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the slot of a viewer who left is not free again")
		}
	}
}

func TestAPanicInAStreamEndsOnlyTheStream(t *testing.T) {
	s := filled(t)
	s.actorsPanic = true
	url := serve(t, s, Config{EventInterval: time.Millisecond, MaxStreams: 1, Now: advancing()})
	for range 3 { // each needs the slot of the one before
		st := openStream(t, url)
		for st.lines.Scan() {
			if strings.HasPrefix(st.lines.Text(), "data:") {
				t.Fatalf("an event came of a panic: %s", st.lines.Text())
			}
		}
	}
	s.change(func() { s.actorsPanic = false })
	openStream(t, url).next(t)
	s.change(func() {
		if !strings.Contains(s.log.String(), "event stream panicked") || !strings.Contains(s.log.String(), "registry of actors broke") {
			t.Errorf("the log says %q", s.log.String())
		}
	})
}

func TestNothingIsLeftRunning(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("a viewer comes and the server stops", func(t *testing.T) {
		url := serve(t, filled(t), Config{EventInterval: 5 * time.Millisecond, Now: advancing()})
		st := openStream(t, url)
		st.next(t)
	})
	goleak.VerifyNone(t, before,
		// Library clocks that live as long as the process, started by whoever is first.
		goleak.IgnoreTopFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreTopFunction("github.com/gofiber/fiber/v2/utils.StartTimeStampUpdater.func1.1"),
		// Looks every ten seconds whether its server has stopped.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

func TestActorsAreShownAsATree(t *testing.T) {
	t.Parallel()
	rows := actorRows(noon, []socorro.ActorStatus{
		{Path: "engine/b-2"},
		{Path: "engine/b"},
		{Path: "engine/b/x", Mailbox: 1},
		{Path: "engine"},
		{Path: "engine/a", BackoffUntil: noon.Add(1500 * time.Millisecond), LastError: "down", LastErrorAt: noon.Add(-3 * time.Second)},
		{Path: "engine/c", BackoffUntil: noon.Add(-time.Second)},
	})
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprintf("%d %s %s %s %s%s", r.Depth, r.Name, r.State, r.Backoff, r.Error, r.ErrorAge))
	}
	want := []string{"0 engine idle  ", "1 a backoff 2 s down3 s ago", "1 b idle  ", "2 x busy  ", "1 b-2 idle  ", "1 c idle  "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestAThousandActorsAreEnough(t *testing.T) {
	t.Parallel()
	s := filled(t)
	for i := range 5_000 {
		s.actors = append(s.actors, socorro.ActorStatus{Path: fmt.Sprintf("engine/crashes/%d", i)})
	}
	a := get(t, s.app(Config{}), "/actors/")
	a.wants(t, "5,009", "4,009 more actors are not shown")
}

func TestThePageReloadsWithoutJavaScriptWhenAsked(t *testing.T) {
	t.Parallel()
	app := filled(t).app(Config{})
	get(t, app, "/actors/").lacks(t, "http-equiv")
	get(t, app, "/actors/").wants(t, `href="/actors/?refresh=5"`)
	get(t, app, "/actors/?refresh=5").wants(t, `<meta http-equiv="refresh" content="5"/>`)
}
