// Package minidump reads minidumps: what Breakpad, Crashpad, Windows and their
// kin write when a process dies. [Parse] and [Open] give a [Dump] with everything
// in it that a crash report needs, decoded; package stackwalk walks its stacks and
// package reason names its exception.
//
// Dumps are hostile. Whatever the file says, reading it neither panics nor hangs,
// and costs memory in proportion to its size. A stream that lies costs itself and
// a line in Dump.Warnings, and only a file without threads or system information
// is refused, with a [FormatError] that says where it stopped making sense.
//
// The package does not look for symbols, does not unwind, and never writes.
// Package synth builds dumps for tests.
package minidump
