package socorro_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"socorro"
)

func TestCrashIDRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		day := time.Unix(rapid.Int64Range(946684800, 4102444799).Draw(t, "seconds"), 0) // 2000 to 2099
		verdict := socorro.Throttle(rapid.IntRange(0, 3).Draw(t, "throttle"))
		id := socorro.NewCrashID(day, verdict)
		for _, text := range []string{string(id), "bp-" + string(id), " " + string(id) + "\n"} {
			got, err := socorro.ParseCrashID(text)
			if err != nil || got != id {
				t.Fatalf("ParseCrashID(%q) = %q, %v; want %q", text, got, err, id)
			}
		}
		if got, want := id.Date().Format(time.DateOnly), day.UTC().Format(time.DateOnly); got != want {
			t.Fatalf("%s.Date() = %s; want %s", id, got, want)
		}
		if verdict <= socorro.Defer && id.Throttle() != verdict {
			t.Fatalf("%s.Throttle() = %s; want %s", id, id.Throttle(), verdict)
		}
	})
}

func TestCrashIDThatIsNotOne(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"",
		"bp-",
		"de1bb258-cbbf-4589-a673-34f80016091",     // one short
		"de1bb258-cbbf-4589-a673-34f8001609188",   // one long
		"de1bb258-cbbf-4589-a673-34f800161318",    // month 13
		"de1bb258-cbbf-4589-a673-34f800160230",    // 30 February
		"DE1BB258-CBBF-4589-A673-34F800160918",    // upper case
		"de1bb258xcbbf-4589-a673-34f800160918",    // no dash
		"../../etc/passwd/a673-34f8-00160918/..",  // not a path either
		"de1bb258-cbbf-4589-a673-34f80016091\x00", // control character
	} {
		if id, err := socorro.ParseCrashID(text); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("ParseCrashID(%q) = %q, %v; want ErrInvalid", text, id, err)
		}
	}
}

func TestOldCrashIDsAreProcessed(t *testing.T) {
	t.Parallel()
	// Ids of before the throttle digit hold a tree depth there.
	id, err := socorro.ParseCrashID("0bba929f-8721-460c-dead-a43c20071025")
	if err != nil {
		t.Fatal(err)
	}
	if got := id.Throttle(); got != socorro.Accept {
		t.Errorf("Throttle() = %s; want accept", got)
	}
	if got := id.Date().Format(time.DateOnly); got != "2007-10-25" {
		t.Errorf("Date() = %s; want 2007-10-25", got)
	}
}

func FuzzParseCrashID(f *testing.F) {
	f.Add("bp-de1bb258-cbbf-4589-a673-34f800160918")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := socorro.ParseCrashID(text)
		if err != nil {
			return
		}
		if strings.ContainsAny(string(id), "/.\\\x00") || id.Date().IsZero() {
			t.Errorf("ParseCrashID(%q) = %q: not safe in a path, or no date", text, id)
		}
	})
}
