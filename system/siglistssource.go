package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"socorro"
	"socorro/signature"
	"socorro/storage/fs"
	"socorro/storage/sqlite"
)

// source opens where the crashes come from.
func (c *SiglistsTry) source(ctx context.Context) (labSource, error) {
	if c.URL != "" {
		return newSearchSource(c.URL, c.Token, c.Days, c.Max)
	}
	path := filepath.Join(c.Data, indexFile)
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%s is no data directory of a server; name one with --data, or a search with --url: %w", c.Data, err)
	}
	index, err := sqlite.OpenIndex(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &storedSource{index: index, root: filepath.Join(c.Data, crashDir)}
	if c.Days > 0 {
		s.since = time.Now().AddDate(0, 0, -c.Days)
	}
	return s, nil
}

// storedSource is the data directory of a server.
type storedSource struct {
	index *sqlite.Index
	root  string // of the crash store
	since time.Time

	once  sync.Once
	store *fs.Store
	err   error
}

func (s *storedSource) close() { s.index.Close() }

func (s *storedSource) crashes(ctx context.Context) iter.Seq2[labCrash, error] {
	return func(yield func(labCrash, error) bool) {
		for signed, err := range s.index.Signings(ctx, s.since) {
			crash := labCrash{id: signed.ID, stored: signed.Signature, packed: signed.Data}
			crash.whole = func() (*signature.CrashData, error) { return s.load(ctx, crash.id) }
			if !yield(crash, err) || err != nil {
				return
			}
		}
	}
}

// load reads a crash that was listed without what its signature was made of,
// by an older version of this program, or with values that cannot be packed.
// That takes some milliseconds instead of some microseconds.
func (s *storedSource) load(ctx context.Context, id socorro.CrashID) (*signature.CrashData, error) {
	s.once.Do(func() { s.store, s.err = fs.Open(fs.Config{Root: s.root}) })
	if s.err != nil {
		return nil, s.err
	}
	crash, err := s.store.LoadProcessed(ctx, id)
	if err != nil {
		return nil, err
	}
	return signature.FromProcessed(crash)
}

// searchSource is a Super Search on a server with Socorro's API.
type searchSource struct {
	server *apiServer
	query  url.Values
	max    int
}

// searchPage is how many crashes Socorro's search gives at once, at most.
const searchPage = 1000

// newSearchSource takes the address of a search in the API or on a page.
func newSearchSource(address, token string, days, most int) (*searchSource, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, usageError{err}
	}
	server, err := newServer(u.Scheme+"://"+u.Host, token)
	if err != nil {
		return nil, usageError{err}
	}
	for _, path := range []string{"/api/SuperSearch", "/api/SuperSearchUnredacted", "/search"} {
		if strings.TrimSuffix(u.Path, "/") == path {
			query := u.Query()
			for key := range query {
				if strings.HasPrefix(key, "_") {
					query.Del(key) // columns, facets and pages are ours to say
				}
			}
			if days > 0 {
				query.Add("date", ">="+time.Now().AddDate(0, 0, -days).UTC().Format(time.RFC3339))
			}
			return &searchSource{server, query, most}, nil
		}
	}
	return nil, usageError{fmt.Errorf("--url %q is no search; copy the address of a search such as https://crash-stats.mozilla.org/search/?product=Firefox", address)}
}

func (s *searchSource) close() {}

func (s *searchSource) crashes(ctx context.Context) iter.Seq2[labCrash, error] {
	return func(yield func(labCrash, error) bool) {
		for offset := 0; offset < s.max; {
			ids, total, err := s.page(ctx, offset)
			if err != nil {
				yield(labCrash{}, err)
				return
			}
			for _, id := range ids {
				if !s.fetch(ctx, id, yield) {
					return
				}
			}
			offset += len(ids)
			if len(ids) == 0 || offset >= total {
				return
			}
		}
	}
}

// fetch gets one crash. They are fetched one after another: servers limit how
// many requests a minute they answer, and workers side by side reach that sooner.
func (s *searchSource) fetch(ctx context.Context, id socorro.CrashID, yield func(labCrash, error) bool) bool {
	data, err := s.server.crashData(ctx, id, signature.Rules2026)
	if skip, ok := errors.AsType[*skipError](err); ok {
		return yield(labCrash{id: id, whole: func() (*signature.CrashData, error) { return nil, skip }}, nil)
	}
	if err != nil {
		yield(labCrash{}, err)
		return false
	}
	return yield(labCrash{id: id, stored: data.OriginalSignature, whole: func() (*signature.CrashData, error) { return data, nil }}, nil)
}

func (s *searchSource) page(ctx context.Context, offset int) (ids []socorro.CrashID, total int, err error) {
	s.query["_columns"] = []string{"uuid"}
	s.query.Set("_facets_size", "0")
	s.query.Set("_results_number", strconv.Itoa(min(searchPage, s.max-offset)))
	s.query.Set("_results_offset", strconv.Itoa(offset))
	status, body, err := s.server.get(ctx, "SuperSearch", s.query)
	if err != nil {
		return nil, 0, fmt.Errorf("search %s: %w", s.server.base, err)
	}
	if status != http.StatusOK {
		return nil, 0, fmt.Errorf("search %s: the server answered %d: %.200s", s.server.base, status, strings.TrimSpace(string(body)))
	}
	var found struct {
		Hits []struct {
			UUID socorro.CrashID `json:"uuid"`
		} `json:"hits"`
		Total int `json:"total"`
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return nil, 0, fmt.Errorf("search %s: the answer is no search result: %w", s.server.base, err)
	}
	for _, hit := range found.Hits {
		id, err := socorro.ParseCrashID(string(hit.UUID))
		if err != nil {
			return nil, 0, fmt.Errorf("search %s: %w", s.server.base, err)
		}
		ids = append(ids, id)
	}
	return ids, found.Total, nil
}
