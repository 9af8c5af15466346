// Package storage is the shelf on which the stores stand; it holds no code.
//
// A crash needs four roles of a store, and each container here plays some:
//
//	role       what it keeps                                  fs   sqlite
//	crashes    raw crashes, dumps, processed crashes           x
//	queue      which crash is to be processed, by whom         x*    x
//	outbox     which processed crash goes where                      x
//	index      the list of crashes, counts by signature              x
//	telemetry  the public part of processed crashes            x
//
// (*) the dated links of the tree: saved but not acknowledged, without leases.
//
// The interfaces of the roles are declared by those who call them. The promises
// behind them are written down once, as tests, in storagetest: a new container
// is finished when it passes the suites of its roles.
package storage
