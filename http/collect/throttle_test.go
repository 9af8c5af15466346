package collect_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"socorro"
	"socorro/http/collect"
)

// firefox is a crash that the mozilla rules accept at their end, with changes as
// key, value, key, value.
func firefox(changes ...string) socorro.Annotations {
	a := socorro.Annotations{"ProductName": "Firefox", "Version": "150.0", "ReleaseChannel": "default", "BuildID": "20261101000000"}
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == "-" {
			delete(a, changes[i])
			continue
		}
		a[changes[i]] = changes[i+1]
	}
	return a
}

func TestMozillaRules(t *testing.T) {
	t.Parallel()
	const (
		accept = socorro.Accept
		reject = socorro.Reject
	)
	now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		crash  socorro.Annotations
		chance float64
		want   socorro.Throttle
		rule   string
	}{
		{firefox(), 0, accept, "accept_everything"},
		{firefox("BuildID", "20241122000000"), 0, reject, "has_old_buildid"},
		{firefox("BuildID", "20241123000000"), 0, accept, "accept_everything"},
		{firefox("BuildID", "19991123000000"), 0, accept, "accept_everything"},
		{firefox("BuildID", "20001399000000"), 0, accept, "accept_everything"},
		{firefox("BuildID", "2000112300000"), 0, accept, "accept_everything"},
		{firefox("HangID", "x"), 0, reject, "has_hangid_and_browser"},
		{firefox("HangID", "", "ProcessType", "browser"), 0, reject, "has_hangid_and_browser"},
		{firefox("HangID", "x", "ProcessType", "gpu"), 0, accept, "is_background"},
		{firefox("SubmittedFromInfobar", "true", "Version", "52.0", "BuildID", "20171225"), 0, reject, "infobar_is_true"},
		{firefox("SubmittedFromInfobar", "true", "Version", "59.0a1", "BuildID", "20171226"), 0, accept, "accept_everything"},
		{firefox("SubmittedFromInfobar", "true", "Version", "60.0", "BuildID", "20171225"), 0, accept, "accept_everything"},
		{firefox("SubmittedFromInfobar", "true", "Version", "5", "BuildID", "2017"), 0, accept, "accept_everything"},
		{firefox("ProductName", "B2g"), 0, socorro.FakeAccept, "b2g"},
		{firefox("ProductName", "Tour"), 0, reject, "unsupported_product"},
		{firefox("ProductName", "-"), 0, reject, "unsupported_product"},
		{firefox("ProductName", "-", "prod", "Thunderbird"), 0, accept, "accept_everything"},
		{firefox("ProductName", "Fenix"), 0, reject, "unsupported_packagename"},
		{firefox("ProductName", "Fenix", "Android_PackageName", "org.mozilla.fenix"), 0, accept, "accept_everything"},
		{firefox("ReleaseChannel", "release", "Throttleable", "0"), 0.99, accept, "throttleable_0"},
		{firefox("ReleaseChannel", "release", "Comments", ""), 0.99, accept, "has_comments"},
		{firefox("ReleaseChannel", "release", "PHCKind", "x"), 0.99, accept, "has_phc"},
		{firefox("ReleaseChannel", "release", "ProcessType", "utility"), 0.99, accept, "is_background"},
		{firefox("ipc_channel_error", "ShutDownKill"), 0.10, accept, "accept_everything"},
		{firefox("ipc_channel_error", "ShutDownKill"), 0.11, reject, "is_shutdownkill"},
		{firefox("ReleaseChannel", "esr", "TelemetryEnvironment", `{"system":{"os":{"name":"Windows_NT","windowsBuildNumber":9600}}}`), 0.26, reject, "is_firefox_esr_unsupported_windows"},
		{firefox("ReleaseChannel", "esr", "TelemetryEnvironment", `{"system":{"os":{"name":"Windows_NT","windowsBuildNumber":9600}}}`), 0.25, accept, "is_alpha_beta_esr"},
		{firefox("ReleaseChannel", "esr", "TelemetryEnvironment", `{"system":{"os":{"name":"Windows_NT","windowsBuildNumber":9601}}}`), 0.99, accept, "is_alpha_beta_esr"},
		{firefox("ReleaseChannel", "esr", "TelemetryEnvironment", `{"system":{"os":{"name":"Windows_NT"}}}`), 0.99, accept, "is_alpha_beta_esr"},
		{firefox("ReleaseChannel", "esr", "TelemetryEnvironment", `[]`), 0.99, accept, "is_alpha_beta_esr"},
		{firefox("ReleaseChannel", "esr", "TelemetryEnvironment", `{"system":{"os":{"windowsBuildNumber":"7"}}}`), 0.99, accept, "is_alpha_beta_esr"},
		{firefox("ReleaseChannel", "aurora"), 0.99, accept, "is_alpha_beta_esr"},
		{firefox("ReleaseChannel", "nightly-maple"), 0.99, accept, "is_nightly"},
		{firefox("ReleaseChannel", "release"), 0.10, accept, "is_firefox_desktop"},
		{firefox("ReleaseChannel", "release"), 0.11, reject, "is_firefox_desktop"},
		{firefox("ReleaseChannel", "release", "ProductName", "Thunderbird"), 0.99, accept, "accept_everything"},
	} {
		th, err := collect.NewThrottler(collect.ThrottleConfig{Rules: "mozilla"}, func() time.Time { return now }, func() float64 { return c.chance })
		if err != nil {
			t.Fatal(err)
		}
		if got, rule := th.Throttle(c.crash); got != c.want || rule != c.rule {
			t.Errorf("Throttle(%v) with chance %v = %v by %s; want %v by %s", c.crash, c.chance, got, rule, c.want, c.rule)
		}
	}
}

func TestMozillaRulesForOtherProducts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		products []string
		product  string
		want     socorro.Throttle
	}{
		{[]string{}, "Anything", socorro.Accept},
		{[]string{"Tour"}, "Tour", socorro.Accept},
		{[]string{"Tour"}, "Firefox", socorro.Reject},
		{[]string{"B2G"}, "B2G", socorro.Accept},
	} {
		th, err := collect.NewThrottler(collect.ThrottleConfig{Rules: "mozilla", Products: c.products, Packages: map[string][]string{}}, time.Now, func() float64 { return 0 })
		if err != nil {
			t.Fatal(err)
		}
		if got, rule := th.Throttle(socorro.Annotations{"ProductName": c.product}); got != c.want {
			t.Errorf("products %q: %s = %v by %s; want %v", c.products, c.product, got, rule, c.want)
		}
	}
}

func TestOwnRulesComeFirst(t *testing.T) {
	t.Parallel()
	own := []collect.Rule{
		{Name: "passes_on", Key: "*", Then: collect.Outcome{Percent: 100, Hit: collect.Continue}},
		{Name: "later", Key: "ProductName", When: func(v string, _ collect.Crash) bool { return v == "Tour" }, Then: collect.Outcome{Percent: 100, Hit: socorro.Defer}},
		{Name: "no", Key: "Rejected", Then: collect.Outcome{Percent: 100, Hit: socorro.Reject}},
		{Name: "fake", Key: "Faked", Then: collect.Outcome{Percent: 100, Hit: socorro.FakeAccept}},
	}
	s := newSite(t, collect.Config{Throttle: collect.ThrottleConfig{First: own}})

	k := s.wantAccepted(s.post(formType, new(form).field("ProductName", "Tour").end()))
	if k.raw.ID.Throttle() != socorro.Defer || k.raw.Metadata.ThrottleRule != "later" {
		t.Errorf("kept %s by %s; want it deferred by later", k.raw.ID, k.raw.Metadata.ThrottleRule)
	}
	if r := s.post(formType, new(form).field("Rejected", "").end()); r.status != 200 || r.body != "Discarded=rule_no" {
		t.Errorf("a rejected crash = %d %q", r.status, r.body)
	}
	if r := s.post(formType, new(form).field("Faked", "").end()); r.status != 200 || !strings.HasPrefix(r.body, "CrashID=bp-") || r.body[len(r.body)-8] != '3' {
		t.Errorf("a crash accepted in appearance = %d %q", r.status, r.body)
	}
	k = s.wantAccepted(s.post(formType, new(form).field("other", "").end()))
	if k.raw.Metadata.ThrottleRule != "accept_everything" || k.raw.ID.Throttle() != socorro.Accept {
		t.Errorf("kept %s by %s; want it accepted", k.raw.ID, k.raw.Metadata.ThrottleRule)
	}
	if n := len(s.take()); n != 0 {
		t.Errorf("%d more crashes were kept", n)
	}
}

func TestRulesThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	sound := collect.Outcome{Percent: 100}
	for name, r := range map[string]collect.Rule{
		"a name with spaces": {Name: "a b", Key: "*", Then: sound},
		"no name":            {Key: "*", Then: sound},
		"no key":             {Name: "a", Then: sound},
		"101 percent":        {Name: "a", Key: "*", Then: collect.Outcome{Percent: 101}},
		"an unknown verdict": {Name: "a", Key: "*", Then: collect.Outcome{Hit: 9}},
	} {
		cfg := collect.ThrottleConfig{First: []collect.Rule{r}}
		if _, err := collect.NewThrottler(cfg, time.Now, nil); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("a rule with %s = %v; want ErrInvalid", name, err)
		}
	}
}

func TestSharesAreWhatTheRuleSays(t *testing.T) {
	t.Parallel()
	tick := 0
	th, err := collect.NewThrottler(collect.ThrottleConfig{Rules: "mozilla"}, time.Now, func() float64 { tick++; return float64(tick%1000) / 1000 })
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for range 10_000 {
		if got, _ := th.Throttle(firefox("ReleaseChannel", "release", "BuildID", "-")); got == socorro.Accept {
			accepted++
		}
	}
	if accepted < 990 || accepted > 1020 {
		t.Errorf("%d of 10000 Firefox release crashes accepted; want 10%%", accepted)
	}
}

func FuzzThrottle(f *testing.F) {
	f.Add("BuildID", "20001301000000", "SubmittedFromInfobar", "true", 0.5)
	f.Add("TelemetryEnvironment", `{"system":{"os":{"windowsBuildNumber":1e9}}}`, "ReleaseChannel", "esr", 0.99)
	f.Add("Version", "5", "HangID", "", 0.0)
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string, chance float64) {
		if !(chance >= 0 && chance < 1) {
			t.Skip()
		}
		for _, set := range []string{"mozilla", "accept_all"} {
			th, err := collect.NewThrottler(collect.ThrottleConfig{Rules: set}, time.Now, func() float64 { return chance })
			if err != nil {
				t.Fatal(err)
			}
			verdict, rule := th.Throttle(firefox(k1, v1, k2, v2))
			if rule == "" || verdict < socorro.Accept || verdict > socorro.FakeAccept {
				t.Errorf("%s: verdict %v by %q", set, verdict, rule)
			}
		}
	})
}
