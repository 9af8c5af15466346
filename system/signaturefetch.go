package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"socorro"
	"socorro/signature"
)

const (
	fetchTimeout = time.Minute
	maxAnswer    = 256 << 20 // bytes; processed crashes of programs with thousands of threads have 100 MB
)

// errRateLimit is a server that has had enough of us.
var errRateLimit = errors.New("the API's rate limit is reached")

// skipError is a crash that cannot be fetched while others may be.
type skipError struct{ why string }

func (e *skipError) Error() string { return e.why }

// apiServer is a server with Socorro's API: ours, or another.
type apiServer struct {
	base  *url.URL
	token string
}

func newServer(host, token string) (*apiServer, error) {
	base, err := url.Parse(host)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the URL of a server such as https://crash-stats.mozilla.org", host)
	}
	return &apiServer{base, token}, nil
}

// get asks for a JSON object. What it gives beside an error is the status.
func (s *apiServer) get(ctx context.Context, endpoint string, query url.Values) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	address := s.base.JoinPath("api", endpoint, "/")
	address.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("User-Agent", "socorro-signature/"+version)
	if s.token != "" {
		req.Header.Set("Auth-Token", s.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return 0, nil, fmt.Errorf("read the answer of %s: %w", address, err)
	}
	if len(body) > maxAnswer {
		return 0, nil, fmt.Errorf("the answer of %s has more than %d bytes", address, maxAnswer)
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return resp.StatusCode, nil, errRateLimit
	case resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusNotFound || resp.StatusCode >= 500:
		return resp.StatusCode, body, nil
	}
	return resp.StatusCode, nil, fmt.Errorf("%s answered %s: %.200s", address, resp.Status, strings.TrimSpace(string(body)))
}

// crash fetches one crash from an endpoint.
func (s *apiServer) crash(ctx context.Context, endpoint string, id socorro.CrashID, missing string) ([]byte, error) {
	status, body, err := s.get(ctx, endpoint, url.Values{"crash_id": {string(id)}})
	switch {
	case err != nil:
		return nil, fmt.Errorf("fetch %s: %w", id, err)
	case status == http.StatusNotFound:
		return nil, &skipError{fmt.Sprintf("%s: %s", id, missing)}
	case status >= 500:
		return nil, &skipError{fmt.Sprintf("%s: the server answered %d", id, status)}
	}
	var answer struct{ Error json.RawMessage }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("fetch %s: %s gave no JSON object: %w", id, endpoint, err)
	}
	if len(answer.Error) > 0 {
		return nil, fmt.Errorf("fetch %s: %s answered the error %s", id, endpoint, answer.Error)
	}
	return body, nil
}

// crashData fetches what a pipeline makes signatures of.
func (s *apiServer) crashData(ctx context.Context, id socorro.CrashID, p signature.Pipeline) (*signature.CrashData, error) {
	var raw []byte
	if p == signature.Rules2018 {
		var err error
		if raw, err = s.crash(ctx, "RawCrash", id, "does not exist."); err != nil {
			return nil, err
		}
	}
	processed, err := s.crash(ctx, "ProcessedCrash", id, "does not have processed crash.")
	if err != nil {
		return nil, err
	}
	if p == signature.Rules2018 {
		both, err := json.Marshal(map[string]json.RawMessage{"raw_crash": raw, "processed_crash": processed})
		if err != nil {
			return nil, fmt.Errorf("fetch %s: %w", id, err)
		}
		return signature.DecodeLegacy(both)
	}
	return signature.DecodeProcessed(processed)
}
