package signature

import (
	"errors"
	"strings"
)

// maxAbortMessage is in characters.
const maxAbortMessage = 80

func aborted(r *run) bool {
	return r.in.AbortMessage != "" || r.in.fault("abort_message") != ""
}

func prefixAbort(r *run) error { return prefixAbortWith(r, printable) }

// prefixAbortWith keeps of the message what the function keep leaves.
func prefixAbortWith(r *run, keep func(string) string) error {
	if fault := r.in.fault("abort_message"); fault != "" {
		return errors.New(fault)
	}
	message := r.in.AbortMessage
	// An abort without a text: the message names the source line only.
	if strings.Contains(message, "###!!! ABORT: file ") {
		r.set("Abort | " + r.Signature)
		return nil
	}
	r.set("Abort | " + abortText(message, keep) + " | " + r.Signature)
	return nil
}

// abortText keeps what the programmer wrote: process and thread stand before
// it, source file and line behind it.
func abortText(message string, keep func(string) string) string {
	if _, after, ok := strings.Cut(message, "###!!! ABORT:"); ok {
		message = strip(after)
	}
	if before, _, ok := strings.Cut(message, ": file "); ok {
		message = strip(before)
	}
	// The system's own message follows in parentheses and in the user's language.
	if strings.Contains(message, "unable to find a usable font") {
		open, shut := strings.IndexByte(message, '('), strings.LastIndexByte(message, ')')
		if open >= 0 && shut >= 0 {
			message = message[:open] + message[shut+1:]
		}
	}
	message = strip(keep(message))
	if len(message) > maxAbortMessage {
		message = message[:maxAbortMessage-3] + "..."
	}
	return message
}
