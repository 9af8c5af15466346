package kit

import (
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// mailbox keeps what is sent to an actor while it is being spawned. The library
// enters an actor in its register of names before it has connected the mailbox:
// whoever sends to it by name in that moment calls a nil dispatcher. Seen under
// -race when a processed crash woke a destination that was just starting.
type mailbox struct {
	actor.Mailbox
	open  atomic.Bool
	mu    sync.Mutex
	early []func()
}

func newMailbox() *mailbox { return &mailbox{Mailbox: actor.Unbounded()()} }

// keep reports whether it has put post aside until Start.
func (m *mailbox) keep(post func()) bool {
	if m.open.Load() {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open.Load() {
		return false
	}
	m.early = append(m.early, post)
	return true
}

// PostUserMessage implements actor.Mailbox.
func (m *mailbox) PostUserMessage(message any) {
	if !m.keep(func() { m.Mailbox.PostUserMessage(message) }) {
		m.Mailbox.PostUserMessage(message)
	}
}

// PostSystemMessage implements actor.Mailbox. Started is the first message of
// all and comes from the spawner itself, when the mailbox is connected.
func (m *mailbox) PostSystemMessage(message any) {
	_, started := message.(*actor.Started)
	if started || !m.keep(func() { m.Mailbox.PostSystemMessage(message) }) {
		m.Mailbox.PostSystemMessage(message)
	}
}

// Start implements actor.Mailbox; it is the end of the spawning.
func (m *mailbox) Start() {
	m.Mailbox.Start()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, post := range m.early {
		post()
	}
	m.early = nil
	m.open.Store(true)
}
