package crash

import (
	"errors"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"socorro"
	"socorro/actors/kit"
)

// Crew is the parent of all crash actors ("crashes" in the tree). It holds no
// credits and no queue; it starts, finds and misses them.
type Crew struct {
	cfg     Config
	deps    Deps
	node    *kit.Node
	running map[string]socorro.Claim // by the actor's path
	pids    map[Key]*actor.PID
}

// Props describes the crew. A crash actor that panics, which only a bug in its
// own few lines can make it do, is stopped: its claim runs out and counts as lost.
func Props(cfg Config, deps Deps) *actor.Props {
	cfg = cfg.withDefaults()
	produce := func(n *kit.Node) actor.Actor {
		return &Crew{cfg: cfg, deps: deps, node: n, running: map[string]socorro.Claim{}, pids: map[Key]*actor.PID{}}
	}
	stop := &kit.Supervisor{Registry: deps.Registry, Log: deps.Log, Stop: true}
	return deps.Registry.Props("crashes", produce, actor.WithSupervisor(stop))
}

// Receive implements actor.Actor.
func (w *Crew) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case Start:
		w.start(c, m.Claim)
	case Lost:
		if pid := w.pids[m.Key]; pid != nil {
			c.Send(pid, m)
		}
	case GiveBack:
		for _, pid := range w.pids {
			c.Send(pid, m)
		}
	case Census:
		w.deps.Report(w.census())
	case *actor.Terminated:
		w.gone(m.Who)
	}
	w.node.InFlight(len(w.running))
}

func (w *Crew) start(c actor.Context, claim socorro.Claim) {
	key := KeyOf(claim)
	if w.pids[key] != nil {
		return // started already; its answer is on the way
	}
	props := w.deps.Registry.Props("crash", func(n *kit.Node) actor.Actor {
		return newProcess(w.cfg, w.deps, claim, n)
	}, actor.WithSupervisor(w.deps.Supervisor))
	pid, err := c.SpawnNamed(props, string(claim.ID))
	if errors.Is(err, actor.ErrNameExists) {
		// An earlier claim of the same crash was lost and its work still hangs.
		// It can save nothing any more: its epoch is older.
		pid, err = c.SpawnNamed(props, fmt.Sprintf("%s.%d", claim.ID, claim.Epoch))
	}
	if err != nil {
		w.deps.Log.Error("crash actor did not start", "crash_id", string(claim.ID), "err", err)
		w.deps.Report(Gone{Key: key})
		return
	}
	w.running[pid.Id], w.pids[key] = claim, pid
}

func (w *Crew) gone(who *actor.PID) {
	claim, ok := w.running[who.Id]
	if !ok {
		return
	}
	delete(w.running, who.Id)
	delete(w.pids, KeyOf(claim))
	w.deps.Report(Gone{Key: KeyOf(claim)})
}

func (w *Crew) census() Running {
	all := make([]socorro.Claim, 0, len(w.running))
	for _, claim := range w.running {
		all = append(all, claim)
	}
	return Running{Claims: all}
}
