package signature

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro/siglists"
)

func TestExplainSaysWhyEachFrameIsInOrOut(t *testing.T) {
	t.Parallel()
	in := CrashData{Threads: []Thread{{Frames: []Frame{
		{Function: "Abort"},
		{},
		{Function: "raise"},
		{Module: "x.dll"},
		{Module: "x.dll"},
		{Function: "f(int)"},
		{Function: "main"},
	}}}}
	e := New(smallLists(t)).Explain(&in)
	want := []Step{
		{Frame: "Abort", Fate: KeptAndOn, List: siglists.PrefixFile, Entry: "Abort", Line: 1},
		{Fate: Nameless},
		{Frame: "raise", Fate: Irrelevant, List: siglists.IrrelevantFile, Entry: "raise$", Line: 4},
		{Frame: "x.dll", Fate: KeptAndOn, List: siglists.PrefixFile, Entry: `[^ ]+\.dll`, Line: 2},
		{Frame: "x.dll", Fate: Merged},
		{Frame: "f", Fate: KeptAndDone},
		{Frame: "main", Fate: Unseen},
	}
	if diff := cmp.Diff(want, e.Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if e.Signature != "Abort | x.dll | f" {
		t.Errorf("signature %q", e.Signature)
	}
}

func TestExplainNamesTheSentinel(t *testing.T) {
	t.Parallel()
	in := stack("raise", "above", "sentinel", "main")
	e := New(smallLists(t)).Explain(&in)
	want := []Step{
		{Frame: "raise", Fate: BeforeSentinel},
		{Frame: "above", Fate: BeforeSentinel},
		{Frame: "sentinel", Fate: KeptAndDone},
		{Frame: "main", Fate: Unseen},
	}
	if diff := cmp.Diff(want, e.Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestExplainSaysWhenAFrameIsKeptForWantOfBetter(t *testing.T) {
	t.Parallel()
	in := stack("raise", "mozalloc_abort")
	e := New(smallLists(t)).Explain(&in)
	want := []Step{
		{Frame: "raise", Fate: KeptForWant, List: siglists.IrrelevantFile, Entry: "raise$", Line: 4},
		{Frame: "mozalloc_abort", Fate: Irrelevant, List: siglists.IrrelevantFile, Entry: "mozalloc_abort", Line: 2},
	}
	if diff := cmp.Diff(want, e.Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestExplainFollowsTheWatchdogToTheMainThread(t *testing.T) {
	t.Parallel()
	in := CrashData{CrashingThread: 1, Threads: []Thread{
		{Frames: []Frame{{Function: "Main::loop()"}}},
		{Frames: []Frame{{Function: "RunWatchdog(void*)"}}},
	}}
	e := New(smallLists(t)).Explain(&in)
	if len(e.Steps) != 1 || e.Steps[0].Frame != "Main::loop" || e.Thread != 0 {
		t.Errorf("Explain looked at thread %d: %v; want thread 0 with Main::loop", e.Thread, e.Steps)
	}
}

func TestEveryFateHasWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for f := Unseen; f <= KeptForWant; f++ {
		if seen[f.String()] {
			t.Errorf("%q stands for two fates", f)
		}
		seen[f.String()] = true
	}
	if got := Fate(99).String(); got != "fate(99)" {
		t.Errorf("Fate(99) = %q", got)
	}
}
