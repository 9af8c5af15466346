package socorro

import "time"

// Result says what became of an upload.
type Result string

const (
	Accepted     Result = "accepted"     // kept, and to be processed
	Postponed    Result = "deferred"     // kept, processed when somebody asks
	Duplicate    Result = "duplicate"    // sent before: the first answer was given again
	Rejected     Result = "rejected"     // a throttle rule said no; the reason is the rule
	Malformed    Result = "malformed"    // could not be understood or broke a limit
	Unauthorized Result = "unauthorized" // brought a crash id without the right to
	Unavailable  Result = "unavailable"  // not kept because of us: the client was told to try again
)

// Results lists every result.
func Results() []Result {
	return []Result{Accepted, Postponed, Duplicate, Rejected, Malformed, Unauthorized, Unavailable}
}

// Receipt is the trace that every upload leaves, whatever its answer was.
type Receipt struct {
	Time    time.Time `json:"time"`
	Result  Result    `json:"result"`
	Reason  string    `json:"reason,omitempty"` // throttle rule or kind of fault
	ID      CrashID   `json:"crash_id,omitempty"`
	Product string    `json:"product,omitempty"`
	Version string    `json:"version,omitempty"`
	Bytes   int64     `json:"bytes,omitempty"` // on the wire

	// Keys are what a report that is sent again has in common with the first one.
	Keys []string `json:"keys,omitempty"`
}

// ReceiptOf is the receipt of a kept crash. It can be made anew from the raw
// crash, so a receipt that a power cut took is not lost.
func ReceiptOf(raw *RawCrash) Receipt {
	r := Receipt{
		Time: raw.Submitted, Result: Accepted, Reason: raw.Metadata.ThrottleRule, ID: raw.ID,
		Product: raw.Annotations.Product(), Version: raw.Annotations.Version(),
		Bytes: raw.Metadata.PayloadSize, Keys: ReportKeys(raw.Metadata.ReportID, raw.Metadata.DumpChecksums[MainDump]),
	}
	if raw.ID.Throttle() == Defer {
		r.Result = Postponed
	}
	return r
}

// ReportKeys are the keys of a report with the client's own id and with the
// SHA-256 of its minidump in hex; each may be "".
func ReportKeys(reportID, dump string) (keys []string) {
	if reportID != "" {
		keys = append(keys, "report:"+reportID)
	}
	// No two crashes leave the same dump: it has the time and the memory in it.
	if dump != "" && dump != emptySHA256 {
		keys = append(keys, "dump:"+dump)
	}
	return keys
}

const emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Balance sets what was answered against what is there.
type Balance struct {
	Since    time.Time                 // of the first receipt; zero when there is none
	Received int                       // uploads
	Results  map[Result]map[string]int // by result and reason
	Spooled  int                       // kept, and not yet in the queue
	Queue    map[CrashState]int
	// Missing is kept crashes less those that are in the spool or the queue.
	// Above 0 something was lost; below 0 crashes came another way than through
	// the collector.
	Missing int
}
