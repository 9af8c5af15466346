package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"socorro"
	"socorro/http/api"
	"socorro/http/server"
)

// signatureApp signs every crash by its reason.
func signatureApp(t *testing.T) *fiber.App {
	t.Helper()
	app, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	api.NewCrashSignature(func(crash []byte) (api.SignedCrash, error) {
		var in struct{ Reason string }
		if err := json.Unmarshal(crash, &in); err != nil {
			return api.SignedCrash{}, fmt.Errorf("decode: %w: %w", err, socorro.ErrInvalid)
		}
		if in.Reason == "fault" {
			return api.SignedCrash{}, fmt.Errorf("secret of the machine")
		}
		return api.SignedCrash{Signature: "by " + in.Reason}, nil
	}).Register(app)
	return app
}

func ask(t *testing.T, app *fiber.App, method, body string) (int, string) {
	t.Helper()
	resp, err := app.Test(httptest.NewRequest(method, "/api/CrashSignature/", strings.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Header.Get("Access-Control-Allow-Origin") != "*" && resp.StatusCode < 500 {
		t.Errorf("%s: pages of other sites may not read the answer", method)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func TestJobsAreSigned(t *testing.T) {
	t.Parallel()
	app := signatureApp(t)
	for _, c := range []struct {
		name, method, body string
		status             int
		want               string
	}{
		{
			"in order", http.MethodPost, `{"jobs": [{"reason": "a"}, {"reason": "</b"}]}`, http.StatusOK,
			`{"results":[{"signature":"by a","notes":[],"extra":{}},{"signature":"by <\/b","notes":[],"extra":{}}]}`,
		},
		{"no jobs", http.MethodPost, `{}`, http.StatusBadRequest, `{"error":"no jobs specified"}`},
		{"an empty list", http.MethodPost, `{"jobs": []}`, http.StatusBadRequest, `{"error":"no jobs specified"}`},
		{"no JSON", http.MethodPost, `jobs`, http.StatusBadRequest, `is not {\"jobs\": [crash data, ...]}`},
		{"nothing", http.MethodPost, ``, http.StatusBadRequest, `unexpected end of JSON input`},
		{"jobs of another kind", http.MethodPost, `{"jobs": 5}`, http.StatusBadRequest, `cannot unmarshal number`},
		{"a bad job", http.MethodPost, `{"jobs": [{}, 5]}`, http.StatusBadRequest, `job 1: decode`},
		{"our fault", http.MethodPost, `{"jobs": [{"reason": "fault"}]}`, http.StatusInternalServerError, `{"error":"internal error"}`},
		{"too much", http.MethodPost, strings.Repeat(" ", 16<<20) + `{"jobs": [{}]}`, http.StatusRequestEntityTooLarge, `send fewer jobs`},
		{"not by GET", http.MethodGet, ``, http.StatusMethodNotAllowed, `use POST`},
		{"a browser asks first", http.MethodOptions, ``, http.StatusNoContent, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			status, body := ask(t, app, c.method, c.body)
			if status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("%s %.80s = %d %s; want %d %s", c.method, c.body, status, body, c.status, c.want)
			}
		})
	}
}
