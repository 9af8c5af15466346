package signature

import (
	"errors"
	"strings"
)

func emptyWithStatus(r *run) bool {
	return strings.HasPrefix(r.Signature, "EMPTY") && r.in.MDSWStatusString != ""
}

// appendStatus says why there is no stack.
func appendStatus(r *run) error {
	r.set(r.Signature + "; " + r.in.MDSWStatusString)
	return nil
}

func aboutHardware(r *run) bool {
	return strings.Contains(r.in.Reason, "STATUS_DEVICE_DATA_ERROR") || r.in.fault("reason") != ""
}

// prefixBadHardware sets crashes apart that a failing disk or memory caused.
func prefixBadHardware(r *run) error {
	if fault := r.in.fault("reason"); fault != "" {
		return errors.New(fault)
	}
	r.set("bad hardware | " + r.Signature)
	return nil
}

func watchdogFired(r *run) bool { return strings.Contains(r.Signature, "RunWatchdog") }

// regenerateForThread0 looks at the thread that hangs, which is the first: the
// crashing one is the watchdog that noticed. Socorro falls back to its built-in
// lists here, whatever lists it was told to use; we do so with Config.Compat only.
func regenerateForThread0(r *run) error {
	if own := r.g; own.watchdog != nil {
		r.g = own.watchdog
		defer func() { r.g = own }()
	}
	if err := generateFrom(r, 0); err != nil {
		return err
	}
	r.set("shutdownhang | " + r.Signature)
	return nil
}

func stackOverflowed(r *run) bool { return r.in.Reason == "EXCEPTION_STACK_OVERFLOW" }

func prefixStackOverflow(r *run) error {
	r.set("stackoverflow | " + r.Signature)
	return nil
}

func hung(r *run) bool { return r.in.Hang != nil }

func prefixHang(r *run) error {
	r.set("hang: " + *r.in.Hang + " | " + r.Signature)
	return nil
}
