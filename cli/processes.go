package cli

import (
	"context"
	"errors"
	"time"

	"github.com/aws/smithy-go"

	"daybook/dynamo"
	"daybook/events"
	"daybook/internal/sleep"
	"daybook/process"
	"daybook/view"
)

// processesTable is the full name of the table of process managers and outboxes.
func (s *session) processesTable() string {
	return dynamo.TableName(s.prefix, dynamo.ProcessesTable())
}

// runner lists what is parked, notes what is history and, with effects, redrives.
func (s *session) runner(effects process.Effects) (*process.Runner, error) {
	return process.NewRunner(s.folded, s.codec, s.sealing.Ledger(dynamo.NewProcesses(s.client, s.processesTable())), s.of.Processes, effects,
		&process.Options{Source: s.prefix})
}

// chosen returns the views and the process managers and outboxes of the given
// names, all for none. A name may be both. A deployment from before there were
// processes has no table for them: naming one is an error.
func (s *session) chosen(ctx context.Context, names []string) (views []view.View, reactors []process.Reactor, err error) {
	if views, reactors, err = s.named(names); err != nil || len(reactors) == 0 {
		return views, reactors, err
	}
	_, err = s.describe(ctx, s.processesTable())
	if errors.Is(err, errNoTable) && len(names) == 0 {
		s.note("%v; process managers and outboxes are left out", err)
		return views, nil, nil
	}
	return views, reactors, err
}

// named returns the views and the reactors of the given names, all for none.
func (s *session) named(names []string) (views []view.View, reactors []process.Reactor, err error) {
	if len(names) == 0 {
		return s.views, s.of.Processes, nil
	}
	for _, name := range names {
		v, missing := s.view(name)
		if missing == nil {
			views = append(views, v)
		}
		r := s.of.Process(name)
		if r != nil {
			reactors = append(reactors, r)
		}
		if missing != nil && r == nil {
			return nil, nil, unknown("view, process manager or outbox", name, s.followers())
		}
	}
	return views, reactors, nil
}

// followers are the names of all that follows streams.
func (s *session) followers() []string {
	return append(namesOf(s.views, nameOfView), namesOf(s.of.Processes, func(r process.Reactor) string { return r.Describe().Name })...)
}

// followerNames are the names of all declared views, process managers and
// outboxes, for completion.
func (a *app) followerNames() []string {
	return (&session{app: a, views: a.of.Views}).followers()
}

// asHistory makes commits of one stream history to process managers and outboxes,
// before they are stored. A commit that is as young as one that was just accepted
// has to age first: a runner would take it for new without a look into the ledger.
func (i *importer) asHistory(ctx context.Context, commits []events.Commit) error {
	if i.runner == nil || len(commits) == 0 {
		return nil
	}
	newest := commits[len(commits)-1].Time
	if young := time.Until(newest.Add(2 * process.DefaultFresh)); young > 0 {
		if err := sleep.For(ctx, min(young, 2*process.DefaultFresh)); err != nil {
			return err
		}
	}
	err := i.runner.Skip(ctx, commits)
	for attempt := 1; events.Repeatable(err) && events.CodeOf(err) != events.CodeConflict && attempt < appendAttempts; attempt++ {
		if err := sleep.For(ctx, 50*time.Millisecond<<attempt); err != nil {
			return err
		}
		err = i.runner.Skip(ctx, commits)
	}
	table := i.processesTable()
	if call, ok := errors.AsType[*smithy.OperationError](err); ok && call.OperationName == "Query" { // commits before those of the import
		table = i.eventsTable()
	}
	return i.blame(table, err)
}
