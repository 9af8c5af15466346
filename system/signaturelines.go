package system

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"

	"socorro"
	"socorro/signature"
)

// maxLine is the longest line of crash data, in bytes.
const maxLine = 64 << 20

// decodeCrash reads one crash of the input.
type decodeCrash func(line []byte) (*signature.CrashData, error)

// decoder reads crash data, bare or in {"input": ...}. The rules of 2018 take
// {"raw_crash", "processed_crash"} as well, which is what they were made for.
func (c *Signature) decoder() decodeCrash {
	legacy := signature.Pipeline(c.Pipeline) == signature.Rules2018
	return func(line []byte) (*signature.CrashData, error) {
		var wrapped struct {
			Input json.RawMessage `json:"input"`
		}
		if json.Unmarshal(line, &wrapped) == nil && len(wrapped.Input) > 0 {
			line = wrapped.Input
		}
		if legacy {
			var pair struct {
				Raw json.RawMessage `json:"raw_crash"`
			}
			if json.Unmarshal(line, &pair) == nil && len(pair.Raw) > 0 {
				return signature.DecodeLegacy(line)
			}
		}
		d := &signature.CrashData{}
		return d, d.UnmarshalJSON(line)
	}
}

// signedLine is what is written for one line. Exactly one of signature and
// error says something.
type signedLine struct {
	Signature string   `json:"signature"`
	Proto     *string  `json:"proto_signature"`
	Notes     []string `json:"notes"`
	Error     string   `json:"error,omitempty"`
}

// signLines signs the lines of standard input side by side and writes the
// answers in their order, each as soon as it is its turn: the other end may be
// a program that waits for it. Lines that cannot be read get an answer too, and
// the run fails at its end.
func signLines(ctx context.Context, s Streams, g *signature.Generator, decode decodeCrash) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	turns := make(chan chan signedLine, 4*workers)
	slots := make(chan struct{}, workers)
	read := make(chan error, 1)
	go func() {
		defer close(turns)
		read <- eachLine(s.In, func(line []byte) bool {
			turn := make(chan signedLine, 1)
			select {
			case turns <- turn:
			case <-ctx.Done():
				return false
			}
			slots <- struct{}{}
			go func() {
				turn <- signLine(g, decode, line)
				<-slots
			}()
			return true
		})
	}()
	bad, number := 0, 0
	for {
		turn, more, err := nextTurn(ctx, turns)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		number++
		answer := <-turn
		if answer.Error != "" {
			bad++
			answer.Error = fmt.Sprintf("line %d: %s", number, answer.Error)
		}
		if err := jsonLine(s.Out, answer); err != nil {
			return err
		}
	}
	if err := <-read; err != nil {
		return fmt.Errorf("read crash data: after line %d: %w", number, err)
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d lines are no crash data: %w", bad, number, socorro.ErrInvalid)
	}
	return nil
}

// nextTurn waits no longer than ctx: whoever should write lines may never do so.
func nextTurn(ctx context.Context, turns <-chan chan signedLine) (turn chan signedLine, more bool, err error) {
	select {
	case turn, more = <-turns:
		return turn, more, nil
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

func signLine(g *signature.Generator, decode decodeCrash, line []byte) signedLine {
	crash, err := decode(line)
	if err != nil {
		return signedLine{Notes: []string{}, Error: err.Error()}
	}
	r := g.Generate(crash)
	return signedLine{Signature: r.Signature, Proto: proto(r), Notes: notNil(r.Notes)}
}

// eachLine calls yield with every line that is not blank, until it says false.
func eachLine(in io.Reader, yield func([]byte) bool) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) > 0 && !yield(bytes.Clone(line)) {
			return nil
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("the next line has more than %d bytes: %w", maxLine, socorro.ErrInvalid)
	}
	return lines.Err()
}
