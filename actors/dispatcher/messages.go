package dispatcher

import "time"

// Wake says that the queue may have work. From anybody, by the Bell; no answer.
type Wake struct{}

// Drain ends the claiming of crashes. What runs may go on for Within, then it
// is given back. Done is closed when nothing is claimed any more. From the
// engine; sent once.
type Drain struct {
	Within time.Duration
	Done   chan<- struct{}
}
