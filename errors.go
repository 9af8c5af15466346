package socorro

import "errors"

// The five kinds of error that cross package borders. Wrap them with place,
// verb and object ("storage/fs: load raw ID: %w") and test with errors.Is.
// Anything else is a fault of ours: log it in full, tell the user nothing but that.
var (
	// ErrNotFound: there is no such crash, dump, row or page. HTTP 404.
	ErrNotFound = errors.New("not found")
	// ErrInvalid: the input is wrong and trying again will not help. HTTP 400.
	ErrInvalid = errors.New("invalid")
	// ErrConflict: somebody else was here first, such as a newer claim epoch. HTTP 409.
	ErrConflict = errors.New("conflict")
	// ErrUnavailable: a store or service is down for now; the same call may work later. HTTP 503.
	ErrUnavailable = errors.New("unavailable")
	// ErrRejected: policy refuses it, such as a throttle rule or a size limit. The HTTP status is the policy's.
	ErrRejected = errors.New("rejected")
)
