package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"daybook"
	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/embedded"
	"daybook/simulation/settings"
)

// Options say what a run has. The zero value of each field means its default.
type Options struct {
	// Clients send Commands commands together, 3 and 12 by default.
	Clients, Commands int
	// Instances is how many instances the command and the query function have, 2 by
	// default; Projectors is how many projectors follow at the same time, by default one,
	// or two in every third run.
	Instances, Projectors int
	// Skew is the most that the clock of an instance is wrong, 300 ms by default.
	Skew time.Duration
	// Faults scales the chances of all faults, 1 by default; a negative value is a
	// network and tables that do nothing wrong.
	Faults float64
	// Horizon is how long timers are waited for after the last command, 31 days by default.
	Horizon time.Duration
	// Weights are how often a command is sent relative to others, 1 for each that is
	// not named and not internal. Weight 0 leaves a command out.
	Weights map[string]int
	// Payloads write the payloads of commands in place of their schemas.
	Payloads map[string]func(*rand.Rand) any
	// Always must hold after each commit, Eventually when a run has come to rest.
	Always, Eventually []Invariant
	// Next, when not nil, is the program that is deployed in the middle of a run: with
	// raised versions of views, say.
	Next *daybook.App
	// Trace keeps all steps of a run, not the faults alone.
	Trace bool

	// busy is how many requests and answers in a row there may be when clients have ended,
	// beside ten for each one before.
	busy int
}

func (o Options) withDefaults() Options {
	o.Clients, o.Commands = cmp.Or(max(o.Clients, 0), 3), cmp.Or(max(o.Commands, 0), 12)
	o.Instances, o.Projectors = cmp.Or(max(o.Instances, 0), 2), max(o.Projectors, 0)
	o.Skew, o.Horizon = cmp.Or(max(o.Skew, 0), 300*time.Millisecond), cmp.Or(max(o.Horizon, 0), 31*24*time.Hour)
	o.Faults, o.busy = cmp.Or(o.Faults, 1), cmp.Or(o.busy, 20_000)
	return o
}

// Result is what a run came to.
type Result struct {
	Recipe     Recipe
	Violations []Violation
	// Hash is of everything that happened, in order: two runs with one hash are the same.
	Hash  uint64
	Steps []Step
	// Requests is how many requests and answers there were, Commits how many commits,
	// Took how much simulated time.
	Requests, Commits int
	Accepted          int // commands
	Took              time.Duration
	plan              plan
	commits           map[events.Stream][]events.Commit // at the end
}

// Missing returns the steps that the recipe names and the seed does not draw.
func (r *Result) Missing() (names []string) {
	drawn := map[string]bool{}
	for _, s := range r.plan.all() {
		drawn[s.name] = true
	}
	for _, name := range r.Recipe.Steps {
		if !drawn[name] {
			names = append(names, name)
		}
	}
	return names
}

// Run runs the application once, as the recipe says. It must not run beside other
// tests: the source of all randomness of the process is the recipe's seed meanwhile.
func Run(t *testing.T, app daybook.App, recipe Recipe, o Options) (res *Result) {
	t.Helper()
	o = o.withDefaults()
	if random, _ := draw(recipe.Seed, "projectors"); o.Projectors == 0 {
		o.Projectors = 1 + random.IntN(3)/2
	}
	res = &Result{Recipe: recipe}
	cryptotest.SetGlobalRandom(t, recipe.Seed)
	if err := dynamo.BuildCoders(); err != nil { // every run has a bubble of its own
		t.Fatal(err)
	}
	work := &workLog{}
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	defer watch(seconds.C, func() { standstill(recipe, work) })()
	err := events.Guard("the run", func() {
		synctest.Test(t, func(t *testing.T) { run(t.Context(), app, o, res, work) })
	})
	if p, ok := errors.AsType[*events.Panic](err); ok { // goroutines that never end are one
		res.Violations = append(res.Violations, Violation{checkGoroutines, fmt.Sprint(p.Value)})
	}
	return res
}

// standstill ends the process: in a bubble where a goroutine waits for a lock, whose
// holder waits for a request, time stands still, and nothing in it can tell.
func standstill(r Recipe, work *workLog) {
	waiting := locked()
	if waiting == "" {
		panic(fmt.Sprintf("the run of %s has not ended within %v: some function works without an end, or without a request. Before, it sent\n%s", r, longestRun, work))
	}
	panic(fmt.Sprintf("the run of %s has not ended within %v: a lock is held while a request is in flight. These goroutines wait for it:\n%s\nBefore, the functions sent\n%s", r, longestRun, waiting, work))
}

// locked are the stacks of the goroutines of bubbles that wait for what no time ends.
func locked() string {
	text := make([]byte, 1<<22)
	text = text[:runtime.Stack(text, true)]
	var waiting []string
	for one := range strings.SplitSeq(string(text), "\n\n") {
		head, _, _ := strings.Cut(one, "\n")
		if strings.Contains(head, "synctest bubble") && !strings.Contains(head, "durable") {
			waiting = append(waiting, one)
		}
	}
	return strings.Join(waiting, "\n\n")
}

// run is Run inside its bubble.
func run(ctx context.Context, app daybook.App, o Options, res *Result, work *workLog) {
	fail := func(err error) { res.Violations = append(res.Violations, Violation{checkRun, err.Error()}) }
	p, err := newPlan(app, res.Recipe.Seed, o)
	if err != nil {
		fail(err)
		return
	}
	p = p.without(res.Recipe.keeps())
	res.plan = p
	began := time.Now()
	r := &recorder{tokens: map[string]bool{}}
	n := &network{
		seed: res.Recipe.Seed, faults: res.Recipe.faultPlan(o), timeline: newTimeline(), trace: newTrace(o.Trace),
		over: make(chan struct{}), work: work,
	}
	s, err := newSystem(ctx, app, n, res.Recipe.hostile(o), o)
	if err != nil {
		n.timeline.stop()
		fail(err)
		return
	}
	r.table = s.base.EventsTable
	n.carried = r.carried
	if app.Personal() {
		n.before = s.beforeRequest
	}
	if err := s.start(ctx, o.Projectors); err != nil {
		fail(errors.Join(err, s.close()))
		return
	}
	clients := s.drive(ctx, p, o.Next)
	c := &checker{system: s, options: o, rebuilds: p.rebuilds}
	driven, stored := time.Now(), r.count()
	busy := o.busy + 10*n.timeline.count()
	rests := s.awaitRest(ctx, o.Horizon, busy)
	if rests && s.deployed {
		driven, stored = time.Now(), r.count()
		c.repair(ctx)
		rests = s.awaitRest(ctx, repairRest, busy)
	}
	c.order, c.groups = r.order, r.groups
	for _, client := range clients {
		c.operations = append(c.operations, client.operations...)
		c.answers = append(c.answers, client.answers...)
		for _, text := range client.faults {
			c.fail(checkAnswers, "%s", text)
		}
	}
	if rests {
		c.all(ctx)
	} else {
		c.restless(stored, time.Since(driven))
	}
	if err := s.close(); err != nil {
		fail(err)
	}
	res.Violations, res.commits = append(res.Violations, c.found...), c.commits
	res.Steps, res.Hash = n.trace.steps, n.trace.sum.Sum64()
	res.Requests, res.Commits, res.Took = n.timeline.steps, len(r.order), time.Since(began)
	for _, op := range c.operations {
		if op.accepted {
			res.Accepted++
		}
	}
}

// tenantsOf are those of the clients, in turn: "" in an application without tenants.
func tenantsOf(app daybook.App) []string {
	if !app.Tenancy.On() {
		return []string{""}
	}
	return []string{"acme", "globex"}
}

// drive lets clients and the operator do their steps.
func (s *system) drive(ctx context.Context, p plan, next *daybook.App) (clients []*client) {
	var all sync.WaitGroup
	tenants := tenantsOf(s.app)
	for i, steps := range p.clients {
		c := &client{system: s, steps: steps, tenant: tenants[i%len(tenants)], tokens: map[string]string{}}
		clients = append(clients, c)
		all.Go(func() { c.run(ctx) })
	}
	all.Go(func() { s.operator(next).run(ctx, p.operator) })
	all.Wait()
	return clients
}

// recorder keeps the order in which commits were stored.
type recorder struct {
	table  string
	mu     sync.Mutex
	order  []place
	groups [][2]int
	tokens map[string]bool // of transactions: a repeat succeeds and writes nothing
}

func (r *recorder) carried(c *call, answer *http.Response) {
	if !c.writes() || answer.StatusCode != http.StatusOK {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if token := c.tables.Token; token != "" {
		if r.tokens[token] {
			return
		}
		r.tokens[token] = true
	}
	from := len(r.order)
	r.add(c.tables)
	for _, part := range c.tables.TransactItems {
		r.add(part["Put"])
	}
	if len(r.order)-from > 1 {
		r.groups = append(r.groups, [2]int{from, len(r.order)})
	}
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.order)
}

func (r *recorder) add(t tableRequest) {
	if t.TableName != r.table || t.Item.Stream == nil {
		return
	}
	number, _ := strconv.ParseInt(scalar(t.Item.Commit), 10, 64)
	r.order = append(r.order, place{events.Stream(scalar(t.Item.Stream)), number})
}

// hostile is how the tables' streams behave.
func (r Recipe) hostile(o Options) *embedded.Hostile {
	if o.Faults < 0 || r.Orderly {
		return nil
	}
	return &embedded.Hostile{
		Seed: r.Seed, ReorderRecords: 0.3, DelayRecords: 0.15, MaxDelay: 400 * time.Millisecond,
		DuplicateRecords: 0.15, SplitBatches: 0.3, SplitShards: 0.12, Unprocessed: 0.1, EndPages: 0.1,
	}
}

// Recipe makes a run: its seed, and what is left of it when a failure was shrunk.
type Recipe settings.Recipe

func (r Recipe) keeps() map[string]bool {
	if r.Steps == nil {
		return nil
	}
	keep := map[string]bool{}
	for _, s := range r.Steps {
		keep[s] = true
	}
	return keep
}

func (r Recipe) faultPlan(o Options) *faultPlan {
	p := &faultPlan{scale: max(o.Faults, 0)}
	if r.Faults != nil {
		p.only = map[uint32]bool{}
		for _, id := range r.Faults {
			p.only[id] = true
		}
	}
	return p
}

// String writes the recipe as ParseRecipe reads it.
func (r Recipe) String() string { return settings.Recipe(r).String() }

// ParseRecipe reads what Recipe.String wrote, or a seed alone.
func ParseRecipe(text string) (Recipe, error) {
	r, err := settings.ParseRecipe(text)
	return Recipe(r), err
}
