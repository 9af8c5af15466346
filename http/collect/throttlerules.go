package collect

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"socorro"
)

// AcceptAll keeps every crash.
func AcceptAll() []Rule {
	return []Rule{
		{"accept_everything", "*", nil, always(socorro.Accept)},
	}
}

// Mozilla is Mozilla's policy of 2026. nil products and packages mean Mozilla's own.
func Mozilla(products []string, packages map[string][]string) []Rule {
	if products == nil {
		products = mozillaProducts()
	}
	if packages == nil {
		packages = mozillaPackages()
	}
	products, packages = slices.Clone(products), maps.Clone(packages)
	const (
		accept = socorro.Accept
		reject = socorro.Reject
	)
	return []Rule{
		{"has_old_buildid", "BuildID", olderThanTwoYears, always(reject)},
		{"has_hangid_and_browser", "HangID", isBrowser, always(reject)}, // the other half of a plugin hang has the stack
		{"infobar_is_true", "*", isBrokenInfobar, always(reject)},
		{"b2g", "*", isUnwantedB2G(products), always(socorro.FakeAccept)}, // such phones retry for ever when told no
		{"unsupported_product", "*", notIn(products), always(reject)},
		{"unsupported_packagename", "*", notInPackages(packages), always(reject)},
		{"throttleable_0", "Throttleable", is("0"), always(accept)}, // sent by hand from about:crashes
		{"has_comments", "Comments", nil, always(accept)},
		{"has_phc", "PHCKind", nil, always(accept)},
		{"is_background", "ProcessType", is("gpu", "plugin", "rdd", "socket", "utility"), always(accept)},
		{"is_shutdownkill", "ipc_channel_error", is("ShutDownKill"), Outcome{10, Continue, reject}},
		{"is_firefox_esr_unsupported_windows", "*", isOldWindowsESR, Outcome{25, Continue, reject}},
		{"is_alpha_beta_esr", "ReleaseChannel", is("aurora", "beta", "esr"), always(accept)},
		{"is_nightly", "ReleaseChannel", startsWith("nightly"), always(accept)},
		{"is_firefox_desktop", "*", isFirefoxRelease, Outcome{10, accept, reject}},
		{"accept_everything", "*", nil, always(accept)},
	}
}

func mozillaProducts() []string {
	return []string{"Fenix", "Firefox", "Firefox Enterprise", "Focus", "MozillaVPN", "ReferenceBrowser", "Thunderbird"}
}

func mozillaPackages() map[string][]string {
	return map[string][]string{
		"Fenix":            {"org.mozilla.firefox", "org.mozilla.firefox_beta", "org.mozilla.fenix"},
		"Focus":            {"org.mozilla.focus", "org.mozilla.focus.beta", "org.mozilla.focus.nightly", "org.mozilla.klar"},
		"ReferenceBrowser": {"org.mozilla.reference.browser"},
	}
}

func is(values ...string) func(string, Crash) bool {
	return func(v string, _ Crash) bool { return slices.Contains(values, v) }
}

func startsWith(prefix string) func(string, Crash) bool {
	return func(v string, _ Crash) bool { return strings.HasPrefix(v, prefix) }
}

func olderThanTwoYears(buildID string, c Crash) bool {
	if len(buildID) != 14 || !strings.HasPrefix(buildID, "20") || strings.Trim(buildID, "0123456789") != "" {
		return false
	}
	day, err := time.Parse("20060102", buildID[:8])
	return err == nil && day.Before(c.Now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -730))
}

func isBrowser(_ string, c Crash) bool {
	kind := c.ProcessType()
	return kind == "" || kind == "browser"
}

// isBrokenInfobar finds reports that Firefox 52 to 59 sent without the user's
// consent; bug 1425949.
func isBrokenInfobar(_ string, c Crash) bool {
	version := c.Version()
	return c.Product() == "Firefox" && c.Text("SubmittedFromInfobar") == "true" &&
		len(version) > 2 && version[:2] >= "52" && version[:2] <= "59" && version[2] == '.' &&
		c.BuildID() != "" && c.BuildID() < "20171226"
}

func isUnwantedB2G(products []string) func(string, Crash) bool {
	wanted := slices.Contains(products, "B2G")
	return func(_ string, c Crash) bool { return !wanted && strings.EqualFold(c.Product(), "b2g") }
}

func notIn(products []string) func(string, Crash) bool {
	return func(_ string, c Crash) bool {
		return len(products) > 0 && !slices.Contains(products, c.Product())
	}
}

func notInPackages(packages map[string][]string) func(string, Crash) bool {
	return func(_ string, c Crash) bool {
		wanted, bound := packages[c.Product()]
		return bound && !slices.Contains(wanted, c.Text("Android_PackageName"))
	}
}

// isOldWindowsESR finds the extended support releases on Windows 7 and 8, whose
// many crashes nobody fixes any more.
func isOldWindowsESR(_ string, c Crash) bool {
	if c.Product() != "Firefox" || c.ReleaseChannel() != "esr" {
		return false
	}
	var env struct {
		System struct {
			OS struct {
				Name  string `json:"name"`
				Build *int64 `json:"windowsBuildNumber"`
			} `json:"os"`
		} `json:"system"`
	}
	if err := json.Unmarshal([]byte(c.Text("TelemetryEnvironment")), &env); err != nil {
		return false // not what Firefox sends: no reason to refuse the crash
	}
	os := env.System.OS
	return os.Name == "Windows_NT" && os.Build != nil && *os.Build <= 9600
}

func isFirefoxRelease(_ string, c Crash) bool {
	return c.Product() == "Firefox" && c.ReleaseChannel() == "release"
}
