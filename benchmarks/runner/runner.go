package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"daybook/benchmarks/meter"
	"daybook/benchmarks/peer"
	"daybook/benchmarks/report"
)

// Size says how much a run does.
type Size struct {
	Rounds  int   // measured, after one that warms everything up
	Streams int   // of each of the lengths around 20, per peer and round
	Writers int   // in the contended scenario, each with 10 commands
	Growth  []int // lengths of the streams on which growth is measured
	Busy    int   // events of Daybook's busy stream
}

// Full is what docs/benchmarks.md shows.
func Full() Size {
	return Size{Rounds: 5, Streams: 9, Writers: 8, Growth: report.Lengths(), Busy: 10_000}
}

// Quick takes seconds.
func Quick() Size {
	return Size{Rounds: 3, Streams: 6, Growth: []int{100}}
}

// cycle is the number of events between two snapshots. Measurements are taken at each
// place of it, so that every peer has its share of snapshots in them.
const cycle = 7

// Run sends all clients through all scenarios and returns a result of each. Progress
// goes to log.
func Run(ctx context.Context, clients []Client, size Size, log io.Writer) (_ []report.Result, err error) {
	store, err := meter.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	dir, err := os.MkdirTemp("", "daybook-benchmarks-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	text, err := payloads()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "payloads.jsonl")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	r := &run{Size: size, store: store, log: log, of: map[key]*collected{}, grown: map[key]int{}}
	for _, c := range clients {
		p, err := start(c, store.URL, file)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		r.clients = append(r.clients, p)
	}
	if err := r.all(); err != nil {
		return nil, err
	}
	return r.results(), nil
}

type key struct{ peer, scenario string }

// collected are the sums over the rounds of one scenario of one peer.
type collected struct {
	report.Result
	cpu, ops map[int]float64 // by round: nanoseconds, operations
	latency  []int64
}

type run struct {
	Size
	clients []*process
	store   *meter.Store
	log     io.Writer

	order []key
	of    map[key]*collected
	grown map[key]int // what a growing stream has now
	round int         // 0 is not measured
}

func (r *run) all() error {
	for r.round = range r.Rounds + 1 {
		_, _ = fmt.Fprintf(r.log, "round %d of %d\n", r.round, r.Rounds) // progress only
		for _, step := range r.steps() {
			for _, p := range r.clients { // in turns, so that all meet the same noise
				if err := step(p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// steps are what a round does with each client.
func (r *run) steps() (steps []func(*process) error) {
	for length := short - cycle/2; length <= short+cycle/2; length++ {
		steps = append(steps, func(p *process) error { return r.singles(p, length) })
	}
	steps = append(steps, r.contended)
	for _, length := range r.Growth {
		steps = append(steps, func(p *process) error { return r.growth(p, length) })
	}
	return append(steps, r.busy)
}

// ids names n streams of this round.
func (r *run) ids(kind string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("06b8999e2fba1a1fbc88-%s-%d-%04d", kind, r.round, i)
	}
	return ids
}

// short is the length of the streams that single commands meet, on average.
const short = 20

// singles measures one command after another, on streams of a length.
func (r *run) singles(p *process, length int) error {
	ids := r.ids(fmt.Sprintf("short-%d", length), r.Streams)
	if err := r.fill(p, peer.Request{Op: peer.Fill, IDs: ids, Events: length}); err != nil {
		return err
	}
	for _, s := range []struct {
		scenario string
		request  peer.Request
	}{
		{report.Load20, peer.Request{Op: peer.Load, IDs: ids, Events: length, Cold: true}},
		{report.AppendCold, peer.Request{Op: peer.Append, IDs: ids, Events: 1, Cold: true}},
		{"", peer.Request{Op: peer.Append, IDs: ids, Events: 1}}, // so that the streams are warm
		{report.AppendWarm, peer.Request{Op: peer.Append, IDs: ids, Events: 1}},
		{report.Append10, peer.Request{Op: peer.Append, IDs: ids, Events: 10}},
		{report.Create, peer.Request{Op: peer.Create, IDs: r.ids(fmt.Sprintf("new-%d", length), r.Streams)}},
		{"", peer.Request{Op: peer.Repeat, IDs: ids}},
		{report.Repeat, peer.Request{Op: peer.Repeat, IDs: ids, Cold: true}},
	} {
		if _, err := r.measure(p, s.scenario, s.request, length); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) contended(p *process) error {
	if r.Writers == 0 {
		return nil
	}
	ids := r.ids("contended", 1)
	if err := r.fill(p, peer.Request{Op: peer.Fill, IDs: ids, Events: short}); err != nil {
		return err
	}
	_, err := r.measure(p, report.Contended, peer.Request{Op: peer.Contend, IDs: ids, Writers: r.Writers, Each: 10}, 0)
	return err
}

// reusable is the length from which on a growing stream is the same in all rounds:
// shorter ones would have grown by much.
const reusable = 1_000

func (r *run) growing(length int) []string {
	round := r.round
	if length >= reusable {
		round = 0
	}
	return []string{fmt.Sprintf("06b8999e2fba1a1fbc88-long-%d-%d", length, round)}
}

// grow fills the stream of a length that is to be measured, unless an earlier round did.
func (r *run) grow(p *process, length int) error {
	if r.round > 0 && length >= reusable {
		return nil
	}
	r.grown[key{p.Name, report.LoadAt(length)}] = length
	return r.fill(p, peer.Request{Op: peer.Fill, IDs: r.growing(length), Events: length})
}

// growth measures loads and cold appends in turn, on a stream of a length.
func (r *run) growth(p *process, length int) error {
	if err := r.grow(p, length); err != nil {
		return err
	}
	k := key{p.Name, report.LoadAt(length)}
	for range cycle {
		load := peer.Request{Op: peer.Load, IDs: r.growing(length), Events: r.grown[k], Cold: true}
		if _, err := r.measure(p, k.scenario, load, r.grown[k]); err != nil {
			return err
		}
		reply, err := r.measure(p, report.AppendAt(length), peer.Request{Op: peer.Append, IDs: r.growing(length), Events: 1, Cold: true}, 0)
		if err != nil {
			return err
		}
		if reply.Refused == 0 {
			r.grown[k]++
		}
	}
	return nil
}

// busy measures loads that only Daybook has: of a stream whose every command had an
// idempotency key and came within the day for which repeats are recognised, and by an
// instance that does not know how large the aggregate's commits are.
func (r *run) busy(p *process) error {
	if p.Name != report.Daybook || r.Busy == 0 {
		return nil
	}
	ids := []string{"06b8999e2fba1a1fbc88-busy"}
	if r.round == 0 {
		if err := r.fill(p, peer.Request{Op: peer.Fill, IDs: ids, Events: r.Busy, Keyed: true}); err != nil {
			return err
		}
	}
	long := r.Growth[len(r.Growth)-1]
	stored := r.grown[key{p.Name, report.LoadAt(long)}]
	first := peer.Request{Op: peer.Load, IDs: r.growing(long), Events: stored, Cold: true, First: true}
	if _, err := r.measure(p, report.LoadFirst, first, stored); err != nil {
		return err
	}
	_, err := r.measure(p, report.LoadBusy, peer.Request{Op: peer.Load, IDs: ids, Events: r.Busy, Cold: true, Keyed: true}, r.Busy)
	return err
}

func (r *run) fill(p *process, request peer.Request) error {
	reply, _, err := r.ask(p, request)
	if err == nil && reply.Error != "" {
		err = fmt.Errorf("%s: filling streams: %s", p.Name, reply.Error)
	}
	return err
}

// distance is what the network between a client and the store takes.
const distance = time.Millisecond

func (r *run) ask(p *process, request peer.Request) (peer.Reply, meter.Counts, error) {
	if request.Op != peer.Fill {
		r.store.Distance(distance)
		defer r.store.Distance(0)
	}
	r.store.Take()
	reply, err := p.ask(request)
	return reply, r.store.Take(), err
}

// measure has a client carry out a request and collects what it took, under the
// scenario's name; with none, nothing is collected.
func (r *run) measure(p *process, scenario string, request peer.Request, stored int) (peer.Reply, error) {
	reply, used, err := r.ask(p, request)
	if err != nil || scenario == "" {
		return reply, err
	}
	r.collect(p, scenario, reply, used, stored)
	return reply, nil
}

func (r *run) collect(p *process, scenario string, reply peer.Reply, used meter.Counts, stored int) {
	if r.round == 0 && reply.Error == "" && !reply.Unsupported {
		return
	}
	k := key{p.Name, scenario}
	c := r.of[k]
	if c == nil {
		c = &collected{
			Result: report.Result{Peer: p.Name, Scenario: scenario, Operations: map[string]float64{}},
			cpu:    map[int]float64{}, ops: map[int]float64{},
		}
		r.of[k], r.order = c, append(r.order, k)
	}
	c.Unsupported = reply.Unsupported
	c.Error = cmp.Or(reply.Error, c.Error)
	if r.round == 0 || reply.Ops == 0 {
		return
	}
	c.Ops += reply.Ops
	c.Requests += float64(used.Requests)
	c.ReadUnits += used.ReadUnits
	c.WriteUnits += used.WriteUnits
	c.BytesIn += float64(used.BytesIn)
	c.BytesOut += float64(used.BytesOut)
	c.Refused += float64(reply.Refused)
	if c.Seen == c.Stored { // else it has the first that differs
		c.Seen, c.Stored = reply.Seen, int64(stored)
	}
	for name, n := range used.Operations {
		c.Operations[name] += float64(n)
	}
	c.cpu[r.round] += float64(reply.CPU)
	c.ops[r.round] += float64(reply.Ops)
	c.latency = append(c.latency, reply.Latency...)
}

// results are the sums of the rounds per operation, and the medians.
func (r *run) results() (all []report.Result) {
	for _, k := range r.order {
		c := r.of[k]
		result := c.Result
		if c.Ops > 0 {
			n := float64(c.Ops)
			for _, sum := range []*float64{&result.Requests, &result.ReadUnits, &result.WriteUnits, &result.BytesIn, &result.BytesOut, &result.Refused} {
				*sum = rounded(*sum / n)
			}
			for name := range maps.Keys(result.Operations) {
				result.Operations[name] = rounded(result.Operations[name] / n)
			}
			result.Processor = rounded(c.processor())
			result.Median = rounded(float64(median(c.latency)) / 1e3)
		}
		all = append(all, result)
	}
	return all
}

// processor is the median of the rounds, in microseconds per operation.
func (c *collected) processor() float64 {
	var rounds []float64
	for round, ns := range c.cpu {
		rounds = append(rounds, ns/c.ops[round]/1e3)
	}
	return median(rounds)
}

func rounded(x float64) float64 { return float64(int64(x*100+0.5)) / 100 }

func median[T cmp.Ordered](xs []T) (m T) {
	if len(xs) == 0 {
		return m
	}
	slices.Sort(xs)
	return xs[len(xs)/2]
}
