package collect

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"socorro"
)

// addQuery takes fields of the URL for what the body does not say. Crashpad
// repeats there what its fields say under other names; those are left out, and
// so are keys and tokens, which are secrets of the client's.
func addQuery(a socorro.Annotations, query url.Values, maxName int) {
	for _, key := range slices.Sorted(maps.Keys(query)) {
		lower := strings.ToLower(key)
		value := strings.ToValidUTF8(query.Get(key), "\uFFFD")
		_, present := a[key]
		switch {
		case present || key == "" || value == "" || len(key) > maxName || saidOtherwise(a, lower):
		case strings.Contains(lower, "token") || strings.Contains(lower, "key"):
		case lower == "uuid" || lower == "metadata" || lower == "submitted_timestamp":
		default:
			a[key] = strings.Clone(value)
		}
	}
}

// saidOtherwise tells whether the annotations have what the query calls key
// under any of the names that clients use for it.
func saidOtherwise(a socorro.Annotations, key string) bool {
	switch key {
	case "product", "prod", "productname", "_productname", "appname":
		return a.Product() != ""
	case "version", "ver", "_version", "appversion":
		return a.Version() != ""
	case "buildid", "build_id":
		return a.BuildID() != ""
	case "channel", "releasechannel":
		return a.ReleaseChannel() != ""
	case "ptype", "process_type", "processtype":
		return a.ProcessType() != ""
	case "id": // Firefox: the application's id in braces
		return a.Text("ProductID") != ""
	}
	return false
}

// personal are annotations that are not kept unless told otherwise.
func personal() []string {
	return []string{"Email", "TelemetryClientId", "TelemetryServerURL", "TelemetrySessionId"}
}

// cleanAnnotations removes what must not be kept and what stands in the way of
// the collector's own fields of the raw crash. It returns notes about it.
func cleanAnnotations(a socorro.Annotations, strip []string) (notes []string) {
	for _, name := range strip {
		if _, ok := a[name]; ok {
			delete(a, name)
			notes = append(notes, "Removed "+name+" from raw crash.")
		}
	}
	// The raw crash has a field "version" of its own. BugSplat's and Crashpad's
	// clients call the product's version so.
	if v := a.Text("version"); v != "" && a.Text("Version") == "" {
		a["Version"] = v
		notes = append(notes, "Renamed version to Version.")
	}
	for _, ours := range []string{"uuid", "version", "metadata", "submitted_timestamp"} {
		delete(a, ours)
	}
	return notes
}
