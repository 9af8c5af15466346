package collect

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Route is a path that takes uploads.
type Route struct {
	Path    string
	Clients string // that post there when only their host is changed

	envelope bool
}

// Routes lists every path that takes uploads. Any of them understands any form
// of upload, but for envelopes, which have a path of their own.
func Routes() []Route {
	return []Route{
		{"/submit", "Mozilla's crash reporter, Breakpad and Crashpad as Socorro's documentation sets them up", false},
		{"/post", "mini-breakpad-server, Backtrace (?format=minidump&token=)", false},
		{"/crashreports", "simple-breakpad-server", false},
		{"/cr/report", "Chrome", false},
		{"/api/:project/minidump", "Sentry and compatible servers", false},
		{"/api/:project/envelope", "Sentry's SDKs and sentry-rust-minidump", true},
		{"/:universe/:token/minidump", "Backtrace", false},
		{"/minidump", "BugSnag (?apiKey=)", false},
		{"/post/bp/crash/crashpad.php", "BugSplat", false},
	}
}

// Register adds the paths to the router. On /submit other methods get 405,
// OPTIONS the list of methods. The app must be made with StreamRequestBody and
// DisablePreParseMultipartForm, as http/server does; without them bodies are
// held in memory first.
func (h *Handler) Register(r fiber.Router) {
	for _, route := range Routes() {
		if h.cfg.Strict && route.Path != "/submit" {
			continue
		}
		r.Post(route.Path, func(c *fiber.Ctx) error {
			if h.cfg.Strict && strings.HasSuffix(c.Path(), "/") {
				return fiber.ErrNotFound
			}
			return h.submit(c, route)
		})
	}
	r.Options("/submit", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, fiber.MethodPost)
		return c.SendStatus(fiber.StatusOK)
	})
	r.All("/submit", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, "POST, OPTIONS")
		return fiber.ErrMethodNotAllowed
	})
}
