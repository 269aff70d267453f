package explain_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/events"
	"daybook/explain"
	"daybook/process"
	"daybook/view/driver"
)

// stuck is a job that got stuck, and what an explanation of it has to say.
type stuck struct {
	name  string
	plant func(w *world) (token string)
	state explain.State
	// says are texts of the one cause that the state is of.
	says []string
}

// deadline is when the deadline of a job placed now is due.
const deadline = 15 * time.Minute

var stuckJobs = []stuck{
	{"short stock", func(w *world) string {
		w.place("1", place{Units: 9})
		w.run()
		return "job/1@1"
	}, explain.StateRejected, []string{"reserve-units to depot/d", "out-of-stock", "there are 5 units only"}},
	{"a retired depot", func(w *world) string {
		w.send("retire-depot", "d", "")
		w.place("1", place{Units: 1})
		w.run()
		return "jobs/1"
	}, explain.StateRejected, []string{"reserve-units to depot/d", "depot-retired", "this depot is given up"}},
	{"a taken value", func(w *world) string {
		w.place("1", place{Units: 1, Bay: "b7"})
		w.run()
		w.send("stock-depot", "e", `{"units":5}`)
		w.place("2", place{Depot: "e", Units: 1, Bay: "b7"})
		w.run()
		return "job/2"
	}, explain.StateRejected, []string{"reserve-units to depot/e", "already-taken"}},
	{"a rejection that nobody expects", func(w *world) string {
		w.place("1", place{Depot: "nowhere", Units: 1, Trap: "strict"})
		w.run()
		return "job/1"
	}, explain.StateParked, []string{"dispatch", "depot-not-found", "command reserve-units to nowhere was rejected", "run works redrive dispatch job/1"}},
	{"a panicking view", func(w *world) string {
		w.place("1", place{Units: 1, Trap: "panic in the view"})
		w.run()
		return "jobs/1"
	}, explain.StateParked, []string{"row jobs/1", "the handler of job-placed panicked", "world_test.go", "run works redrive jobs job/1"}},
	{"a full row", func(w *world) string {
		w.place("1", place{Units: 1, Trap: "full"})
		w.run()
		return "job/1"
	}, explain.StateParked, []string{"loads of job/1", "too-large", "400 KB"}},
	{"a panicking process", func(w *world) string {
		w.place("1", place{Units: 1, Trap: "panic in the process"})
		w.run()
		return "job/1"
	}, explain.StateParked, []string{"process dispatch", "the handler of job-placed panicked", "world_test.go", "run works redrive dispatch job/1"}},
	{"a memory that is too large", func(w *world) string {
		w.place("1", place{Units: 1, Trap: "memory"})
		w.run()
		return "job/1"
	}, explain.StateParked, []string{"dispatch", "too-large", "the memory of a stream has at most"}},
	{"an undeclared command", func(w *world) string {
		w.place("1", place{Units: 1, Trap: "undeclared"})
		w.run()
		return "job/1"
	}, explain.StateParked, []string{"dispatch", "sends the command undeclared-command without declaring it"}},
	{"an invalid payload", func(w *world) string {
		w.place("1", place{Units: 1, Trap: "invalid"})
		w.run()
		return "job/1"
	}, explain.StateParked, []string{"dispatch", "malformed", "command reject-job to 1 can't be handled"}},
	{"a state that can't be made", func(w *world) string {
		w.append("job/1", events.Event{Name: "job-placed", Schema: 1, Data: []byte(`{"depot":"d","units":1,"trap":"fold"}`)})
		w.run()
		return "job/1@1"
	}, explain.StateParked, []string{"dispatch", "internal", "command confirm-job to 1 can't be handled"}},
	{"a dead letter", func(w *world) string {
		w.append("job/1", events.Event{Name: "job-placed", Schema: 1, Data: []byte(`{"depot":"d","units":1,"trap":"fold"}`)})
		w.enqueue(aggregate.Command{Name: "confirm-job", ID: "1", CommandID: "q-1"})
		w.work()
		return "q-1"
	}, explain.StateFailed, []string{"confirm-job to job/1", "dead letter since", "evolving failed", "run works dead redrive q-1"}},
	{"a poisoned message", func(w *world) string {
		w.place("1", place{Units: 1})
		w.run()
		w.enqueue(aggregate.Command{Name: "confirm-job", ID: "1", CommandID: "q-1"})
		w.poison()
		w.work()
		w.now = w.now.Add(time.Minute)
		return "q-1"
	}, explain.StateFailed, []string{"a message to job/1", "dead letter", "it is not the JSON of a queued command", "run works dead redrive m-0"}},
	{"a poisoned message, by its stream", func(w *world) string {
		w.place("1", place{Units: 1})
		w.run()
		w.enqueue(aggregate.Command{Name: "confirm-job", ID: "1", CommandID: "q-1"})
		w.poison()
		w.work()
		return "job/1"
	}, explain.StateFailed, []string{"a message to job/1", "it is not the JSON of a queued command"}},
	{"a lost timer", func(w *world) string {
		w.place("1", place{Units: 1, Trap: "nothing"})
		w.run()
		w.now = w.now.Add(deadline + time.Hour)
		return "dispatch job/1 deadline"
	}, explain.StateLost, []string{"deadline: reject-job to job/1", "due 1h0m", "never arrived", "run works send reject-job -id 1"}},
	{"a timer whose command was rejected", func(w *world) string {
		w.place("1", place{Units: 1, Trap: "nothing"})
		w.run()
		w.send("confirm-job", "1", "")
		w.now = w.now.Add(deadline)
		w.fire()
		return "job/1@1"
	}, explain.StateRejected, []string{"deadline: reject-job to job/1", "decided", "the job is confirmed already"}},
	{"a queue that nobody reads", func(w *world) string {
		w.place("1", place{Units: 1})
		w.enqueue(aggregate.Command{Name: "confirm-job", ID: "1", CommandID: "q-1"})
		w.now = w.now.Add(10 * time.Minute)
		return "q-1"
	}, explain.StateLate, []string{"in the command queue for 10m", "the command function does not run"}},
	{"a queued command that was rejected", func(w *world) string {
		w.place("1", place{Units: 1})
		version := int64(7)
		w.enqueue(aggregate.Command{Name: "confirm-job", ID: "1", CommandID: "q-1", ExpectedVersion: &version})
		w.work()
		return "q-1"
	}, explain.StateRejected, []string{"version-conflict"}},
	{"a projector that stopped", func(w *world) string {
		id := w.place("1", place{Units: 1})
		w.react()
		w.now = w.now.Add(time.Hour)
		return id
	}, explain.StateLate, []string{"jobs/1", "at commit 0 of", "the projector does not run, or is behind"}},
	{"a process function that stopped", func(w *world) string {
		w.place("1", place{Units: 1})
		w.project()
		w.now = w.now.Add(time.Hour)
		return "jobs/1"
	}, explain.StateLate, []string{"process dispatch", "at commit 0 of 1 for 1h0m0s", "the process function does not run"}},
	{"held back by an earlier commit", func(w *world) string {
		w.place("1", place{Units: 1, Trap: "panic in the process"})
		w.run()
		w.send("confirm-job", "1", "")
		w.run()
		return "job/1@2"
	}, explain.StateParked, []string{"process dispatch", "waits behind commit 1", "panicked"}},
	{"failures that may pass", func(w *world) string {
		w.commands = unavailable{}
		w.place("1", place{Units: 1})
		w.react()
		w.project()
		w.now = w.now.Add(time.Minute)
		return "job/1"
	}, explain.StateLate, []string{"process dispatch", "1 deliveries failed for reasons that may pass"}},
	{"an event that no program declares", func(w *world) string {
		w.place("1", place{Units: 1})
		w.run()
		w.append("job/1", events.Event{Name: "job-confirmed", Schema: 9, Data: []byte(`{}`)})
		w.project()
		w.react()
		return "job/1"
	}, explain.StateParked, []string{"row jobs/1", "internal", "run works redrive jobs job/1"}},
	{"a table of another version", func(w *world) string {
		w.place("1", place{Units: 1})
		w.run()
		w.serve(`{"views":{"jobs":{"serving":{"version":7,"generation":1},"tables":[{"version":7,"generation":1,"complete":true}]}}}`)
		return "job/1@1"
	}, explain.StateLate, []string{"row jobs/1", "conflict", "jobs v7 is not declared here"}},
	{"a bus that refuses a message", func(w *world) string {
		w.outside.Before = func(method string) error {
			if method == "Publish" {
				return events.Errorf(events.CodeTooLarge, "an event has at most 1 MB")
			}
			return nil
		}
		w.place("1", place{Units: 1})
		w.run()
		return "job/1"
	}, explain.StateParked, []string{"process news", "too-large", "an event has at most 1 MB", "run works redrive news job/1"}},
}

// TestStuckJobs: each of these jobs got stuck in another way, and the explanation
// names the cause of each, in the tree, among the causes and in the text.
func TestStuckJobs(t *testing.T) {
	t.Parallel()
	if len(stuckJobs) < 20 {
		t.Fatalf("only %d jobs", len(stuckJobs))
	}
	for _, job := range stuckJobs {
		t.Run(job.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			x := w.explain(job.plant(w))
			text := x.Text()
			if !names(x, job) {
				t.Errorf("no cause is %s and says %q:\n%s", job.state, job.says, text)
			}
			for _, s := range job.says {
				if !strings.Contains(text, s) {
					t.Errorf("the text lacks %q:\n%s", s, text)
				}
			}
		})
	}
}

// names reports whether a cause of the state says everything.
func names(x explain.Explanation, job stuck) bool {
	for _, c := range x.Causes {
		text := strings.Join([]string{string(c.Kind) + " " + c.Name, c.Code, c.Text, c.Next}, ": ")
		all := c.State == job.state
		for _, s := range job.says {
			all = all && strings.Contains(text, s)
		}
		if all {
			return true
		}
	}
	return false
}

// TestSound: a job that went well has no cause, and its whole chain is there.
func TestSound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place("1", place{Units: 2, Bay: "b7"})
	w.run()
	w.now = w.now.Add(time.Hour)
	x := w.explain(id)
	if len(x.Causes) > 0 || x.Waiting > 0 || x.Partial || len(x.Roots) != 1 || !x.Roots[0].Asked {
		t.Fatalf("got\n%s", x.Text())
	}
	for _, s := range []string{
		"command a command to job/1 (c-2) by ann", "commit job/1@1: job-placed", "row jobs/1", "process dispatch",
		"timer deadline: reject-job to job/1 - cancelled by a later event", "reserve-units to depot/d", "by process/dispatch",
		"commit depot/d@2: depot-units-reserved", "claim bay=b7 - held by depot/d", "commit job/1@2: job-confirmed",
		"message com.example.jobs.job-confirmed.v1", "nothing stands still",
	} {
		if !strings.Contains(x.Text(), s) {
			t.Errorf("the text lacks %q:\n%s", s, x.Text())
		}
	}
}

// TestARejectionThatParks: the ledger keeps what the aggregate said.
func TestARejectionThatParks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place("1", place{Units: 9, Trap: "strict"})
	w.run()
	if x := w.explain("job/1"); len(x.Causes) != 2 || x.Causes[1].Code != "out-of-stock" || x.Causes[1].Text != "there are 5 units only" {
		t.Errorf("got\n%s", x.Text())
	}
}

// TestTokens: whatever the question is about leads to the same chain.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place("1", place{Units: 2, Bay: "b7"})
	w.run()
	published, timer := w.outside.Published(), ""
	for _, e := range w.outside.Done() {
		if e.Timer != nil {
			timer = e.Timer.Name
		}
	}
	if len(published) != 1 || timer == "" {
		t.Fatalf("%d messages, timer %q", len(published), timer)
	}
	commits, err := w.store.Read(t.Context(), "depot/d", 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for token, asked := range map[string]string{
		id: "a command to job/1", "job/1@1": "job/1@1", "depot/d@2": "depot/d@2", "job/1": "job/1@1", "jobs/1": "jobs/1",
		"bay=b7": "bay=b7", "dispatch job/1 deadline": "deadline: reject-job to job/1", published[0].ID: "com.example.jobs.job-confirmed.v1",
		commits[0].ID: "depot/d@2", commits[0].Commands[0].ID: "reserve-units to depot/d",
	} {
		x := w.explain(token)
		if len(x.Roots) != 1 || x.Roots[0].Name != "a command to job/1" {
			t.Errorf("%s leads elsewhere:\n%s", token, x.Text())
		}
		if !marked(x.Roots, asked) {
			t.Errorf("%s: %s is not marked:\n%s", token, asked, x.Text())
		}
	}
	for _, token := range []string{"job/9@1", "job/1@9", "job/9", "nothing-of-this-id", "dispatch job/1 nothing", "bay=b8", "\n"} {
		if x, err := explain.Explain(t.Context(), w.i, token, nil); err == nil {
			t.Errorf("%q is explained:\n%s", token, x.Text())
		} else if code := events.CodeOf(err); code != events.CodeNotFound && code != events.CodeMalformed {
			t.Errorf("%q: %v", token, err)
		}
	}
	if x := w.explain("loads/d"); !strings.Contains(x.Text(), "explain one of them: job/…") {
		t.Errorf("a row that many streams feed:\n%s", x.Text())
	}
}

func marked(nodes []*explain.Node, name string) bool {
	for _, n := range nodes {
		if n.Asked && n.Name == name || marked(n.Effects, name) {
			return true
		}
	}
	return false
}

// TestStillToCome: what waits is not a cause, and a pending timer says when.
func TestStillToCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place("1", place{Units: 1})
	if x := w.explain("job/1"); len(x.Causes) > 0 || !strings.Contains(x.Text(), "still to come") || !strings.Contains(x.Text(), "command confirm-job to job/1") {
		t.Errorf("just placed:\n%s", x.Text())
	}
	w.place("2", place{Units: 1, Trap: "nothing"})
	w.run()
	if x := w.explain("job/2"); len(x.Causes) > 0 || !strings.Contains(x.Text(), "due in 15m0s") {
		t.Errorf("a timer that is set:\n%s", x.Text())
	}
	w.place("3", place{Units: 9, Trap: "allowed"})
	w.run()
	if x := w.explain("job/3"); len(x.Causes) > 0 || !strings.Contains(x.Text(), "rejected with out-of-stock, which the reaction allows") {
		t.Errorf("a rejection that is fine:\n%s", x.Text())
	}
	w.place("4", place{Units: 1, Trap: "hidden"})
	w.run()
	if x := w.explain("job/4"); len(x.Causes) > 0 || !strings.Contains(x.Text(), "no query returns it") {
		t.Errorf("a hidden row:\n%s", x.Text())
	}
	w.now = opening.Add(-24 * time.Hour)
	w.place("5", place{Units: 1})
	w.now = opening.Add(24 * time.Hour)
	w.run()
	if x := w.explain("job/5"); !strings.Contains(x.Text(), "it reacts to commits since 2026-01-01T00:00:00.000Z only") {
		t.Errorf("a job of before the process manager:\n%s", x.Text())
	}
}

// TestBounds: an answer is bounded, and says so.
func TestBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 30 {
		w.send("stock-depot", "d", `{"units":1}`)
	}
	if x := w.explain("depot/d"); !x.Partial || len(x.Roots) != 20 {
		t.Errorf("%d roots, partial %v", len(x.Roots), x.Partial)
	}
	w.place("1", place{Units: 1})
	w.run()
	x, err := explain.Explain(t.Context(), w.i, "job/1", &explain.Options{Nodes: 4})
	if err != nil || !x.Partial || !strings.Contains(x.Text(), "not all was read") {
		t.Errorf("got %v\n%s", err, x.Text())
	}
}

// TestNothingIsWritten: an explanation only reads.
func TestNothingIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place("1", place{Units: 9})
	w.run()
	tables, ledger := w.tables.Calls(), w.ledger.Calls()
	w.store.Before = func(method string, _ events.Stream) error {
		if strings.HasPrefix(method, "Append") {
			return errors.New("it writes")
		}
		return nil
	}
	w.explain("job/1")
	if a, b := w.tables.Calls(), w.ledger.Calls(); a["Put"] != tables["Put"] || a["Transact"] != tables["Transact"] || b["Save"] != ledger["Save"] {
		t.Errorf("%v and %v became %v and %v", tables, ledger, a, b)
	}
}

// poison makes the messages in the queue unreadable.
func (w *world) poison() {
	for _, m := range w.queue.Take() {
		m.Body = []byte("{")
		w.queue.Send(w.Context(), []async.Message{m})
	}
}

// fire sends the commands of the timers that are set.
func (w *world) fire() {
	w.Helper()
	for _, t := range w.outside.Timers() {
		w.enqueue(commandOf(t.Command))
	}
	w.work()
}

// append appends an event as it is, as older code or another program does.
func (w *world) append(stream events.Stream, e events.Event) {
	w.Helper()
	commits, err := w.store.Load(w.Context(), stream, 0)
	if err != nil {
		w.Fatal(err)
	}
	at := events.Start(stream)
	if len(commits) > 0 {
		at = events.After(&commits[len(commits)-1])
	}
	c := events.Commit{ID: "raw", Time: w.now, Events: []events.Event{e}, Commands: []events.Command{{ID: "raw", Version: at.Version() + 1}}}
	if _, err := w.store.Append(w.Context(), at, c); err != nil {
		w.Fatal(err)
	}
}

// serve writes the control record.
func (w *world) serve(record string) {
	w.Helper()
	control := w.tables.Control()
	old, err := control.Get(w.Context(), []string{"routes"})
	if err != nil {
		w.Fatal(err)
	}
	write := driver.Write{Item: driver.Item{Key: "routes", Version: 1, Memo: []byte(record)}}
	if old[0] != nil {
		write.Item.Version, write.Expect = old[0].Version+1, old[0].Version
	}
	if err := control.Put(w.Context(), write); err != nil {
		w.Fatal(err)
	}
}

// unavailable is a process manager's way to commands that does not answer.
type unavailable struct{}

func (unavailable) Handle(context.Context, process.Request) error {
	return events.Errorf(events.CodeUnavailable, "no answer")
}
