package async_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/aggregate/async/asynctest"

	"daybook/events"
	"daybook/events/eventstest"
)

// bench is a worker with what it works on.
type bench struct {
	*async.Worker
	handler  *aggregate.Handler
	store    *eventstest.Memory
	statuses *asynctest.Statuses
	dead     *asynctest.Queue
	observed []aggregate.Observation
	mu       sync.Mutex
}

func newBench(t *testing.T, o *async.WorkerOptions) *bench {
	t.Helper()
	b := &bench{store: &eventstest.Memory{}, statuses: &asynctest.Statuses{}, dead: &asynctest.Queue{}}
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
	b.Worker = async.NewWorker(b.handler, b.statuses, b.dead, o)
	return b
}

// taped is a delivery, the first, of a command on a tape.
func taped(name, id string, n int) async.Delivery {
	m, err := async.Envelope{Command: aggregate.Command{
		Name: name, ID: id, CommandID: fmt.Sprint("c-", n), Payload: fmt.Appendf(nil, `{"n":%d}`, n), Actor: "ann",
	}}.Message(events.StreamOf("tape", id))
	if err != nil {
		panic(err)
	}
	return async.Delivery{ID: fmt.Sprint("m-", n), Body: m.Body, Group: m.Group, Receives: 1}
}

// verdicts is a batch's verdicts: "done poison(internal) retry(unavailable)".
func verdicts(handled []async.Disposition) string {
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
	s, err := b.statuses.Get(t.Context(), time.Now(), "", fmt.Sprint("c-", n))
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
	rubbish := async.Delivery{ID: "m-9", Body: []byte("rubbish"), Group: "tape/1", Receives: 3}
	handled := b.Handle(t.Context(), []async.Delivery{
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

// A transient failure keeps the order of its stream and of no other.
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
		batch := []async.Delivery{taped("record", "1", 1), taped("record", "2", 2), taped("record", "1", 3), taped("nonsense", "1", 4), taped("record", "2", 5)}
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
		b := newBench(t, &async.WorkerOptions{MaxReceives: 3})
		b.store.Before = func(string, events.Stream) error { return events.Errorf(events.CodeBusy, "too much") }
		first, second := taped("record", "1", 1), taped("record", "1", 2)
		for receives, want := range []string{"retry(busy) retry(unavailable)", "retry(busy) retry(unavailable)", "poison(busy) retry(unavailable)"} {
			first.Receives, second.Receives = receives+1, receives+1
			if got := verdicts(b.Handle(t.Context(), []async.Delivery{first, second})); got != want {
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
	b.dead.Fail = func(async.Message) error { return events.Errorf(events.CodeUnavailable, "no queue") }
	handled := b.Handle(t.Context(), []async.Delivery{taped("break", "1", 1), taped("record", "1", 2)})
	if got := verdicts(handled); got != "retry(internal) done" || events.CodeOf(handled[0].Note) != events.CodeUnavailable {
		t.Errorf("verdicts %s, %v", got, handled[0].Note)
	}
	if got := b.state(t, 1); got != "" {
		t.Errorf("c-1 is %s", got)
	}
	// The outcome can't be recorded: the command is retried, with the same outcome.
	w := async.NewWorker(b.handler, deaf{b.statuses}, b.dead, nil)
	d := taped("record", "1", 3)
	if h := w.Handle(t.Context(), []async.Delivery{d}); h[0].Verdict != async.VerdictRetry || h[0].Note == nil || h[0].Err != nil {
		t.Errorf("handled %+v", h)
	}
	d.Receives = 10
	if h := w.Handle(t.Context(), []async.Delivery{d}); h[0].Verdict != async.VerdictDone || h[0].Note == nil {
		t.Errorf("in the end: %+v", h)
	}
	d.Receives = 2
	if h := b.Handle(t.Context(), []async.Delivery{d}); h[0].Verdict != async.VerdictDone || h[0].Note != nil || b.state(t, 3) != "accepted" {
		t.Errorf("handled %+v", h)
	}
}

// deaf are statuses that take no outcome.
type deaf struct{ async.Statuses }

func (deaf) Record(context.Context, async.Status) error {
	return events.Errorf(events.CodeUnavailable, "no table")
}

// blind are statuses that can't be read.
type blind struct{ async.Statuses }

func (blind) Get(context.Context, time.Time, string, string) (*async.Status, error) {
	return nil, events.Errorf(events.CodeUnavailable, "no table")
}

func TestWorkerThatCannotLookTriesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	w := async.NewWorker(b.handler, blind{b.statuses}, b.dead, nil)
	again := taped("record", "1", 1)
	again.Receives = 2
	handled := w.Handle(t.Context(), []async.Delivery{again, taped("record", "1", 2), taped("record", "2", 3)})
	if got := verdicts(handled); got != "retry(unavailable) retry(unavailable) done" {
		t.Errorf("verdicts %s", got)
	}
}

// A command with a recorded outcome is not handled once more, and a duplicate in
// the same batch gets the outcome of the first.
func TestWorkerHandlesOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	refused, grows, copied := taped("record-even", "1", 2), taped("record", "1", 3), taped("record-even", "1", 2)
	copied.ID = "m-copy"
	handled := b.Handle(t.Context(), []async.Delivery{taped("record", "1", 1), refused, grows, copied})
	if got := verdicts(handled); got != "done done(odd) done done" || handled[3].ID != "m-copy" {
		t.Errorf("verdicts %s", got)
	}
	refused.Receives = 2
	before := len(b.observed)
	if got := verdicts(b.Handle(t.Context(), []async.Delivery{refused})); got != "done" || len(b.observed) != before || b.state(t, 2) != "rejected" {
		t.Errorf("delivered again: %s, status %s", got, b.state(t, 2))
	}
}

// The time for noting outcomes is kept.
func TestWorkerEndsBeforeItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &async.WorkerOptions{Reserve: 2 * time.Second})
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
		got := verdicts(b.Handle(ctx, []async.Delivery{taped("record-even", "1", 1), taped("record", "2", 2)}))
		if got != "retry(canceled) done" || time.Since(begun) != 9*time.Second || b.state(t, 2) != "accepted" {
			t.Errorf("after %v: %s, status %s", time.Since(begun), got, b.state(t, 2))
		}
	})
}

func TestWorkerTakesAnyBody(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var batch []async.Delivery
	for i, body := range []string{
		"", "null", "7", "[]", "{}", "\xff", `{"v":1}`, `{"v":3,"command":"record","id":"1","commandId":"c"}`, `{"v":1,"command":"record","id":"1"}`,
		`{"v":1,"command":"record","commandId":"c"}`, `{"v":1,"command":"record","id":"1","commandId":"c","id":"2"}`, `{"v":"1"}`, strings.Repeat("[", 20000),
	} {
		batch = append(batch, async.Delivery{ID: fmt.Sprint("m-", i), Body: []byte(body), Receives: 1})
	}
	for i, h := range b.Handle(t.Context(), batch) {
		if h.Verdict != async.VerdictPoison || events.CodeOf(h.Err) != events.CodeInternal {
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
	want := async.Envelope{Again: true, Command: aggregate.Command{
		Name: "record", ID: "a/ü", Payload: []byte("{\"n\":12345678901234567890,\"s\":\"ü \\u0000\"}"), CommandID: "c 1",
		ExpectedVersion: &version, Actor: "ann", Correlation: "order 9", Causation: "order/9@1",
		Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}}
	m, err := want.Message("tape/a/ü")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Group) != 64 || len(m.Deduplication) != 64 {
		t.Errorf("SQS would refuse %+v", m)
	}
	got, err := async.Decode(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	short, err := async.Envelope{Command: aggregate.Command{Name: "record", ID: "7", CommandID: "c"}}.Message("tape/7")
	if err != nil || string(short.Body) != `{"v":1,"command":"record","id":"7","commandId":"c"}` || short.Group != "tape/7" || short.Deduplication != "c" {
		t.Errorf("%s %+v, %v", short.Body, short, err)
	}
	if _, err := (async.Envelope{Command: aggregate.Command{Name: "record", Payload: []byte("{")}}).Message("tape/7"); events.CodeOf(err) != events.CodeInternal {
		t.Errorf("a payload that is no JSON: %v", err)
	}
}

// ExampleSender queues a command and handles it later.
func ExampleSender() {
	statuses, queue, dead := &asynctest.Statuses{}, &asynctest.Queue{}, &asynctest.Queue{}
	handler, err := aggregate.NewHandler(new(eventstest.Memory), []aggregate.Aggregate{tapes()}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	sender := async.NewSender(handler, queue, statuses)
	sent := sender.Send(ctx, []aggregate.Command{{Name: "record", ID: "7", CommandID: "c-1", Payload: []byte(`{"n":1}`)}})[0]
	pending, _ := statuses.Get(ctx, time.Now(), "", "c-1")
	fmt.Println(sent.Stream, pending.State)

	worker := async.NewWorker(handler, statuses, dead, nil)
	for _, m := range queue.Take() {
		handled := worker.Handle(ctx, []async.Delivery{{ID: "m-1", Body: m.Body, Group: m.Group, Receives: 1}})
		fmt.Println(handled[0].Verdict)
	}
	accepted, _ := statuses.Get(ctx, time.Now(), "", "c-1")
	fmt.Println(accepted.State, accepted.Result.Token())
	// Output:
	// tape/7 pending
	// done
	// accepted tape/7@1
}

func TestWorkersSideBySide(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var wg sync.WaitGroup
	for range 4 { // the same batch, delivered four times at once
		wg.Go(func() {
			var batch []async.Delivery
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
