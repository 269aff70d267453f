package explaintest

import (
	"context"
	"slices"
	"strings"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/explain"
	"daybook/process"
)

// Job is a job that got stuck, and what an explanation of it has to say.
type Job struct {
	Name string
	// Plant lets the job get stuck, and returns a token that leads to it.
	Plant func(w *World) (token string)
	State explain.State
	// Says are texts of the one cause that the state is of: what is stuck, why,
	// and the step to take.
	Says []string
	// Queued says that nothing is stored of the job's command: only its sender can
	// ask, who has its id.
	Queued bool
}

// Names reports whether one of the causes is the job's, and says everything.
func (j Job) Names(causes []explain.Cause) bool {
	return slices.ContainsFunc(causes, func(c explain.Cause) bool {
		text := strings.Join([]string{string(c.Kind) + " " + c.Name, c.Code, c.Text, c.Next}, ": ")
		return c.State == j.State && !slices.ContainsFunc(j.Says, func(s string) bool { return !strings.Contains(text, s) })
	})
}

// deadline is when the deadline of a job placed now is due.
const deadline = 15 * time.Minute

// Stuck are the jobs, each stuck in another way.
var Stuck = []Job{
	{"short stock", func(w *World) string {
		w.Place("1", Place{Units: 9})
		w.RunAll()
		return "job/1@1"
	}, explain.StateRejected, []string{"reserve-units to depot/d", "out-of-stock", "there are 5 units only"}, false},
	{"a retired depot", func(w *World) string {
		w.Send("retire-depot", "d", "")
		w.Place("1", Place{Units: 1})
		w.RunAll()
		return "jobs/1"
	}, explain.StateRejected, []string{"reserve-units to depot/d", "depot-retired", "this depot is given up"}, false},
	{"a taken value", func(w *World) string {
		w.Place("1", Place{Units: 1, Bay: "b7"})
		w.RunAll()
		w.Send("stock-depot", "e", `{"units":5}`)
		w.Place("2", Place{Depot: "e", Units: 1, Bay: "b7"})
		w.RunAll()
		return "job/2"
	}, explain.StateRejected, []string{"reserve-units to depot/e", "already-taken"}, false},
	{"a rejection that nobody expects", func(w *World) string {
		w.Place("1", Place{Depot: "nowhere", Units: 1, Trap: "strict"})
		w.RunAll()
		return "job/1"
	}, explain.StateParked, []string{"dispatch", "depot-not-found", "command reserve-units to nowhere was rejected", "run works redrive dispatch job/1"}, false},
	{"a panicking view", func(w *World) string {
		w.Place("1", Place{Units: 1, Trap: "panic in the view"})
		w.RunAll()
		return "jobs/1"
	}, explain.StateParked, []string{"row jobs/1", "the handler of job-placed panicked", "business.go", "run works redrive jobs job/1"}, false},
	{"a full row", func(w *World) string {
		w.Place("1", Place{Units: 1, Trap: "full"})
		w.RunAll()
		return "job/1"
	}, explain.StateParked, []string{"loads of job/1", "too-large", "400 KB"}, false},
	{"a panicking process", func(w *World) string {
		w.Place("1", Place{Units: 1, Trap: "panic in the process"})
		w.RunAll()
		return "job/1"
	}, explain.StateParked, []string{"process dispatch", "the handler of job-placed panicked", "business.go", "run works redrive dispatch job/1"}, false},
	{"a memory that is too large", func(w *World) string {
		w.Place("1", Place{Units: 1, Trap: "memory"})
		w.RunAll()
		return "job/1"
	}, explain.StateParked, []string{"dispatch", "too-large", "the memory of a stream has at most"}, false},
	{"an undeclared command", func(w *World) string {
		w.Place("1", Place{Units: 1, Trap: "undeclared"})
		w.RunAll()
		return "job/1"
	}, explain.StateParked, []string{"dispatch", "sends the command undeclared-command without declaring it"}, false},
	{"an invalid payload", func(w *World) string {
		w.Place("1", Place{Units: 1, Trap: "invalid"})
		w.RunAll()
		return "job/1"
	}, explain.StateParked, []string{"dispatch", "malformed", "command reject-job to 1 can't be handled"}, false},
	{"a state that can't be made", func(w *World) string {
		w.Append("job/1", events.Event{Name: "job-placed", Schema: 1, Data: []byte(`{"depot":"d","units":1,"trap":"fold"}`)})
		w.RunAll()
		return "job/1@1"
	}, explain.StateParked, []string{"dispatch", "internal", "command confirm-job to 1 can't be handled"}, false},
	{"a dead letter", func(w *World) string {
		w.Append("job/1", events.Event{Name: "job-placed", Schema: 1, Data: []byte(`{"depot":"d","units":1,"trap":"fold"}`)})
		w.Enqueue(aggregate.Command{Name: "confirm-job", ID: "1", CommandID: "q-1"})
		w.Work()
		return "q-1"
	}, explain.StateFailed, []string{"confirm-job to job/1", "dead letter since", "evolving failed", "run works dead redrive q-1"}, false},
	{"a poisoned message", func(w *World) string {
		w.Place("1", Place{Units: 1})
		w.RunAll()
		w.Enqueue(aggregate.Command{Name: "confirm-job", ID: "1", CommandID: "q-1"})
		w.SpoilQueue()
		w.Work()
		w.Now = w.Now.Add(time.Minute)
		return "q-1"
	}, explain.StateFailed, []string{"a message to job/1", "dead letter", "it is not the JSON of a queued command", "run works dead redrive m-0"}, false},
	{"a poisoned message, by its stream", func(w *World) string {
		w.Place("1", Place{Units: 1})
		w.RunAll()
		w.Enqueue(aggregate.Command{Name: "confirm-job", ID: "1", CommandID: "q-1"})
		w.SpoilQueue()
		w.Work()
		return "job/1"
	}, explain.StateFailed, []string{"a message to job/1", "it is not the JSON of a queued command"}, false},
	{"a lost timer", func(w *World) string {
		w.Place("1", Place{Units: 1, Trap: "nothing"})
		w.RunAll()
		w.Now = w.Now.Add(deadline + time.Hour)
		return "dispatch job/1 deadline"
	}, explain.StateLost, []string{"deadline: reject-job to job/1", "due 1h0m", "never arrived", "run works send reject-job -id 1"}, false},
	{"a timer whose command was rejected", func(w *World) string {
		w.Place("1", Place{Units: 1, Trap: "nothing"})
		w.RunAll()
		w.Send("confirm-job", "1", "")
		w.Now = w.Now.Add(deadline)
		w.FireTimers()
		return "job/1@1"
	}, explain.StateRejected, []string{"deadline: reject-job to job/1", "decided", "the job is confirmed already"}, false},
	{"a queue that nobody reads", func(w *World) string {
		w.Place("1", Place{Units: 1})
		w.Enqueue(aggregate.Command{Name: "confirm-job", ID: "1", CommandID: "q-1"})
		w.Now = w.Now.Add(10 * time.Minute)
		return "q-1"
	}, explain.StateLate, []string{"in the command queue for 10m", "the command function does not run"}, true},
	{"a queued command that was rejected", func(w *World) string {
		w.Place("1", Place{Units: 1})
		version := int64(7)
		w.Enqueue(aggregate.Command{Name: "confirm-job", ID: "1", CommandID: "q-1", ExpectedVersion: &version})
		w.Work()
		return "q-1"
	}, explain.StateRejected, []string{"version-conflict"}, true},
	{"a projector that stopped", func(w *World) string {
		id := w.Place("1", Place{Units: 1})
		w.React()
		w.Now = w.Now.Add(time.Hour)
		return id
	}, explain.StateLate, []string{"jobs/1", "at commit 0 of", "the projector does not run, or is behind", "run works lag jobs"}, false},
	{"a process function that stopped", func(w *World) string {
		w.Place("1", Place{Units: 1})
		w.Project()
		w.Now = w.Now.Add(time.Hour)
		return "jobs/1"
	}, explain.StateLate, []string{"process dispatch", "at commit 0 of 1 for 1h0m0s", "the process function does not run", "run works lag dispatch"}, false},
	{"held back by an earlier commit", func(w *World) string {
		w.Place("1", Place{Units: 1, Trap: "panic in the process"})
		w.RunAll()
		w.Send("confirm-job", "1", "")
		w.RunAll()
		return "job/1@2"
	}, explain.StateParked, []string{"process dispatch", "waits behind commit 1", "panicked"}, false},
	{"transient failures", func(w *World) string {
		w.Commands = unavailable{}
		w.Place("1", Place{Units: 1})
		w.React()
		w.Project()
		w.Now = w.Now.Add(time.Minute)
		return "job/1"
	}, explain.StateLate, []string{"process dispatch", "1 deliveries failed with transient errors"}, false},
	{"an event that no program declares", func(w *World) string {
		w.Place("1", Place{Units: 1})
		w.RunAll()
		w.Append("job/1", events.Event{Name: "job-confirmed", Schema: 9, Data: []byte(`{}`)})
		w.Project()
		w.React()
		return "job/1"
	}, explain.StateParked, []string{"row jobs/1", "internal", "run works redrive jobs job/1"}, false},
	{"a table of another version", func(w *World) string {
		w.Place("1", Place{Units: 1})
		w.RunAll()
		w.SetRoutes(`{"views":{"jobs":{"serving":{"version":7,"generation":1},"tables":[{"version":7,"generation":1,"complete":true}]}}}`)
		return "job/1@1"
	}, explain.StateLate, []string{"row jobs/1", "conflict", "jobs v7 is not declared here"}, false},
	{"a bus that refuses a message", func(w *World) string {
		w.Outside.Before = func(method string) error {
			if method == "Publish" {
				return events.Errorf(events.CodeTooLarge, "an event has at most 1 MB")
			}
			return nil
		}
		w.Place("1", Place{Units: 1})
		w.RunAll()
		return "job/1"
	}, explain.StateParked, []string{"process news", "too-large", "an event has at most 1 MB", "run works redrive news job/1"}, false},
}

// unavailable is a process manager's way to commands that does not answer.
type unavailable struct{}

func (unavailable) Handle(context.Context, process.Request) error {
	return events.Errorf(events.CodeUnavailable, "no answer")
}
