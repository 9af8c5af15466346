package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"socorro/stackwalk/symbols"
)

// A walked is a dump of a batch, printed into memory until its turn comes.
type walked struct {
	path       string
	text, json held
	err        error
}

// batch prints many dumps in the order of the command line. They share the symbols
// that were parsed once, and are walked in parallel; as many as there are workers
// are under way or waiting for their turn, however many there are in all.
func (c *Stackwalk) batch(ctx context.Context, find symbols.Supplier, to printer, stderr io.Writer) error {
	workers := c.workers()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	blocks := &heldBlocks{}
	pending := make(chan chan *walked, workers-1) // one more is in the hands of the loop below
	go func() {
		defer close(pending)
		for _, path := range c.Dumps {
			result := make(chan *walked, 1)
			select {
			case pending <- result:
			case <-ctx.Done():
				return
			}
			go func() {
				w := &walked{path: path, text: held{from: blocks}, json: held{from: blocks}}
				w.err = c.one(ctx, path, find, max(1, workers/len(c.Dumps)), printer{&w.text, &w.json})
				result <- w
			}()
		}
	}()
	failed, done := 0, 0
	for result := range pending {
		w := <-result
		done++
		if w.err != nil {
			failed++
			fmt.Fprintf(stderr, "socorro stackwalk: %v\n", w.err)
		}
		if err := c.print(w, to); err != nil {
			return err
		}
	}
	switch {
	case done < len(c.Dumps):
		return fmt.Errorf("stopped after %d of %d dumps: %w", done, len(c.Dumps), context.Cause(ctx))
	case failed > 0:
		return fmt.Errorf("%d of %d dumps could not be read", failed, len(c.Dumps))
	}
	return nil
}

// print writes a dump of a batch. The line of JSON of one that failed keeps the
// lines in step with the arguments; of text it has none.
func (c *Stackwalk) print(w *walked, to printer) error {
	if c.JSON || c.Cyborg != "" {
		if err := w.line(to.json); err != nil {
			return err
		}
	}
	if w.text.empty() {
		return nil
	}
	_, err1 := fmt.Fprintf(to.text, "%s:\n\n", w.path)
	_, err2 := w.text.WriteTo(to.text)
	_, err3 := io.WriteString(to.text, "\n")
	return errors.Join(err1, err2, err3)
}

// line prints the JSON of a dump, or of why there is none.
func (w *walked) line(to io.Writer) error {
	if w.err != nil {
		return json.NewEncoder(to).Encode(struct {
			Error  string `json:"error"`
			File   string `json:"file"`
			Status string `json:"status"`
		}{w.err.Error(), w.path, errorName(w.err)})
	}
	_, err1 := w.json.WriteTo(to)
	_, err2 := io.WriteString(to, "\n")
	return errors.Join(err1, err2)
}
