// Package process turns a raw crash and its dumps into a processed crash by a
// table of rules, read from top to bottom. It is pure: it reads the dump files
// it is given, asks a [Walker] and a [Signer], and stores nothing. The actors
// call it; it knows nothing of queues or destinations.
package process
