package system

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"socorro"
)

// Submit is `socorro submit`.
type Submit struct {
	URL         string            `help:"Where to post to." default:"http://127.0.0.1:8000/submit" env:"SOCORRO_SUBMIT_URL"`
	Annotations map[string]string `short:"a" name:"annotation" help:"Annotation to send with a minidump, as Key=Value; repeatable." mapsep:"none" placeholder:"KEY=VALUE"`
	Wait        time.Duration     `help:"Wait up to this long until the crash is processed, then print its signature and report URL as well." default:"0s"`
	Timeout     time.Duration     `help:"Give up an upload after this long." default:"60s"`
	Files       []string          `arg:"" name:"file" help:"A minidump (.dmp), or a multipart body as a client saved it, plain or gzipped." type:"existingfile"`
}

// Run posts each file and prints the collector's reply. It fails after the last
// file when any of them was not accepted.
func (c *Submit) Run(ctx context.Context, s Streams) error {
	target, err := url.Parse(c.URL)
	if err != nil || target.Host == "" {
		return usageError{fmt.Errorf("--url %q is not a URL such as http://127.0.0.1:8000/submit", c.URL)}
	}
	var failed []error
	for _, file := range c.Files {
		if err := c.one(ctx, s, target, file); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", file, err))
		}
	}
	return errors.Join(failed...)
}

func (c *Submit) one(ctx context.Context, s Streams, target *url.URL, file string) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout+c.Wait)
	defer cancel()
	body, header, err := c.upload(file)
	if err != nil {
		return err
	}
	defer body.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), body)
	if err != nil {
		return err
	}
	req.Header = header
	req.Header.Set("User-Agent", "socorro-submit/"+version)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	line := strings.TrimSpace(string(reply))
	fmt.Fprintln(s.Out, line)
	id, accepted := strings.CutPrefix(line, "CrashID=")
	if resp.StatusCode != http.StatusOK || !accepted {
		return fmt.Errorf("the collector answered %s: %s", resp.Status, line)
	}
	if c.Wait > 0 {
		id, _, _ = strings.Cut(id, "\n")
		return waitProcessed(ctx, s.Out, target, id)
	}
	return nil
}

// upload opens the file as a request body. What it is, its first bytes say.
func (c *Submit) upload(file string) (io.ReadCloser, http.Header, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	start := make([]byte, 4)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil, errors.Join(err, f.Close())
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	switch start = start[:n]; {
	case bytes.HasPrefix(start, []byte("--")):
		return savedBody(f, nil)
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		unpacked, err := gzip.NewReader(f)
		if err != nil {
			return nil, nil, errors.Join(err, f.Close())
		}
		return savedBody(f, unpacked)
	}
	body, header := c.form(f, filepath.Base(file))
	return body, header, nil
}

// savedBody sends a stored multipart body as it is. Its boundary is on its first line.
func savedBody(f *os.File, unpacked io.Reader) (io.ReadCloser, http.Header, error) {
	header := http.Header{}
	text := io.Reader(f)
	if unpacked != nil {
		text = unpacked
		header.Set("Content-Encoding", "gzip")
	}
	first, err := bufio.NewReader(io.LimitReader(text, 256)).ReadString('\n')
	boundary := strings.TrimSpace(strings.TrimPrefix(first, "--"))
	if err != nil || !strings.HasPrefix(first, "--") || boundary == "" {
		return nil, nil, errors.Join(fmt.Errorf("neither a minidump nor a multipart body: no boundary on its first line: %w", socorro.ErrInvalid), f.Close())
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	return f, header, nil
}

// form wraps a minidump and the annotations as a crash reporter would, piped so
// that the dump is not held in memory.
func (c *Submit) form(dump io.ReadCloser, name string) (io.ReadCloser, http.Header) {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		err := func() error {
			defer dump.Close()
			for _, key := range slices.Sorted(maps.Keys(c.Annotations)) {
				if err := form.WriteField(key, c.Annotations[key]); err != nil {
					return err
				}
			}
			part, err := form.CreateFormFile(socorro.MainDump, name)
			if err != nil {
				return err
			}
			if _, err := io.Copy(part, dump); err != nil {
				return err
			}
			return form.Close()
		}()
		w.CloseWithError(err)
	}()
	return r, http.Header{"Content-Type": {form.FormDataContentType()}}
}

const pollEvery = 200 * time.Millisecond

// waitProcessed asks the API until the crash is processed, then prints what an
// engineer wants to see first.
func waitProcessed(ctx context.Context, out io.Writer, target *url.URL, id string) error {
	bare := strings.TrimPrefix(id, "bp-")
	api := target.ResolveReference(&url.URL{Path: "/api/ProcessedCrash/", RawQuery: url.Values{"crash_id": {bare}}.Encode()})
	for {
		var crash struct{ Signature string }
		found, err := getJSON(ctx, api.String(), &crash)
		if err != nil {
			return err
		}
		if found {
			report := target.ResolveReference(&url.URL{Path: "/report/index/" + bare})
			fmt.Fprintf(out, "Signature=%s\nReport=%s\n", crash.Signature, report)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("crash %s is stored but not processed yet: %w", id, context.Cause(ctx))
		case <-time.After(pollEvery):
		}
	}
}

// getJSON reads a JSON answer; found is false for 404.
func getJSON(ctx context.Context, address string, into any) (found bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNotFound:
		return false, nil
	case http.StatusOK:
		return true, json.NewDecoder(resp.Body).Decode(into)
	}
	return false, fmt.Errorf("%s answered %s", address, resp.Status)
}
