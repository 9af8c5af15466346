package server

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// requestID gives each request an id that its answer and its log lines carry. A
// proxy's own id is kept when it is harmless.
func requestID(c *fiber.Ctx) error {
	id := c.Get(fiber.HeaderXRequestID)
	if len(id) == 0 || len(id) > 64 || strings.ContainsFunc(id, unsafeInID) {
		id = rand.Text()
	}
	c.Set(fiber.HeaderXRequestID, id)
	return c.Next()
}

func unsafeInID(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r))
}

// observe writes the access log and counts. It leaves out the query, which may
// hold what a user typed, and the client's address.
func observe(log *slog.Logger, m *metrics) fiber.Handler {
	return func(c *fiber.Ctx) error {
		start := time.Now()
		m.inFlight.Inc()
		defer m.inFlight.Dec()
		if err := c.Next(); err != nil {
			// The answer has to be settled before it is logged.
			if err := c.App().ErrorHandler(c, err); err != nil {
				c.Status(fiber.StatusInternalServerError)
			}
		}
		took, status := time.Since(start), c.Response().StatusCode()
		route := "none" // an unknown path must not become a label
		if c.Route() != nil && status != fiber.StatusNotFound {
			route = strings.Clone(c.Route().Path)
		}
		m.requests.WithLabelValues(method(c), route, fmt.Sprintf("%dxx", status/100)).Inc()
		m.seconds.WithLabelValues(route).Observe(took.Seconds())
		level := slog.LevelInfo
		if strings.HasPrefix(c.Path(), "/__") || strings.HasPrefix(c.Path(), "/metrics") {
			level = slog.LevelDebug // load balancers and Prometheus ask every few seconds
		}
		log.Log(c.UserContext(), level, "request answered",
			"method", method(c), "path", shortPath(c), "status", status, "took", took,
			"request_id", strings.Clone(c.GetRespHeader(fiber.HeaderXRequestID)))
		return nil
	}
}

func method(c *fiber.Ctx) string {
	switch m := c.Method(); m {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodPost, fiber.MethodPut, fiber.MethodPatch, fiber.MethodDelete, fiber.MethodOptions:
		return strings.Clone(m)
	}
	return "other"
}

func shortPath(c *fiber.Ctx) string {
	path := strings.ToValidUTF8(strings.Clone(c.Path()), "\uFFFD")
	if len(path) > 200 {
		return path[:200] + "…"
	}
	return path
}

// protect sets the headers that limit what a page may do. Our pages have their
// scripts and styles in files of their own.
func protect(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentSecurityPolicy,
		"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "same-origin") // a crash id or a search must not reach other sites
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	return c.Next()
}

// recoverPanics turns a panic into an answer. The stack is for the log only.
func recoverPanics(log *slog.Logger) fiber.Handler {
	return func(c *fiber.Ctx) (err error) {
		defer func() {
			if r := recover(); r != nil {
				log.Error("handler panicked", "panic", fmt.Sprint(r), "method", method(c), "path", shortPath(c), "stack", string(debug.Stack()))
				c.Context().SetConnectionClose()
				err = errPanicked
			}
		}()
		return c.Next()
	}
}
