package simulation

import (
	"context"
	"encoding/json/v2"
	"errors"
	"maps"
	"slices"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/personal"
)

// dryStore is a store that keeps what is to be appended from being stored.
type dryStore struct {
	*eventstest.Memory
	got events.Commit
}

var errStopped = errors.New("simulation: it is decided, and not stored")

// Append implements events.Store.
func (s *dryStore) Append(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
	switch first, err := s.Read(ctx, at.Stream(), at.Number()+1, 1); {
	case err != nil:
		return events.Commit{}, err
	case len(first) > 0: // a command that creates was decided on nothing
		return events.Commit{}, events.Conflict(first[0])
	}
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
			if c.readable(commit) {
				c.decision(ctx, commit, before)
			}
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
	case !slices.EqualFunc(got.Events, commit.Events, c.sameEvent):
		c.fail(checkDecisions, "commit %d of %s holds %s, but on version %d its command decides %s", commit.Number, commit.Stream, textOf(commit.Events), before, textOf(got.Events))
	}
}

// sameEvent reports whether a command decides the event that is stored. Where somebody was
// erased, null is stored in place of a personal value that was handled later.
func (c *checker) sameEvent(decided, stored events.Event) bool {
	a, b := personal.Plain(decided.Data), personal.Plain(stored.Data)
	if decided.Name != stored.Name || len(c.erasures.all) == 0 {
		return decided.Name == stored.Name && string(a) == string(b)
	}
	var want, have any
	return errors.Join(json.Unmarshal(a, &want), json.Unmarshal(b, &have)) == nil && sameButErased(want, have)
}

func sameButErased(want, have any) bool {
	switch have := have.(type) {
	case nil:
		return true
	case map[string]any:
		other, ok := want.(map[string]any)
		return ok && maps.EqualFunc(other, have, sameButErased)
	case []any:
		other, ok := want.([]any)
		return ok && slices.EqualFunc(other, have, sameButErased)
	}
	return want == have
}

func textOf(es []events.Event) (text string) {
	for i, e := range es {
		if i > 0 {
			text += ", "
		}
		text += e.Name + " " + string(personal.Plain(e.Data))
	}
	return text
}
