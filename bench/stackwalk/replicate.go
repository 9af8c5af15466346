package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// copyDistance is how far apart the copies' addresses are.
const copyDistance = 1 << 28

// replicate writes a symbol file whose records stand there several times, each
// copy at addresses of its own. The first copy is the real one, so that the
// module's dump still finds its functions. Files of Firefox's size are not at
// hand everywhere; this one is as large and as varied.
func replicate(w io.Writer, text []byte, copies int) error {
	out := bufio.NewWriterSize(w, 1<<20)
	for n := range copies {
		shift := uint64(n) * copyDistance
		for line := range bytes.Lines(text) {
			if n > 0 && (bytes.HasPrefix(line, []byte("MODULE ")) || bytes.HasPrefix(line, []byte("INFO "))) {
				continue
			}
			if n == 0 {
				out.Write(line)
				continue
			}
			if err := shiftLine(out, line, shift); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

// shiftLine adds shift to the addresses of a record.
func shiftLine(out *bufio.Writer, line []byte, shift uint64) error {
	words := bytes.SplitAfter(line, []byte(" "))
	at := func(first, step int) error {
		for i := first; i < len(words); i += step {
			digits := bytes.TrimRight(words[i], " \n")
			v, err := strconv.ParseUint(string(digits), 16, 64)
			if err != nil {
				return fmt.Errorf("replicate %q: %w", line, err)
			}
			words[i] = append(strconv.AppendUint(nil, v+shift, 16), words[i][len(digits):]...)
			if step == 0 {
				break
			}
		}
		return nil
	}
	var err error
	switch {
	case bytes.HasPrefix(line, []byte("FUNC m ")), bytes.HasPrefix(line, []byte("PUBLIC m ")):
		err = at(2, 0)
	case bytes.HasPrefix(line, []byte("FUNC ")), bytes.HasPrefix(line, []byte("PUBLIC ")):
		err = at(1, 0)
	case bytes.HasPrefix(line, []byte("INLINE ")):
		err = at(5, 2)
	case bytes.HasPrefix(line, []byte("STACK CFI INIT ")), bytes.HasPrefix(line, []byte("STACK WIN ")):
		err = at(3, 0)
	case bytes.HasPrefix(line, []byte("STACK CFI ")):
		err = at(2, 0)
	case bytes.HasPrefix(line, []byte("FILE ")), bytes.HasPrefix(line, []byte("INLINE_ORIGIN ")):
	default:
		err = at(0, 0)
	}
	for _, word := range words {
		out.Write(word)
	}
	return err
}
