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
//
// It reads line by line: a child's peak memory begins at that of the process
// that started it, so this one must stay small.
func replicate(w io.Writer, open func() (io.ReadCloser, error), copies int) error {
	out := bufio.NewWriterSize(w, 1<<20)
	for n := range copies {
		if err := copyShifted(out, open, uint64(n)*copyDistance); err != nil {
			return err
		}
	}
	return out.Flush()
}

func copyShifted(out *bufio.Writer, open func() (io.ReadCloser, error), shift uint64) error {
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := in.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case shift == 0:
			_, err = out.Write(line)
		case bytes.HasPrefix(line, []byte("MODULE ")), bytes.HasPrefix(line, []byte("INFO ")):
		default:
			err = shiftLine(out, line, shift)
		}
		if err != nil {
			return err
		}
	}
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
	err := error(nil)
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
