package web

import (
	"encoding/json"
	"fmt"
	"strings"

	"socorro"
)

// nasty is what a hostile client would put anywhere it can.
const nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> \u202Egpj.exe\u2066 \x00\x1b[31m \u200b {{.}} " + "javascript:alert(1)"

var hostileID = socorro.CrashID("bad00000-1c2d-4e3f-8a4b-000000261123")

// hostile adds a crash whose every string is nasty, and some very long.
func hostile(s *site) {
	long := strings.Repeat("Very<Long::Template>", 20_000)
	frames := []map[string]any{
		{"frame": 0, "function": nasty, "file": nasty, "line": -1, "module": nasty, "offset": nasty, "trust": nasty},
		{"frame": 1, "function": long + "(" + long + ")", "file": "git:github.com/a/b:x\" onclick=alert(1):abc", "module": long},
		{"frame": 2, "module": nasty, "module_offset": nasty, "inlines": []map[string]any{{"function": nasty, "file": "hg:evil.example:x:1"}}},
		{"unloaded_modules": []map[string]any{{"module": nasty, "offsets": []string{nasty}}}},
		{"truncated": map[string]any{"msg": nasty}},
	}
	threads := []map[string]any{
		{"thread_id": 1, "thread_name": nasty, "last_error_value": nasty, "frame_count": 5, "frames": frames},
		{"thread_id": 2, "thread_name": long, "frame_count": 1 << 30, "frames": []any{42, "x", nil, map[string]any{"frame": "zero"}}},
	}
	dump, err := json.Marshal(map[string]any{
		"crash_info": map[string]any{
			"crashing_thread": 0, "instruction": nasty, "assertion": nasty, "crash_inconsistencies": []string{nasty},
			"memory_accesses": []any{map[string]any{"address": nasty, "access_type": nasty}},
		},
		"threads": threads,
		"modules": []map[string]any{{"filename": nasty, "version": nasty, "debug_id": nasty, "debug_file": nasty + ".PDB", "code_id": nasty, "cert_subject": nasty, "missing_symbols": true}, {"filename": long, "debug_file": ".pdb", "debug_id": "1"}},
	})
	if err != nil {
		panic(err)
	}
	notes := []string{nasty, long}
	annotations := socorro.Annotations{nasty: nasty, long: long, "ProductName": nasty, "Notes": long, "\x00": "\x00"}
	for i := range 3_000 {
		annotations[fmt.Sprintf("key%d", i)] = nasty
	}
	s.raw[hostileID] = &socorro.RawCrash{ID: hostileID, Submitted: noon, Annotations: annotations, Metadata: socorro.Metadata{CollectorNotes: notes, UserAgent: nasty}}
	s.processed[hostileID] = &socorro.ProcessedCrash{
		ID: hostileID, UUID: hostileID, Product: nasty, Version: nasty, BuildID: nasty, ReleaseChannel: nasty, Vendor: nasty, ProcessType: nasty,
		Signature: nasty + long, Submitted: nasty, ClientDate: nasty, Completed: nasty, OSName: nasty, OSVersion: nasty, OSPrettyVersion: nasty,
		CPUArch: nasty, CPUInfo: nasty, CPUCount: -1, Reason: nasty, Address: nasty, ProcessorNotes: nasty + "\n" + strings.Repeat(long+"\n", 3),
		MDSWStatus: nasty, CrashingThreadName: nasty, JSONDump: dump,
		Other: map[string]any{"url": nasty, "email": nasty, "user_comments": long, "java_stack_trace": nasty, "abort_message": nasty, "memory_measures": map[string]any{nasty: json.Number("9")}},
	}
	s.summaries = append([]socorro.CrashSummary{{
		ID: hostileID, Submitted: noon, Product: nasty, Version: nasty, Channel: nasty, OS: nasty, CPU: nasty, Signature: nasty + long, Reason: nasty, Address: nasty,
	}}, s.summaries...)
	s.status[hostileID] = socorro.QueueStatus{ID: hostileID, State: socorro.Parked, LastError: nasty + long}
	s.actors = append(s.actors, socorro.ActorStatus{Path: "engine/" + nasty, Kind: nasty, Step: nasty, LastError: nasty + long, Mailbox: -1})
	s.depth.Outbox[nasty] = socorro.OutboxDepth{Waiting: 1}
}
