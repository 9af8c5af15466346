package kit

import (
	"fmt"
	"runtime/debug"
)

// A PanicError is a panic caught in an actor, as an error.
type PanicError struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Unwrap gives the error that was thrown, if it was one.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// asPanic must be called where the panic was recovered: the stack is taken here.
func asPanic(value any) *PanicError {
	if p, ok := value.(*PanicError); ok {
		return p
	}
	return &PanicError{Value: value, Stack: debug.Stack()}
}
