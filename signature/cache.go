package signature

import "sync"

// The same few thousand functions and modules make up most frames, so their
// normalised names and what the lists say of them are remembered.
const (
	cacheEntries = 32768 // per generation; there are two
	cacheKeyMax  = 512   // bytes; longer texts are rare and would bloat the cache
)

// frameCache remembers the labels of functions and modules. It holds two generations: when
// the younger is full it becomes the elder, and the elder is forgotten. What is
// in use moves back to the younger one, so memory is bounded (64 MB at worst, 10 as a rule)
// and common functions stay.
type frameCache struct {
	mu             sync.RWMutex
	younger, elder map[cacheKey]label
}

type cacheKey struct {
	text string
	kind labelKind
}

// labelKind is how a label was made of its text.
type labelKind uint8

const (
	cppLabel labelKind = iota
	rustLabel
	plainLabel // a module, as it stands
)

func newFrameCache() *frameCache {
	return &frameCache{younger: make(map[cacheKey]label)}
}

func (c *frameCache) get(text string, kind labelKind) (label, bool) {
	if len(text) > cacheKeyMax {
		return label{}, false
	}
	key := cacheKey{text, kind}
	c.mu.RLock()
	l, ok := c.younger[key]
	old := false
	if !ok {
		l, old = c.elder[key]
	}
	c.mu.RUnlock()
	if old {
		c.put(text, kind, l)
	}
	return l, ok || old
}

func (c *frameCache) put(text string, kind labelKind, l label) {
	if len(text) > cacheKeyMax {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.younger) >= cacheEntries {
		c.elder, c.younger = c.younger, make(map[cacheKey]label, cacheEntries)
	}
	c.younger[cacheKey{text, kind}] = l
}
