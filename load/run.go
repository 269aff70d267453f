package load

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"daybook/internal/sleep"
	"daybook/view"
)

// loader sends the load of one run.
type loader struct {
	Options
	streams *population
	mix     mix
	rec     *recorder
	slots   chan struct{}
	wg      sync.WaitGroup

	views   map[string]string // a view with a row for each stream, by aggregate
	probing atomic.Int32
	unseen  atomic.Int32
	hidden  sync.Map // names of commands after which there is no row
}

// drain is how long answers are waited for when the load has ended: an API Gateway gives
// up after 30 s.
const drain = 35 * time.Second

// Run makes streams, then sends the load, and returns what it measured. An error is one
// of the preparation: an API that does not answer, or nothing to send. When ctx ends,
// the load ends early, and its report is of what was sent.
func Run(ctx context.Context, o Options) (Report, error) {
	l := &loader{Options: o.withDefaults(), views: map[string]string{}}
	l.streams, l.slots = newPopulation(o.Plans, o.Run), make(chan struct{}, l.InFlight)
	skipped, err := l.prepare(ctx)
	if err != nil {
		return Report{}, err
	}
	idle := l.settled(Resources{})
	third := l.For / 3
	begun := time.Now()
	l.rec = newRecorder(begun, [2]time.Duration{third, l.For - third})
	stop := l.watch()
	l.send(ctx, begun)
	ended := time.Since(begun)
	l.wg.Wait()
	stop()
	r := l.report(ended)
	l.hidden.Range(func(name, _ any) bool {
		skipped[fmt.Sprint("lag of ", name)] = "its row was not there"
		return true
	})
	r.Skipped, r.Idle, r.After = skipped, idle, l.settled(idle)
	return r, nil
}

// prepare makes streams and learns what can be asked for.
func (l *loader) prepare(ctx context.Context) (skipped map[string]string, err error) {
	if err := l.checkWeights(); err != nil {
		return nil, err
	}
	for _, v := range l.App.Views {
		if d := v.Describe(); d.Kind == view.KindRows && len(d.Aggregates) == 1 {
			l.views[d.Aggregates[0]] = d.Name
		}
	}
	l.Plans.Forget()
	random := rand.New(rand.NewPCG(l.Seed, 0))
	for _, plan := range l.Plans.All() {
		if len(plan.Before) > 0 || plan.Command.Internal {
			continue
		}
		for range l.Streams {
			if err := l.create(ctx, plan.Command.Name, random); err != nil {
				return nil, err
			}
		}
	}
	asked, skipped, err := l.learn(ctx)
	if err != nil {
		return nil, err
	}
	l.mix, err = newMix(l.Plans, asked, l.Weights, l.Queries)
	return skipped, err
}

// create makes a stream. An overloaded server is asked again.
func (l *loader) create(ctx context.Context, command string, random *rand.Rand) error {
	for {
		a, _ := l.command(ctx, l.streams.next(command, random))
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case a.outcome == answered:
			return nil
		case a.outcome == overloaded:
			if err := sleep.For(ctx, 100*time.Millisecond); err != nil {
				return err
			}
		default:
			return fmt.Errorf("prepare the load: %w", errors.New(failure(command, a)))
		}
	}
}

// failure describes an answer that reports a failure, or none, for people.
func failure(name string, a answer) string {
	if a.err != nil {
		return fmt.Sprintf("%s: %v", name, a.err)
	}
	var problem struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(a.body, &problem) // whatever it says
	return fmt.Sprintf("%s is answered %d %s", name, a.status, problem.Code)
}

// send sends requests until their time is over. When they begin is drawn: the gaps
// between them are exponential, as those of many independent callers are.
func (l *loader) send(ctx context.Context, begun time.Time) {
	random := rand.New(rand.NewPCG(l.Seed, 2))
	requests := context.WithoutCancel(ctx) // those under way are answered
	for at := time.Duration(0); ; {
		rate := l.Rate
		if at >= l.rec.surge[0] && at < l.rec.surge[1] {
			rate *= l.Surge
		}
		at += time.Duration(random.ExpFloat64() / rate * float64(time.Second))
		if at >= l.For || sleep.For(ctx, time.Until(begun.Add(at))) != nil {
			return
		}
		select {
		case l.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		l.one(requests, random, begun.Add(at))
	}
}

// one sends one request.
func (l *loader) one(ctx context.Context, random *rand.Rand, intended time.Time) {
	name, path, isQuery := l.mix.draw(random)
	var t turn
	if !isQuery {
		t = l.streams.next(name, random)
	}
	l.wg.Go(func() {
		defer func() { <-l.slots }()
		ctx, cancel := context.WithTimeout(ctx, drain)
		defer cancel()
		if isQuery {
			l.rec.add(queries, name, l.do(ctx, http.MethodGet, path, nil), intended)
			return
		}
		a, version := l.command(ctx, t)
		l.rec.add(commands, t.plan.Command.Name, a, intended)
		if version > 0 {
			l.probe(ctx, t, version)
		}
	})
}

// Bounds of probing: it must not be a load of its own.
const (
	probes     = 8 // at the same time
	firstProbe = 2 * time.Millisecond
	lastProbe  = 200 * time.Millisecond
	patience   = 30 * time.Second
	missing    = 3 * time.Second // for a row that there is not
)

// probe waits until the row of a stream has a version, if few others do.
func (l *loader) probe(ctx context.Context, t turn, version int64) {
	name, ok := l.views[t.plan.Command.Aggregate]
	if _, hidden := l.hidden.Load(t.plan.Command.Name); !ok || hidden {
		return
	}
	if l.probing.Add(1) > probes {
		l.probing.Add(-1)
		return
	}
	accepted := time.Now()
	l.wg.Go(func() {
		defer l.probing.Add(-1)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		for wait := firstProbe; ; wait = min(wait*3/2, lastProbe) {
			var row struct {
				Version int64 `json:"version"`
			}
			a := l.do(ctx, http.MethodGet, "/"+name+"/"+t.id, nil)
			if a.outcome == answered && json.Unmarshal(a.body, &row) == nil && row.Version >= version {
				l.rec.seen(accepted)
				return
			}
			// A row that is missing for longer than others took is one that the view hides.
			if a.status == http.StatusNotFound && len(t.plan.Before) > 0 && time.Since(accepted) > max(missing, 3*l.rec.longestLag()) {
				l.hidden.Store(t.plan.Command.Name, true)
				return
			}
			if sleep.For(ctx, wait) != nil {
				l.unseen.Add(1)
				return
			}
		}
	})
}

// watch ends intervals until it is stopped.
func (l *loader) watch() (stop func()) {
	every := max(time.Second, l.For/mostIntervals)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		from := time.Duration(0)
		for {
			last := false
			select {
			case <-ticker.C:
			case <-done:
				last = true
			}
			to := time.Since(l.rec.begun)
			if to > from {
				l.rec.tick(from, to, l.resources())
			}
			if from = to; last {
				return
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// mostIntervals bounds the intervals of a report.
const mostIntervals = 300

func (l *loader) resources() Resources {
	if l.Watch == nil {
		return Resources{}
	}
	return l.Watch()
}

// settling bounds how long connections that were let go are waited for.
const settling = 2 * time.Second

// settled reads the process when it is idle: after a moment, or once it has no more
// goroutines than before.
func (l *loader) settled(before Resources) Resources {
	if l.Settle != nil {
		l.Settle()
	}
	now := l.resources()
	for end := time.Now().Add(settling); now.Goroutines > before.Goroutines && time.Now().Before(end); now = l.resources() {
		time.Sleep(settling / 20)
		if before == (Resources{}) {
			end = time.Time{} // one pause lets the server's side end
		}
	}
	return now
}

// report is what was measured.
func (l *loader) report(ended time.Duration) Report {
	r := Report{Part: l.rec.whole.part(0, ended), Intervals: l.rec.intervals, Errors: l.rec.errors, Sent: l.rec.sent, IsQuery: l.rec.asked, Unseen: int(l.unseen.Load())}
	if l.Surge != 1 {
		bounds := []time.Duration{0, l.rec.surge[0], l.rec.surge[1], l.For}
		for p, g := range l.rec.phases {
			r.Phases = append(r.Phases, g.part(bounds[p], bounds[p+1]-bounds[p]))
		}
		r.Recovery = recovery(r.Phases[0], l.rec.surge[1].Seconds(), r.Intervals)
	}
	return r
}

// recovery is the number of seconds from the end of a surge until nothing is refused and
// the 99th percentiles are at most twice those before it, or 10 ms more. It is nil if
// that did not last to the end.
func recovery(before Part, end float64, intervals []Part) *float64 {
	calm := func(now, then Latency) bool { return now.P99 <= max(2*then.P99, then.P99+10) }
	after := slices.IndexFunc(intervals, func(p Part) bool { return p.From >= end })
	if after < 0 {
		return nil
	}
	var at *float64
	for _, p := range intervals[after:] {
		if p.Answered+p.Rejected+p.Overloaded+p.Failed == 0 {
			continue // says nothing
		}
		switch recovered := p.Overloaded == 0 && calm(p.Commands, before.Commands) && calm(p.Queries, before.Queries); {
		case !recovered:
			at = nil
		case at == nil:
			seconds := p.From - end
			at = &seconds
		}
	}
	return at
}
