package web

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"socorro"
)

func TestWhatWasGivenUpIsListedWithItsReason(t *testing.T) {
	t.Parallel()
	s := newSite()
	crash := socorro.NewCrashID(time.Now(), socorro.Accept)
	delivery := socorro.NewCrashID(time.Now(), socorro.Accept)
	s.status[crash] = socorro.QueueStatus{ID: crash, State: socorro.Parked, Attempts: 3, LastError: "it panics <b>", Changed: time.Now()}
	s.parked = []socorro.ParkedDelivery{{Delivery: socorro.Delivery{ID: delivery, Attempt: 5}, Destination: "telemetry", Reason: "too long", Parked: time.Now()}}
	s.depth = socorro.QueueDepth{
		ByState: map[socorro.CrashState]int{socorro.Parked: 1},
		Outbox:  map[string]socorro.OutboxDepth{"telemetry": {Parked: 1}, "index": {Waiting: 2}},
	}
	p := New(Config{ReleaseAllCommand: "release-them-all"}, Deps{Crashes: s, Index: s, Queue: s, Parked: s, Actors: s.Actors})
	b, err := p.actorsView(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Parked) != 2 || b.Parked[0].Where != "processing" || b.Parked[0].Reason != "it panics <b>" || b.Parked[1].Where != "telemetry" || b.Parked[1].Tries != "5" {
		t.Errorf("parked rows = %+v", b.Parked)
	}
	var page strings.Builder
	if err := p.templates["actors"].ExecuteTemplate(&page, "base.html", view{Title: "Actors", Nav: "actors", Body: b}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/report/index/" + string(crash), "/report/index/" + string(delivery), "it panics &lt;b&gt;", "too long", "release-them-all"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestParkedRowsThatCannotBeReadAreToldBesideTheRest(t *testing.T) {
	t.Parallel()
	s := newSite()
	s.depth = socorro.QueueDepth{ByState: map[socorro.CrashState]int{socorro.Parked: 1}}
	p := New(Config{}, Deps{Crashes: s, Index: s, Queue: s, Parked: broken{}, Actors: s.Actors})
	b, err := p.actorsView(t.Context())
	if !errors.Is(err, socorro.ErrUnavailable) || len(b.Queue) == 0 {
		t.Errorf("actorsView = %d queue rows, %v; want the numbers and ErrUnavailable", len(b.Queue), err)
	}
}

// broken is a queue whose lists do not answer.
type broken struct{}

func (broken) ParkedCrashes(context.Context, int) ([]socorro.QueueStatus, error) {
	return nil, socorro.ErrUnavailable
}

func (broken) ParkedDeliveries(context.Context, string, int) ([]socorro.ParkedDelivery, error) {
	return nil, socorro.ErrUnavailable
}
