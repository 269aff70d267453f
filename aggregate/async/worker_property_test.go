package async_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/aggregate/async/asynctest"

	"daybook/events"
	"daybook/events/eventstest"
)

// The tape is the aggregate of the tests about queued commands: what is recorded
// stands in the order in which it was handled.
type (
	tape struct {
		Length int `json:"length,omitzero"`
	}
	recorded struct {
		N int `json:"n"`
	}
	record struct {
		N int `json:"n"`
	}
	recordEven record
	breakTape  record
)

func (recorded) EventName() string     { return "recorded" }
func (record) CommandName() string     { return "record" }
func (recordEven) CommandName() string { return "record-even" }
func (breakTape) CommandName() string  { return "break" }

func tapes() *aggregate.Definition[tape] {
	emit := func(_ tape, c record) aggregate.Decision { return aggregate.Emit(recorded(c)) }
	return aggregate.New[tape]("tape").
		Event(func(s tape, _ recorded) tape { s.Length++; return s }).
		Command(emit, aggregate.Creates()).
		Command(func(s tape, c recordEven) aggregate.Decision { // refused now, it may not be later
			if s.Length%2 != 0 {
				return aggregate.Reject("odd", "the tape has an odd length")
			}
			return emit(s, record(c))
		}).
		Command(func(tape, breakTape) aggregate.Decision { panic("a defect of the domain: secret-data") })
}

// plant is everything around senders and workers, which fails at random and
// crashes where it is told to.
type plant struct {
	random *rand.Rand
	rate   float64 // of faults
	steps  int     // until the process crashes; below 0 it does not
	down   bool    // it has crashed

	store    *eventstest.Memory
	statuses *asynctest.Statuses
	queue    *fifo
	dead     *fifo
}

func newPlant(random *rand.Rand, rate float64, dedupe bool) *plant {
	w := &plant{random: random, rate: rate, steps: -1, statuses: &asynctest.Statuses{}}
	w.queue, w.dead = &fifo{plant: w, dedupe: dedupe}, &fifo{plant: w, dedupe: dedupe}
	w.store = &eventstest.Memory{
		Before: func(string, events.Stream) error { return w.step() },
		After:  func(events.Commit) error { return w.step() },
	}
	return w
}

// step is one thing that the process does to its surroundings, or fails to.
func (w *plant) step() error {
	if w.steps--; w.steps == 0 {
		w.down = true
	}
	if w.down {
		return events.Errorf(events.CodeCanceled, "the process has crashed")
	}
	if w.random.Float64() < w.rate {
		return events.Errorf(events.CodeUnavailable, "a fault of the test")
	}
	return nil
}

func (w *plant) calm() { w.rate, w.steps, w.down = 0, -1, false }

func (w *plant) Begin(ctx context.Context, s async.Status) (*async.Status, error) {
	if err := w.step(); err != nil {
		return nil, err
	}
	known, err := w.statuses.Begin(ctx, s)
	if lost := w.step(); lost != nil {
		return nil, lost
	}
	return known, err
}

func (w *plant) Record(ctx context.Context, s async.Status) error {
	if err := w.step(); err != nil {
		return err
	}
	if err := w.statuses.Record(ctx, s); err != nil {
		return err
	}
	return w.step()
}

func (w *plant) Get(ctx context.Context, now time.Time, tenant, id string) (*async.Status, error) {
	if err := w.step(); err != nil {
		return nil, err
	}
	return w.statuses.Get(ctx, now, tenant, id)
}

// fifo is a queue: in order in each group, at least once.
type fifo struct {
	plant  *plant
	dedupe bool
	seen   map[string]bool
	held   []inQueue
	count  int
}

type inQueue struct {
	async.Message
	id       string
	receives int
}

func (q *fifo) Send(_ context.Context, ms []async.Message) []error {
	errs := make([]error, len(ms))
	failed := map[string]bool{}
	for i, m := range ms {
		if failed[m.Group] {
			errs[i] = events.Errorf(events.CodeUnavailable, "not sent")
			continue
		}
		if errs[i] = q.plant.step(); errs[i] == nil {
			q.put(m)
			errs[i] = q.plant.step() // the answer may be lost
		}
		failed[m.Group] = errs[i] != nil
	}
	return errs
}

func (q *fifo) put(m async.Message) {
	if q.seen == nil {
		q.seen = map[string]bool{}
	}
	if q.dedupe && q.seen[m.Deduplication] {
		return
	}
	q.seen[m.Deduplication] = true
	q.count++
	q.held = append(q.held, inQueue{m, fmt.Sprint("m-", q.count), 0})
}

// receive returns a batch: of some groups, in an order between groups that is
// random, the messages in front.
func (q *fifo) receive() []async.Delivery {
	groups := map[string][]int{}
	for i, m := range q.held {
		groups[m.Group] = append(groups[m.Group], i)
	}
	names := make([]string, 0, len(groups))
	for name := range groups {
		names = append(names, name)
	}
	slices.Sort(names)
	var batch []async.Delivery
	for most := 1 + q.plant.random.IntN(10); len(batch) < most && len(names) > 0; {
		n := q.plant.random.IntN(len(names))
		i := groups[names[n]][0]
		if groups[names[n]] = groups[names[n]][1:]; len(groups[names[n]]) == 0 {
			names = slices.Delete(names, n, n+1)
		}
		q.held[i].receives++
		m := q.held[i]
		batch = append(batch, async.Delivery{ID: m.id, Body: m.Body, Group: m.Group, Receives: m.receives})
	}
	return batch
}

func (q *fifo) remove(id string) {
	q.held = slices.DeleteFunc(q.held, func(m inQueue) bool { return m.id == id })
}

// process is a sender and a worker that know nothing yet, as after a crash.
func (w *plant) process(t *rapid.T, maxReceives int) (*async.Sender, *async.Worker) {
	h, err := aggregate.NewHandler(w.store, []aggregate.Aggregate{tapes()}, &aggregate.Options{Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	return async.NewSender(h, w.queue, w), async.NewWorker(h, w, w.dead, &async.WorkerOptions{MaxReceives: maxReceives})
}

// never is more receives than a message of these tests can have: with many faults it is
// received over a thousand times.
const never = 1 << 30

// undated is a test without a deadline, which is not of the bubble's clock.
type undated struct{ rapid.TB }

// Under failures, crashes between any two steps, duplicates and redeliveries: an
// accepted command is in its stream once, in the order of sending; an
// outcome once seen never changes; poison is with the dead letters, and its stream
// goes on.
func TestQueuedCommands(t *testing.T) {
	t.Parallel()
	// In a bubble, waits take no time.
	synctest.Test(t, func(t *testing.T) { rapid.Check(undated{t}, queuedCommands) })
}

func queuedCommands(t *rapid.T) {
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	w := newPlant(random, rapid.Float64Range(0, 0.7).Draw(t, "faults"), rapid.Bool().Draw(t, "dedupe"))
	maxReceives := rapid.SampledFrom([]int{2, 5, never}).Draw(t, "max receives")
	sender, worker := w.process(t, maxReceives)
	crash := func() {
		w.down = false
		sender, worker = w.process(t, maxReceives)
	}
	o := &observer{plant: w, answers: map[string]async.Status{}, untold: map[string]bool{}, ordered: w.queue.dedupe || maxReceives == never}
	work := func() {
		handled := worker.Handle(t.Context(), w.queue.receive())
		if w.down {
			crash()
			return // nothing was deleted
		}
		for _, m := range handled {
			if m.Verdict != async.VerdictRetry {
				o.untold[m.CommandID] = o.untold[m.CommandID] || m.Note != nil && maxReceives < never
				w.queue.remove(m.ID)
			}
		}
	}
	for n := range rapid.IntRange(1, 30).Draw(t, "commands") {
		c := o.next(n)
		for queued := false; !queued; o.look(t) {
			w.steps = random.IntN(40)
			queued = sender.Send(t.Context(), []aggregate.Command{c})[0].Err == nil
			if w.down {
				crash()
			}
			if random.IntN(4) == 0 { // an impatient client
				w.steps = -1
				sender.Send(t.Context(), []aggregate.Command{o.commands[random.IntN(len(o.commands))]})
			}
			if random.IntN(3) == 0 {
				w.steps = random.IntN(60)
				work()
			}
		}
	}
	w.calm()
	for rounds := 0; len(w.queue.held) > 0; rounds++ {
		if rounds > 1000 {
			t.Fatalf("%d messages stay in the queue: a group is stuck", len(w.queue.held))
		}
		work()
		o.look(t)
	}
	o.check(t)
}

// observer sends commands and holds the answers against the streams.
type observer struct {
	plant    *plant
	commands []aggregate.Command
	answers  map[string]async.Status
	ordered  bool            // no copy of a dead letter can come later
	untold   map[string]bool // those whose outcome could not be recorded in the last attempt
}

func (o *observer) next(n int) aggregate.Command {
	r := o.plant.random
	name := []string{"record", "record", "record", "record-even", "record-even", "break"}[r.IntN(6)]
	c := aggregate.Command{Name: name, ID: fmt.Sprint(r.IntN(3)), CommandID: fmt.Sprint("c-", n), Payload: fmt.Appendf(nil, `{"n":%d}`, n)}
	o.commands = append(o.commands, c)
	return c
}

// look asks for every status: a final one stays as it is.
func (o *observer) look(t *rapid.T) {
	for _, c := range o.commands {
		s, err := o.plant.statuses.Get(t.Context(), time.Now(), "", c.CommandID)
		if err != nil {
			t.Fatal(err)
		}
		if s == nil {
			continue
		}
		if before, ok := o.answers[c.CommandID]; ok && before.Final() && !reflect.DeepEqual(before, *s) {
			t.Errorf("%s was %+v and became %+v", c.CommandID, before, *s)
		}
		o.answers[c.CommandID] = *s
	}
}

// check compares statuses, streams and dead letters at the end.
func (o *observer) check(t *rapid.T) {
	versions, order := o.stored(t)
	letters := map[string]async.Message{}
	for _, m := range o.plant.dead.held {
		q, err := async.Decode(m.Body)
		if err != nil {
			t.Fatal(err)
		}
		letters[q.Command.CommandID] = m.Message
	}
	for _, c := range o.commands {
		s, version := o.answers[c.CommandID], versions[c.CommandID]
		_, dead := letters[c.CommandID]
		switch {
		case o.untold[c.CommandID]:
		case s.State == async.StateAccepted && (version == 0 || s.Result.Version != version):
			t.Errorf("%s: answered version %d, stored at %d", c.CommandID, s.Result.Version, version)
		case s.State == async.StateRejected && (version != 0 || c.Name != "record-even"):
			t.Errorf("%s: %s rejected, stored at %d", c.CommandID, c.Name, version)
		case s.State == async.StateFailed && (!dead || s.Problem.Code != events.CodeInternal && !events.Transient(s.Problem)):
			t.Errorf("%s: failed with %v, a dead letter: %v", c.CommandID, s.Problem, dead)
		case c.Name == "break" && s.State != async.StateFailed:
			t.Errorf("%s: %s has status %s", c.CommandID, c.Name, s.State)
		case s.State == "" || s.State == async.StatePending:
			t.Errorf("%s: has status %q at the end", c.CommandID, s.State)
		}
	}
	for stream, ns := range order {
		if !slices.IsSorted(ns) && o.ordered {
			t.Errorf("%s was handled in the order %v", stream, ns)
		}
	}
}

// stored reads all streams: the version after each command, and what was recorded
// by commands that are accepted whenever they are handled.
func (o *observer) stored(t *rapid.T) (versions map[string]int64, order map[events.Stream][]int) {
	versions, order = map[string]int64{}, map[events.Stream][]int{}
	names := map[string]aggregate.Command{}
	for _, c := range o.commands {
		names[c.CommandID] = c
	}
	for id := range 3 {
		stream := events.StreamOf("tape", fmt.Sprint(id))
		commits, err := o.plant.store.Load(t.Context(), stream, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, commit := range commits {
			for _, command := range commit.Commands {
				if versions[command.ID] != 0 {
					t.Errorf("%s is stored twice", command.ID)
				}
				versions[command.ID] = command.Version
				if c := names[command.ID]; c.Name == "record" {
					var n int
					if _, err := fmt.Sscanf(string(c.Payload), `{"n":%d}`, &n); err != nil {
						t.Fatal(err)
					}
					order[stream] = append(order[stream], n)
				}
			}
		}
	}
	return versions, order
}
