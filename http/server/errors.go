package server

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"socorro"
)

var errPanicked = errors.New("a handler panicked")

// errorHandler turns errors into answers: JSON for the API and for whoever asks
// for it, text for everybody else. What is not the client's fault is logged in
// full and told as no more than "internal error".
func errorHandler(log *slog.Logger) fiber.ErrorHandler {
	return func(c *fiber.Ctx, err error) error {
		status, message := describe(err)
		if status >= 500 && err != errPanicked {
			log.Error("request failed", "method", method(c), "path", shortPath(c), "status", status, "err", err)
		}
		if status == http.StatusServiceUnavailable {
			c.Set(fiber.HeaderRetryAfter, "30")
		}
		c.Status(status)
		if strings.HasPrefix(c.Path(), "/api/") || strings.Contains(c.Get(fiber.HeaderAccept), fiber.MIMEApplicationJSON) {
			return c.JSON(fiber.Map{"error": message})
		}
		c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
		return c.SendString(message + "\n")
	}
}

func describe(err error) (status int, message string) {
	if fe, ok := errors.AsType[*fiber.Error](err); ok {
		switch {
		case fe.Code == http.StatusNotFound:
			return fe.Code, "not found"
		case fe.Code == http.StatusBadRequest:
			// fasthttp's words about a header it could not read quote the header.
			return fe.Code, "bad request"
		case fe.Code >= 500:
			return fe.Code, http.StatusText(fe.Code)
		}
		return fe.Code, strings.ToLower(fe.Message)
	}
	switch {
	case errors.Is(err, socorro.ErrNotFound):
		return http.StatusNotFound, "not found"
	case errors.Is(err, socorro.ErrInvalid):
		return http.StatusBadRequest, err.Error()
	case errors.Is(err, socorro.ErrConflict):
		return http.StatusConflict, "conflict"
	case errors.Is(err, socorro.ErrRejected):
		return http.StatusForbidden, "forbidden"
	case errors.Is(err, socorro.ErrUnavailable):
		return http.StatusServiceUnavailable, "unavailable, try again later"
	}
	return http.StatusInternalServerError, "internal error"
}
