package socorro_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro"
)

func TestRawCrashKeepsWhatTheClientSent(t *testing.T) {
	t.Parallel()
	raw := &socorro.RawCrash{
		ID:        "de1bb258-cbbf-4589-a673-34f800160918",
		Submitted: time.Date(2016, 9, 18, 12, 0, 1, 5000, time.UTC),
		Annotations: socorro.Annotations{
			"ProductName": "Firefox",
			"Big":         json.Number("9007199254740993"),
			"Nested":      map[string]any{"a": []any{"<b>", nil, true}},
			"uuid":        "a lie", // the collector's fields win over the client's
			"metadata":    "another",
		},
		Metadata: socorro.Metadata{
			Payload: "json", PayloadCompressed: "1", PayloadSize: 7, UserAgent: "None",
			DumpChecksums: map[string]string{"upload_file_minidump": "ab"}, CollectorNotes: []string{"n"},
		},
	}
	data, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	var back socorro.RawCrash
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	delete(raw.Annotations, "uuid")
	delete(raw.Annotations, "metadata")
	if diff := cmp.Diff(raw, &back); diff != "" {
		t.Errorf("raw crash after a round trip (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(data), `"submitted_timestamp":"2016-09-18T12:00:01.000005+00:00"`) {
		t.Errorf("raw crash = %s; want Antenna's form of the timestamp", data)
	}
}

func TestAnnotationsAsText(t *testing.T) {
	t.Parallel()
	a := socorro.Annotations{"s": "x", "n": json.Number("1.50"), "null": nil, "b": true, "o": map[string]any{"k": "v"}}
	for key, want := range map[string]string{"s": "x", "n": "1.50", "null": "", "absent": "", "b": "true", "o": `{"k":"v"}`} {
		if got := a.Text(key); got != want {
			t.Errorf("Text(%q) = %q; want %q", key, got, want)
		}
	}
}

func TestProductUnderEveryClientsName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		a       socorro.Annotations
		product string
		version string
	}{
		{"Mozilla", socorro.Annotations{"ProductName": "Firefox", "Version": "153.7.0"}, "Firefox", "153.7.0"},
		{"Crashpad", socorro.Annotations{"prod": "Chrome_Linux", "ver": "156.0"}, "Chrome_Linux", "156.0"},
		{"Electron", socorro.Annotations{"prod": "Electron", "ver": "30.0", "_productName": "Slides", "_version": "2.1"}, "Slides", "2.1"},
		{"nobody", nil, "", ""},
	} {
		if p, v := c.a.Product(), c.a.Version(); p != c.product || v != c.version {
			t.Errorf("%s: product %q version %q; want %q %q", c.name, p, v, c.product, c.version)
		}
	}
}

func TestProcessedCrashKeepsUnknownFields(t *testing.T) {
	t.Parallel()
	thread := 0
	p := &socorro.ProcessedCrash{
		ID: "de1bb258-cbbf-4589-a673-34f800160918", Epoch: 3, Signature: "main", CrashingThread: &thread,
		JSONDump: json.RawMessage(`{"status":"OK"}`),
		Other:    map[string]any{"addons": []any{"a:1"}, "big": json.Number("9007199254740993"), "Signature": "another", "signature": "not this one"},
	}
	p.AddNote("one")
	p.AddNote(" ")
	p.AddNote("two")
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back socorro.ProcessedCrash
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	delete(p.Other, "signature")
	if diff := cmp.Diff(p, &back); diff != "" {
		t.Errorf("processed crash after a round trip (-want +got):\n%s", diff)
	}
	if back.ProcessorNotes != "one\ntwo" {
		t.Errorf("notes = %q; want two lines", back.ProcessorNotes)
	}
}

func TestDamagedJSONIsInvalid(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[]", `{"uuid":1}`, `{"submitted_timestamp":"yesterday"}`, `{"metadata":[]}`} {
		var raw socorro.RawCrash
		if err := raw.UnmarshalJSON([]byte(text)); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("raw crash %q: %v; want ErrInvalid", text, err)
		}
	}
	for _, text := range []string{"", "null x", `{"epoch":`, `{"cpu_count":"many"}`} {
		var p socorro.ProcessedCrash
		if err := p.UnmarshalJSON([]byte(text)); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("processed crash %q: %v; want ErrInvalid", text, err)
		}
	}
}

func TestAnnotationsInOddCaseDoNotPassForTheCollectorsFields(t *testing.T) {
	t.Parallel()
	text := `{"uuid": "de1bb258-cbbf-4589-a673-34f800160918", "UUID": "a", "Uuid": 5, "METADATA": "b", "Submitted_Timestamp": "c", "Version": "1.2"}`
	var raw socorro.RawCrash
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatalf("a crash with such annotations cannot be read: %v", err)
	}
	want := socorro.Annotations{"UUID": "a", "Uuid": json.Number("5"), "METADATA": "b", "Submitted_Timestamp": "c", "Version": "1.2"}
	if diff := cmp.Diff(want, raw.Annotations); diff != "" || raw.ID != "de1bb258-cbbf-4589-a673-34f800160918" {
		t.Errorf("id %s, annotations differ (-want +got):\n%s", raw.ID, diff)
	}
}
