package signature

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro"
)

// packed packs a crash and unpacks it again.
func packed(tb testing.TB, d *CrashData) (*CrashData, bool) {
	tb.Helper()
	data, ok := Pack(d)
	if !ok {
		return nil, false
	}
	back, err := Unpack(data)
	if err != nil {
		tb.Fatal(err)
	}
	return back, true
}

func TestAPackedCrashKeepsItsSignature(t *testing.T) {
	t.Parallel()
	g := New(oracleLists(t))
	done, refused, size := 0, 0, 0
	for _, c := range readLines[crashCase](t, "crash_data-2026.jsonl.gz") {
		data, ok := Pack(&c.Input)
		if !ok {
			refused++
			continue
		}
		back, err := Unpack(data)
		if err != nil {
			t.Fatal(c.Case, err)
		}
		if diff := cmp.Diff(g.Generate(&c.Input), g.Generate(back)); diff != "" {
			t.Errorf("%s: signed after packing (-before +after):\n%s", c.Case, diff)
		}
		done++
		size += len(data)
	}
	t.Logf("%d crashes packed, %d bytes each; %d have values of odd kinds and were refused", done, size/done, refused)
	if refused > done/10 {
		t.Errorf("%d crashes could not be packed, %d could", refused, done)
	}
}

func TestPackingRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"abort_message": 5}`,
		`{"oom_allocation_size": []}`,
		`{"oom_allocation_size": [1]}`,
		`{"threads": [5]}`,
		`{"threads": [{"frames": [{"function": "f", "line": "x"}]}]}`,
		`{"threads": [{"frames": [{"offset": 5}]}]}`,
	} {
		var d CrashData
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		g := New(nil)
		if back, ok := packed(t, &d); ok && !cmp.Equal(g.Generate(&d), g.Generate(back)) {
			t.Errorf("Pack(%s) loses something: signature %q; want %q or a refusal", text, g.Generate(back).Signature, g.Generate(&d).Signature)
		}
	}
}

func TestUnpackingRefusesDamage(t *testing.T) {
	t.Parallel()
	in := stack("Abort", "foo")
	data, ok := Pack(&in)
	if !ok {
		t.Fatal("Pack refused a plain stack")
	}
	for cut := range data {
		if _, err := Unpack(data[:cut]); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("Unpack of the first %d of %d bytes: %v; want ErrInvalid", cut, len(data), err)
		}
	}
	data[0] = 99
	if _, err := Unpack(data); !errors.Is(err, socorro.ErrInvalid) {
		t.Errorf("Unpack of version 99: %v; want ErrInvalid", err)
	}
}

func TestAProcessedCrashIsReadTheShortWayToo(t *testing.T) {
	t.Parallel()
	type convertCase struct {
		Processed json.RawMessage `json:"processed_crash"`
	}
	g := New(nil)
	for i, c := range readLines[convertCase](t, "convert-2026.jsonl.gz") {
		var p socorro.ProcessedCrash
		if json.Unmarshal(c.Processed, &p) != nil {
			continue // typed fields of odd kinds: our processor does not write them
		}
		long, err := DecodeProcessed(c.Processed)
		if err != nil {
			t.Fatal(err)
		}
		short, err := FromProcessed(&p)
		if err != nil {
			t.Fatal(err)
		}
		want, got := g.Generate(long), g.Generate(short)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("line %d: %.200s (-DecodeProcessed +FromProcessed):\n%s", i+1, c.Processed, diff)
		}
	}
}

// FuzzUnpack: damaged data is refused or gives a crash that can be signed.
func FuzzUnpack(f *testing.F) {
	in := stack("Abort", "foo")
	data, _ := Pack(&in)
	f.Add(data)
	f.Add([]byte{packVersion, 7})
	g := New(nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Unpack(data)
		if err != nil {
			return
		}
		g.Generate(d)
		if back, ok := packed(t, d); ok && !cmp.Equal(g.Generate(d), g.Generate(back)) {
			t.Errorf("packing again changes the signature of %+v", d)
		}
	})
}
