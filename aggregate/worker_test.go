package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/aggregatetest"
	"daybook/events"
	"daybook/events/eventstest"
)

// bench is a worker with what it works on.
type bench struct {
	*aggregate.Worker
	handler  *aggregate.Handler
	store    *eventstest.Memory
	statuses *aggregatetest.Statuses
	dead     *aggregatetest.Queue
	observed []aggregate.Observation
	mu       sync.Mutex
}

func newBench(t *testing.T, o *aggregate.WorkerOptions) *bench {
	t.Helper()
	b := &bench{store: &eventstest.Memory{}, statuses: &aggregatetest.Statuses{}, dead: &aggregatetest.Queue{}}
	var err error
	b.handler, err = aggregate.NewHandler(b.store, []aggregate.Aggregate{tapes()}, &aggregate.Options{
		Observe: func(_ context.Context, o aggregate.Observation) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.observed = append(b.observed, o)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Worker = aggregate.NewWorker(b.handler, b.statuses, b.dead, o)
	return b
}

// taped is a delivery, the first, of a command on a tape.
func taped(name, id string, n int) aggregate.Delivery {
	m, err := aggregate.EncodeQueued(events.StreamOf("tape", id), aggregate.Queued{Command: aggregate.Command{
		Name: name, ID: id, CommandID: fmt.Sprint("c-", n), Payload: fmt.Appendf(nil, `{"n":%d}`, n), Actor: "ann",
	}})
	if err != nil {
		panic(err)
	}
	return aggregate.Delivery{ID: fmt.Sprint("m-", n), Body: m.Body, Group: m.Group, Receives: 1}
}

// verdicts is a batch's verdicts: "done poison(internal) retry(unavailable)".
func verdicts(handled []aggregate.Handled) string {
	var said []string
	for _, h := range handled {
		s := string(h.Verdict)
		if h.Err != nil {
			s += "(" + string(events.CodeOf(h.Err)) + ")"
		}
		said = append(said, s)
	}
	return strings.Join(said, " ")
}

func (b *bench) state(t *testing.T, n int) string {
	t.Helper()
	s, err := b.statuses.Get(t.Context(), time.Now(), fmt.Sprint("c-", n))
	if err != nil {
		t.Fatal(err)
	}
	if s == nil {
		return ""
	}
	return string(s.State)
}

func TestWorkerVerdicts(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	rubbish := aggregate.Delivery{ID: "m-9", Body: []byte("rubbish"), Group: "tape/1", Receives: 3}
	handled := b.Handle(t.Context(), []aggregate.Delivery{
		taped("record", "1", 1), taped("break", "1", 2), rubbish, taped("record-even", "1", 3), taped("record", "1", 4), taped("nonsense", "1", 5),
		taped("record", "2", 6),
	})
	if got := verdicts(handled); got != "done poison(internal) poison(internal) done(odd) done done(unknown-command) done" {
		t.Errorf("verdicts %s", got)
	}
	for n, want := range []string{"", "accepted", "failed", "rejected", "accepted", "rejected", "accepted"} {
		if got := b.state(t, n); got != want {
			t.Errorf("c-%d is %q, want %q", n, got, want)
		}
	}
	if commits, err := b.store.Load(t.Context(), "tape/1", 0); err != nil || len(commits) != 1 || len(commits[0].Events) != 2 {
		t.Errorf("the commands of one stream do not share a commit: %+v, %v", commits, err)
	}
	if h := handled[1]; h.Command != "break" || h.CommandID != "c-2" || h.Stream != "tape/1" || h.ID != "m-2" {
		t.Errorf("handled %+v", h)
	}
	letters := b.dead.Take()
	if len(letters) != 2 || string(letters[1].Body) != "rubbish" || letters[1].Group != "tape/1" {
		t.Fatalf("dead letters %+v", letters)
	}
	want := map[string]string{"code": "internal", "error": "internal: deciding failed", "receives": "1"}
	if got := letters[0].Attributes; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("attributes %v, want %v", got, want)
	}
	if letters[1].Attributes["receives"] != "3" || strings.Contains(letters[1].Attributes["error"], "rubbish") {
		t.Errorf("attributes %v", letters[1].Attributes)
	}
}

// A failure that may pass keeps the order of its stream and of no other.
func TestWorkerKeepsTheOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		down := true
		b.store.Before = func(_ string, s events.Stream) error {
			if down && s == "tape/1" {
				return events.Errorf(events.CodeUnavailable, "no database")
			}
			return nil
		}
		batch := []aggregate.Delivery{taped("record", "1", 1), taped("record", "2", 2), taped("record", "1", 3), taped("nonsense", "1", 4), taped("record", "2", 5)}
		if got := verdicts(b.Handle(t.Context(), batch)); got != "retry(unavailable) done retry(unavailable) done(unknown-command) done" {
			t.Errorf("verdicts %s", got)
		}
		down = false
		if got := verdicts(b.Handle(t.Context(), batch)); strings.Contains(got, "retry") {
			t.Errorf("verdicts %s", got)
		}
	})
}

func TestWorkerGivesUpInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &aggregate.WorkerOptions{MaxReceives: 3})
		b.store.Before = func(string, events.Stream) error { return events.Errorf(events.CodeBusy, "too much") }
		first, second := taped("record", "1", 1), taped("record", "1", 2)
		for receives, want := range []string{"retry(busy) retry(unavailable)", "retry(busy) retry(unavailable)", "poison(busy) retry(unavailable)"} {
			first.Receives, second.Receives = receives+1, receives+1
			if got := verdicts(b.Handle(t.Context(), []aggregate.Delivery{first, second})); got != want {
				t.Errorf("received %d times: %s, want %s", receives+1, got, want)
			}
		}
		if letters := b.dead.Take(); len(letters) != 1 || letters[0].Attributes["code"] != "busy" || letters[0].Attributes["receives"] != "3" {
			t.Errorf("dead letters %+v", letters)
		}
		if got := b.state(t, 1); got != "failed" {
			t.Errorf("c-1 is %s", got)
		}
	})
}

func TestWorkerCannotBuryOrNote(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.dead.Fail = func(aggregate.Message) error { return events.Errorf(events.CodeUnavailable, "no queue") }
	handled := b.Handle(t.Context(), []aggregate.Delivery{taped("break", "1", 1), taped("record", "1", 2)})
	if got := verdicts(handled); got != "retry(internal) done" || events.CodeOf(handled[0].Note) != events.CodeUnavailable {
		t.Errorf("verdicts %s, %v", got, handled[0].Note)
	}
	if got := b.state(t, 1); got != "" {
		t.Errorf("c-1 is %s", got)
	}
	// The outcome can't be noted: tried again, and then the answer is the same.
	w := aggregate.NewWorker(b.handler, deaf{b.statuses}, b.dead, nil)
	d := taped("record", "1", 3)
	if h := w.Handle(t.Context(), []aggregate.Delivery{d}); h[0].Verdict != aggregate.VerdictRetry || h[0].Note == nil || h[0].Err != nil {
		t.Errorf("handled %+v", h)
	}
	d.Receives = 10
	if h := w.Handle(t.Context(), []aggregate.Delivery{d}); h[0].Verdict != aggregate.VerdictDone || h[0].Note == nil {
		t.Errorf("in the end: %+v", h)
	}
	d.Receives = 2
	if h := b.Handle(t.Context(), []aggregate.Delivery{d}); h[0].Verdict != aggregate.VerdictDone || h[0].Note != nil || b.state(t, 3) != "accepted" {
		t.Errorf("handled %+v", h)
	}
}

// deaf are statuses that take no outcome.
type deaf struct{ aggregate.Statuses }

func (deaf) Settle(context.Context, aggregate.Status) error {
	return events.Errorf(events.CodeUnavailable, "no table")
}

// blind are statuses that can't be read.
type blind struct{ aggregate.Statuses }

func (blind) Get(context.Context, time.Time, string) (*aggregate.Status, error) {
	return nil, events.Errorf(events.CodeUnavailable, "no table")
}

func TestWorkerThatCannotLookTriesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	w := aggregate.NewWorker(b.handler, blind{b.statuses}, b.dead, nil)
	again := taped("record", "1", 1)
	again.Receives = 2
	handled := w.Handle(t.Context(), []aggregate.Delivery{again, taped("record", "1", 2), taped("record", "2", 3)})
	if got := verdicts(handled); got != "retry(unavailable) retry(unavailable) done" {
		t.Errorf("verdicts %s", got)
	}
}

// What has its answer is not handled once more, and a copy in the same batch has
// the answer of the first.
func TestWorkerHandlesOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	refused, grows, copied := taped("record-even", "1", 2), taped("record", "1", 3), taped("record-even", "1", 2)
	copied.ID = "m-copy"
	handled := b.Handle(t.Context(), []aggregate.Delivery{taped("record", "1", 1), refused, grows, copied})
	if got := verdicts(handled); got != "done done(odd) done done" || handled[3].ID != "m-copy" {
		t.Errorf("verdicts %s", got)
	}
	refused.Receives = 2
	before := len(b.observed)
	if got := verdicts(b.Handle(t.Context(), []aggregate.Delivery{refused})); got != "done" || len(b.observed) != before || b.state(t, 2) != "rejected" {
		t.Errorf("delivered again: %s, status %s", got, b.state(t, 2))
	}
}

// The time for noting outcomes is kept.
func TestWorkerEndsBeforeItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &aggregate.WorkerOptions{Reserve: 2 * time.Second})
		slow := make(chan struct{})
		b.store.Before = func(_ string, s events.Stream) error {
			if s == "tape/1" {
				<-slow
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		time.AfterFunc(9*time.Second, func() { close(slow) }) // the store answers late
		begun := time.Now()
		got := verdicts(b.Handle(ctx, []aggregate.Delivery{taped("record-even", "1", 1), taped("record", "2", 2)}))
		if got != "retry(canceled) done" || time.Since(begun) != 9*time.Second || b.state(t, 2) != "accepted" {
			t.Errorf("after %v: %s, status %s", time.Since(begun), got, b.state(t, 2))
		}
	})
}

func TestWorkerTakesAnyBody(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var batch []aggregate.Delivery
	for i, body := range []string{
		"", "null", "7", "[]", "{}", "\xff", `{"v":1}`, `{"v":3,"command":"record","id":"1","commandId":"c"}`, `{"v":1,"command":"record","id":"1"}`,
		`{"v":1,"command":"record","commandId":"c"}`, `{"v":1,"command":"record","id":"1","commandId":"c","id":"2"}`, `{"v":"1"}`, strings.Repeat("[", 20000),
	} {
		batch = append(batch, aggregate.Delivery{ID: fmt.Sprint("m-", i), Body: []byte(body), Receives: 1})
	}
	for i, h := range b.Handle(t.Context(), batch) {
		if h.Verdict != aggregate.VerdictPoison || events.CodeOf(h.Err) != events.CodeInternal {
			t.Errorf("%q: %+v", batch[i].Body, h)
		}
	}
	for _, m := range b.dead.Take() {
		if m.Group == "" || m.Deduplication == "" {
			t.Errorf("a queue would refuse %+v", m)
		}
	}
}

func TestQueuedCommandsKeepAllTheyHave(t *testing.T) {
	t.Parallel()
	version := int64(3)
	want := aggregate.Queued{Again: true, Command: aggregate.Command{
		Name: "record", ID: "a/ü", Payload: []byte("{\"n\":12345678901234567890,\"s\":\"\uFFFF\uFFFE \\u0000\"}"), CommandID: "c 1",
		ExpectedVersion: &version, Actor: "ann", Correlation: "order 9", Causation: "order/9@1",
	}}
	m, err := aggregate.EncodeQueued("tape/a/ü", want)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(string(m.Body), "\uFFFF\uFFFE") || len(m.Group) != 64 || len(m.Deduplication) != 64 {
		t.Errorf("SQS would refuse %+v", m)
	}
	got, err := aggregate.DecodeQueued(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	got.Command.Payload = []byte(strings.NewReplacer(`\uffff`, "\uFFFF", `\ufffe`, "\uFFFE").Replace(string(got.Command.Payload)))
	if fmt.Sprintf("%+v %d", got, *got.Command.ExpectedVersion) != fmt.Sprintf("%+v %d", want, version) && *got.Command.ExpectedVersion != version ||
		string(got.Command.Payload) != string(want.Command.Payload) || got.Command.Actor != "ann" || got.Command.Causation != "order/9@1" || !got.Again {
		t.Errorf("got %+v, want %+v", got, want)
	}
	short, err := aggregate.EncodeQueued("tape/7", aggregate.Queued{Command: aggregate.Command{Name: "record", ID: "7", CommandID: "c"}})
	if err != nil || string(short.Body) != `{"v":1,"command":"record","id":"7","commandId":"c"}` || short.Group != "tape/7" || short.Deduplication != "c" {
		t.Errorf("%s %+v, %v", short.Body, short, err)
	}
	if _, err := aggregate.EncodeQueued("tape/7", aggregate.Queued{Command: aggregate.Command{Name: "record", Payload: []byte("{")}}); events.CodeOf(err) != events.CodeInternal {
		t.Errorf("a payload that is no JSON: %v", err)
	}
}

func TestSafe(t *testing.T) {
	t.Parallel()
	var list []int
	crash := func() (err error) {
		defer func() { err = fmt.Errorf("panic: %w", recover().(error)) }()
		return fmt.Errorf("%d", list[3])
	}
	for want, err := range map[string]error{
		"internal":                    errors.New("secret"),
		"busy: later":                 events.Wrap(events.CodeBusy, errors.New("secret"), "later"),
		"internal: a: unavailable: b": events.Wrap(events.CodeInternal, fmt.Errorf("x: %w", events.Errorf(events.CodeUnavailable, "b")), "a"),
		"internal: a: runtime error: index out of range [3] with length 0": events.Wrap(events.CodeInternal, crash(), "a"),
	} {
		if got := aggregate.Safe(err); got != want {
			t.Errorf("%v is told as %q, want %q", err, got, want)
		}
	}
}

// ExampleSender queues a command and handles it later.
func ExampleSender() {
	statuses, queue, dead := &aggregatetest.Statuses{}, &aggregatetest.Queue{}, &aggregatetest.Queue{}
	handler, err := aggregate.NewHandler(new(eventstest.Memory), []aggregate.Aggregate{counter()}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	sender := aggregate.NewSender(handler, queue, statuses)
	sent := sender.Send(ctx, []aggregate.Command{{Name: "start-counter", ID: "7", CommandID: "c-1"}})[0]
	pending, _ := statuses.Get(ctx, time.Now(), "c-1")
	fmt.Println(sent.Stream, pending.State)

	worker := aggregate.NewWorker(handler, statuses, dead, nil)
	for _, m := range queue.Take() {
		handled := worker.Handle(ctx, []aggregate.Delivery{{ID: "m-1", Body: m.Body, Group: m.Group, Receives: 1}})
		fmt.Println(handled[0].Verdict)
	}
	accepted, _ := statuses.Get(ctx, time.Now(), "c-1")
	fmt.Println(accepted.State, accepted.Result.Token())
	// Output:
	// counter/7 pending
	// done
	// accepted counter/7@1
}

func TestWorkersSideBySide(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var wg sync.WaitGroup
	for range 4 { // the same batch, delivered four times at once
		wg.Go(func() {
			var batch []aggregate.Delivery
			for n := range 10 {
				batch = append(batch, taped("record", fmt.Sprint(n%3), n))
			}
			if got := verdicts(b.Handle(t.Context(), batch)); strings.Contains(got, "poison") || strings.Contains(got, "retry") {
				t.Error(got)
			}
		})
	}
	wg.Wait()
	for id := range 3 {
		commits, err := b.store.Load(t.Context(), events.StreamOf("tape", fmt.Sprint(id)), 0)
		if err != nil || commits[len(commits)-1].Version != []int64{4, 3, 3}[id] {
			t.Errorf("tape %d: %+v, %v", id, commits, err)
		}
	}
}

func TestQueuedChecksAsHandleDoes(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	m, stream, err := b.handler.Queued(aggregate.Command{Name: "record", CommandID: "c", Payload: []byte(`{"n":1}`)})
	if err != nil || stream.Aggregate() != "tape" || m.Group != string(stream) || m.Deduplication != "c" {
		t.Errorf("%+v, %s, %v", m, stream, err)
	}
	if handled := b.Handle(t.Context(), []aggregate.Delivery{{ID: "m", Body: m.Body, Receives: 1}}); handled[0].Verdict != aggregate.VerdictDone || handled[0].Stream != stream {
		t.Errorf("handled %+v", handled)
	}
	for want, c := range map[events.Code]aggregate.Command{
		events.CodeUnknownCommand: {Name: "nonsense", ID: "1"},
		events.CodeMalformed:      {Name: "record-even", Payload: []byte(`{"n":1}`)},
	} {
		if _, _, err := b.handler.Queued(c); events.CodeOf(err) != want {
			t.Errorf("%s: %v, want code %s", c.Name, err, want)
		}
	}
}
