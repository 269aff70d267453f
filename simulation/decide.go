package simulation

import (
	"context"
	"errors"
	"slices"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
)

// dryStore is a store that keeps what is to be appended from being stored.
type dryStore struct {
	*eventstest.Memory
	got events.Commit
}

var errStopped = errors.New("simulation: it is decided, and not stored")

// Append implements events.Store.
func (s *dryStore) Append(_ context.Context, _ events.Position, c events.Commit) (events.Commit, error) {
	s.got = c
	return events.Commit{}, errStopped
}

// decide returns what commands decide on a stream at a version: a commit without
// events for nothing.
func (c *checker) decide(ctx context.Context, stream events.Stream, version int64, at time.Time, commands []aggregate.Command) (events.Commit, error) {
	memory := &eventstest.Memory{}
	position := events.Start(stream)
	for _, commit := range c.commits[stream] {
		if commit.Version > version {
			break
		}
		commit.Snapshot, commit.Claims, commit.Releases = nil, nil, nil
		commit.Commands = slices.Clone(commit.Commands)
		for i := range commit.Commands {
			commit.Commands[i].Once = false
		}
		stored, err := memory.Append(ctx, position, commit)
		if err != nil {
			return events.Commit{}, err
		}
		position = events.After(&stored)
	}
	store := &dryStore{Memory: memory}
	handler, err := aggregate.NewHandler(store, c.app.Aggregates, &aggregate.Options{Tenants: c.app.Tenancy.On(), Now: func() time.Time { return at }})
	if err != nil {
		return events.Commit{}, err
	}
	for _, o := range handler.HandleBatch(ctx, commands) {
		if o.Err != nil && !errors.Is(o.Err, errStopped) {
			return events.Commit{}, o.Err
		}
	}
	return store.got, nil
}

// decisions: each commit holds what its commands decide on the events before it. A
// decision on a stale state, a wrong fold and a decision that is no pure function show
// here.
func (c *checker) decisions(ctx context.Context) {
	for _, stream := range c.streams() {
		var before int64
		for _, commit := range c.commits[stream] {
			c.decision(ctx, commit, before)
			before = commit.Version
		}
	}
}

func (c *checker) decision(ctx context.Context, commit events.Commit, before int64) {
	var commands []aggregate.Command
	for _, of := range commit.Commands {
		r, ok := c.sent[of.ID]
		if !ok || r.across || c.owners[r.Name].Aggregate != commit.Stream.Aggregate() {
			return // nobody knows what it said
		}
		r.ID = commit.Stream.ID()
		if r.reactor && r.Digest() != of.Digest {
			return // two attempts of a reaction were answered differently, and the other was first
		}
		commands = append(commands, r.Command)
	}
	got, err := c.decide(ctx, commit.Stream, before, commit.Time, commands)
	switch {
	case err != nil:
		c.fail(checkDecisions, "commit %d of %s holds %v, but on version %d its command is rejected: %v", commit.Number, commit.Stream, namesOf(commit.Events), before, err)
	case !slices.EqualFunc(got.Events, commit.Events, sameEvent):
		c.fail(checkDecisions, "commit %d of %s holds %s, but on version %d its command decides %s", commit.Number, commit.Stream, textOf(commit.Events), before, textOf(got.Events))
	}
}

func sameEvent(a, b events.Event) bool {
	return a.Name == b.Name && string(a.Data) == string(b.Data)
}

func textOf(es []events.Event) (text string) {
	for i, e := range es {
		if i > 0 {
			text += ", "
		}
		text += e.Name + " " + string(e.Data)
	}
	return text
}
