package inspect

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/personal"
)

// StreamQuery asks for a part of a stream. Without From and Before it is the newest
// part.
type StreamQuery struct {
	From   int64 // begin with the commit that has this version
	Before int64 // or end in front of the commit that has this version
	Limit  int   // commits at most, 1 to 1,000; 0 for 50
	// States asks for the states before and after the events.
	States bool
}

// StreamPage is a part of a stream.
type StreamPage struct {
	Stream  events.Stream `json:"stream"`
	Version int64         `json:"version"` // of the stream now
	Commits []Commit      `json:"commits"` // oldest first
	// Older is the Before of the page before this one, and Newer the From of the
	// one behind it; 0 for none.
	Older int64 `json:"older,omitzero"`
	Newer int64 `json:"newer,omitzero"`
}

// Commit is a commit of a stream.
type Commit struct {
	Number      int64     `json:"commit"`
	Version     int64     `json:"version"` // of the stream after it
	ID          string    `json:"id"`
	Time        time.Time `json:"time"`
	Actor       string    `json:"actor,omitzero"`
	Correlation string    `json:"correlation,omitzero"`
	Causation   string    `json:"causation,omitzero"`
	Trace       string    `json:"traceparent,omitzero"` // W3C trace context
	Commands    []string  `json:"commands"`             // the ids of those it answers
	// Kept are the commands themselves, those that were kept with the commit.
	Kept     []KeptCommand `json:"kept,omitempty"`
	Claims   []string      `json:"claims,omitempty"`
	Releases []string      `json:"releases,omitempty"`
	Snapshot bool          `json:"snapshot,omitzero"` // it carries one
	Bytes    int           `json:"bytes"`             // stored
	// WriteUnits is what storing it cost, other streams of the same transaction
	// left out.
	WriteUnits int `json:"writeUnits"`
	// Before is the state before the first event; with StreamQuery.States.
	Before jsontext.Value `json:"before,omitzero"`
	Events []StreamEvent  `json:"events"`
	// Fault says why the state after the commit is not known: the aggregate
	// can't take in an event. Later commits have no states.
	Fault string `json:"fault,omitzero"`
}

// KeptCommand is an accepted command that was kept beside its events.
type KeptCommand struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Payload jsontext.Value `json:"payload,omitzero"` // absent for a part of a command to Stream
	Stream  events.Stream  `json:"stream,omitzero"`  // that the command was sent to, where it is another
}

// StreamEvent is an event of a stream.
type StreamEvent struct {
	Stream      events.Stream `json:"stream"`
	Version     int64         `json:"version"`
	Commit      int64         `json:"commit"`
	Time        time.Time     `json:"time"`
	Name        string        `json:"name"`
	Schema      int           `json:"schema"`
	Actor       string        `json:"actor,omitzero"`
	CommandID   string        `json:"commandId,omitzero"`
	Correlation string        `json:"correlation,omitzero"`
	Causation   string        `json:"causation,omitzero"`
	// Command is the command that the event is the first one of, where it was kept.
	Command *KeptCommand   `json:"command,omitzero"`
	Data    jsontext.Value `json:"data"`
	// After is the state after the event; with StreamQuery.States.
	After jsontext.Value `json:"after,omitzero"`
}

// EventsOf returns the events of a commit.
func EventsOf(c *events.Commit) []StreamEvent {
	all := make([]StreamEvent, len(c.Events))
	for i, e := range c.Events {
		one := StreamEvent{
			Stream: c.Stream, Version: c.First() + int64(i), Commit: c.Number, Time: c.Time, Name: e.Name, Schema: e.Schema,
			Actor: c.Actor, Correlation: c.Correlation, Causation: c.Causation, Data: personal.Plain(e.Data),
		}
		for _, command := range c.Commands {
			if command.Version >= one.Version {
				one.CommandID = command.ID
				if i == 0 || all[i-1].CommandID != command.ID {
					one.Command = keptOf(command)
				}
				break
			}
		}
		all[i] = one
	}
	return all
}

// keptOf is a command as it was kept; nil where it was not.
func keptOf(c events.Command) *KeptCommand {
	if c.Kept == nil {
		return nil
	}
	return &KeptCommand{ID: c.ID, Name: c.Kept.Name, Payload: personal.Plain(c.Kept.Payload), Stream: c.Kept.Stream}
}

// commitOf returns a commit without states.
func commitOf(c *events.Commit) Commit {
	out := Commit{
		Number: c.Number, Version: c.Version, ID: c.ID, Time: c.Time, Actor: c.Actor, Correlation: c.Correlation, Causation: c.Causation, Trace: c.Trace,
		Commands: []string{}, Snapshot: c.Snapshot != nil, Bytes: c.Size, WriteUnits: writeUnits(c), Events: EventsOf(c),
	}
	for _, command := range c.Commands {
		out.Commands = append(out.Commands, command.ID)
		if k := keptOf(command); k != nil {
			out.Kept = append(out.Kept, *k)
		}
	}
	for _, claim := range c.Claims {
		out.Claims = append(out.Claims, claim.Key(c.Stream.Tenant()))
	}
	for _, claim := range c.Releases {
		out.Releases = append(out.Releases, claim.Key(c.Stream.Tenant()))
	}
	return out
}

// writeUnits is what a commit of one stream cost: DynamoDB bills each KB begun, and
// a transaction double.
func writeUnits(c *events.Commit) int {
	units := max(1, (c.Size+1023)/1024)
	if others := events.Writes([]events.Append{{Commit: *c}}) - 1; others > 0 {
		return 2 * (units + others)
	}
	return units
}

// readPage is how many commits are read at once.
const readPage = 100

// noStream is the error of a stream without a commit.
func noStream(stream events.Stream) error {
	return events.Errorf(events.CodeNotFound, "there is no stream %s", stream)
}

// last returns the last commit of a stream, nil for none.
func (i *Installation) last(ctx context.Context, stream events.Stream) (*events.Commit, error) {
	if err := i.CheckTenant(stream.Tenant()); err != nil {
		return nil, err
	}
	of, err := i.aggregate(stream.Aggregate())
	if err != nil {
		return nil, err
	}
	part, err := aggregate.Newest(ctx, i.sources.Events, of, stream)
	if err != nil || len(part) == 0 {
		return nil, err
	}
	return &part[len(part)-1], nil
}

// Stream returns a part of a stream, at a cost that does not grow with the stream.
//
// Codes: tenant-required for a stream without the tenant that the application needs;
// not-found for one that does not exist and an aggregate that is not declared; malformed
// for a limit or a version; and those of events.Store.
func (i *Installation) Stream(ctx context.Context, stream events.Stream, q StreamQuery) (StreamPage, error) {
	limit := int64(cmp.Or(q.Limit, 50))
	if err := checkLimit(int(limit), 1000); err != nil {
		return StreamPage{}, err
	}
	last, err := i.last(ctx, stream)
	if err != nil {
		return StreamPage{}, err
	}
	if last == nil {
		return StreamPage{}, noStream(stream)
	}
	first, end, err := i.pageOf(ctx, last, q, limit)
	if err != nil {
		return StreamPage{}, err
	}
	page := StreamPage{Stream: stream, Version: last.Version, Commits: []Commit{}}
	if end < first {
		return page, nil
	}
	commits, err := i.sources.Events.Read(ctx, stream, first, int(end-first+1))
	if err != nil {
		return StreamPage{}, err
	}
	for n := range commits {
		page.Commits = append(page.Commits, commitOf(&commits[n]))
	}
	if first > 1 {
		page.Older = commits[0].First()
	}
	if end < last.Number {
		page.Newer = commits[len(commits)-1].Version + 1
	}
	if q.States {
		err = i.addStates(ctx, commits, page.Commits)
	}
	return page, err
}

// pageOf returns the numbers of the first and the last commit of a page; the last is
// below the first for none.
func (i *Installation) pageOf(ctx context.Context, last *events.Commit, q StreamQuery, limit int64) (first, end int64, err error) {
	switch {
	case q.From < 0 || q.Before < 0 || q.From > 0 && q.Before > 0:
		return 0, 0, events.Errorf(events.CodeMalformed, "a part of a stream begins or ends at a version from 1")
	case q.From > last.Version:
		return last.Number + 1, last.Number, nil
	case q.From > 0:
		first, err = i.numberOf(ctx, last, q.From)
		return first, min(last.Number, first+limit-1), err
	case q.Before > 0 && q.Before <= last.Version:
		at, err := i.numberOf(ctx, last, q.Before)
		return max(1, at-limit), at - 1, err
	}
	return max(1, last.Number-limit+1), last.Number, nil
}

// numberOf finds the commit that has a version, by halves: the number of a commit
// is at most its version.
func (i *Installation) numberOf(ctx context.Context, last *events.Commit, version int64) (int64, error) {
	return FirstCommit(ctx, i.sources.Events, last.Stream, min(version, last.Number)-1, func(c *events.Commit) bool { return c.Version >= version })
}

// addStates fills in the states before and after the events of the commits.
func (i *Installation) addStates(ctx context.Context, commits []events.Commit, into []Commit) error {
	of, err := i.aggregate(commits[0].Stream.Aggregate())
	if err != nil {
		return err
	}
	replay, fault, err := i.replayTo(ctx, of, commits[0].Stream, commits[0].Number)
	if err != nil {
		return err
	}
	for n := range commits {
		c := &into[n]
		if fault == nil {
			c.Before, fault = replay.State()
		}
		for e := range c.Events {
			if fault == nil {
				fault = replay.Add(commits[n].Events[e : e+1])
			}
			if fault == nil {
				c.Events[e].After, fault = replay.State()
			}
		}
		if fault != nil {
			c.Fault = events.FaultText(fault)
			return nil
		}
	}
	return nil
}

// replayTo folds a stream up to the commit before the given one: from the nearest
// snapshot that fits. fault says that the aggregate can't take in an event.
func (i *Installation) replayTo(ctx context.Context, of aggregate.Aggregate, stream events.Stream, number int64) (replay *aggregate.Replay, fault, err error) {
	var after []events.Commit // behind the snapshot
	for high := number; ; {
		low := max(1, high-readPage)
		var page []events.Commit
		if high > low {
			if page, err = i.sources.Events.Read(ctx, stream, low, int(high-low)); err != nil {
				return nil, nil, err
			}
		}
		for n := len(page) - 1; n >= 0; n-- {
			if page[n].Snapshot == nil {
				continue
			}
			r, fits, err := aggregate.NewReplay(of, page[n].Snapshot)
			if err != nil || !fits {
				continue
			}
			return r, foldAll(r, append(page[n+1:], after...)), nil
		}
		after = append(page, after...)
		if high = low; high == 1 {
			r, _, err := aggregate.NewReplay(of, nil)
			if err != nil {
				return nil, err, nil
			}
			return r, foldAll(r, after), nil
		}
	}
}

func foldAll(r *aggregate.Replay, commits []events.Commit) error {
	for _, c := range commits {
		if err := r.Add(c.Events); err != nil {
			return err
		}
	}
	return nil
}
