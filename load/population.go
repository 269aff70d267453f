package load

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"daybook/workload"
)

// population are the streams that the load has made, by the commands behind them. It
// is safe for concurrent use.
type population struct {
	plans *workload.Plans
	run   string

	mu      sync.Mutex
	pools   map[string][]string // ids by what is behind them
	created map[string][]string // ids by aggregate
	number  int
}

// mostStreams bounds each pool.
const mostStreams = 100_000

func newPopulation(plans *workload.Plans, run string) *population {
	return &population{plans: plans, run: run, pools: map[string][]string{}, created: map[string][]string{}}
}

// turn is one command to one stream.
type turn struct {
	plan workload.Plan
	id   string
	// accepted is called when the command was.
	accepted func()
}

// next chooses a stream for a command. Where none is ready, it is the turn of a command
// that leads there.
func (p *population) next(command string, random *rand.Rand) turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		plan, ok := p.plans.Of(command)
		if !ok {
			return turn{}
		}
		if len(plan.Before) == 0 {
			p.number++
			return p.turn(plan, fmt.Sprintf("%s-%d", p.run, p.number))
		}
		key := pool(plan.Command.Aggregate, plan.Before)
		ready := p.pools[key]
		if len(ready) == 0 {
			command = plan.Before[len(plan.Before)-1]
			continue
		}
		at := random.IntN(len(ready))
		id := ready[at]
		if plan.Repeats {
			return turn{plan: plan, id: id, accepted: func() {}}
		}
		ready[at] = ready[len(ready)-1]
		p.pools[key] = ready[:len(ready)-1]
		return p.turn(plan, id)
	}
}

// turn is one that takes a stream on.
func (p *population) turn(plan workload.Plan, id string) turn {
	of, key := plan.Command.Aggregate, pool(plan.Command.Aggregate, append(slices.Clone(plan.Before), plan.Command.Name))
	return turn{plan: plan, id: id, accepted: func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if ready := p.pools[key]; len(ready) < mostStreams {
			p.pools[key] = append(ready, id)
		}
		if ids := p.created[of]; len(plan.Before) == 0 && len(ids) < mostStreams {
			p.created[of] = append(ids, id)
			p.plans.Remember(of, id)
		}
	}}
}

// pool names the streams of an aggregate that have commands behind them.
func pool(aggregate string, before []string) string { return aggregate + ": " + workload.Key(before) }

// any is the id of a stream of an aggregate, "" for none.
func (p *population) any(aggregate string, random *rand.Rand) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := p.created[aggregate]
	if len(ids) == 0 {
		return ""
	}
	return ids[random.IntN(len(ids))]
}
