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
	got []events.Event
}

var errStopped = errors.New("simulation: it is decided, and not stored")

// Append implements events.Store.
func (s *dryStore) Append(_ context.Context, _ events.Position, c events.Commit) (events.Commit, error) {
	s.got = c.Events
	return events.Commit{}, errStopped
}

// decide returns what commands of clients decide on a stream at a version.
func (c *checker) decide(ctx context.Context, stream events.Stream, version int64, at time.Time, steps []step) ([]events.Event, error) {
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
			return nil, err
		}
		position = events.After(&stored)
	}
	store := &dryStore{Memory: memory}
	handler, err := aggregate.NewHandler(store, c.app.Aggregates, &aggregate.Options{Now: func() time.Time { return at }})
	if err != nil {
		return nil, err
	}
	commands := make([]aggregate.Command, len(steps))
	for i, s := range steps {
		commands[i] = aggregate.Command{Name: s.command.Name, ID: stream.ID(), Payload: s.payload, CommandID: s.commandID(), Actor: "local"}
	}
	for _, o := range handler.HandleBatch(ctx, commands) {
		if o.Err != nil && !errors.Is(o.Err, errStopped) {
			return nil, o.Err
		}
	}
	return store.got, nil
}

// decisions: each commit that answers commands of clients holds what they decide on
// the events before it. A decision on a stale state, a wrong fold and a decision that
// is no pure function show here.
func (c *checker) decisions(ctx context.Context) {
	sent := map[string]step{}
	for _, op := range c.operations {
		sent[op.key] = op.step
	}
	for _, stream := range c.streams() {
		for i, commit := range c.commits[stream] {
			var steps []step
			for _, command := range commit.Commands {
				if s, ok := sent[command.ID]; ok && !s.command.Across && s.command.Aggregate == stream.Aggregate() {
					steps = append(steps, s)
				}
			}
			if len(steps) != len(commit.Commands) {
				continue
			}
			var before int64
			if i > 0 {
				before = c.commits[stream][i-1].Version
			}
			got, err := c.decide(ctx, stream, before, commit.Time, steps)
			switch {
			case err != nil:
				c.fail(checkDecisions, "commit %d of %s holds %v, and its command is refused on version %d: %v", commit.Number, stream, namesOf(commit.Events), before, err)
			case !slices.EqualFunc(got, commit.Events, sameEvent):
				c.fail(checkDecisions, "commit %d of %s holds %s, and its command decides %s on version %d", commit.Number, stream, textOf(commit.Events), textOf(got), before)
			}
		}
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
