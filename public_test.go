package socorro_test

import (
	"testing"

	"socorro"
)

func TestPersonalDataIsNotPublic(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Email", "URL", "Comments", "StackTraces", "TelemetryEnvironment", "guid", "switch-1", "ModuleSignatureInfo", "email", "client_id", "RemoteType",
		"JavaStackTrace", "MozCrashReason", "GMPLibraryPath", "Breadcrumbs", "unheard of", "#", "",
	} {
		if socorro.PublicAnnotation(name) {
			t.Errorf("annotation %q is public", name)
		}
	}
	for _, name := range []string{"url", "user_comments", "email", "collector_metadata", "signature_debug", "java_stack_trace_raw", "memory_report", "telemetry_environment", "unheard of", ""} {
		if socorro.PublicField(name) {
			t.Errorf("field %q is public", name)
		}
	}
	for _, name := range []string{"ProductName", "prod", "_productName", "CrashTime"} {
		if !socorro.PublicAnnotation(name) {
			t.Errorf("annotation %q is protected", name)
		}
	}
	for _, name := range []string{"signature", "json_dump", "reason", "processor_notes"} {
		if !socorro.PublicField(name) {
			t.Errorf("field %q is protected", name)
		}
	}
}
