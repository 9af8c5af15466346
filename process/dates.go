package process

import (
	"context"
	"strconv"
	"strings"
	"time"

	"socorro"
)

// Clients count seconds since 1970; more digits than these are milliseconds or junk.
const secondsDigits = 10

// dates works out when it crashed, and how long the product had been installed
// and running. Clients' clocks lie: a time that cannot be read falls back to
// the next best one and leaves a note.
func dates(_ context.Context, s *State) error {
	p := s.Crash
	submitted := s.Raw.Submitted
	if submitted.IsZero() {
		submitted = s.Raw.ID.Date()
	}
	p.Submitted = socorro.Timestamp(submitted)
	p.Processed = p.Submitted

	crash, known := s.seconds("CrashTime")
	if !known {
		crash = submitted.Unix()
		if s.Raw.Annotations.Text("CrashTime") == "" {
			s.note("WARNING: raw_crash missing CrashTime")
		}
	}
	p.CrashTime = crash
	p.ClientDate = socorro.Timestamp(time.Unix(crash, 0))

	startup, startupKnown := s.seconds("StartupTime")
	install, installKnown := s.seconds("InstallTime")
	if startupKnown {
		s.set("startup_time", startup)
		uptime := max(0, crash-startup)
		p.Uptime = &uptime
	}
	if installKnown {
		s.set("install_time", install)
		age := crash - install
		p.InstallAge = &age
	}
	if last, ok := s.seconds("SecondsSinceLastCrash"); ok {
		p.LastCrash = &last
	}
	return nil
}

// seconds reads an annotation that counts seconds. Not a number leaves a note.
func (s *State) seconds(annotation string) (int64, bool) {
	text := strings.TrimSpace(s.Raw.Annotations.Text(annotation))
	if text == "" {
		return 0, false
	}
	whole, _, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole[:min(len(whole), secondsDigits)], 10, 64)
	if err != nil || n < 0 {
		s.note("non-integer value of %q", annotation)
		return 0, false
	}
	return n, true
}
