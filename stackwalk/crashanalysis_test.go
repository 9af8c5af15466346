package stackwalk_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro/stackwalk"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/synth"
)

// violation is a dump of amd64 Windows that crashed at 0x400000 on code, with
// memory that ends in a guard page.
func violation(kind, address uint64, code []byte, set map[int]uint64) []byte {
	r := minidump.Registers{CPU: minidump.AMD64}
	for n := range minidump.AMD64.RegisterCount() {
		r.Set(n, 0)
	}
	for n, v := range set {
		r.Set(n, v)
	}
	r.Set(minidump.RIP, 0x400000)
	d := synth.New(minidump.AMD64, minidump.Windows).
		Thread(minidump.Thread{ID: 1, Context: &r}).Memory(0x400000, code).
		Exception(minidump.Exception{ThreadID: 1, Context: &r, Code: 0xc0000005, Parameters: 2, Information: [15]uint64{kind, address}})
	for _, m := range []minidump.MemoryInfo{{Base: 0x400000, Protect: 0x20}, {Base: 0x7ffe_0000_0000, Protect: 0x04}, {Base: 0x7ffe_0000_4000, Protect: 0x01}} {
		m.Size, m.State = 0x4000, 0x1000
		d.MemoryInfo(m)
	}
	return d.Bytes()
}

// told is crash_info without what has nothing to do with the instruction, and the
// text between the crash and the uptime.
func told(t *testing.T, file []byte) (info, text string) {
	t.Helper()
	d, err := minidump.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := stackwalk.Walk(t.Context(), d, stackwalk.Options{Compat: true})
	if err != nil {
		t.Fatal(err)
	}
	var b, h bytes.Buffer
	if err := r.WriteJSON(&b, false); err != nil {
		t.Fatal(err)
	}
	crash := decode(t, b.Bytes())["crash_info"].(map[string]any)
	for _, key := range []string{"address", "assertion", "crashing_thread", "type"} {
		delete(crash, key)
	}
	for key, v := range crash {
		if v == nil {
			delete(crash, key)
		}
	}
	out, err := json.Marshal(crash)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WriteHuman(&h, true); err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(h.String(), "Crash reason:")
	text, _, _ = strings.Cut(after, "Process uptime")
	_, text, _ = strings.Cut(text, "\n")
	return string(out), text
}

// What is expected here is what rust-minidump says of the same dumps; its goldens
// do not happen to have these.
func TestReportsTellWhatTheInstructionTells(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, info, text string
		dump             []byte
	}{
		{
			"a push into a guard page",
			`{"crash_inconsistencies":[],"instruction":"push rbp",` +
				`"memory_accesses":[{"access_type":"write","address":"0x00007ffe00004ff8","is_likely_guard_page":true,"size":8}],` +
				`"possible_bit_flips":[{"address":"0x00007ffe00000ff8","confidence":0.25,` +
				`"details":{"is_null":false,"nearby_registers":0,"poison_registers":false,"was_low":false,"was_non_canonical":false},"source_register":null}]}`,
			"Crash address: 0x00007ffe00004ff8\nCrashing instruction: `push rbp`\nMemory accessed by instruction:\n" +
				"  0. Address: 0x00007ffe00004ff8\n     Size: 8\n     This address falls in a likely guard page.\n     Access type: Write\n" +
				"No instruction pointer update by instruction\n" +
				"Crashing address may be the result of a flipped bit:\n  0. Valid address: 0x00007ffe00000ff8 (0.250)\n",
			violation(1, 0x7ffe_0000_4ff8, []byte{0x55}, map[int]uint64{minidump.RSP: 0x7ffe_0000_5000}),
		},
		{
			"a jump to an address that is none",
			`{"adjusted_address":{"address":"0x1000000000000000","kind":"non-canonical"},"crash_inconsistencies":[],` +
				`"instruction":"jmp rax","instruction_pointer_update":{"address":"0x1000000000000000"},"memory_accesses":[],` +
				`"possible_bit_flips":[{"address":"0x0000000000000000","confidence":0.9624999761581421,` +
				`"details":{"is_null":true,"nearby_registers":0,"poison_registers":false,"was_low":false,"was_non_canonical":true},"source_register":null}]}`,
			"Crash address: 0xffffffffffffffff **\n    ** Non-canonical address detected: 0x1000000000000000\n" +
				"Crashing instruction: `jmp rax`\nNo memory accessed by instruction\n" +
				"Instruction pointer update done by instruction:\n  Address: 0x1000000000000000\n" +
				"Crashing address may be the result of a flipped bit:\n  0. Valid address: 0x0000000000000000 (0.962)\n",
			violation(0, 1<<64-1, []byte{0xff, 0xe0}, map[int]uint64{minidump.RAX: 1 << 60}),
		},
		{
			"a read that was allowed, and not made",
			`{"crash_inconsistencies":["crashing_access_not_found_in_memory_accesses","access_violation_when_access_allowed"],` +
				`"instruction":"mov rax, qword [rcx]","memory_accesses":[{"access_type":"read","address":"0x00007ffe00000000","size":8}]}`,
			"Crash address: 0x00007ffe00000008\nCrashing instruction: `mov rax, qword [rcx]`\nMemory accessed by instruction:\n" +
				"  0. Address: 0x00007ffe00000000\n     Size: 8\n     Access type: Read\n" +
				"No instruction pointer update by instruction\nCrash is inconsistent:\n" +
				"  Crash address not found among the memory accesses of the crashing instruction\n" +
				"  Crash reason is access violation exception but access is allowed\n",
			violation(0, 0x7ffe_0000_0008, []byte{0x48, 0x8b, 0x01}, map[int]uint64{minidump.RCX: 0x7ffe_0000_0000}),
		},
		{
			"an access of unknown size",
			`{"adjusted_address":{"kind":"null-pointer","offset":"0x0000000000000040"},"crash_inconsistencies":[],` +
				`"instruction":"xsave ptr [rax + 0x40]","memory_accesses":[{"address":"0x0000000000000040","size":null}]}`,
			"Crash address: 0x0000000000000040 **\n    ** Null pointer detected with offset: 0x0000000000000040\n" +
				"Crashing instruction: `xsave ptr [rax + 0x40]`\nMemory accessed by instruction:\n  0. Address: 0x0000000000000040\n     Size: Unknown\n" +
				"No instruction pointer update by instruction\n",
			violation(1, 0x40, []byte{0x0f, 0xae, 0x60, 0x40}, nil),
		},
	} {
		info, text := told(t, c.dump)
		if diff := cmp.Diff(c.info, info); diff != "" {
			t.Errorf("%s, JSON (-want +got):\n%s", c.what, diff)
		}
		if diff := cmp.Diff(c.text, text); diff != "" {
			t.Errorf("%s, text (-want +got):\n%s", c.what, diff)
		}
	}
}
