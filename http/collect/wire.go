package collect

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// readDeadliner is the part of net.Conn that bounds how long a read may take.
type readDeadliner interface {
	SetReadDeadline(time.Time) error
}

// wire reads a request body as it comes from the network: it counts, enforces
// the size and time limits, and finds out when the client went away early.
type wire struct {
	src      io.Reader
	conn     readDeadliner // nil when there is none to set
	declared int64         // Content-Length; -1 for a chunked body
	max      int64
	idle     time.Duration
	until    time.Time

	n      int64         // bytes read
	waited time.Duration // time spent in src
	err    error         // sticky
}

func (w *wire) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	// One byte more than allowed tells a body of just the right size from a larger one.
	if left := w.max - w.n + 1; int64(len(p)) > left {
		p = p[:left]
	}
	start := time.Now()
	deadline := start.Add(w.idle)
	if deadline.After(w.until) {
		deadline = w.until
	}
	if w.conn != nil {
		if err := w.conn.SetReadDeadline(deadline); err != nil {
			w.err = fmt.Errorf("set read deadline: %w", err)
			return 0, w.err
		}
	}
	n, err := w.src.Read(p)
	end := time.Now()
	w.waited += end.Sub(start)
	w.n += int64(n)
	switch {
	case w.n > w.max:
		w.err = &malformed{bodyTooLarge, fmt.Errorf("more than %d bytes", w.max)}
		return 0, w.err
	case err == nil:
	case err != io.EOF && (errors.Is(err, os.ErrDeadlineExceeded) || end.After(deadline)):
		// The server's reader of chunks hides the cause of its errors: the clock tells.
		w.err = &malformed{bodyTimeout, fmt.Errorf("after %d bytes", w.n)}
	case err == io.EOF && w.n < w.declared:
		// The server's stream ends with a plain EOF when the client closes in the
		// middle of a sized body.
		w.err = io.ErrUnexpectedEOF
	default:
		w.err = err
	}
	if n > 0 {
		return n, nil
	}
	return 0, w.err
}

// complete says that the body was read to its end.
func (w *wire) complete() bool { return w.err == io.EOF }

// gone says that there is nobody left to read an answer or to send more.
func (w *wire) gone() bool {
	if w.err == nil || w.err == io.EOF {
		return false
	}
	m, ok := errors.AsType[*malformed](w.err)
	return !ok || m.reason == bodyTimeout
}

// drain reads what is left of a refused body and throws it away. A server that
// closes with unread bytes resets the connection, and many clients then never
// see the answer. It stops after a second allowance of bytes or of patience.
func (w *wire) drain(most int64, patience time.Duration) {
	if w.complete() || w.gone() {
		return
	}
	if w.declared >= 0 && w.declared-w.n > most {
		return
	}
	w.err, w.max = nil, w.n+most
	if until := time.Now().Add(patience); until.Before(w.until) {
		w.until = until
	}
	for buf := make([]byte, readBuffer); w.err == nil; {
		_, _ = w.Read(buf) // the outcome is in w.err
	}
}
