// Package socorro holds the words of the domain: crash ids, raw and processed
// crashes, dumps, queue claims and the five kinds of error. Every other
// package speaks in these words.
//
// A crash goes one way: a client uploads a [RawCrash] with its [Dump] files,
// the collector gives it a [CrashID] and keeps it, the queue hands it out as a
// [Claim], the processor makes a [ProcessedCrash] of it, and the outbox brings
// that to each destination as a [Delivery].
//
// The package uses the standard library only and does no input or output.
package socorro
