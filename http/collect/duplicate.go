package collect

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"socorro"
)

// keyring lets one upload at a time work on a report. A client that gives up
// waiting sends its report again while the first one is still being saved.
type keyring struct {
	mu    sync.Mutex
	taken map[string]chan struct{}
}

// take waits until none of the keys is taken, and takes them.
func (k *keyring) take(ctx context.Context, keys []string) (release func(), err error) {
	for {
		busy := k.try(keys)
		if busy == nil {
			return func() { k.release(keys) }, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (k *keyring) try(keys []string) (busy chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range keys {
		if busy := k.taken[key]; busy != nil {
			return busy
		}
	}
	free := make(chan struct{})
	for _, key := range keys {
		k.taken[key] = free
	}
	return nil
}

func (k *keyring) release(keys []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, key := range keys {
		if i == 0 {
			close(k.taken[key])
		}
		delete(k.taken, key)
	}
}

// uuidFile is how Crashpad, Breakpad and Firefox name a dump: by a random id
// that stays the same each time they send it.
var uuidFile = regexp.MustCompile(`^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})(\.dmp)?(\.gz)?$`)

// reportID finds the client's own id of the report.
func (p *payload) reportID() string {
	if p.report != "" {
		return p.report
	}
	i := slices.IndexFunc(p.files, func(f *file) bool { return f.Name == socorro.MainDump })
	if i < 0 {
		return ""
	}
	name := path.Base(strings.ReplaceAll(p.files[i].filename, `\`, "/"))
	if m := uuidFile.FindStringSubmatch(name); m != nil {
		return strings.ToLower(m[1])
	}
	return ""
}

// mainSum is the SHA-256 of the crash's minidump; "" when it has none.
func (p *payload) mainSum() string {
	for _, f := range p.files {
		if f.Name == socorro.MainDump && f.isMinidump() {
			return f.SHA256
		}
	}
	return ""
}
