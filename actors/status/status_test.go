package status_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro"
	"socorro/actors/status"
)

func paths(all []socorro.ActorStatus) []string {
	var out []string
	for _, s := range all {
		out = append(out, s.Path)
	}
	return out
}

func TestParentsStandBeforeTheirChildren(t *testing.T) {
	got := status.List([]socorro.ActorStatus{
		{Path: "engine/destinations/a-b"},
		{Path: "engine/destinations/a/worker"},
		{Path: "engine/crashes"},
		{Path: "engine/destinations/a"},
		{Path: "engine"},
		{Path: "engine/destinations"},
	}, 0)
	want := []string{
		"engine", "engine/crashes", "engine/destinations", "engine/destinations/a",
		"engine/destinations/a/worker", "engine/destinations/a-b",
	}
	if diff := cmp.Diff(want, paths(got)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestOfThousandsOnlyTheBusiestCrashesAreShown(t *testing.T) {
	all := []socorro.ActorStatus{{Path: "engine"}, {Path: "engine/crashes"}, {Path: "engine/dispatcher"}}
	began := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for i := range 2000 {
		path := fmt.Sprintf("engine/crashes/%04d", i)
		all = append(all, socorro.ActorStatus{Path: path, Started: began.Add(time.Duration(i) * time.Second)},
			socorro.ActorStatus{Path: path + "/worker", Started: began.Add(time.Duration(i) * time.Second)})
	}
	all[len(all)-1].Restarts = 2 // the worker of the youngest
	got := status.List(all, 10)
	want := []string{
		"engine", "engine/crashes",
		"engine/crashes/0000", "engine/crashes/0000/worker", "engine/crashes/0001", "engine/crashes/0001/worker",
		"engine/crashes/1999", "engine/crashes/1999/worker", "engine/dispatcher",
	}
	if diff := cmp.Diff(want, paths(got)); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	if got := status.List(all, 0); len(got) > status.DefaultMax {
		t.Errorf("length = %d; want at most %d", len(got), status.DefaultMax)
	}
}
