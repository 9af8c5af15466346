package system

import (
	"fmt"
	"os"

	"socorro/stackwalk/symbols"
)

// symbols is where the symbols come from: the paths in order, then the servers.
// All dumps of the command line share what has been parsed.
func (c *Stackwalk) symbols() (symbols.Supplier, error) {
	opt := symbols.Options{Strict: c.Compat}
	if c.SymbolsCache != "" {
		store, err := symbols.NewStore(symbols.StoreConfig{Dir: c.SymbolsCache})
		if err != nil {
			return nil, fmt.Errorf("--symbols-cache: %w", err)
		}
		opt.Store = store
	}
	var chain symbols.Chain
	for _, path := range c.SymbolsPath {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, usageError{fmt.Errorf("--symbols-path: %w", err)}
		case info.IsDir():
			chain = append(chain, symbols.Dir{Roots: []string{path}, Options: opt})
		default:
			file, err := symbols.NewFile(path, opt)
			if err != nil {
				return nil, fmt.Errorf("--symbols-path: %w", err)
			}
			chain = append(chain, file)
		}
	}
	if len(c.SymbolsURL) > 0 {
		servers, err := symbols.NewHTTP(symbols.HTTPConfig{URLs: c.SymbolsURL, Dir: c.SymbolsCache, Options: opt})
		if err != nil {
			return nil, usageError{err}
		}
		chain = append(chain, servers)
	}
	if len(chain) == 0 {
		return nil, nil
	}
	return symbols.NewCache(chain, symbols.CacheConfig{}), nil
}
