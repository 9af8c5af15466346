package receipts

import (
	"crypto/sha256"
	"time"

	"socorro"
)

// key stands for a report's key, which may be of any length.
type key [16]byte

// seen is the first answer to a report.
type seen struct {
	id   socorro.CrashID
	when time.Time
}

func keyOf(text string) (k key) {
	sum := sha256.Sum256([]byte(text))
	copy(k[:], sum[:])
	return k
}

// Find returns the crash id of the first report that has one of the keys, if it
// came within the window.
func (l *Log) Find(keys []string) (socorro.CrashID, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, text := range keys {
		if s, ok := l.known[keyOf(text)]; ok && l.cfg.Now().Sub(s.when) <= l.cfg.Window {
			return s.id, true
		}
	}
	return "", false
}

func (l *Log) remember(r socorro.Receipt) {
	if l.cfg.Window <= 0 || r.ID == "" || r.Result != socorro.Accepted && r.Result != socorro.Postponed {
		return
	}
	for _, text := range r.Keys {
		l.learn(text, r)
	}
}

func (l *Log) learn(text string, r socorro.Receipt) {
	k := keyOf(text)
	if old, ok := l.known[k]; ok && r.Time.Sub(old.when) <= l.cfg.Window {
		return // the first answer stays
	}
	if len(l.oldest) >= l.cfg.Keys {
		delete(l.known, l.oldest[0])
		l.oldest = l.oldest[1:]
	}
	l.known[k] = seen{r.ID, r.Time}
	l.oldest = append(l.oldest, k)
}
