package system

import (
	"fmt"
	"os"
	"strings"

	"socorro/stackwalk/symbols"
)

const mib = 1 << 20

// symbolSuppliers puts directories and symbol servers, in the order given,
// behind one cache in memory. What servers send, and what was parsed, is kept in
// downloads for the next start; "" keeps it in memory only. cacheMiB 0 means the cache's own default.
func symbolSuppliers(places []string, downloads string, cacheMiB int) (*symbols.Cache, error) {
	var opt symbols.Options
	if downloads != "" {
		store, err := symbols.NewStore(symbols.StoreConfig{Dir: downloads})
		if err != nil {
			return nil, err
		}
		opt.Store = store
	}
	var chain symbols.Chain
	for _, place := range places {
		if strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://") {
			server, err := symbols.NewHTTP(symbols.HTTPConfig{URLs: []string{place}, Dir: downloads, Options: opt})
			if err != nil {
				return nil, usageError{err}
			}
			chain = append(chain, server)
			continue
		}
		if info, err := os.Stat(place); err != nil || !info.IsDir() {
			return nil, usageError{fmt.Errorf("symbols %q is neither a directory nor an http(s) URL", place)}
		}
		chain = append(chain, symbols.Dir{Roots: []string{place}, Options: opt})
	}
	return symbols.NewCache(chain, symbols.CacheConfig{Bytes: int64(cacheMiB) * mib}), nil
}
