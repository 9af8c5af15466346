package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"socorro"
)

// crashID reads the parameter that most endpoints need.
func crashID(c *fiber.Ctx) (socorro.CrashID, error) {
	text := strings.Clone(c.Query("crash_id"))
	if strings.TrimSpace(text) == "" {
		return "", paramError{"crash_id": {"This field is required."}}
	}
	id, err := socorro.ParseCrashID(text)
	if err != nil {
		return "", paramError{"crash_id": {strings.ToValidUTF8(strings.TrimSuffix(err.Error(), ": "+socorro.ErrInvalid.Error()), "\uFFFD")}}
	}
	return id, nil
}

// missing says which crash was not found, in Socorro's words.
type missing struct {
	what string
	err  error
}

func (m missing) Error() string { return m.what }
func (m missing) Unwrap() error { return m.err }

func notFound(err error, what string, args ...any) error {
	if errors.Is(err, socorro.ErrNotFound) {
		return missing{fmt.Sprintf(what, args...), err}
	}
	return err
}

// problem turns an error into an answer. What is our fault goes on to the
// server's error handler, which logs it.
func problem(c *fiber.Ctx, err error) error {
	if p, ok := errors.AsType[paramError](err); ok {
		c.Set(fiber.HeaderCacheControl, "no-store")
		c.Status(http.StatusBadRequest)
		return send(c, fiber.Map{"errors": p})
	}
	if m, ok := errors.AsType[missing](err); ok {
		return fail(c, http.StatusNotFound, m.what)
	}
	if errors.Is(err, socorro.ErrRejected) {
		return fail(c, http.StatusForbidden, "Binary response requires permissions: View Raw Dumps")
	}
	return err
}

func (a *API) processedCrash(c *fiber.Ctx) (any, error) {
	id, err := crashID(c)
	if err != nil {
		return nil, err
	}
	crash, err := a.deps.Crashes.LoadProcessed(c.UserContext(), id)
	if err != nil {
		return nil, notFound(err, "Not found: CrashIDNotFound %s", id)
	}
	return publicProcessed(crash)
}

func (a *API) rawCrash(c *fiber.Ctx) (any, error) {
	id, err := crashID(c)
	if err != nil {
		return nil, err
	}
	switch format := c.Query("format", "meta"); format {
	case "meta":
		crash, err := a.deps.Crashes.LoadRaw(c.UserContext(), id)
		if err != nil {
			return nil, notFound(err, "Not found: CrashIDNotFound %s", id)
		}
		return publicRaw(crash), nil
	case "raw", "raw_crash":
		return nil, a.dump(c, id)
	default:
		return nil, paramError{"format": {"Use meta or raw."}}
	}
}

// dump streams a dump as an attachment.
func (a *API) dump(c *fiber.Ctx, id socorro.CrashID) error {
	if !a.cfg.AllowRawDumps {
		return fmt.Errorf("http/api: dumps of %s: %w", id, socorro.ErrRejected)
	}
	name := strings.Clone(c.Query("name", socorro.MainDump))
	if !validDumpName(name) {
		return paramError{"name": {"Use letters, digits and _, at most 30."}}
	}
	dump, size, err := a.deps.Crashes.OpenDump(c.UserContext(), id, name)
	if err != nil {
		return notFound(err, "Not found: %s of %s", name, id)
	}
	file := string(id) + "-" + name + ".dmp"
	switch {
	case name == socorro.MainDump:
		file = string(id) + ".dmp"
	case name == "memory_report":
		file = "memory_report.json.gz"
	case !strings.HasPrefix(name, socorro.MainDump):
		file = string(id) + "-" + name + ".bin"
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEOctetStream)
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+file+`"`)
	if c.Method() == fiber.MethodHead {
		dump.Close()
		c.Context().Response.Header.SetContentLength(int(size))
		c.Context().Response.SkipBody = true
		return nil
	}
	// The server closes the stream when the answer is sent or the client is gone.
	c.Context().SetBodyStream(exactly{io.LimitReader(dump, size), dump}, int(size))
	return nil
}

type exactly struct {
	io.Reader
	io.Closer
}

func validDumpName(s string) bool {
	return s != "" && len(s) <= 30 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_')
	})
}
