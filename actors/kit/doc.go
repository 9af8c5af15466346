// Package kit is the only place that knows protoactor's odd corners. The other
// packages under actors/ take from it:
//
//   - [Registry] and [Node]: every actor is spawned through them, so that the
//     live tree, mailbox lengths, restarts and last errors can be read at any
//     time, even of an actor that is stuck.
//   - [Worker]: blocking or risky work in a child actor, with a deadline, a
//     cancel, and an answer in every case: also when the work panics or hangs.
//   - [Supervisor]: restarts with backoff; the message that made an actor panic
//     is handed back instead of being lost.
//   - [Backoff] and [Policy]: how long to wait before the next try.
//   - [Alarm] and [Bell]: timers and wake-up calls that cannot pile up.
//
// What the library has of these and we never use, because each was measured to
// lose messages, to race or to leak: ReceiveTimeout, its scheduler,
// ReenterAfter, Stash, its exponential strategy (linear, uncapped), Stop for
// actors that have work queued, and its futures.
package kit
