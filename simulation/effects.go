package simulation

import (
	"context"
	"encoding/json/v2"
	"slices"
	"time"

	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/process"
)

// request is a command that somebody sent, for deciding it again.
type request struct {
	aggregate.Command
	across  bool
	reactor bool // it was derived from a commit
}

// requests are all commands whose payloads are known, by their ids: those of clients,
// and those that reactors derive from the commits.
func (c *checker) requests(ctx context.Context) {
	c.sent, c.owners = map[string]request{}, map[string]aggregate.Description{}
	for _, d := range c.app.Commands() {
		c.owners[d.Name] = d
	}
	for _, op := range c.operations {
		c.sent[op.key] = request{aggregate.Command{Name: op.command.Name, Tenant: op.tenant, ID: op.stream.ID(), Payload: op.payload, CommandID: op.key, Actor: "local"}, op.command.Across, false}
	}
	if c.deployed {
		return // which of two programs reacted to a commit is not known
	}
	c.eachEntry(ctx, c.react)
}

// eachEntry visits the ledger's entry of each reactor and stream that it follows, the
// zero one where the reactor has handled nothing.
func (c *checker) eachEntry(ctx context.Context, visit func(process.Reactor, events.Stream, process.Entry)) {
	ledger := dynamo.NewProcesses(c.kind, c.base.ProcessesTable)
	for _, r := range c.app.Processes {
		d := r.Describe()
		for _, stream := range c.streams() {
			if !slices.Contains(d.Aggregates, stream.Aggregate()) {
				continue
			}
			entries, err := ledger.Load(ctx, []process.Key{{Reactor: d.Name, Stream: stream}})
			if err != nil {
				c.fail(checkRun, "the ledger can't be read: %v", err)
				return
			}
			entry := process.Entry{}
			if entries[0] != nil {
				entry = *entries[0]
			}
			visit(r, stream, entry)
		}
	}
}

// reactsTo reports whether a reactor handles a commit of a stream that it follows.
func reactsTo(d process.Description, commit events.Commit) bool {
	return !commit.Time.Before(d.Since) && slices.ContainsFunc(commit.Events, func(e events.Event) bool { return slices.Contains(d.Events, e.Name) })
}

// react derives what a reactor asks for because of the commits that it has handled.
func (c *checker) react(r process.Reactor, stream events.Stream, entry process.Entry) {
	d := r.Describe()
	for i, commit := range c.commits[stream] {
		if !reactsTo(d, commit) || commit.Number > entry.Commit {
			continue
		}
		past := c.commits[stream][:i+1]
		if !d.Remembers {
			past = past[i:]
		}
		unsure := false
		effects, err := process.Derive(c.codec, r, c.base.ViewPrefix, past, func(q process.Request) *process.Rejection {
			if len(c.byID[q.CommandID]) > 0 {
				return nil
			}
			rejection := entry.Rejected(q.CommandID)
			unsure = unsure || rejection == nil // rejected, with a rejection that is not kept, or a no-op
			return rejection
		})
		if err != nil {
			c.fail(checkRun, "the effects of %s for commit %d of %s can't be derived: %v", d.Name, commit.Number, stream, err)
			continue
		}
		for _, e := range effects {
			c.effects = append(c.effects, effect{e, d.Name, commit, unsure && e.Branch != "" || len(c.about[stream]) > 0})
		}
	}
}

// effect is what a reactor asked for because of a commit; maybe, when another branch
// of its reaction may have been taken.
type effect struct {
	process.Effect
	reactor string
	of      events.Commit
	maybe   bool
}

// performed: each effect of a reaction took place. A command that is in no commit has
// been rejected or had nothing to do; where it would have had at every moment, it was
// never handled.
func (c *checker) performed(ctx context.Context) {
	published := map[string]bool{}
	for _, e := range c.published.events {
		var of struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(e.Detail, &of); err == nil {
			published[of.ID] = true
		}
	}
	for _, e := range c.effects {
		switch {
		case e.Set != nil:
			c.remember(e.Set.Command)
		case e.Published != nil && !e.maybe && !published[e.Published.ID]:
			c.fail(checkEffects, "outbox %s has handled commit %d of %s, but its event %s is not published", e.reactor, e.of.Number, e.of.Stream, e.Published.Type)
		case e.Command != nil:
			c.remember(*e.Command)
			if !e.maybe && len(c.byID[e.Command.CommandID]) == 0 && !c.excused(ctx, *e.Command) {
				c.fail(checkEffects, "%s has handled commit %d of %s, but its command %s to %s was never handled", e.reactor, e.of.Number, e.of.Stream, e.Command.Command, e.Command.ID)
			}
		}
	}
}

func (c *checker) remember(q process.Request) {
	c.sent[q.CommandID] = request{aggregate.Command{Name: q.Command, Tenant: q.Tenant, ID: q.ID, Payload: q.Payload, CommandID: q.CommandID, Actor: q.Actor}, c.owners[q.Command].Across, true}
}

// excused reports whether a command that no commit answers may have been handled: at
// some moment it is rejected, changes nothing, or claims a value that may be taken.
func (c *checker) excused(ctx context.Context, q process.Request) bool {
	d := c.owners[q.Command]
	if d.Across || q.ID == "" || len(c.sent[q.CommandID].Name) == 0 {
		return true
	}
	stream := events.StreamOf(d.Aggregate, q.ID).In(q.Tenant)
	if len(c.about[stream]) > 0 {
		return true
	}
	versions := []int64{0}
	for _, commit := range c.commits[stream] {
		versions = append(versions, commit.Version)
	}
	for _, version := range versions {
		got, err := c.decide(ctx, stream, version, time.Now(), []aggregate.Command{c.sent[q.CommandID].Command})
		if err != nil || len(got.Events) == 0 || len(got.Claims) > 0 {
			return true
		}
	}
	return false
}
