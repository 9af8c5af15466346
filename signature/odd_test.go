package signature

import (
	"encoding/json"
	"testing"
)

func TestValuesPrintAsInPython(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`null`: "None", `true`: "True", `false`: "False", `10`: "10", `-0`: "0", `1.0`: "1.0", `1e22`: "1e+22", `1e-7`: "1e-07", `1e16`: "1e+16",
		`0.0001`: "0.0001", `123456.5e3`: "123456500.0", `NaN`: "nan", `Infinity`: "inf", `-Infinity`: "-inf", `1e400`: "inf",
		`"a'b"`: `"a'b"`, `"a'\"b"`: `'a\'"b'`, `"\\\n\r\t"`: `'\\\n\r\t'`, `"\u0001\u0085\u2028é"`: `'\x01\x85\u2028é'`, `"\udb40\udc01"`: `'\U000e0001'`,
		`["NaN", {"b": 1, "a": [], "b": 2}]`: "['NaN', {'b': 2, 'a': []}]", `["\"NaN"]`: `['"NaN']`,
	} {
		v, err := parsePythonJSON(in)
		if err != nil {
			t.Errorf("parsePythonJSON(%s): %v", in, err)
			continue
		}
		if got := repr(v); got != want {
			t.Errorf("repr(%s) = %s; want %s", in, got, want)
		}
	}
}

func TestOddShapesAreReadAsPythonReadsThem(t *testing.T) {
	t.Parallel()
	g := New(smallLists(t))
	for _, c := range []struct{ why, in, want string }{
		{"threads under the keys of an object", `{"crashing_thread": 1, "threads": {"0": {}, "1": {"frames": [{"function": "f"}]}}}`, "f"},
		{"a thread that counts from the end", `{"crashing_thread": -1, "threads": [{}, {"frames": [{"function": "f"}]}]}`, "f"},
		{"a thread number in text", `{"crashing_thread": " 1 ", "threads": [{}, {"frames": [{"function": "f"}]}]}`, "f"},
		{"a thread number beyond all bounds", `{"crashing_thread": 1e30, "threads": [{"frames": [{"function": "f"}]}]}`, "EMPTY: no frame data available"},
		{"a thread number below all bounds", `{"crashing_thread": -99999999999999999999, "threads": [{"frames": [{"function": "f"}]}]}`, "EMPTY: no frame data available"},
		{"an offset that is a number", `{"threads": [{"frames": [{"offset": 16, "inlines": [{"line": 0}]}]}]}`, "@16"},
		{"an inlined function without a name in a frame with an odd offset", `{"threads": [{"frames": [{"offset": 16, "inlines": [{}]}]}]}`, "@16"},
		{"a line that is a list", `{"threads": [{"frames": [{"file": "a", "line": [1]}]}]}`, "a#[1]"},
		{"an unloaded module without a name", `{"threads": [{"frames": [{"unloaded_modules": [{"offsets": [1]}]}]}]}`, "(unloaded None)"},
		{"an unloaded module that is none", `{"threads": [{"frames": [{"unloaded_modules": [5]}]}]}`, ""},
		{"an inlined function that is none", `{"threads": [{"frames": [{"inlines": [5]}]}]}`, ""},
		{"line 0 was given", `{"threads": [{"frames": [{"function": "js_Interpret", "line": 0}]}]}`, "js_Interpret:0"},
		{"no line was given", `{"threads": [{"frames": [{"function": "js_Interpret"}]}]}`, "js_Interpret:None"},
		{"a hang that is a number", `{"hang": 0, "threads": [{"frames": [{"function": "f"}]}]}`, "hang: 0 | f"},
		{"minidump names in one text", `{"ipc_channel_error": "e", "additional_minidumps": "x,upload_file_minidump_browser"}`, "IPCError-browser | e"},
		{"an IPC error that is a list", `{"ipc_channel_error": ["x", "y"]}`, "IPCError-content | ['x', 'y']"},
		{"conditions in one text", `{"async_shutdown_timeout": "{\"conditions\": \"ba\"}"}`, "AsyncShutdownTimeout | (unknown) | a,b"},
		{"a size of zero in text still means that memory ran out", `{"oom_allocation_size": "0"}`, "OOM | small"},
		{"a size beyond all bounds", `{"oom_allocation_size": 1e30}`, "OOM | large | EMPTY: no frame data available"},
		{"a size that is a list", `{"oom_allocation_size": [1]}`, "OOM | unknown | EMPTY: no frame data available"},
		{"Java frames that are no list", `{"java_exception": {"exception": {"values": [{"stacktrace": {"frames": 5}}]}}}`, ""},
		{"a Java exception without values", `{"java_exception": {"exception": {}}}`, "EMPTY: Java exception not in expected format"},
	} {
		t.Run(c.why, func(t *testing.T) {
			t.Parallel()
			if got := g.Generate(decode(t, c.in)); got.Signature != c.want {
				t.Errorf("Generate(%s) = %q, notes %q; want %q", c.in, got.Signature, got.Notes, c.want)
			}
		})
	}
}

func TestAnEmptyJavaExceptionIsNone(t *testing.T) {
	t.Parallel()
	g := New(smallLists(t))
	for _, raw := range []string{"", "null", " {} ", "[]", "false"} {
		in := stack("f")
		in.JavaException = json.RawMessage(raw)
		if got := g.Generate(&in).Signature; got != "f" {
			t.Errorf("with the exception %q the signature is %q; want f", raw, got)
		}
	}
	in := stack("f")
	in.JavaException = json.RawMessage("{broken")
	if got := g.Generate(&in).Signature; got != "EMPTY: Java exception not in expected format" {
		t.Errorf("with broken JSON the signature is %q", got)
	}
}
