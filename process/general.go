package process

import (
	"context"
	"maps"
	"regexp"
	"slices"

	"socorro"
)

// identifiers copies the crash id under both of its names.
func identifiers(_ context.Context, s *State) error {
	s.Crash.ID, s.Crash.UUID = s.Raw.ID, s.Raw.ID
	return nil
}

// collectorMetadata keeps what the collector saw of the upload.
func collectorMetadata(_ context.Context, s *State) error {
	s.set("collector_metadata", s.Raw.Metadata)
	return nil
}

var reportKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

const maxReportKey = 100 // characters of a key name that are kept

// reportKeys lists the names of all annotations and dumps, so that a search can
// find crashes that have one.
func reportKeys(_ context.Context, s *State) error {
	names := map[string]bool{}
	invalid := false
	add := func(name string) {
		if !reportKey.MatchString(name) {
			invalid = true
			return
		}
		names[name[:min(len(name), maxReportKey)]] = true
	}
	for name := range s.Raw.Annotations {
		add(name)
	}
	for _, d := range s.Dumps {
		add(d.Name)
	}
	if invalid {
		s.note("invalidkeys: Crash report contains invalid keys")
	}
	s.set("crash_report_keys", slices.Sorted(maps.Keys(names)))
	return nil
}

// product says what crashed, whichever names the client uses for it.
func product(_ context.Context, s *State) error {
	a := s.Raw.Annotations
	s.Crash.Product = a.Product()
	s.Crash.Version = a.Version()
	s.Crash.BuildID = a.BuildID()
	s.Crash.ReleaseChannel = a.ReleaseChannel()
	s.Crash.Vendor = a.First("Vendor", "_companyName")
	if s.Crash.Product == "" {
		s.note("the client sent no product name (ProductName, _productName, product or prod)")
	}
	s.copy("productid", "ProductID")
	s.copy("distributor", "Distributor")
	s.copy("useragent_locale", "useragent_locale")
	return nil
}

func isESR(s *State) bool { return s.Crash.ReleaseChannel == "esr" }

// esrVersion tells an extended-support version from the release it came from.
func esrVersion(_ context.Context, s *State) error {
	if s.Crash.Version == "" {
		s.note(`"Version" missing from esr release raw_crash`)
		return nil
	}
	s.Crash.Version += "esr"
	return nil
}

// processType is the kind of process that crashed; clients leave it out for
// the main one, which Socorro calls parent.
func processType(_ context.Context, s *State) error {
	switch t := s.Raw.Annotations.ProcessType(); t {
	case "", "main":
		s.Crash.ProcessType = "parent"
	default:
		s.Crash.ProcessType = t
	}
	return nil
}

// userData is what the person said. All of it is protected: pages and the API
// show it only to those who may see personal data.
func userData(_ context.Context, s *State) error {
	s.copy("url", "URL")
	s.copy("user_comments", "Comments")
	return nil
}

// environment copies the notes and messages that the product left for us.
func environment(_ context.Context, s *State) error {
	for _, c := range []struct{ field, annotation string }{
		{"abort_message", "AbortMessage"},
		{"app_notes", "Notes"},
		{"async_shutdown_timeout", "AsyncShutdownTimeout"},
		{"hang", "Hang"},
		{"ipc_channel_error", "ipc_channel_error"},
		{"ipc_message_name", "IPCMessageName"},
		{"java_stack_trace_raw", "JavaStackTrace"},
		{"js_large_allocation_failure", "JSLargeAllocationFailure"},
		{"moz_crash_reason", "MozCrashReason"},
		{"oom_allocation_size", "OOMAllocationSize"},
		{"startup_crash", "StartupCrash"},
	} {
		s.copy(c.field, c.annotation)
	}
	return nil
}

// set puts a field that no Go code of ours needs typed.
func (s *State) set(field string, value any) {
	if s.Crash.Other == nil {
		s.Crash.Other = map[string]any{}
	}
	s.Crash.Other[field] = value
}

// copy sets a field to an annotation's text, when there is one.
func (s *State) copy(field, annotation string) {
	if v := s.Raw.Annotations.Text(annotation); v != "" {
		s.set(field, v)
	}
}

func hasMinidump(s *State) bool {
	_, ok := s.dump(socorro.MainDump)
	return ok
}
