package actors

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"socorro"
	"socorro/actors/crash"
	"socorro/actors/cron"
	"socorro/actors/destination"
	"socorro/actors/dispatcher"
	"socorro/actors/kit"
)

// Config of the engine. Zero fields mean the defaults.
type Config struct {
	Processor   bool              // run the dispatcher, the crash actors and the destinations
	Cron        bool              // run the jobs
	Dispatcher  dispatcher.Config // Owner "" = the actor system's random id
	Crash       crash.Config      // Destinations is filled in by the engine
	Destination DestinationConfig
	Restart     kit.Backoff   // of actors that panic; zero = 250ms, 500ms … 30s
	Drain       time.Duration // how long crashes may go on after Stop before they are given back; 0 = 20s
	MaxShown    int           // actors that Actors lists at most; 0 = 500
}

// DestinationConfig is what all destinations have in common. Zero fields mean
// the defaults of [destination.Config].
type DestinationConfig struct {
	Window    int
	ParkAfter int
	Timeout   time.Duration
	Grace     time.Duration
	Sweep     time.Duration
	LogEvery  time.Duration
}

// Queue is the processing queue.
type Queue interface {
	dispatcher.Queue
	crash.Queue
}

// Destination is a place that gets every processed crash.
type Destination struct {
	Name        string // of its outbox; unique, no slash
	Destination destination.Saver
	Policy      kit.Policy // zero = try again for ever, 1s, 2s … 5m
}

// Deps is what the engine works with. The first four and the destinations are
// needed by the processor role, Jobs by the cron role.
type Deps struct {
	Queue        Queue
	Outbox       destination.Outbox
	Crashes      crash.Crashes
	Processor    crash.Processor
	Destinations []Destination
	Jobs         []cron.Job
	Log          *slog.Logger
	Metrics      *kit.Metrics   // may be nil
	Chance       func() float64 // for the jitter of all waits; nil = math/rand
}

func (c Config) withDefaults(d Deps) Config {
	if c.Restart == (kit.Backoff{}) {
		c.Restart = kit.Backoff{Initial: 250 * time.Millisecond, Max: 30 * time.Second}
	}
	if c.Drain <= 0 {
		c.Drain = 20 * time.Second
	}
	for _, dest := range d.Destinations {
		c.Crash.Destinations = append(c.Crash.Destinations, dest.Name)
	}
	return c
}

func (d Deps) withDefaults() Deps {
	if d.Chance == nil {
		d.Chance = rand.Float64
	}
	return d
}

// check says what is missing; the error wraps [socorro.ErrInvalid].
func check(cfg Config, d Deps) error {
	problem := func(format string, args ...any) error {
		return fmt.Errorf("actors: start engine: %s: %w", fmt.Sprintf(format, args...), socorro.ErrInvalid)
	}
	switch {
	case d.Log == nil:
		return problem("a logger is missing")
	case !cfg.Processor && !cfg.Cron:
		return problem("neither the processor nor the cron role is on")
	case cfg.Processor && (d.Queue == nil || d.Outbox == nil || d.Crashes == nil || d.Processor == nil):
		return problem("the processor role needs a queue, an outbox, a crash store and a processor")
	case len(cfg.Crash.Destinations) > 0:
		return problem("Crash.Destinations is filled in from the destinations")
	}
	names := map[string]bool{}
	for _, dest := range d.Destinations {
		if dest.Name == "" || strings.Contains(dest.Name, "/") || names[dest.Name] || dest.Destination == nil {
			return problem("destination %q needs a name of its own without slash, and something to save to", dest.Name)
		}
		names[dest.Name] = true
	}
	clear(names)
	for _, job := range d.Jobs {
		if err := job.Check(); err != nil {
			return fmt.Errorf("actors: start engine: %w", err)
		}
		if names[job.Name] {
			return problem("two jobs are named %q", job.Name)
		}
		names[job.Name] = true
	}
	return nil
}
