package collect

import (
	_ "embed"
	"html/template"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"

	"socorro"
)

// ring keeps the last traces.
type ring struct {
	max int

	mu   sync.Mutex
	all  []Trace // up to max; after that next is the oldest
	next int
}

func (r *ring) add(t Trace) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) < r.max {
		r.all = append(r.all, t)
		return
	}
	r.all[r.next] = t
	r.next = (r.next + 1) % r.max
}

// latest lists the traces, newest first.
func (r *ring) latest() []Trace {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Concat(r.all[r.next:], r.all[:r.next])
	slices.Reverse(all)
	return all
}

//go:embed uploads.html
var uploadsPage string

// RegisterDebug adds GET /debug/uploads: the last uploads, those that were
// refused too, with what was understood of them and why they were answered so;
// as a page, or as JSON with ?format=json. Balance, when not nil, adds what
// became of all of them. everybody opens it to whoever reaches the server;
// without it only requests from this machine itself are answered.
func (h *Handler) RegisterDebug(r fiber.Router, everybody bool, balance func(*fiber.Ctx) (socorro.Balance, error)) {
	page := template.Must(template.New("uploads").Parse(uploadsPage))
	r.Get("/debug/uploads", func(c *fiber.Ctx) error {
		if !everybody && !local(c) {
			return fiber.ErrNotFound
		}
		view := uploadsView{Uploads: h.traces.latest()}
		if balance != nil {
			b, err := balance(c)
			if err != nil {
				return err
			}
			view.Balance = &b
		}
		c.Set(fiber.HeaderCacheControl, "no-store")
		if c.Query("format") == "json" || strings.Contains(c.Get(fiber.HeaderAccept), fiber.MIMEApplicationJSON) {
			return c.JSON(fiber.Map{"uploads": view.Uploads})
		}
		c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
		return page.Execute(c.Response().BodyWriter(), view)
	})
}

type uploadsView struct {
	Uploads []Trace
	Balance *socorro.Balance
}

// local says that the request was made on this machine, and not by a proxy on it
// for somebody elsewhere.
func local(c *fiber.Ctx) bool {
	for _, header := range []string{fiber.HeaderXForwardedFor, "X-Real-Ip", fiber.HeaderForwarded, fiber.HeaderXForwardedHost} {
		if c.Get(header) != "" {
			return false
		}
	}
	// A page of another site may make the browser ask; DNS may call us anything.
	host := c.Hostname()
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	addr, ok := c.Context().RemoteAddr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback() && (host == "localhost" || net.ParseIP(strings.Trim(host, "[]")) != nil)
}
