package process

import (
	"errors"

	"socorro"
	"socorro/stackwalk/minidump"
)

// kind says in a public word what sort of error it is.
func kind(err error) string {
	if format, ok := errors.AsType[*minidump.FormatError](err); ok {
		return format.Name()
	}
	if _, ok := errors.AsType[*panicError](err); ok {
		return "panic (details in the processor's log)"
	}
	for _, k := range []error{socorro.ErrNotFound, socorro.ErrInvalid, socorro.ErrConflict, socorro.ErrUnavailable, socorro.ErrRejected} {
		if errors.Is(err, k) {
			return k.Error()
		}
	}
	return "internal error (details in the processor's log)"
}
