package inspect

import (
	"context"
	"encoding/json/jsontext"
	"slices"

	"daybook/aggregate"
	"daybook/events"
)

// DryRun is what a command would come to if it were sent now.
type DryRun struct {
	Stream   events.Stream `json:"stream"` // of the command
	Version  int64         `json:"version"`
	Replayed bool          `json:"replayed,omitzero"` // the command was answered before
	// Streams are those that would get a commit: none for a command that finds what
	// it asks for to be so already.
	Streams []DryCommit `json:"streams"`
	// WriteUnits is about what storing the commits would cost.
	WriteUnits int `json:"writeUnits"`
}

// DryCommit is a commit that would be appended to a stream.
type DryCommit struct {
	Stream   events.Stream  `json:"stream"`
	Version  int64          `json:"version"` // of the stream after it
	Before   jsontext.Value `json:"before"`  // the state
	After    jsontext.Value `json:"after"`
	Events   []DryEvent     `json:"events"`
	Claims   []string       `json:"claims,omitempty"`
	Releases []string       `json:"releases,omitempty"`
}

// DryEvent is an event that would be stored.
type DryEvent struct {
	Name   string         `json:"name"`
	Schema int            `json:"schema"`
	Data   jsontext.Value `json:"data"`
}

// DryRun decides a command as a handler does, on the streams as they are now, and
// appends nothing. Errors are those of aggregate.Handler: the rejection, or that a
// value is taken.
func (i *Installation) DryRun(ctx context.Context, c aggregate.Command) (DryRun, error) {
	store := &dryStore{Store: i.sources.Events}
	handler, err := aggregate.NewHandler(store, i.app.Aggregates, &aggregate.Options{Tenants: i.app.Tenancy.On(), CacheBytes: -1, Now: i.sources.Now})
	if err != nil {
		return DryRun{}, err
	}
	got, err := handler.Handle(ctx, c)
	if err != nil {
		return DryRun{}, err
	}
	out := DryRun{Stream: got.Stream, Version: got.Version, Replayed: got.Replayed, Streams: []DryCommit{}}
	for _, a := range store.appended {
		if len(a.Commit.Events) == 0 {
			continue // a guard
		}
		one, err := i.dryCommit(ctx, &a.Commit)
		if err != nil {
			return out, err
		}
		out.Streams = append(out.Streams, one)
		out.WriteUnits += max(1, (sizeOf(&a.Commit)+1023)/1024)
	}
	if writes := events.Writes(store.appended); writes > 1 { // a transaction
		out.WriteUnits = 2 * (out.WriteUnits + writes - len(out.Streams))
	}
	return out, nil
}

// sizeOf is about what a commit takes in bytes: names, ids and attributes are taken
// for 200.
func sizeOf(c *events.Commit) int {
	size := 200
	for _, e := range c.Events {
		size += len(e.Name) + len(e.Data)
	}
	return size
}

func (i *Installation) dryCommit(ctx context.Context, c *events.Commit) (DryCommit, error) {
	d := DryCommit{Stream: c.Stream, Version: c.Version}
	of, err := i.aggregate(c.Stream.Aggregate())
	if err != nil {
		return d, err
	}
	replay, fault, err := i.replayTo(ctx, of, c.Stream, c.Number)
	if err == nil {
		err = fault
	}
	if err == nil {
		d.Before, err = replay.State()
	}
	if err == nil {
		err = replay.Add(c.Events)
	}
	if err == nil {
		d.After, err = replay.State()
	}
	for _, e := range c.Events {
		d.Events = append(d.Events, DryEvent(e))
	}
	for _, claim := range c.Claims {
		d.Claims = append(d.Claims, claim.Key(c.Stream.Tenant()))
	}
	for _, claim := range c.Releases {
		d.Releases = append(d.Releases, claim.Key(c.Stream.Tenant()))
	}
	return d, err
}

// dryStore reads from a store, and keeps appends to itself. They fail as they would.
type dryStore struct {
	events.Store
	appended []events.Append
}

// Append implements events.Store.
func (s *dryStore) Append(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
	all, err := s.AppendAll(ctx, []events.Append{{At: at, Commit: c}})
	if err != nil {
		return events.Commit{}, err
	}
	return all[0], nil
}

// AppendAll implements events.Store.
func (s *dryStore) AppendAll(ctx context.Context, as []events.Append) ([]events.Commit, error) {
	var commits []events.Commit
	var taken events.TakenError
	for _, a := range as {
		winner, err := s.Read(ctx, a.At.Stream(), a.At.Number()+1, 1)
		if err != nil {
			return nil, err
		}
		if len(winner) > 0 {
			return nil, events.Conflict(winner[0])
		}
		a.Commit.Stream, a.Commit.Number, a.Commit.Version = a.At.Stream(), a.At.Number()+1, a.At.Version()+int64(len(a.Commit.Events))
		if len(a.Commit.Events) == 0 { // a guard stays as it was given
			a.Commit.Number, a.Commit.Version = a.At.Number(), a.At.Version()
		}
		commits = append(commits, a.Commit)
	}
	if err := s.look(ctx, as, &taken); err != nil {
		return nil, err
	}
	if len(taken.Claims)+len(taken.Spent) > 0 {
		return nil, events.Taken(&taken)
	}
	s.appended = nil
	for n, c := range commits {
		s.appended = append(s.appended, events.Append{At: as[n].At, Commit: c})
	}
	return commits, nil
}

// look finds claimed values that other streams hold, and once-only ids that are spent.
func (s *dryStore) look(ctx context.Context, as []events.Append, taken *events.TakenError) error {
	freed := map[string]events.Stream{}
	for _, a := range as {
		for _, r := range a.Commit.Releases {
			freed[r.Key(a.At.Stream().Tenant())] = a.At.Stream()
		}
	}
	for _, a := range as {
		for claims := range slices.Chunk(a.Commit.Claims, 100) {
			keys := make([]string, len(claims))
			for n, c := range claims {
				keys[n] = c.Key(a.At.Stream().Tenant())
			}
			held, err := s.Holders(ctx, keys)
			if err != nil {
				return err
			}
			for n, h := range held {
				if h.Stream != "" && h.Stream != a.At.Stream() && freed[keys[n]] != h.Stream {
					taken.Claims = append(taken.Claims, claims[n])
				}
			}
		}
		for _, c := range a.Commit.Commands {
			if !c.Once {
				continue
			}
			spent, err := s.Spent(ctx, a.Commit.Time, a.At.Stream().Tenant(), []string{c.ID})
			if err != nil {
				return err
			}
			if spent[0] != nil {
				taken.Spent = append(taken.Spent, *spent[0])
			}
		}
	}
	return nil
}
