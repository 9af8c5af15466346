package fs_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro"
	"socorro/storage/fs"
	"socorro/storage/storagetest"
)

func openTelemetry(t *testing.T) (*fs.Telemetry, func(socorro.CrashID) map[string]any) {
	t.Helper()
	root := t.TempDir()
	export, err := fs.OpenTelemetry(root)
	if err != nil {
		t.Fatal(err)
	}
	return export, func(id socorro.CrashID) map[string]any {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(root, "v1/crash_report/20261123", string(id)))
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		return fields
	}
}

func TestTelemetryWritesPublicFieldsOnly(t *testing.T) {
	t.Parallel()
	export, read := openTelemetry(t)
	const secret = "SECRET"
	raw := storagetest.Raw(storagetest.ID(1))
	raw.Annotations["Comments"] = secret
	p := storagetest.Processed(storagetest.ID(1), 1)
	p.JSONDump = []byte(`{
		"status": "OK", "pid": "SECRET", "sensitive": {"a": "SECRET"}, "linux_memory_map_count": "SECRET",
		"crash_info": {"type": "SIGSEGV", "address": "0x0", "instruction": "SECRET", "memory_accesses": [{"address": "SECRET"}]},
		"system_info": {"os": "Linux", "cpu_info": {"odd": "SECRET"}},
		"modules": [{"filename": "a.so", "debug_id": "AB", "cert_subject": "SECRET"}],
		"handles": [{"object_name": "SECRET"}],
		"threads": [{"thread_name": "main", "thread_id": "SECRET", "last_error_value": "SECRET",
			"frames": [{"frame": 0, "function": "f", "line": 18446744073709551615, "registers": {"rax": "SECRET"},
				"inlines": [{"function": "g", "line": 1, "extra": "SECRET"}]}, "SECRET"]}]}`)
	p.Other = map[string]any{
		"url": secret, "user_comments": secret, "email": secret, "registers": secret, "memory_report": secret,
		"java_exception": map[string]any{"x": secret}, "breadcrumbs": []any{secret}, "telemetry_environment": map[string]any{"x": secret},
		"remote_type": secret, "upload_file_minidump_browser": map[string]any{"json_dump": map[string]any{"registers": secret}}, "moz_crash_reason_raw": secret, "a_field_of_tomorrow": secret, "app_notes": "public",
	}
	if err := export.Save(t.Context(), raw, p); err != nil {
		t.Fatal(err)
	}
	got := read(p.ID)
	text, err := json.Marshal(got)
	if err != nil || strings.Contains(string(text), secret) {
		t.Errorf("the export holds a secret: %s, %v", text, err)
	}
	want := map[string]any{
		"status": "OK", "crash_info": map[string]any{"type": "SIGSEGV", "address": "0x0"},
		"system_info": map[string]any{"os": "Linux"},
		"modules":     []any{map[string]any{"filename": "a.so", "debug_id": "AB"}},
		"threads": []any{map[string]any{"thread_name": "main", "frames": []any{
			map[string]any{"frame": 0., "function": "f", "line": 18446744073709551615., "inlines": []any{map[string]any{"function": "g", "line": 1.}}},
		}}},
	}
	if diff := cmp.Diff(want, got["json_dump"]); diff != "" {
		t.Error("json_dump (-want +got):", diff)
	}
	for name, want := range map[string]any{
		"build_id": "20261120", "platform": "Linux", "platform_version": "6.8", "platform_pretty_version": "Debian GNU/Linux 12",
		"date": p.Processed, "app_notes": "public", "signature": p.Signature, "crash_id": string(p.ID),
	} {
		if got[name] != want {
			t.Errorf("%s = %v; want %v (there are %v)", name, got[name], want, slices.Sorted(maps.Keys(got)))
		}
	}
}

func TestTelemetryIsFencedAndRepeatable(t *testing.T) {
	t.Parallel()
	export, read := openTelemetry(t)
	for _, step := range []struct{ epoch, kept int64 }{{2, 2}, {2, 2}, {1, 2}, {3, 3}} {
		p := storagetest.Processed(storagetest.ID(1), step.epoch)
		if err := export.Save(t.Context(), nil, p); err != nil {
			t.Fatal(err)
		}
		if got := read(p.ID)["claim_epoch"]; got != float64(step.kept) {
			t.Errorf("after epoch %d the export holds %v; want %d", step.epoch, got, step.kept)
		}
	}
	if err := export.Save(t.Context(), nil, storagetest.Processed("../../etc/passwd", 1)); !errors.Is(err, socorro.ErrInvalid) {
		t.Errorf("Save with a hostile id = %v; want ErrInvalid", err)
	}
	if err := export.Delete(t.Context(), storagetest.ID(1)); err != nil {
		t.Error(err)
	}
	if err := export.Delete(t.Context(), storagetest.ID(1)); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("second Delete = %v; want ErrNotFound", err)
	}
}

// FuzzTelemetry looks for reports that get past the reduction or break it.
func FuzzTelemetry(f *testing.F) {
	f.Add([]byte(`{"threads":[{"frames":[{"registers":{"rip":"SECRET"}}]}]}`))
	f.Add([]byte(`[{"status":"SECRET"}]`))
	f.Add([]byte(`{"status":["SECRET"],"modules":{"*":{"filename":"SECRET"}}}`))
	f.Fuzz(func(t *testing.T, dump []byte) {
		if !json.Valid(dump) {
			t.Skip()
		}
		text, err := fs.PublicText(&socorro.ProcessedCrash{ID: storagetest.ID(1), JSONDump: dump})
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(text) || strings.Contains(string(text), `"registers"`) {
			t.Errorf("%s becomes %s", dump, text)
		}
	})
}
