// Package collect receives crash reports: POST /submit with whatever body a
// crash client sends, streamed to disk, throttled, given a crash id and handed
// to an [Accepter].
//
// It accepts multipart/form-data and multipart/mixed with annotations as form
// fields, as one JSON object, or both; gzip, deflate and zstd bodies; sized and
// chunked ones; and a bare minidump. What it cannot accept it answers with
// "Discarded=malformed_<reason>"; [Reasons] lists them all.
//
// Dumps never sit in memory: each goes to a file of the staging directory while
// its SHA-256 is computed. The memory of one upload is bounded by its buffers
// (4 KiB while it waits for a slow client, 64 KiB else; a compressed body's decoder
// about 50 KiB, zstd up to 16 MiB for its window) plus its annotations
// ([Config.MaxAnnotations]). Whatever the outcome, nothing of an upload stays in
// the staging directory.
//
// The package never decides where crashes are kept, and never processes them.
package collect
