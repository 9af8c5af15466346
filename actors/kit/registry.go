package kit

import (
	"log/slog"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"socorro"
)

// Registry knows every live actor that was spawned with its Props. The library
// keeps no such list: it can neither name the actors nor tell a mailbox's length.
type Registry struct {
	log     *slog.Logger
	metrics *Metrics

	mu    sync.Mutex
	nodes map[string]*Node
}

// NewRegistry makes an empty registry. metrics may be nil.
func NewRegistry(log *slog.Logger, metrics *Metrics) *Registry {
	return &Registry{log: log, metrics: metrics, nodes: map[string]*Node{}}
}

// Metrics is where the actors of this registry count; it may be nil.
func (r *Registry) Metrics() *Metrics { return r.metrics }

// Props describes actors of one kind ("destination worker") that the registry
// tracks. produce is called for the first instance and again for every restart,
// always with the same Node; it must have no side effects.
func (r *Registry) Props(kind string, produce func(*Node) actor.Actor, opts ...actor.PropsOption) *actor.Props {
	spawn := func(sys *actor.ActorSystem, id string, props *actor.Props, parent actor.SpawnerContext) (*actor.PID, error) {
		// The mailbox is made here and not by the library, which hides it: this
		// is the only way to read its length later.
		n := &Node{path: id, kind: kind, started: time.Now(), mailbox: newMailbox(), registry: r, done: make(chan struct{})}
		if !r.add(n) {
			return sys.NewLocalPID(id), actor.ErrNameExists
		}
		pid, err := actor.DefaultSpawner(sys, id, props.Clone(
			actor.WithProducer(func() actor.Actor { return produce(n) }),
			actor.WithMailbox(func() actor.Mailbox { return n.mailbox }),
			actor.WithReceiverMiddleware(n.middleware),
		), parent)
		if err != nil {
			r.remove(n)
		}
		return pid, err
	}
	never := func() actor.Actor { panic("actors/kit: a tracked actor was spawned past the registry") }
	return actor.PropsFromProducer(never, append(opts, actor.WithSpawnFunc(spawn))...)
}

func (r *Registry) add(n *Node) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.nodes[n.path]; taken {
		return false
	}
	r.nodes[n.path] = n
	return true
}

func (r *Registry) remove(n *Node) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.nodes[n.path] == n {
		delete(r.nodes, n.path)
		close(n.done)
	}
}

// Node finds a live actor by its path ("engine/dispatcher"); nil when there is none.
func (r *Registry) Node(path string) *Node {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.nodes[path]
}

// Len is the number of live actors.
func (r *Registry) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.nodes)
}

// Statuses is a snapshot of all live actors in no order. It asks no actor
// anything, so it works when some are stuck.
func (r *Registry) Statuses() []socorro.ActorStatus {
	r.mu.Lock()
	nodes := make([]*Node, 0, len(r.nodes))
	for _, n := range r.nodes {
		nodes = append(nodes, n)
	}
	r.mu.Unlock()
	all := make([]socorro.ActorStatus, len(nodes))
	for i, n := range nodes {
		all[i] = n.Status()
	}
	return all
}
