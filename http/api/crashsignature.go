package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"socorro"
)

// maxSignatureBody is in bytes. A crash with two threads of 40 frames has about 20 kB.
const maxSignatureBody = 16 << 20

// SignedCrash is what signature generation says of one job.
type SignedCrash struct {
	Signature string         `json:"signature"`
	Notes     []string       `json:"notes"`
	Extra     map[string]any `json:"extra"` // "proto_signature", when there is one
}

// CrashSignature answers POST /api/CrashSignature/: it signs crashes that a
// client describes, and keeps nothing of them.
type CrashSignature struct {
	sign func(crashData []byte) (SignedCrash, error)
}

// NewCrashSignature returns the endpoint. Sign gets one crash_data object in
// JSON; an error of kind socorro.ErrInvalid is the client's fault.
func NewCrashSignature(sign func(crashData []byte) (SignedCrash, error)) *CrashSignature {
	return &CrashSignature{sign}
}

// Register adds the endpoint to the router. It has to come before the rest of
// the API, which takes every other path under /api/.
func (s *CrashSignature) Register(r fiber.Router) {
	const path = "/api/CrashSignature/"
	r.Post(path, func(c *fiber.Ctx) error {
		cors(c)
		c.Set(fiber.HeaderCacheControl, "no-store")
		body, err := wholeBody(c)
		if err != nil {
			return err
		}
		if len(body) > maxSignatureBody {
			c.Context().SetConnectionClose() // the rest of the body is on its way
			return fail(c, http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d bytes: send fewer jobs at a time", maxSignatureBody))
		}
		results, err := s.results(body)
		if errors.Is(err, socorro.ErrInvalid) {
			return fail(c, http.StatusBadRequest, err.Error())
		}
		if err != nil {
			return err
		}
		return send(c, fiber.Map{"results": results})
	})
	r.Options(path, func(c *fiber.Ctx) error {
		cors(c)
		c.Set(fiber.HeaderAccessControlAllowMethods, "POST, OPTIONS")
		c.Set(fiber.HeaderAccessControlAllowHeaders, "Auth-Token, Content-Type")
		return c.SendStatus(http.StatusNoContent)
	})
	r.All(path, func(c *fiber.Ctx) error {
		cors(c)
		c.Set(fiber.HeaderAllow, "POST, OPTIONS")
		return fail(c, http.StatusMethodNotAllowed, `method not allowed: use POST with {"jobs": [crash data, ...]}`)
	})
}

// wholeBody reads one byte more than is allowed, so that its length tells. The
// server hands bodies over as streams, and does not bound them.
func wholeBody(c *fiber.Ctx) ([]byte, error) {
	stream := c.Context().RequestBodyStream()
	if stream == nil {
		return bytes.Clone(c.Body()), nil
	}
	body, err := io.ReadAll(io.LimitReader(stream, maxSignatureBody+1))
	if err != nil {
		return nil, fmt.Errorf("http/api: read jobs: %w: %w", err, socorro.ErrInvalid)
	}
	return body, nil
}

// jobsError is a wrong request, in words for the client.
type jobsError struct{ what string }

func (e *jobsError) Error() string { return e.what }
func (e *jobsError) Unwrap() error { return socorro.ErrInvalid }

func (s *CrashSignature) results(body []byte) ([]SignedCrash, error) {
	var request struct{ Jobs []json.RawMessage }
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, &jobsError{fmt.Sprintf(`the body is not {"jobs": [crash data, ...]}: %v`, err)}
	}
	if len(request.Jobs) == 0 {
		return nil, &jobsError{"no jobs specified"}
	}
	results := make([]SignedCrash, len(request.Jobs))
	for i, job := range request.Jobs {
		signed, err := s.sign(job)
		if errors.Is(err, socorro.ErrInvalid) {
			return nil, &jobsError{fmt.Sprintf("job %d: %v", i, err)}
		}
		if err != nil {
			return nil, err
		}
		if signed.Notes == nil {
			signed.Notes = []string{}
		}
		if signed.Extra == nil {
			signed.Extra = map[string]any{}
		}
		results[i] = signed
	}
	return results, nil
}
