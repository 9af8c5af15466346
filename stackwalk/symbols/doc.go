// Package symbols reads Breakpad symbol files and answers what a stack walker
// asks of them: which function, source line and inlined calls an address belongs
// to, and how to find the caller of the frame there (STACK CFI and STACK WIN).
//
// A [Table] is one symbol file. Of a large file it has only an index, made on all
// CPUs; names, lines and rules stay where they are, in the file or packed in a
// [Store], until an address needs them. It never changes: any number of walks may
// share it.
//
// A [Supplier] finds the table of a module. [Dir] looks in directories, [HTTP]
// asks a symbol server, [Chain] tries several in turn, and [Cache] keeps what was
// parsed for the next crash:
//
//	supplier := symbols.NewCache(symbols.Dir{Roots: []string{"symbols"}}, symbols.CacheConfig{})
//	table, lookup, err := supplier.Find(ctx, symbols.Module{DebugFile: "app.pdb", DebugID: id})
//
// A [Store] in [Options] keeps tables on disk, where later processes find them:
//
//	store, err := symbols.NewStore(symbols.StoreConfig{Dir: "cache"})
//	…
//	dir := symbols.Dir{Roots: []string{"symbols"}, Options: symbols.Options{Store: store}}
//
// There are three ways to read a symbol file, of which tests prove that they give
// the same answers: in place (a large plain file), packed in memory (a small file,
// one that is packed, or a stream), and packed in a table file (with a store).
//
// Symbol files come from the network and are treated as hostile: a line that
// makes no sense is counted and left out, and sizes are bounded.
package symbols
