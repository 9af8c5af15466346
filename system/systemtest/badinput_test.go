package systemtest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"socorro"
	"socorro/system/systemtest"
)

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Whatever is posted, the client gets a clear answer: a 4xx that says why, or a
// CrashID whose crash is processed with a note. Never a 5xx, a hang or a loss.
func TestBadInputGetsAClearAnswer(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := systemtest.Start(t, program, "--data", data)
	dump := readFile(t, "testdata", "crashes", "c_div0.dmp")
	annotations := map[string]string{"ProductName": "Bad", "Version": "1"}

	form := func(dump []byte, annotations map[string]string) (http.Header, io.Reader) {
		contentType, body := systemtest.Form(t, dump, annotations)
		return http.Header{"Content-Type": {contentType}}, bytes.NewReader(body)
	}
	bomb := func(size int64) io.Reader {
		r, w := io.Pipe()
		go func() {
			packed := gzip.NewWriter(w)
			fmt.Fprintf(packed, "--b\r\nContent-Disposition: form-data; name=\"upload_file_minidump\"; filename=\"x.dmp\"\r\n\r\nMDMP")
			io.Copy(packed, io.LimitReader(zeros{}, size))
			packed.Close()
			w.Close()
		}()
		return r
	}

	for _, c := range []struct {
		name   string
		header http.Header
		body   io.Reader
		dump   []byte // with form, when body is nil
		form   map[string]string
		status int
		reply  string // prefix, when refused
		walker string // mdsw_status_string, when accepted
	}{
		{name: "empty body", header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, body: http.NoBody, status: 400, reply: "Discarded=malformed_"},
		{name: "no content type", header: http.Header{"Content-Type": nil}, body: strings.NewReader("hello"), status: 400, reply: "Discarded=malformed_no_content_type"},
		{name: "not a form", header: http.Header{"Content-Type": {"text/html"}}, body: strings.NewReader("<html>"), status: 400, reply: "Discarded=malformed_wrong_content_type"},
		{name: "a form of garbage", header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, body: strings.NewReader(strings.Repeat("\x00garbage\xff", 1000)), status: 400, reply: "Discarded=malformed_"},
		{name: "truncated form", header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, body: strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"ProductName\"\r\n\r\nFire"), status: 400, reply: "Discarded=malformed_"},
		{name: "no dump", form: annotations, status: 200, walker: "NoMinidump"},
		{name: "0-byte dump", dump: []byte{}, form: annotations, status: 200, walker: "EmptyMinidump"},
		{name: "truncated header of a dump", dump: dump[:20], form: annotations, status: 200, walker: "MissingHeader"},
		{name: "dump cut in half", dump: dump[:len(dump)/2], form: annotations, status: 200, walker: "*"},
		{name: "garbage as dump", dump: bytes.Repeat([]byte("not a minidump "), 500), form: annotations, status: 200, walker: "HeaderMismatch"},
		{name: "not gzip at all", header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}, "Content-Encoding": {"gzip"}}, body: strings.NewReader("plain"), status: 400, reply: "Discarded=malformed_bad_gzip"},
		{name: "gzip bomb", header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}, "Content-Encoding": {"gzip"}}, body: bomb(4 << 30), status: 413, reply: "Discarded=malformed_"},
		{name: "100 MB body", header: http.Header{"Content-Type": {"application/octet-stream"}}, body: io.LimitReader(io.MultiReader(strings.NewReader("MDMP"), zeros{}), 100<<20), status: 413, reply: "Discarded=malformed_"},
	} {
		t.Run(c.name, func(t *testing.T) {
			header, body := c.header, c.body
			if body == nil {
				header, body = form(c.dump, c.form)
			}
			status, reply, err := server.Post(header, body)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			if status != c.status || !strings.HasPrefix(reply, c.reply) {
				t.Fatalf("answer %d %q; want %d %q…", status, reply, c.status, c.reply)
			}
			if c.status != http.StatusOK {
				return
			}
			id, err := systemtest.Accepted(status, reply)
			if err != nil {
				t.Fatal(err)
			}
			crash := server.Processed(t, id)
			if c.walker != "*" && crash.MDSWStatus != c.walker {
				t.Errorf("walker says %q; want %q", crash.MDSWStatus, c.walker)
			}
			if crash.Signature == "" || crash.ProcessorNotes == "" {
				t.Errorf("signature %q, notes %q; want both", crash.Signature, crash.ProcessorNotes)
			}
		})
	}
	systemtest.Eventually(t, "every crash is through", server.Drained)
	leftovers(t, filepath.Join(data, "crashes"))
	if code, err := server.Stop(); code != 0 || err != nil {
		t.Errorf("stop: %d, %v\n%s", code, err, server.Log())
	}
}

// leftovers fails when an upload left a file outside a crash's own directory.
func leftovers(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		if _, err := socorro.ParseCrashID(filepath.Base(filepath.Dir(path))); err != nil {
			t.Errorf("left behind: %s", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
