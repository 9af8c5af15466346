package api

import (
	"github.com/gofiber/fiber/v2"

	"socorro"
)

// balance is what became of all uploads.
type balance struct {
	Since    *string                           `json:"since"` // the first receipt
	Received int                               `json:"received"`
	Results  map[socorro.Result]map[string]int `json:"results"` // by result and reason
	Kept     int                               `json:"kept"`    // accepted and deferred
	Spooled  int                               `json:"spooled"` // not yet in the queue
	Queue    map[socorro.CrashState]int        `json:"queue"`
	Missing  int                               `json:"missing"` // kept, less spooled, less in the queue
}

func (a *API) receipts(c *fiber.Ctx) (any, error) {
	b, err := a.deps.Balance(c.UserContext())
	if err != nil {
		return nil, err
	}
	out := balance{
		Since: stamp(b.Since), Received: b.Received, Results: map[socorro.Result]map[string]int{},
		Spooled: b.Spooled, Queue: map[socorro.CrashState]int{}, Missing: b.Missing,
	}
	// Every result and state is there, so that readers need not know which are empty.
	for _, result := range socorro.Results() {
		out.Results[result] = map[string]int{}
		for reason, n := range b.Results[result] {
			out.Results[result][reason] = n
			if result == socorro.Accepted || result == socorro.Postponed {
				out.Kept += n
			}
		}
	}
	for _, s := range []socorro.CrashState{socorro.Queued, socorro.Claimed, socorro.Done, socorro.Parked, socorro.Deferred} {
		out.Queue[s] = b.Queue[s]
	}
	return out, nil
}
