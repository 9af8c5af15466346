package storagetest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"socorro"
)

// Index is the suite of indexes. It ends with random crashes and questions
// that are compared with a naive model.
func Index(t *testing.T, open Opener[IndexStore]) {
	for name, test := range map[string]func(*testing.T, IndexStore){
		"a saved crash is listed as it is":             listed,
		"a crash is listed once, by its newest epoch":  listedOnce,
		"hostile text is listed, not executed":         hostileText,
		"an empty index has empty answers":             emptyIndex,
		"limits are kept":                              limits,
		"crashes of another are refused":               mixedUp,
		"readers see every count whole while it grows": indexRace,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, t.TempDir(), time.Now))
		})
	}
	t.Run("random questions agree with the model", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(rt *rapid.T) { indexModel(t, rt, open) })
	})
}

func listed(t *testing.T, x IndexStore) {
	check(t, x.Save(t.Context(), Raw(ID(1)), Processed(ID(1), 1)))
	got, err := x.Recent(t.Context(), socorro.CrashFilter{})
	check(t, err)
	want := []socorro.CrashSummary{{
		ID: ID(1), Submitted: start(), Product: "Firefox", Version: "153.0", BuildID: "20261120", Channel: "nightly",
		ProcessType: "parent", OS: "Debian GNU/Linux 12", CPU: "amd64", Signature: "app::run | main",
		Reason: "SIGSEGV / SEGV_MAPERR", Address: "0x0000000000000000", Success: true,
	}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error("Recent (-want +got):", diff)
	}
}

func listedOnce(t *testing.T, x IndexStore) {
	save := func(epoch int64, signature string) {
		t.Helper()
		p := Processed(ID(1), epoch)
		p.Signature = signature
		check(t, x.Save(t.Context(), Raw(ID(1)), p))
		check(t, x.Save(t.Context(), nil, p)) // deliveries repeat, and the raw crash may be away
	}
	save(2, "second")
	save(1, "first")
	save(3, "third")
	list, err := x.Recent(t.Context(), socorro.CrashFilter{})
	if err != nil || len(list) != 1 || list[0].Signature != "third" {
		t.Errorf("Recent = %v, %v; want the third only", list, err)
	}
	counts, err := x.Signatures(t.Context(), time.Time{}, 10)
	want := []socorro.SignatureCount{{Signature: "third", Crashes: 1, Products: []string{"Firefox"}, First: start(), Last: start()}}
	if diff := gocmp.Diff(want, counts); diff != "" || err != nil {
		t.Error("Signatures (-want +got):", diff, err)
	}
	check(t, x.Delete(t.Context(), ID(1)))
	check(t, x.Delete(t.Context(), ID(1)))
	if n, err := x.Count(t.Context(), socorro.CrashFilter{}); n != 0 || err != nil {
		t.Errorf("Count after Delete = %d, %v; want 0", n, err)
	}
}

func hostileText(t *testing.T, x IndexStore) {
	texts := []string{"'; DROP TABLE crash; --", "100%", "under_score", "\x00nul", "\xff\xfe", strings.Repeat("ä", 100_000), `"quoted"`, "İI"}
	for n, text := range texts {
		p := Processed(ID(n), 1)
		p.Signature, p.Product, p.Version = text, text, text
		check(t, x.Save(t.Context(), Raw(ID(n)), p))
		for what, f := range map[string]socorro.CrashFilter{
			"signature": {Signature: text}, "product": {Product: text}, "both": {Signature: text, Product: text},
		} {
			if got, err := x.Recent(t.Context(), f); err != nil || len(got) != 1 || got[0].ID != ID(n) {
				t.Errorf("Recent by %s %.20q = %d crashes, %v; want its own", what, text, len(got), err)
			}
			if got, err := x.Count(t.Context(), f); err != nil || got != 1 {
				t.Errorf("Count by %s %.20q = %d, %v; want 1", what, text, got, err)
			}
		}
	}
	for part, want := range map[string]int{"%": 1, "_": 1, "DROP table": 1, "nothing": 0, "'": 1} {
		if got, err := x.Count(t.Context(), socorro.CrashFilter{SignatureContains: part}); err != nil || got != want {
			t.Errorf("Count of signatures with %q = %d, %v; want %d", part, got, err, want)
		}
	}
}

func emptyIndex(t *testing.T, x IndexStore) {
	list, err := x.Recent(t.Context(), socorro.CrashFilter{Product: "a", SignatureContains: "b"})
	if err != nil || list == nil || len(list) != 0 {
		t.Errorf("Recent = %v, %v; want an empty list", list, err)
	}
	counts, err := x.Signatures(t.Context(), start(), 10)
	if err != nil || len(counts) != 0 {
		t.Errorf("Signatures = %v, %v", counts, err)
	}
	products, err := x.Products(t.Context(), time.Time{})
	if err != nil || len(products) != 0 {
		t.Errorf("Products = %v, %v", products, err)
	}
}

func limits(t *testing.T, x IndexStore) {
	for n := range 60 {
		raw := Raw(ID(n))
		raw.Submitted = start().Add(time.Duration(n) * time.Second)
		p := Processed(ID(n), 1)
		p.Signature = fmt.Sprint("signature ", n)
		check(t, x.Save(t.Context(), raw, p))
	}
	for _, c := range []struct {
		filter socorro.CrashFilter
		want   int
		first  int
	}{{socorro.CrashFilter{}, 50, 59}, {socorro.CrashFilter{Limit: 7, Offset: 3}, 7, 56}, {socorro.CrashFilter{Limit: 1 << 40}, 60, 59}, {socorro.CrashFilter{Offset: 100}, 0, 0}} {
		got, err := x.Recent(t.Context(), c.filter)
		if err != nil || len(got) != c.want || c.want > 0 && got[0].ID != ID(c.first) {
			t.Errorf("Recent(%+v) = %d crashes, %v; want %d from %d on", c.filter, len(got), err, c.want, c.first)
		}
	}
	if got, err := x.Signatures(t.Context(), time.Time{}, 0); err != nil || len(got) != 50 {
		t.Errorf("Signatures(0) = %d, %v; want 50", len(got), err)
	}
	_, limit := x.Recent(t.Context(), socorro.CrashFilter{Limit: -1})
	_, offset := x.Recent(t.Context(), socorro.CrashFilter{Offset: -1})
	_, top := x.Signatures(t.Context(), time.Time{}, -1)
	for what, err := range map[string]error{"limit": limit, "offset": offset, "signatures": top} {
		if !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("negative %s = %v; want ErrInvalid", what, err)
		}
	}
}

func mixedUp(t *testing.T, x IndexStore) {
	for what, err := range map[string]error{
		"another's raw crash": x.Save(t.Context(), Raw(ID(2)), Processed(ID(1), 1)),
		"no id":               x.Save(t.Context(), nil, Processed("", 1)),
	} {
		if !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("Save with %s = %v; want ErrInvalid", what, err)
		}
	}
}

func indexRace(t *testing.T, x IndexStore) {
	const crashes = 100
	var saving, reading sync.WaitGroup
	stop := make(chan struct{})
	reading.Go(func() {
		for last := 0; ; {
			select {
			case <-stop:
				return
			default:
			}
			n, err := x.Count(t.Context(), socorro.CrashFilter{})
			if err != nil || n < last {
				t.Errorf("Count = %d, %v after %d", n, err, last)
				return
			}
			last = n
		}
	})
	for worker := range 4 {
		saving.Go(func() {
			for n := range crashes { // all save all, in another order
				id := ID((n*7 + worker*13) % crashes)
				if err := x.Save(t.Context(), Raw(id), Processed(id, int64(worker))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	saving.Wait()
	close(stop)
	reading.Wait()
	if n, err := x.Count(t.Context(), socorro.CrashFilter{SignatureContains: "APP::"}); n != crashes || err != nil {
		t.Errorf("Count = %d, %v; want %d", n, err, crashes)
	}
}

// listing is a list of crashes that answers by looking at every one.
type listing map[socorro.CrashID]socorro.CrashSummary

func (l listing) find(f socorro.CrashFilter) (found []socorro.CrashSummary) {
	for _, c := range l {
		if (f.Product == "" || c.Product == f.Product) && (f.Signature == "" || c.Signature == f.Signature) &&
			strings.Contains(strings.ToLower(c.Signature), strings.ToLower(f.SignatureContains)) &&
			!c.Submitted.Before(f.Since) && (f.Before.IsZero() || c.Submitted.Before(f.Before)) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b socorro.CrashSummary) int {
		return cmp.Or(b.Submitted.Compare(a.Submitted), cmp.Compare(b.ID, a.ID))
	})
	return found
}

func (l listing) signatures(since time.Time) []socorro.SignatureCount {
	by := map[string]*socorro.SignatureCount{}
	for _, c := range l.find(socorro.CrashFilter{Since: since}) {
		s := by[c.Signature]
		if s == nil {
			s = &socorro.SignatureCount{Signature: c.Signature, Last: c.Submitted}
			by[c.Signature] = s
		}
		s.Crashes++
		s.First = c.Submitted
		if !slices.Contains(s.Products, c.Product) {
			s.Products = append(s.Products, c.Product)
			slices.Sort(s.Products)
		}
	}
	list := []socorro.SignatureCount{}
	for s := range maps.Values(by) {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b socorro.SignatureCount) int {
		return cmp.Or(cmp.Compare(b.Crashes, a.Crashes), cmp.Compare(a.Signature, b.Signature))
	})
	return list
}

func indexModel(t *testing.T, rt *rapid.T, open Opener[IndexStore]) {
	dir, err := os.MkdirTemp(t.TempDir(), "model") //nolint:usetesting // one for each of rapid's runs, not one for the test
	check(t, err)
	x := open(t, dir, time.Now)
	l := listing{}
	epochs := map[socorro.CrashID]int64{}
	signatures := []string{"", "main", "Main", "app::main", "abort | main"}
	products := []string{"Firefox", "Fenix"}
	anyTime := func(rt *rapid.T, name string) time.Time {
		return start().Add(time.Duration(rapid.IntRange(-60, 60).Draw(rt, name)) * time.Hour)
	}
	rt.Repeat(map[string]func(*rapid.T){
		"save": func(rt *rapid.T) {
			id := ID(rapid.IntRange(1, 20).Draw(rt, "crash"))
			raw, p := Raw(id), Processed(id, int64(rapid.IntRange(1, 3).Draw(rt, "epoch")))
			raw.Submitted = anyTime(rt, "submitted")
			p.Signature = rapid.SampledFrom(signatures).Draw(rt, "signature")
			p.Product = rapid.SampledFrom(products).Draw(rt, "product")
			check(t, x.Save(t.Context(), raw, p))
			if p.Epoch >= epochs[id] {
				epochs[id] = p.Epoch
				l[id] = socorro.CrashSummary{ID: id, Submitted: raw.Submitted, Product: p.Product, Signature: p.Signature}
			}
		},
		"delete": func(rt *rapid.T) {
			id := ID(rapid.IntRange(1, 20).Draw(rt, "crash"))
			check(t, x.Delete(t.Context(), id))
			delete(l, id)
			delete(epochs, id)
		},
		"ask": func(rt *rapid.T) {
			f := socorro.CrashFilter{
				Product:           rapid.SampledFrom(append([]string{"", "Other"}, products...)).Draw(rt, "product"),
				Signature:         rapid.SampledFrom(append([]string{"", "", "other"}, signatures...)).Draw(rt, "signature"),
				SignatureContains: rapid.SampledFrom([]string{"", "", "MAIN", "::", "x"}).Draw(rt, "contains"),
			}
			if rapid.Bool().Draw(rt, "is since") {
				f.Since = anyTime(rt, "since")
			}
			if rapid.Bool().Draw(rt, "is before") {
				f.Before = anyTime(rt, "before")
			}
			want := l.find(f)
			got, err := x.Recent(t.Context(), f)
			agree(rt, "Recent error", nil, err)
			for i, c := range got {
				got[i] = socorro.CrashSummary{ID: c.ID, Submitted: c.Submitted, Product: c.Product, Signature: c.Signature}
			}
			agree(rt, "Recent", append([]socorro.CrashSummary{}, want...), got)
			n, err := x.Count(t.Context(), f)
			agree(rt, "Count error", nil, err)
			agree(rt, "Count", len(want), n)
			counts, err := x.Signatures(t.Context(), f.Since, 0)
			agree(rt, "Signatures error", nil, err)
			agree(rt, "Signatures", l.signatures(f.Since), counts)
		},
	})
}
