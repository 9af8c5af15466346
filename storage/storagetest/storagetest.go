// Package storagetest holds the promises of the storage roles as tests. A
// container proves itself by running the suites of the roles that it plays:
//
//	func TestStore(t *testing.T) {
//		storagetest.Crashes(t, func(t testing.TB, dir string, _ func() time.Time) storagetest.CrashStore { ... })
//	}
//
// The suites know nothing of a container but its role. What they call dir
// stands for its medium: who opens the same dir twice sees the same data, also
// when the first was never closed, as after kill -9.
package storagetest

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"socorro"
)

// Opener opens a container on a medium. It closes it by t.Cleanup.
type Opener[S any] func(t testing.TB, dir string, now func() time.Time) S

// RawStore keeps what came in.
type RawStore interface {
	SaveRaw(context.Context, *socorro.RawCrash, []socorro.Dump) error
	LoadRaw(context.Context, socorro.CrashID) (*socorro.RawCrash, error)
	Dumps(context.Context, socorro.CrashID) ([]socorro.Dump, error)
	OpenDump(context.Context, socorro.CrashID, string) (io.ReadCloser, int64, error)
}

// ProcessedStore keeps what became of it.
type ProcessedStore interface {
	SaveProcessed(context.Context, *socorro.ProcessedCrash) error
	LoadProcessed(context.Context, socorro.CrashID) (*socorro.ProcessedCrash, error)
}

// CrashStore is a store for whole crashes. Incoming is where uploads are put
// before SaveRaw.
type CrashStore interface {
	RawStore
	ProcessedStore
	Delete(context.Context, socorro.CrashID) error
	Incoming() string
}

// NewCrashStore is a crash store that also tells which crashes are new.
type NewCrashStore interface {
	CrashStore
	NewCrashes(context.Context) iter.Seq2[socorro.CrashID, error]
	Acknowledge(context.Context, socorro.CrashID) error
}

// Intake takes crashes into the queue.
type Intake interface {
	Enqueue(context.Context, socorro.CrashID, socorro.Lane) (added bool, err error)
	Defer(context.Context, socorro.CrashID) error
	Requeue(context.Context, []socorro.CrashID, socorro.Lane) (int, error)
	Forget(context.Context, socorro.CrashID) error
}

// Claims hands crashes out.
type Claims interface {
	Claim(ctx context.Context, owner string, limit int, lease time.Duration) ([]socorro.Claim, error)
	Extend(context.Context, []socorro.Claim, time.Duration) (lost []socorro.CrashID, err error)
	RecoverOwner(ctx context.Context, owner string) (int, error)
}

// Settlement ends claims.
type Settlement interface {
	Commit(ctx context.Context, c socorro.Claim, destinations []string) error
	Retry(ctx context.Context, c socorro.Claim, after time.Duration, reason string) error
	Park(ctx context.Context, c socorro.Claim, reason string) error
	Release(context.Context, socorro.Claim) error
}

// QueueView is what operators see of a queue.
type QueueView interface {
	Status(context.Context, socorro.CrashID) (socorro.QueueStatus, error)
	Depth(context.Context) (socorro.QueueDepth, error)
	ParkedCrashes(ctx context.Context, limit int) ([]socorro.QueueStatus, error)
}

// Outbox holds what is still to be brought to each destination.
type Outbox interface {
	Peek(ctx context.Context, destination string, after int64, limit int) ([]socorro.Delivery, error)
	Ack(ctx context.Context, destination string, seq int64) error
	AckAll(ctx context.Context, destination string, seqs []int64) error
	Fail(ctx context.Context, destination string, seq int64, reason string) (attempts int, err error)
}

// OutboxParking sets aside what cannot be delivered.
type OutboxParking interface {
	ParkDelivery(ctx context.Context, destination string, seq int64, reason string) error
	ParkedDeliveries(ctx context.Context, destination string, limit int) ([]socorro.ParkedDelivery, error)
	ReleaseDelivery(ctx context.Context, destination string, seq int64) error
}

// QueueStore is a queue with its outbox: Commit is one transaction over both.
type QueueStore interface {
	Intake
	Claims
	Settlement
	QueueView
	Outbox
	OutboxParking
}

// Destination takes processed crashes.
type Destination interface {
	Save(context.Context, *socorro.RawCrash, *socorro.ProcessedCrash) error
}

// IndexStore lists and counts processed crashes.
type IndexStore interface {
	Destination
	Delete(context.Context, socorro.CrashID) error
	Recent(context.Context, socorro.CrashFilter) ([]socorro.CrashSummary, error)
	Signatures(ctx context.Context, since time.Time, limit int) ([]socorro.SignatureCount, error)
	Count(context.Context, socorro.CrashFilter) (int, error)
	Products(ctx context.Context, since time.Time) ([]string, error)
}

// start is when the suites begin, on the day of their crash ids.
func start() time.Time { return time.Date(2026, 11, 23, 10, 20, 30, 0, time.UTC) }

// Clock is a time that moves when told to. It is safe for all goroutines.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts in the morning of 2026-11-23.
func NewClock() *Clock { return &Clock{now: start()} }

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves it on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// ID is the nth crash id of 2026-11-23. Neighbours differ from the first character on.
func ID(n int) socorro.CrashID {
	return socorro.CrashID(fmt.Sprintf("%08x-5ec0-4aaa-8bbb-%05x0261123", uint32(n)*2654435761, n&0xfffff))
}

// Raw is a raw crash with text that encoders like to damage.
func Raw(id socorro.CrashID) *socorro.RawCrash {
	return &socorro.RawCrash{
		ID:        id,
		Submitted: start(),
		Annotations: socorro.Annotations{
			"ProductName": "Firefox",
			"Version":     "153.0",
			"Notes":       "<script> & \"quotes\" ä € 😀 \u2028 \x01",
		},
		Metadata: socorro.Metadata{
			Payload: "multipart", PayloadCompressed: "0", PayloadSize: 1234,
			CollectorNotes: []string{"Removed Email from raw crash."},
			DumpChecksums:  map[string]string{socorro.MainDump: strings.Repeat("ab", 32)},
			UserAgent:      "None", ThrottleRule: "accept_everything",
		},
	}
}

// Processed is a processed crash of an epoch.
func Processed(id socorro.CrashID, epoch int64) *socorro.ProcessedCrash {
	return &socorro.ProcessedCrash{
		ID: id, UUID: id, Epoch: epoch,
		Product: "Firefox", Version: "153.0", BuildID: "20261120", ReleaseChannel: "nightly", ProcessType: "parent",
		Signature: "app::run | main", Reason: "SIGSEGV / SEGV_MAPERR", Address: "0x0000000000000000",
		Submitted: socorro.Timestamp(start()), Processed: socorro.Timestamp(start()),
		OSName: "Linux", OSVersion: "6.8", OSPrettyVersion: "Debian GNU/Linux 12", CPUArch: "amd64", CPUCount: 2,
		Success: true, MDSWStatus: "OK", ProcessorNotes: "first line\nsecond line",
		JSONDump: []byte(`{"status":"OK","threads":[{"frames":[{"frame":0,"function":"main"}]}]}`),
		Other:    map[string]any{"app_notes": fmt.Sprintf("epoch %d", epoch)},
	}
}

// Upload puts a dump into a folder, as a collector does.
func Upload(t testing.TB, dir, name, content string) socorro.Dump {
	t.Helper()
	f, err := os.CreateTemp(dir, "upload-")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(content); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return socorro.Dump{Name: name, Path: f.Name(), Size: int64(len(content))}
}

// files counts the entries of a folder; uploads must not pile up in it.
func files(t testing.TB, dir string) int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
