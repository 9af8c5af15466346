package symbols

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// A CacheConfig tunes a [Cache]. The zero value is good.
type CacheConfig struct {
	// Bytes is about how much memory the tables may take that no walk is using.
	// 0 means 512 MiB; a negative number keeps none.
	Bytes int64
	// AbsentFor is how long it is remembered that there are no symbols for a
	// module, or that its file is useless. 0 means one minute; a negative duration
	// forgets at once.
	AbsentFor time.Duration
	// Now is the clock. nil means time.Now.
	Now func() time.Time
}

const (
	defaultCacheBytes = 512 << 20
	defaultAbsentFor  = time.Minute
	// absentSize is what an absence counts, so that a flood of dumps with invented
	// modules cannot fill the memory with them.
	absentSize = 1 << 10
)

// A Cache keeps the tables of another supplier, the most recently used ones, and
// sees to it that no file is read twice at a time. A crash is worth seconds of
// parsing; one cache shared by all crashes saves nearly all of it.
type Cache struct {
	from Supplier
	cfg  CacheConfig

	mu      sync.Mutex
	used    *list.List // of *cached, most recent first
	byKey   map[Module]*list.Element
	flights map[Module]*flight
	stats   CacheStats
}

// CacheStats are numbers about a [Cache] since it was made.
type CacheStats struct {
	Hits, Misses int64 // absences included
	Evicted      int64
	Tables       int   // now
	Bytes        int64 // now
}

type cached struct {
	key     Module
	answer  answer
	size    int64
	expires time.Time // zero: never
}

type answer struct {
	table *Table
	look  Lookup
	err   error
}

// A flight is a search that several may wait for.
type flight struct {
	done    chan struct{}
	answer  answer
	waiters int
	stop    context.CancelFunc
}

// NewCache makes a cache before a supplier.
func NewCache(from Supplier, cfg CacheConfig) *Cache {
	if cfg.Bytes == 0 {
		cfg.Bytes = defaultCacheBytes
	}
	if cfg.AbsentFor == 0 {
		cfg.AbsentFor = defaultAbsentFor
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Cache{from: from, cfg: cfg, used: list.New(), byKey: map[Module]*list.Element{}, flights: map[Module]*flight{}}
}

// Find answers from memory, or asks the supplier behind. Of those who ask for the
// same module at the same time one asks and the others wait.
func (c *Cache) Find(ctx context.Context, m Module) (*Table, Lookup, error) {
	c.mu.Lock()
	if a, ok := c.remembered(m); ok {
		c.stats.Hits++
		c.mu.Unlock()
		return a.table, a.look, a.err
	}
	c.stats.Misses++
	f := c.flights[m]
	if f == nil {
		// The one who came first may give up while others still wait, so the search
		// has a life of its own and ends when nobody waits any more.
		life, stop := context.WithCancel(context.WithoutCancel(ctx))
		f = &flight{done: make(chan struct{}), stop: stop}
		c.flights[m] = f
		go c.fly(life, m, f)
	}
	f.waiters++
	c.mu.Unlock()

	select {
	case <-f.done:
		return f.answer.table, f.answer.look, f.answer.err
	case <-ctx.Done():
		c.mu.Lock()
		if f.waiters--; f.waiters == 0 {
			f.stop()
			if c.flights[m] == f {
				delete(c.flights, m)
			}
		}
		c.mu.Unlock()
		return nil, Lookup{}, ctx.Err()
	}
}

func (c *Cache) fly(ctx context.Context, m Module, f *flight) {
	defer f.stop()
	f.answer = c.ask(ctx, m)
	c.mu.Lock()
	if c.flights[m] == f {
		delete(c.flights, m)
		c.remember(m, f.answer)
	}
	c.mu.Unlock()
	close(f.done)
}

// ask turns a panic into an error: this goroutine belongs to nobody, so a panic
// over one bad file would end the program.
func (c *Cache) ask(ctx context.Context, m Module) (a answer) {
	defer func() {
		if r := recover(); r != nil {
			a = answer{err: fmt.Errorf("stackwalk/symbols: find %s %s: panic: %v\n%s", m.DebugFile, m.DebugID, r, debug.Stack())}
		}
	}()
	a.table, a.look, a.err = c.from.Find(ctx, m)
	return a
}

func (c *Cache) remembered(m Module) (answer, bool) {
	e := c.byKey[m]
	if e == nil {
		return answer{}, false
	}
	held := e.Value.(*cached)
	if !held.expires.IsZero() && !c.cfg.Now().Before(held.expires) {
		c.drop(e)
		return answer{}, false
	}
	c.used.MoveToFront(e)
	return held.answer, true
}

func (c *Cache) remember(m Module, a answer) {
	held := &cached{key: m, answer: a}
	if a.err == nil {
		held.size = a.table.Size()
	} else {
		_, useless := errors.AsType[*ParseError](a.err)
		if c.cfg.AbsentFor < 0 || !useless && !errors.Is(a.err, ErrNotFound) {
			return
		}
		held.size, held.expires = absentSize, c.cfg.Now().Add(c.cfg.AbsentFor)
	}
	if held.size > c.cfg.Bytes {
		return
	}
	if e := c.byKey[m]; e != nil {
		c.drop(e)
	}
	c.byKey[m] = c.used.PushFront(held)
	c.stats.Bytes += held.size
	for c.stats.Bytes > c.cfg.Bytes {
		c.drop(c.used.Back())
		c.stats.Evicted++
	}
}

func (c *Cache) drop(e *list.Element) {
	held := c.used.Remove(e).(*cached)
	delete(c.byKey, held.key)
	c.stats.Bytes -= held.size
}

// Forget drops what is known of modules with a debug id, for when new symbols
// have come.
func (c *Cache) Forget(debugID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.byKey {
		if key.DebugID == debugID {
			c.drop(e)
		}
	}
	// A search under way may have missed them; let nobody new join it.
	for key := range c.flights {
		if key.DebugID == debugID {
			delete(c.flights, key)
		}
	}
}

// Stats counts what the cache did.
func (c *Cache) Stats() CacheStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Tables = len(c.byKey)
	return s
}
