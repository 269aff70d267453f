package inspect

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"slices"
	"strings"
	"time"

	"daybook/events"
	"daybook/parallel"
	"daybook/personal"
	"daybook/process"
)

// ProcessesQuery asks for instances: how far process managers and outboxes have
// come with streams. The ledger has no order, so a page may hold fewer instances
// than the limit, even none, and have a Next.
type ProcessesQuery struct {
	Name   string        // of a process manager or outbox; "" for all
	Stream events.Stream // of one stream only: needs no paging
	Limit  int           // entries that are read, 1 to 1,000; 0 for 100
	Cursor string        // a page's Next
	// Times asks for the times of the commits that were handled last, at the cost of a
	// read for each instance; and, for a stream, when its timers are due, at the cost
	// of reading up to 1,000 of its commits.
	Times bool
}

// ProcessesPage is an answer to Processes.
type ProcessesPage struct {
	Instances []Instance `json:"instances"`
	Next      string     `json:"next,omitzero"`
}

// Instance is how far a process manager or an outbox has come with a stream.
type Instance struct {
	Process string         `json:"process"`
	Stream  events.Stream  `json:"stream"`
	Commit  int64          `json:"commit"`        // the last one handled
	Time    time.Time      `json:"time,omitzero"` // when it was accepted; with ProcessesQuery.Times
	Memory  jsontext.Value `json:"memory,omitzero"`
	// Attempts counts the deliveries of the next commit that failed transiently.
	Attempts   int         `json:"attempts,omitzero"`
	Rejections []Rejection `json:"rejections,omitempty"` // of the next commit's commands
	// Answered are the last rejections of commits that were handled.
	Answered []process.PastRejection `json:"answered,omitempty"`
	Timers   []Timer                 `json:"timers,omitempty"` // set and not cancelled; they may have fired
	Parked   *ParkedStream           `json:"parked,omitzero"`
}

// Rejection is a command of a process manager that its aggregate did not accept.
type Rejection struct {
	CommandID string      `json:"commandId"`
	Command   string      `json:"command"`
	ID        string      `json:"id"` // of the aggregate
	Code      events.Code `json:"code"`
	Message   string      `json:"message,omitzero"`
}

// Timer is a timer of a process manager.
type Timer struct {
	Name string `json:"name"` // that the manager gave it
	ID   string `json:"id"`   // under which it is set: process.Timer.Name
	// Due is with ProcessesQuery.Times for a stream, where it can be derived.
	Due time.Time `json:"due,omitzero"`
}

// Processes lists instances. Codes: not-found for a name that is not declared;
// malformed for a limit or a cursor; and those of the ledger.
func (i *Installation) Processes(ctx context.Context, q ProcessesQuery) (ProcessesPage, error) {
	limit := cmp.Or(q.Limit, 100)
	if err := checkLimit(limit, 1000); err != nil {
		return ProcessesPage{}, err
	}
	if q.Name != "" && i.app.Process(q.Name) == nil {
		return ProcessesPage{}, unknown("process manager or outbox", q.Name, i.reactorNames())
	}
	page := ProcessesPage{Instances: []Instance{}}
	if q.Stream != "" {
		err := i.instancesOf(ctx, q, &page)
		if err == nil && q.Times {
			err = i.addTimes(ctx, page.Instances)
		}
		for n := 0; err == nil && q.Times && n < len(page.Instances); n++ {
			err = i.addDue(ctx, &page.Instances[n])
		}
		return page, err
	}
	entries, next, err := i.sources.Ledger.Entries(ctx, q.Cursor, limit)
	for _, e := range entries {
		if q.Name == "" || q.Name == e.Reactor {
			page.Instances = append(page.Instances, instanceOf(&e))
		}
	}
	page.Next = next
	if err == nil && q.Times {
		err = i.addTimes(ctx, page.Instances)
	}
	return page, err
}

// addTimes fills in when the commits that were handled last were accepted.
func (i *Installation) addTimes(ctx context.Context, all []Instance) error {
	return parallel.New(8).Until(ctx, len(all), func(ctx context.Context, n int) error {
		if all[n].Commit == 0 {
			return nil
		}
		found, err := i.sources.Events.Commits(ctx, all[n].Stream, []int64{all[n].Commit})
		if err == nil && found[0] != nil {
			all[n].Time = found[0].Time
		}
		return err
	})
}

// instancesOf adds the instances of one stream.
func (i *Installation) instancesOf(ctx context.Context, q ProcessesQuery, page *ProcessesPage) error {
	var keys []process.Key
	for _, r := range i.app.Processes {
		d := r.Describe()
		if (q.Name == "" || q.Name == d.Name) && slices.Contains(d.Aggregates, q.Stream.Aggregate()) {
			keys = append(keys, process.Key{Reactor: d.Name, Stream: q.Stream})
		}
	}
	for some := range slices.Chunk(keys, 100) {
		entries, err := i.sources.Ledger.Load(ctx, some)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e != nil {
				page.Instances = append(page.Instances, instanceOf(e))
			}
		}
	}
	return nil
}

func instanceOf(e *process.Entry) Instance {
	i := Instance{Process: e.Reactor, Stream: e.Stream, Commit: e.Commit, Memory: personal.Plain(e.Memory), Attempts: e.Attempts, Answered: e.Answered}
	for _, r := range e.Rejections {
		i.Rejections = append(i.Rejections, Rejection(r))
	}
	for name, id := range e.Timers {
		i.Timers = append(i.Timers, Timer{Name: name, ID: id})
	}
	slices.SortFunc(i.Timers, func(a, b Timer) int { return strings.Compare(a.Name, b.Name) })
	i.Parked = ParkedProcess(e)
	return i
}
