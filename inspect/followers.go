package inspect

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"
	"unicode/utf8"

	"daybook/events"
	"daybook/follow"
	"daybook/process"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
	"daybook/view/projection"
)

// followers are views, each with one table, and process managers and outboxes.
type followers struct {
	tables   driver.Tables // of the views
	views    []view.View
	reactors []process.Reactor
}

// followers returns the followers of the given names, all for none. at names tables
// in place of those that answer queries.
func (i *Installation) followers(ctx context.Context, names []string, at ...driver.Target) (f followers, err error) {
	if len(names) == 0 {
		f.views, f.reactors = i.app.Views, i.app.Processes
	}
	for _, name := range names {
		v, r := i.app.View(name), i.app.Process(name)
		if v != nil {
			f.views = append(f.views, v)
		}
		if r != nil {
			f.reactors = append(f.reactors, r)
		}
		if v == nil && r == nil {
			return f, unknown("view, process manager or outbox", name, i.followerNames())
		}
	}
	at = slices.DeleteFunc(slices.Clone(at), func(t driver.Target) bool {
		return !slices.ContainsFunc(f.views, func(v view.View) bool { return v.Describe().Name == t.View })
	})
	if len(f.views) > 0 {
		f.tables, f.views, err = admin.Pin(ctx, i.sources.Tables, f.views, at...)
	}
	return f, err
}

// followerNames are the names of all that follows streams.
func (i *Installation) followerNames() (names []string) {
	for _, v := range i.app.Views {
		names = append(names, v.Describe().Name)
	}
	return append(names, i.reactorNames()...)
}

// reactorNames are the names of all process managers and outboxes.
func (i *Installation) reactorNames() (names []string) {
	for _, r := range i.app.Processes {
		names = append(names, r.Describe().Name)
	}
	return names
}

// ParkedStream is a stream that a view, a process manager or an outbox can't follow.
type ParkedStream struct {
	View     string        `json:"view,omitzero"`
	Version  int           `json:"version,omitzero"` // of the view
	Process  string        `json:"process,omitzero"` // a process manager or an outbox
	Stream   events.Stream `json:"stream"`
	Commit   int64         `json:"commit"` // that can't be applied
	Code     events.Code   `json:"code"`
	Text     string        `json:"text"`
	Time     time.Time     `json:"time"` // of the last attempt
	Attempts int           `json:"attempts"`
}

// ParkedOf returns a fault as the list of parked streams has it.
func ParkedOf(f follow.Fault) ParkedStream {
	p := ParkedStream{Version: f.Version, Stream: f.Stream, Commit: f.Commit, Code: f.Code, Text: f.Text, Time: f.Time, Attempts: f.Attempts}
	if f.Version > 0 {
		p.View = f.Consumer
	} else {
		p.Process = f.Consumer
	}
	return p
}

// ParkedProcess returns the fault of a ledger's entry, nil for none.
func ParkedProcess(e *process.Entry) *ParkedStream {
	if e.Fault == nil {
		return nil
	}
	p := ParkedOf(*e.Fault)
	p.Process, p.Stream = e.Reactor, e.Stream
	return &p
}

// ParkedQuery asks for parked streams.
type ParkedQuery struct {
	Tenant string          // whose streams; "" for all
	Names  []string        // of views, process managers and outboxes; none for all
	At     []driver.Target // tables in place of those that answer queries
	Limit  int             // 1 to 1,000; 0 for 100
	After  *ParkedPlace    // goes on behind a page: its Next
}

// ParkedPlace is a place in a list of parked streams.
type ParkedPlace struct {
	Name   string        `json:"name"` // of the follower
	Stream events.Stream `json:"stream"`
}

// ParkedPage is an answer to Parked.
type ParkedPage struct {
	Parked []ParkedStream `json:"parked"`
	Next   *ParkedPlace   `json:"next,omitzero"`
}

// Parked lists parked streams: by follower in the order of declaration, views
// first, and by the stream's name. Codes: not-found for a name that is not
// declared; malformed for a limit; conflict for a table that is not there; and
// those of the stores.
func (i *Installation) Parked(ctx context.Context, q ParkedQuery) (ParkedPage, error) {
	limit := cmp.Or(q.Limit, 100)
	if err := checkLimit(limit, 1000); err != nil {
		return ParkedPage{}, err
	}
	f, err := i.followers(ctx, q.Names, q.At...)
	if err != nil {
		return ParkedPage{}, err
	}
	lists, err := i.parkedLists(f)
	if err != nil {
		return ParkedPage{}, err
	}
	page := ParkedPage{Parked: []ParkedStream{}}
	reached := q.After == nil
	for _, l := range lists {
		after := events.Stream("")
		if !reached {
			if l.name != q.After.Name {
				continue
			}
			reached, after = true, q.After.Stream
		}
		after = cmp.Or(after, events.Stream(events.Scoped(q.Tenant, ""))) // sorts before the tenant's streams
		left := limit - len(page.Parked)
		if left == 0 {
			page.Next = &ParkedPlace{Name: l.name}
			break
		}
		faults, err := l.list(ctx, l.name, after, left)
		if err != nil {
			return ParkedPage{}, err
		}
		for n, fault := range faults {
			if q.Tenant != "" && fault.Stream.Tenant() != q.Tenant {
				faults = faults[:n] // another's come behind the tenant's
				break
			}
			page.Parked = append(page.Parked, ParkedOf(fault))
		}
		if len(faults) == left {
			page.Next = &ParkedPlace{l.name, faults[left-1].Stream}
			break
		}
	}
	return page, nil
}

// AllParked are the streams that Parked lists from q.After on, on all pages, in its order.
func (i *Installation) AllParked(ctx context.Context, q ParkedQuery) iter.Seq2[ParkedStream, error] {
	return func(yield func(ParkedStream, error) bool) {
		for more := true; more; more = q.After != nil {
			page, err := i.Parked(ctx, q)
			if err != nil {
				yield(ParkedStream{}, err)
				return
			}
			for _, p := range page.Parked {
				if !yield(p, nil) {
					return
				}
			}
			q.After = page.Next
		}
	}
}

// parkedList lists what one follower has parked.
type parkedList struct {
	name string
	list func(ctx context.Context, name string, after events.Stream, limit int) ([]follow.Fault, error)
}

func (i *Installation) parkedLists(f followers) ([]parkedList, error) {
	var lists []parkedList
	if len(f.views) > 0 {
		projector, err := projection.New(i.sources.Events, i.codec, f.tables, f.views, nil)
		if err != nil {
			return nil, err
		}
		for _, v := range f.views {
			lists = append(lists, parkedList{v.Describe().Name, projector.Parked})
		}
	}
	runner, err := process.NewRunner(i.sources.Events, i.codec, i.sources.Ledger, f.reactors, process.Effects{}, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range f.reactors {
		lists = append(lists, parkedList{r.Describe().Name, runner.Parked})
	}
	return lists, nil
}

// ParkedStream returns why a stream is parked for one follower, nil when it is not.
// Codes are those of Parked.
func (i *Installation) ParkedStream(ctx context.Context, name string, stream events.Stream) (*ParkedStream, error) {
	f, err := i.followers(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	lists, err := i.parkedLists(f)
	if err != nil {
		return nil, err
	}
	// The list is sorted by name: it is read from what comes before the stream.
	_, size := utf8.DecodeLastRuneInString(string(stream))
	for after := stream[:len(stream)-size]; ; {
		faults, err := lists[0].list(ctx, name, after, readPage)
		if err != nil {
			return nil, err
		}
		for _, fault := range faults {
			if fault.Stream == stream {
				p := ParkedOf(fault)
				return &p, nil
			}
		}
		if len(faults) < readPage || faults[len(faults)-1].Stream > stream {
			return nil, nil
		}
		after = faults[len(faults)-1].Stream
	}
}
