package symbols

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// An HTTPConfig says where symbol servers are and how patient to be with them.
type HTTPConfig struct {
	// URLs are the servers, asked in order, such as "https://symbols.example.org/try".
	URLs []string
	// Dir keeps what was downloaded, in the layout of [Module.Path]. "" keeps none.
	Dir string
	// Timeout bounds one download. 0 means 5 minutes.
	Timeout time.Duration
	// AbsentFor is how long it is remembered that the servers do not have a file.
	// 0 means one hour; a negative duration forgets at once.
	AbsentFor time.Duration
	// Client makes the requests. nil means one like http.DefaultClient.
	Client *http.Client
	// Options say how to read the files, and how large they may be.
	Options Options
	// Now is the clock. nil means time.Now.
	Now func() time.Time
}

const (
	defaultTimeout    = 5 * time.Minute
	defaultHTTPAbsent = time.Hour
	// mostAbsent bounds the memory of absences: a dump can invent modules.
	mostAbsent = 100_000
)

// HTTP finds symbols on servers with Tecken's layout, and keeps them in a
// directory if it has one.
type HTTP struct {
	cfg HTTPConfig

	mu     sync.Mutex
	absent map[string]time.Time // path -> until when
}

// NewHTTP makes a supplier that downloads. The error says which URL is wrong.
func NewHTTP(cfg HTTPConfig) (*HTTP, error) {
	for _, u := range cfg.URLs {
		parsed, err := url.Parse(u)
		if err != nil {
			return nil, fmt.Errorf("stackwalk/symbols: symbol server: %w", err)
		}
		if parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
			return nil, fmt.Errorf("stackwalk/symbols: symbol server %q: want http://host/path or https://host/path", u)
		}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.AbsentFor == 0 {
		cfg.AbsentFor = defaultHTTPAbsent
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Options.MaxSize == 0 {
		cfg.Options.MaxSize = DefaultMaxSize
	}
	return &HTTP{cfg: cfg, absent: map[string]time.Time{}}, nil
}

// Find looks in the directory, then asks each server. A server that is down is
// an error only when no other has the file: then the file may exist.
func (h *HTTP) Find(ctx context.Context, m Module) (*Table, Lookup, error) {
	path, ok := m.Path()
	if !ok {
		return nil, Lookup{}, ErrNotFound
	}
	var look Lookup
	if h.cfg.Dir != "" {
		var t *Table
		var err error
		t, look, err = Dir{Roots: []string{h.cfg.Dir}, Options: h.cfg.Options}.Find(ctx, m)
		if !errors.Is(err, ErrNotFound) {
			return t, look, err
		}
	}
	if h.isAbsent(path) {
		return nil, look, ErrNotFound
	}
	var failure error
	for _, base := range h.cfg.URLs {
		address := requestURL(base, path, m)
		look.Tried = append(look.Tried, address)
		t, err := h.download(ctx, address, path, m)
		switch {
		case err == nil:
			look.Found, look.URL = address, address
			return t, look, nil
		case ctx.Err() != nil:
			return nil, look, ctx.Err()
		case errors.Is(err, ErrNotFound):
		default:
			if _, useless := errors.AsType[*ParseError](err); useless {
				look.Found = address
				return nil, look, err
			}
			failure = errors.Join(failure, err)
		}
	}
	if failure != nil {
		return nil, look, failure
	}
	h.setAbsent(path)
	return nil, look, ErrNotFound
}

// requestURL adds the path, and what the server may look other files up by.
func requestURL(base, path string, m Module) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	query := url.Values{}
	if m.CodeFile != "" {
		query.Set("code_file", leaf(m.CodeFile))
	}
	if m.CodeID != "" {
		query.Set("code_id", m.CodeID)
	}
	address := strings.TrimSuffix(base, "/") + "/" + strings.Join(parts, "/")
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// download parses a file while it arrives, or keeps it once it proved good.
func (h *HTTP) download(ctx context.Context, address, path string, m Module) (*Table, error) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("stackwalk/symbols: request %s: %w", address, err)
	}
	resp, err := h.cfg.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("stackwalk/symbols: download: %w", err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout:
		return nil, fmt.Errorf("stackwalk/symbols: download %s: server says %s", address, resp.Status)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, ErrNotFound
	}
	if h.cfg.Dir == "" {
		t, err := Parse(resp.Body, h.cfg.Options)
		if err != nil {
			return nil, fmt.Errorf("stackwalk/symbols: download %s: %w", address, err)
		}
		t.URL = address
		return t, nil
	}
	if err := h.keep(resp.Body, address, path); err != nil {
		return nil, err
	}
	t, _, err := Dir{Roots: []string{h.cfg.Dir}, Options: h.cfg.Options}.Find(ctx, m)
	return t, err
}

// keep checks body while it puts it into the directory. It is written beside its
// place and then renamed, so that another process never reads half a file.
func (h *HTTP) keep(body io.Reader, address, path string) error {
	place := filepath.Join(h.cfg.Dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return fmt.Errorf("stackwalk/symbols: keep %s: %w", address, err)
	}
	f, err := os.CreateTemp(filepath.Dir(place), ".download-*")
	if err != nil {
		return fmt.Errorf("stackwalk/symbols: keep %s: %w", address, err)
	}
	defer os.Remove(f.Name()) // fails once it is renamed, as it should
	defer f.Close()
	if err := check(io.TeeReader(body, f), h.cfg.Options); err != nil {
		return fmt.Errorf("stackwalk/symbols: download %s: %w", address, err)
	}
	// The empty line is for files whose last line has no end.
	_, err = fmt.Fprintf(f, "\nINFO URL %s\n", address)
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.Rename(f.Name(), place)
	}
	if err != nil {
		return fmt.Errorf("stackwalk/symbols: keep %s: %w", address, err)
	}
	return nil
}

func (h *HTTP) isAbsent(path string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	until, ok := h.absent[path]
	if ok && !h.cfg.Now().Before(until) {
		delete(h.absent, path)
		return false
	}
	return ok
}

func (h *HTTP) setAbsent(path string) {
	if h.cfg.AbsentFor < 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.absent) >= mostAbsent {
		clear(h.absent)
	}
	h.absent[path] = h.cfg.Now().Add(h.cfg.AbsentFor)
}

// Forget drops the memory that files with a debug id were absent.
func (h *HTTP) Forget(debugID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for path := range h.absent {
		if strings.Contains(path, "/"+debugID+"/") {
			delete(h.absent, path)
		}
	}
}
