// Command socorro is the whole crash-report pipeline in one binary: collector,
// processor, dashboard and API, and the tools around them.
package main

import (
	"os"

	"socorro/system"
)

func main() {
	os.Exit(system.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
