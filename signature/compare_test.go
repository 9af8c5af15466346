package signature

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro/siglists"
)

func TestComparingIsSigningTwice(t *testing.T) {
	t.Parallel()
	theirs := oracleLists(t)
	numbers, err := siglists.Parse(siglists.LineNumbersFile, "test", []byte("mozilla::\n"))
	if err != nil {
		t.Fatal(err)
	}
	numbered := *theirs
	numbered.LineNumbers = numbers
	for _, after := range []*siglists.Lists{theirs, smallLists(t), &numbered} {
		both, one, two := NewComparer(nil, after), New(nil), New(after)
		changed := 0
		for _, c := range readLines[crashCase](t, "crash_data-2026.jsonl.gz") {
			before, after := both.Compare(&c.Input)
			if before.Signature != after.Signature {
				changed++
			}
			if diff := cmp.Diff([]Result{one.Generate(&c.Input), two.Generate(&c.Input)}, []Result{before, after}); diff != "" {
				t.Errorf("%s (-signed twice +compared):\n%s", c.Case, diff)
			}
		}
		if changed == 0 {
			t.Error("no signature differs between the lists; nothing was shown")
		}
	}
}
