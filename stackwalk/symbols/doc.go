// Package symbols reads Breakpad symbol files and answers what a stack walker
// asks of them: which function, source line and inlined calls an address belongs
// to, and how to find the caller of the frame there (STACK CFI and STACK WIN).
//
// A [Table] is one parsed file. It is made of flat sorted slices and one block of
// text, so that the file of a large library costs less memory than its size, and
// it never changes: any number of walks may share it.
//
// A [Supplier] finds the table of a module. [Dir] looks in directories, [HTTP]
// asks a symbol server, [Chain] tries several in turn, and [Cache] keeps what was
// parsed for the next crash:
//
//	supplier := symbols.NewCache(symbols.Dir{Roots: []string{"symbols"}}, symbols.CacheConfig{})
//	table, lookup, err := supplier.Find(ctx, symbols.Module{DebugFile: "app.pdb", DebugID: id})
//
// Symbol files come from the network and are treated as hostile: a line that
// makes no sense is counted and left out, and sizes are bounded.
package symbols
