package web

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"strings"
	"time"

	"socorro"

	"github.com/gofiber/fiber/v2"
)

//go:embed templates/*.html
var templateFiles embed.FS

// policy forbids everything that is not our own file, inline code included.
const policy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

// view is what every template gets.
type view struct {
	Title   string
	Nav     string // the current entry of the navigation
	Query   string // what stands in the quick search box
	Refresh int    // seconds until a browser without JavaScript reloads; 0 never
	Live    bool   // whether the browser's JavaScript keeps the marked regions fresh
	Version string
	Body    any
}

func (p *Pages) parseTemplates() map[string]*template.Template {
	funcs := template.FuncMap{
		"asset":    p.assetURL,
		"grouped":  grouped,
		"utc":      utc,
		"iso":      iso,
		"age":      func(t time.Time) string { return age(p.cfg.Now(), t) },
		"visible":  visible,
		"short":    func(n int, s string) string { return shorten(visible(s), n) },
		"list":     crashesURL,
		"plural":   plural,
		"blank":    blank,
		"sendable": sendable,
		// The command that puts everything parked back to work, if there is one.
		"releaseAll": func() string { return p.cfg.ReleaseAllCommand },
	}
	base := template.Must(template.New("base.html").Funcs(funcs).ParseFS(templateFiles, "templates/base.html", "templates/parts.html"))
	out := map[string]*template.Template{}
	for _, name := range []string{"home", "crashes", "signatures", "report", "state", "actors", "error"} {
		t := template.Must(base.Clone())
		out[name] = template.Must(t.ParseFS(templateFiles, "templates/"+name+".html"))
	}
	return out
}

// render writes a whole page or, when the template fails, nothing at all.
func (p *Pages) render(c *fiber.Ctx, status int, name string, v view) error {
	v.Version = p.cfg.Version
	var b bytes.Buffer
	if err := p.templates[name].ExecuteTemplate(&b, "base.html", v); err != nil {
		return fmt.Errorf("web: render %s: %w", name, err)
	}
	if len(c.Response().Header.Peek(fiber.HeaderContentSecurityPolicy)) == 0 {
		c.Set(fiber.HeaderContentSecurityPolicy, policy)
	}
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Status(status).Send(b.Bytes())
}

// page gives a handler a context with a deadline and turns its error into a page.
func (p *Pages) page(h func(context.Context, *fiber.Ctx) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx, cancel := context.WithTimeout(c.UserContext(), p.cfg.StoreTimeout)
		defer cancel()
		if err := h(ctx, c); err != nil {
			return p.Error(c, err)
		}
		return nil
	}
}

type errorBody struct {
	Status int
	Head   string
	Why    string
}

// Error answers with the page for err's kind; what is no kind of ours, it logs
// in full and shows as a fault. It fits fiber.Config.ErrorHandler.
func (p *Pages) Error(c *fiber.Ctx, err error) error {
	body := explain(err)
	if body.Status >= 500 {
		p.deps.Log.LogAttrs(c.UserContext(), levelOf(body.Status), "page not shown", pathAttr(c), errAttr(err))
	}
	if body.Status == fiber.StatusServiceUnavailable {
		c.Set(fiber.HeaderRetryAfter, "5")
	}
	return p.render(c, body.Status, "error", view{Title: body.Head, Body: body})
}

// NotFound answers 404 with a page. Mount it last: app.Use(pages.NotFound).
func (p *Pages) NotFound(c *fiber.Ctx) error {
	return p.Error(c, fmt.Errorf("web: %w", socorro.ErrNotFound))
}

func explain(err error) errorBody {
	if e, ok := errors.AsType[*fiber.Error](err); ok && e.Code < 500 {
		if e.Code == fiber.StatusNotFound {
			err = socorro.ErrNotFound
		} else {
			return errorBody{e.Code, e.Message, ""}
		}
	}
	switch {
	case errors.Is(err, socorro.ErrNotFound):
		return errorBody{fiber.StatusNotFound, "Page not found", "There is nothing at this address. Crash reports live under /report/index/ followed by the crash ID."}
	case errors.Is(err, socorro.ErrInvalid):
		return errorBody{fiber.StatusBadRequest, "That request does not work", sentence(strings.TrimPrefix(err.Error(), "web: "))}
	case errors.Is(err, socorro.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return errorBody{fiber.StatusServiceUnavailable, "A store is down for now", "Crash reports are still accepted and kept. Try this page again in a few seconds."}
	default:
		return errorBody{fiber.StatusInternalServerError, "Something went wrong here", "It is our fault, and it is in the server's log. Crash reports are still accepted and kept."}
	}
}

// sentence makes our error text ("page \"x\": not a number: invalid") fit to read.
func sentence(s string) string {
	s = strings.TrimSuffix(s, ": "+socorro.ErrInvalid.Error())
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// A store that is down is the store's error to log; for the page it is a warning.
func levelOf(status int) slog.Level {
	if status == fiber.StatusServiceUnavailable {
		return slog.LevelWarn
	}
	return slog.LevelError
}

// The route and not the path: a query or an id in the log could name a person's crash.
func pathAttr(c *fiber.Ctx) slog.Attr { return slog.String("route", c.Route().Path) }

func errAttr(err error) slog.Attr { return slog.Any("err", err) }
