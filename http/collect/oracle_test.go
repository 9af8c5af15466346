package collect_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro"
	"socorro/http/collect"
)

// oracleCase is one request and what Antenna did with it.
type oracleCase struct {
	Case       string                     `json:"case"`
	Status     int                        `json:"status"`
	Body       string                     `json:"body"`
	Saved      map[string]json.RawMessage `json:"saved"`
	RandomRule bool                       `json:"random_rule"`
	Truncated  bool                       `json:"request_truncated"`
}

// outcome is what one request led to, with the random parts masked.
type outcome struct {
	Status      int
	Body        string
	Annotations socorro.Annotations `json:",omitempty"`
	Metadata    *socorro.Metadata   `json:",omitempty"`
	Dumps       map[string]string   `json:",omitempty"`
}

// generous lists the cases that we accept, or name better, on purpose. Each says
// why and what we do instead; everything that is not changed here equals Antenna.
var generous = map[string]struct {
	why    string
	change func(want *outcome)
}{
	"ct_boundary_upper": {"parameter names ignore case (RFC 2045)", acceptedKV(739)},
	"ct_charset_first":  {"parameters may come in any order (RFC 2045)", acceptedKV(739)},
	"ct_long_boundary":  {"boundaries up to 200 characters: there are clients with longer ones than RFC 2046 allows", acceptedKV(973)},
	"chunked":           {"Crashpad sends every report chunked", acceptedKV(739)},
	"enc_gzip_upper": {"content codings ignore case (RFC 9110)", func(want *outcome) {
		acceptedKV(262)(want)
		want.Metadata.PayloadCompressed = "1"
	}},
	"gzip_two_members": {"a gzip file may have several members (RFC 1952)", func(want *outcome) {
		acceptedKV(362)(want)
		want.Metadata.PayloadCompressed = "1"
	}},
	"part_cte_base64": {"mail libraries encode parts; RFC 7578 asks receivers to cope", func(want *outcome) {
		acceptedKV(866)(want)
		want.Annotations["Foo"] = "value"
	}},
	"no_annotations_dump_only": {"a minidump alone is a crash; here the rules refuse it, as it names no product", func(want *outcome) {
		want.Status, want.Body = 200, "Discarded=rule_unsupported_product"
	}},
	"extra_ctype_upper": {"media types ignore case (RFC 2045)", func(want *outcome) {
		want.Dumps, want.Metadata.DumpChecksums = map[string]string{}, map[string]string{}
		want.Metadata.Payload = "json"
		want.Metadata.CollectorNotes = []string{"includes annotations in both json-encoded extra and formdata parts"}
	}},
	"extra_nan": {"NaN and Infinity are kept as text: Antenna writes a raw crash that is no JSON", func(want *outcome) {
		want.Annotations["X"], want.Annotations["Y"] = "NaN", json.Number("1e400")
	}},
	"dump_nonascii_name":      {"the first minidump is the crash's own whatever its part is called", mainDump("dmp", "démp")},
	"dump_only_bad_chars":     {"the first minidump is the crash's own whatever its part is called", mainDump("", "---")},
	"dump_reserved_rawXcrash": {"the first minidump is the crash's own whatever its part is called", mainDump("rawcrash", "raw-crash")},
	"tele_env_list": {"an odd annotation is no reason for a 500: the rule does not apply", func(want *outcome) {
		want.Status, want.Body = 200, "CrashID=bp-ID0261123\n"
		want.Annotations = kv()
		want.Annotations["ReleaseChannel"], want.Annotations["TelemetryEnvironment"] = "esr", "[]"
		want.Metadata = kvMetadata(534)
		want.Metadata.ThrottleRule, want.Dumps = "is_alpha_beta_esr", map[string]string{}
		want.Metadata.DumpChecksums = map[string]string{}
	}},
	"uuid_int": {"a uuid that is no text is the client's fault, not a 500", func(want *outcome) {
		want.Status, want.Body = 400, "Discarded=malformed_invalid_uuid"
	}},
	"submit_slash": {"the trailing slash does not matter", acceptedKV(739)},
}

const kvDump = "d2f4b3a7e958998c2b816951e4159c67cfe6bd6a9cedc74936c5cdb9abfe46e7"

func kv() socorro.Annotations {
	return socorro.Annotations{"BuildID": "20261101000000", "ProductName": "Firefox", "ReleaseChannel": "nightly", "Version": "60.0a1"}
}

func kvMetadata(size int64) *socorro.Metadata {
	return &socorro.Metadata{
		Payload: "multipart", PayloadCompressed: "0", PayloadSize: size, CollectorNotes: []string{},
		DumpChecksums: map[string]string{"upload_file_minidump": kvDump}, UserAgent: "oracle/1.0", ThrottleRule: "is_nightly",
	}
}

// acceptedKV is the outcome of the standard form.
func acceptedKV(size int64) func(*outcome) {
	return func(want *outcome) {
		*want = outcome{200, "CrashID=bp-ID0261123\n", kv(), kvMetadata(size), map[string]string{"upload_file_minidump": kvDump}}
	}
}

func mainDump(antenna, sent string) func(*outcome) {
	return func(want *outcome) {
		sum := want.Dumps[antenna]
		want.Dumps = map[string]string{socorro.MainDump: sum}
		want.Metadata.DumpChecksums = map[string]string{socorro.MainDump: sum}
		want.Metadata.CollectorNotes = []string{"minidump taken from part " + sent}
	}
}

// faults of Antenna's that strict mode does not repeat: each loses a crash or
// makes its record unreadable.
var faults = []string{"extra_nan", "tele_env_list", "uuid_int"}

func TestCollectorDoesWhatAntennaDoes(t *testing.T) {
	likeAntenna(t, false)
}

func TestStrictCollectorRefusesWhatAntennaRefuses(t *testing.T) {
	likeAntenna(t, true)
}

func likeAntenna(t *testing.T, strict bool) {
	t.Helper()
	dir := oracle(t, "collector")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) < 100 {
		t.Fatalf("found %d cases, %v; want more than 100", len(files), err)
	}
	s := newSite(t, collect.Config{
		Throttle:    collect.ThrottleConfig{Rules: "mozilla"},
		BearerToken: "sekrit", Strict: strict,
	})
	compared, equal := 0, 0
	for _, file := range files {
		c := readCase(t, file)
		if c.RandomRule || c.Truncated {
			continue
		}
		compared++
		_, changed := generous[c.Case]
		changed = changed && (!strict || slices.Contains(faults, c.Case))
		ok := t.Run(c.Case, func(t *testing.T) { compareCase(t, s, c, strings.TrimSuffix(file, ".json")+".req", changed) })
		if ok && !changed {
			equal++
		}
	}
	t.Logf("%d of %d cases equal Antenna's outcome, the others differ on purpose", equal, compared)
}

var notJSON = regexp.MustCompile(`("[XY]": )(NaN|Infinity)`)

func readCase(t *testing.T, file string) oracleCase {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// Antenna's raw crash of one case holds what JSON does not know.
	data = notJSON.ReplaceAll(data, []byte(`$1"$2"`))
	var c oracleCase
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

// anyID is the random part of a crash id; the throttle digit and the day stay.
var anyID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{20}`)

func compareCase(t *testing.T, s *site, c oracleCase, requestFile string, changed bool) {
	want := outcome{Status: c.Status, Body: anyID.ReplaceAllString(c.Body, "ID")}
	for path, saved := range c.Saved {
		parts := strings.Split(path, "/")
		switch kind := parts[len(parts)-2]; {
		case len(parts) == 2: // a dump without a name
			want.addDump(t, "", saved)
		case kind == "dump_names":
		case kind == "raw_crash":
			var raw socorro.RawCrash
			if err := json.Unmarshal(saved, &raw); err != nil {
				t.Fatal(err)
			}
			want.Annotations, want.Metadata = raw.Annotations, &raw.Metadata
		default:
			want.addDump(t, kind, saved)
		}
	}
	if want.Metadata != nil && want.Dumps == nil {
		want.Dumps = map[string]string{}
	}
	if changed {
		generous[c.Case].change(&want)
	}

	request, err := os.ReadFile(requestFile)
	if err != nil {
		t.Fatal(err)
	}
	s.take()
	r, err := s.raw(bytes.NewReader(request))
	if err != nil && err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	got := outcome{Status: r.status, Body: anyID.ReplaceAllString(r.body, "ID")}
	for _, k := range s.take() {
		got.Annotations, got.Metadata, got.Dumps = k.raw.Annotations, &k.raw.Metadata, k.dumps
		if r.body != "CrashID=bp-"+string(k.raw.ID)+"\n" {
			t.Errorf("body = %q for crash %s", r.body, k.raw.ID)
		}
	}
	if !strings.HasPrefix(want.Body, "CrashID=") && !strings.HasPrefix(want.Body, "Discarded=") {
		got.Body, want.Body = "", "" // words of a framework
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcome differs (-want +got):\n%s", diff)
	}
	if r.status == 200 && got.Body != "" && (r.header.Get("Content-Type") != "text/plain" || r.header.Get("Content-Length") == "") {
		t.Errorf("header = %v; want text/plain with a Content-Length", r.header)
	}
	s.wantEmptyStaging()
}

func (o *outcome) addDump(t *testing.T, name string, saved json.RawMessage) {
	t.Helper()
	var file struct{ SHA256 string }
	if err := json.Unmarshal(saved, &file); err != nil {
		t.Fatal(err)
	}
	if o.Dumps == nil {
		o.Dumps = map[string]string{}
	}
	o.Dumps[name] = file.SHA256
}
