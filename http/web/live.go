package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
)

const (
	// A stream ends after this long and the browser opens it again, so that
	// none outlives its viewer behind a proxy that keeps connections open.
	streamLife    = 15 * time.Minute
	writePatience = 10 * time.Second
)

// live makes one event per interval for all streams together: a hundred
// viewers cost the engine no more than one.
type live struct {
	interval time.Duration
	max      int64
	now      func() time.Time
	make     func(context.Context) (actorsBody, error)
	timeout  time.Duration
	open     atomic.Int64

	mu   sync.Mutex
	made time.Time
	data []byte
}

func newLive(cfg Config, view func(context.Context) (actorsBody, error)) *live {
	return &live{interval: cfg.EventInterval, max: int64(cfg.MaxStreams), now: cfg.Now, make: view, timeout: cfg.StoreTimeout}
}

// event is the newest state as JSON, made anew when it is older than half an interval.
func (l *live) event() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if l.data != nil && now.Sub(l.made) < l.interval/2 {
		return l.data, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	defer cancel()
	// The event itself carries the failure of a part; one log line a second
	// would drown the one of whoever owns that part.
	body, _ := l.make(ctx)
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("web: encode actors: %w", err)
	}
	l.made, l.data = now, data
	return data, nil
}

// events streams the actors as server-sent events until the viewer leaves, the
// server stops or streamLife is over.
func (p *Pages) events(_ context.Context, c *fiber.Ctx) error {
	if p.live.open.Add(1) > p.live.max {
		p.live.open.Add(-1)
		c.Set(fiber.HeaderRetryAfter, "10")
		c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
		return c.Status(fiber.StatusServiceUnavailable).
			SendString("All " + strconv.FormatInt(p.live.max, 10) + " live views are in use. Reload the page instead.\n")
	}
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderConnection, "close")
	c.Set("X-Accel-Buffering", "no") // nginx holds events back otherwise
	c.Context().SetConnectionClose()
	// The request context is reused once the handler is back: take what the stream needs now.
	conn, stop := c.Context().Conn(), c.Context().Done()
	if c.Method() == fiber.MethodHead {
		p.live.open.Add(-1)
		return nil
	}
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer p.live.open.Add(-1)
		// No middleware recovers here, and a panic would end the whole server.
		defer func() {
			if v := recover(); v != nil {
				p.deps.Log.Error("event stream panicked", "err", fmt.Sprint(v), "stack", string(debug.Stack()))
			}
		}()
		if err := p.live.stream(w, conn, stop); err != nil {
			p.deps.Log.Error("event stream ended", errAttr(err))
		}
	})
	return nil
}

// stream returns nil when the viewer is gone, which is how streams end.
func (l *live) stream(w *bufio.Writer, conn net.Conn, stop <-chan struct{}) error {
	tick := time.NewTicker(l.interval)
	defer tick.Stop()
	end := time.NewTimer(streamLife)
	defer end.Stop()
	fmt.Fprintf(w, "retry: %d\n\n", max(1000, l.interval.Milliseconds()))
	for {
		data, err := l.event()
		if err != nil {
			return err
		}
		// A viewer who stops reading would hold the stream for ever, and the
		// server's own write timeout would cut it in the middle of its life.
		_ = conn.SetWriteDeadline(time.Now().Add(max(writePatience, 3*l.interval)))
		w.WriteString("data: ")
		w.Write(data)
		w.WriteString("\n\n")
		if w.Flush() != nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-end.C:
			return nil
		case <-stop:
			return nil
		}
	}
}
