package follow

import (
	"context"

	"daybook/events"
)

// Consumer follows the change stream. It keeps, of every stream, the number of the
// last commit handled, and handles the next ones. L is its work on one stream: a
// pointer to a struct that embeds Task. Methods are called concurrently, for one
// lane one at a time.
//
// Errors that events.Transient reports give the batch's records back for another
// delivery; any other parks the stream.
type Consumer[L Lane] interface {
	// Lanes returns the work on a stream of a batch (see Stream.Task): none for a
	// stream without a use.
	Lanes(s *Stream) []L

	// Load sets Commit and Parked of 1 to 100 lanes, as they are stored.
	Load(ctx context.Context, lanes []L) error

	// Handle handles commits behind Task.Commit, at least one and none behind
	// Task.Until, and stores that it did: Commit is the last of them then. A commit
	// that can't be handled is a *CommitError; other permanent errors are put down
	// to the next commit. The kernel narrows Until to find the commit, then sets
	// Task.Stop: if that is the next commit, Handle stores that the stream is parked
	// at it, with Task.Fault, and calls Task.Park. It may do so at once for a fault
	// that it finds itself.
	//
	// Conflict says that another writer was first: Handle has set Known to false,
	// or has loaded what is stored.
	Handle(ctx context.Context, lane L) error

	// Record keeps the fault of a stream whose own item can't be loaded or stored:
	// every delivery meets the fault again.
	Record(ctx context.Context, lane L, f *Fault) error

	// Release ends the parking of a lane that has no commits left to handle. done is
	// false when it has to be looked at again. Conflict as in Handle.
	Release(ctx context.Context, lane L) (done bool, err error)
}

// Grouper is a Consumer that handles the lanes of a batch together. Errors are by
// lane.
type Grouper[L Lane] interface {
	HandleAll(ctx context.Context, lanes []L) []error
}

// Postponer is a Consumer that is told when a lane is left to another delivery.
// parked says that it has parked the stream instead.
type Postponer[L Lane] interface {
	Postpone(lane L, cause error) (parked bool)
}

// Lane is a struct that embeds Task.
type Lane interface{ task() *Task }

// Task is a consumer's work on one stream in one batch.
type Task struct {
	*Stream
	// About is what a fault says of the consumer: its name, and the version of a
	// view. Label names it in errors: `view "accounts"`.
	About Fault
	Label string

	// Commit is the number of the last commit handled, Parked whether the stream is
	// held back behind it. Known says that they are loaded, or taken to be 0.
	Commit int64
	Parked bool
	Known  bool

	Last    int64 // the last commit to handle
	Redrive bool  // although the stream is parked
	More    bool  // commits are left behind Last: the stream stays parked for them
	Single  bool  // one commit at a time
	// Stop is the commit that can't be handled; nil while none is known.
	Stop *CommitError

	run      *Run
	wants    func(*events.Commit) bool
	from     int64 // Commit as it was loaded
	furthest int64 // the last commit that was asked for
	attempts int   // that met a conflict, in a row
	counted  bool  // the deliveries of the stream are in the report
	ended    bool  // parked, or left to another delivery
	page     []events.Commit
}

func (t *Task) task() *Task { return t }

// Task returns the work of a consumer on the stream: up to the last commit that it
// wants, nil for all. A commit that can't be read from its record counts as wanted.
// Last is 0 if it wants none.
func (s *Stream) Task(about Fault, label string, wants func(*events.Commit) bool) Task {
	t := Task{Stream: s, About: about, Label: label, wants: wants}
	t.About.Stream = s.Name
	for _, n := range s.numbers {
		if n > t.Last && t.useful(n) {
			t.Last = n
		}
	}
	return t
}

func (t *Task) useful(n int64) bool {
	c := t.Given[n]
	return t.wants == nil || c == nil || t.wants(c)
}

// Until is the last commit to handle at once.
func (t *Task) Until() int64 {
	if t.Single {
		return t.Commit + 1
	}
	return t.Last
}

// Stopped is Stop, if it is the next commit.
func (t *Task) Stopped() *CommitError {
	if t.Stop == nil || t.Stop.Number != t.Commit+1 {
		return nil
	}
	return t.Stop
}

// At returns the commit with the given number: those of the batch first, the others
// from the store, a page at a time. Errors are the store's, and internal for a
// commit that is not there.
func (t *Task) At(ctx context.Context, number int64) (*events.Commit, error) {
	c, read, err := t.Stream.at(ctx, number, t.Last, &t.page)
	if err == nil && number > t.furthest {
		t.furthest = number
		if read && t.run != nil {
			t.run.add(func(r *Report) { r.Gaps++ })
		}
	}
	return c, err
}

// Fault describes why a commit can't be handled, for the first time.
func (t *Task) Fault(e *CommitError) Fault {
	f := t.About
	f.Commit, f.Code, f.Text, f.Cause = e.Number, events.CodeOf(e.Err), events.FaultText(e.Err), e
	f.Time, f.Attempts = t.run.opts.Now().UTC(), 1
	if c := t.Given[e.Number]; c != nil {
		f.Trace = c.Trace
	} else if c := paged(t.page, e.Number); c != nil {
		f.Trace = c.Trace
	}
	return f
}

// Park reports that the stream was parked.
func (t *Task) Park(f Fault) {
	t.Parked, t.ended = true, true
	t.run.add(func(r *Report) { r.Faults = append(r.Faults, f) })
}

// skipped counts the deliveries that a consumer at the given commit has no use for
// any more: those handled before, and repeats. held are the others.
func (t *Task) skipped(commit int64) (skipped, held int) {
	seen := map[int64]bool{}
	for _, n := range t.numbers {
		switch {
		case !t.useful(n):
		case n <= commit || seen[n]:
			skipped++
		default:
			seen[n] = true
			held++
		}
	}
	return skipped, held
}
