package minidump

import "fmt"

// A Kind says which rule of the format a file broke.
type Kind uint8

// The kinds of [FormatError].
const (
	Empty             Kind = iota // a file of 0 bytes
	MissingHeader                 // too short for a header
	HeaderMismatch                // not a minidump
	VersionMismatch               // a minidump of another version
	MissingDirectory              // the directory of streams is not in the file
	MissingThreadList             // no readable ThreadList
	MissingSystemInfo             // no readable SystemInfo
	Malformed                     // a stream breaks off or contradicts itself
)

// A FormatError says where a dump stopped making sense.
type FormatError struct {
	Kind   Kind
	Stream string // "ThreadList"; "Header" and "Directory" are streams here
	Offset int64  // from the start of the file
	Reason string
}

// Error says where, what and why.
func (e *FormatError) Error() string {
	return fmt.Sprintf("%s at offset %d: %s", e.Stream, e.Offset, e.Reason)
}

// Name is the kind as other walkers print it, such as "MissingThreadList".
func (e *FormatError) Name() string {
	switch e.Kind {
	case Empty:
		return "EmptyMinidump"
	case MissingHeader:
		return "MissingHeader"
	case HeaderMismatch:
		return "HeaderMismatch"
	case VersionMismatch:
		return "VersionMismatch"
	case MissingDirectory:
		return "MissingDirectory"
	case MissingThreadList:
		return "MissingThreadList"
	case MissingSystemInfo:
		return "MissingSystemInfo"
	default:
		return "StreamReadFailure"
	}
}
