package collect_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"socorro"
	"socorro/http/collect"
)

const exampleRules = `
# What the site wants.
rule too_old:   product = Tour and version < 2.0          -> reject
rule sample:    product = Tour|Lake and channel = release -> 10% accept else defer
rule told:      Comments                                  -> accept
rule noisy:     MozCrashReason ~ "out of memory*"         -> 50% continue else reject
rule odd:       "odd key" != x and not version            -> fakeaccept
rule rest:      *                                         -> accept

alias game_name -> ProductName   # our own client
end_of_life Tour 1.*
`

func TestRulesOfASite(t *testing.T) {
	t.Parallel()
	policy, err := collect.ParsePolicy(strings.NewReader(exampleRules))
	if err != nil {
		t.Fatal(err)
	}
	if policy.Aliases["game_name"] != "ProductName" || len(policy.Ended) != 1 || policy.Ended[0] != (collect.Ended{Product: "Tour", Version: "1.*"}) {
		t.Errorf("policy = %+v", policy)
	}
	for _, c := range []struct {
		crash  socorro.Annotations
		chance float64
		want   socorro.Throttle
		rule   string
	}{
		{socorro.Annotations{"prod": "Tour", "ver": "1.9.9"}, 0, socorro.Reject, "too_old"},
		{socorro.Annotations{"prod": "Tour", "ver": "2.0b1"}, 0, socorro.Reject, "too_old"},
		{socorro.Annotations{"prod": "Tour", "ver": "2"}, 0, socorro.Accept, "rest"},
		{socorro.Annotations{"prod": "Tour", "ver": "10.0"}, 0, socorro.Accept, "rest"},
		{socorro.Annotations{"prod": "Lake", "ver": "1", "channel": "release"}, 0.1, socorro.Accept, "sample"},
		{socorro.Annotations{"prod": "Lake", "ver": "1", "channel": "release"}, 0.11, socorro.Defer, "sample"},
		{socorro.Annotations{"prod": "Sea", "ver": "1", "Comments": "!"}, 0, socorro.Accept, "told"},
		{socorro.Annotations{"prod": "Sea", "ver": "1", "MozCrashReason": "out of memory: 7"}, 0.4, socorro.Accept, "rest"},
		{socorro.Annotations{"prod": "Sea", "ver": "1", "MozCrashReason": "out of memory: 7"}, 0.6, socorro.Reject, "noisy"},
		{socorro.Annotations{"prod": "Sea", "odd key": "y"}, 0, socorro.FakeAccept, "odd"},
		{socorro.Annotations{"prod": "Sea", "odd key": "x"}, 0, socorro.Accept, "rest"},
	} {
		th, err := collect.NewThrottler(collect.ThrottleConfig{First: policy.Rules}, time.Now, func() float64 { return c.chance })
		if err != nil {
			t.Fatal(err)
		}
		if got, rule := th.Throttle(c.crash); got != c.want || rule != c.rule {
			t.Errorf("%v with chance %v = %v by %s; want %v by %s", c.crash, c.chance, got, rule, c.want, c.rule)
		}
	}
}

func TestRulesThatCannotBeReadAreRefusedWithTheirLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\nrule x: * -> maybe":                     "line 2: \"maybe\" is none of",
		"rule x: -> accept":                        "want: rule NAME",
		"rule x y: * -> accept":                    "colon",
		"rule x: * -> 101% accept":                 "between 0% and 100%",
		"rule x: * -> 10%":                         "after ->",
		"rule x: a b -> accept":                    "want a condition",
		"rule x: version ! 3 -> accept":            "operator",
		"rule x: version ~ [ -> accept":            "pattern",
		"rule x: * -> accept\nrule x: * -> accept": "line 2: there is a rule x already",
		"rule x: a = \"b -> accept":                "quote",
		"alias a b":                                "alias THEIRS -> OURS",
		"end_of_life Tour":                         "end_of_life PRODUCT",
		"end_of_life Tour [":                       "versions",
		"allow *":                                  "none of rule, alias",
		"rule x: a and -> accept":                  "want a condition",
	} {
		if _, err := collect.ParsePolicy(strings.NewReader(text)); !errors.Is(err, socorro.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("ParsePolicy(%q) = %v; want ErrInvalid about %q", text, err, want)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(exampleRules, "2.0b1", "x")
	f.Add("rule a: version < 1..b -> 5% defer", "..", "")
	f.Fuzz(func(t *testing.T, text, version, reason string) {
		policy, err := collect.ParsePolicy(strings.NewReader(text))
		if err != nil {
			return
		}
		th, err := collect.NewThrottler(collect.ThrottleConfig{First: policy.Rules}, time.Now, func() float64 { return 0.5 })
		if err != nil {
			t.Fatalf("rules that were read make no throttler: %v", err)
		}
		if _, rule := th.Throttle(socorro.Annotations{"Version": version, "MozCrashReason": reason}); rule == "" {
			t.Error("no rule decided")
		}
	})
}
