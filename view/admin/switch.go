package admin

import (
	"context"
	"errors"
	"slices"
	"time"

	"daybook/events"
	"daybook/view/driver"
	"daybook/view/internal/routing"
)

// SwitchOptions changes how Switch works. The zero value is the default.
type SwitchOptions struct {
	// Delay is from the announcement to the switch; default RouteAge and a
	// second. Less than RouteAge is right where nothing answers queries yet.
	Delay time.Duration
	// AllowFaults switches to a table although streams are parked in it.
	AllowFaults bool
}

// Routes returns the routes of all views, by name. Views without one get what
// they would get from a projector.
func (r *Rebuilder) Routes(ctx context.Context) (map[string]Route, error) {
	rec, err := r.record(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]Route{}
	for name, route := range rec.Views {
		all[name] = *route
	}
	return all, nil
}

// record reads the control record.
func (r *Rebuilder) record(ctx context.Context) (rec *routing.Record, err error) {
	err = r.retry(ctx, nil, func() (err error) {
		rec, err = routing.ReadRecord(ctx, r.routes.Control)
		return err
	})
	if err == nil {
		r.routes.Adopt(rec)
	}
	return rec, err
}

// Filling says how far the filling of a table is: how many segments are done,
// and how many commits were read, by all workers together.
func (r *Rebuilder) Filling(ctx context.Context, s TableState) (done int, commits int64, err error) {
	if s.Complete || s.Segments == 0 {
		return s.Segments, s.Commits, nil
	}
	f, err := newFill(r, s)
	if err != nil {
		return 0, 0, err
	}
	items, err := f.records(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, item := range items {
		seg, err := readSegment(item)
		if err != nil {
			return 0, 0, err
		}
		commits += seg.Commits
		if seg.Done {
			done++
		}
	}
	return done, commits, nil
}

// Switch lets another table answer the queries of its view, and returns when it
// will: all who answer change over at that time, by their clocks. An answer, and
// all pages behind a cursor, come from one table. The table that answers until
// then goes on to get live commits, so Switch back to it is as good; until it is
// dropped. A Switch to the table that answers already changes nothing.
//
// Codes: unknown-view; conflict, saying what to do, for a table that can't
// answer rightly or while another switch is under way; and those of Table.
func (r *Rebuilder) Switch(ctx context.Context, t driver.Target, opts *SwitchOptions) (at time.Time, err error) {
	o := SwitchOptions{}
	if opts != nil {
		o = *opts
	}
	o.Delay = routing.OrDefault(o.Delay, RouteAge+time.Second)
	if r.routes.Views[t.View] == nil {
		return at, routing.UnknownView()
	}
	if err := r.noneParked(ctx, t, o); err != nil {
		return at, err
	}
	err = r.change(ctx, func(rec *routing.Record) error {
		route := rec.Views[t.View]
		if route.Serving.Compare(t) == 0 {
			at = route.Since
			return errUnchanged
		}
		if err := r.mayServe(route, t); err != nil {
			return err
		}
		now := r.opts.Now()
		at = now.Add(o.Delay)
		route.Before, route.Serving, route.Since = route.Answering(now), t, at
		return nil
	})
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return at, err
}

// mayServe says why a table can't answer.
func (r *Rebuilder) mayServe(route *Route, t driver.Target) error {
	s := route.Table(t)
	switch {
	case s == nil:
		return events.Errorf(events.CodeConflict, "there is no table %s of %s: rebuild it", t, t.View)
	case r.routes.Views[t.View][t.Version] == nil:
		return events.Errorf(events.CodeConflict, "%s %s is not declared here: deploy its declaration", t.View, t)
	case !r.routes.Knows(*s):
		return events.Errorf(events.CodeConflict, "%s %s was filled by another declaration than the one here: rebuild it", t.View, t)
	case !s.Complete:
		return events.Errorf(events.CodeConflict, "%s %s is being filled", t.View, t)
	case s.Missed:
		return events.Errorf(events.CodeConflict, "%s %s lacks commits that projectors without its declaration skipped: rebuild it", t.View, t)
	case r.opts.Now().Before(route.Since):
		return events.Errorf(events.CodeConflict, "a switch to %s %s is under way until %s", t.View, route.Serving, route.Since.UTC().Format(time.RFC3339))
	}
	return nil
}

// noneParked refuses a table in which streams are parked.
func (r *Rebuilder) noneParked(ctx context.Context, t driver.Target, o SwitchOptions) error {
	v := r.routes.Table(t)
	if o.AllowFaults || v == nil {
		return nil
	}
	return r.retry(ctx, nil, func() error {
		rec, err := routing.ReadRecord(ctx, r.routes.Control)
		if err != nil || rec.Views[t.View] == nil || rec.Views[t.View].Table(t) == nil {
			return err // mayServe says why
		}
		parked, err := v.Parked(ctx, "", 1)
		if err == nil && len(parked) > 0 {
			return permanentError{events.Errorf(events.CodeConflict, "streams are parked in %s %s, the first is %s, at commit %d: %s. Fix the cause, deploy, and run the subcommand redrive %s -table %s; to switch all the same, add -parked",
				t.View, t, parked[0].Stream, parked[0].Commit, parked[0].Text, t.View, t)}
		}
		return err
	})
}

// Back returns the table that answered before the one that answers now.
// conflict says that there is none any more.
func (r *Rebuilder) Back(ctx context.Context, view string) (driver.Target, error) {
	rec, err := r.record(ctx)
	if err != nil {
		return driver.Target{}, err
	}
	route := rec.Views[view]
	if route == nil || route.Before.Version == 0 || route.Table(route.Before) == nil {
		return driver.Target{}, events.Errorf(events.CodeConflict, "there is no table of %q to switch back to", view)
	}
	return route.Before, nil
}

// DropDelay is how long Drop waits between taking a table out of the control
// record and deleting it: RouteAge, and the longest that a query or batch that
// was begun before may take.
const DropDelay = RouteAge + 30*time.Second

// Drop takes a table out of the route, so that live commits don't reach it any
// more and cursors of it are refused, and deletes it after the delay (DropDelay
// when 0). The table that answers, or will, is not dropped (conflict). A Drop
// that was cut off is done again. The deployment's own table of a version may be
// protected: then the error is forbidden and says so, and the table rests.
func (r *Rebuilder) Drop(ctx context.Context, t driver.Target, delay time.Duration) error {
	err := r.change(ctx, func(rec *routing.Record) error {
		route := rec.Views[t.View]
		switch {
		case route == nil:
			return routing.UnknownView()
		case route.Serving.Compare(t) == 0:
			return events.Errorf(events.CodeConflict, "%s %s answers queries: switch first", t.View, t)
		case route.Before.Compare(t) == 0 && r.opts.Now().Before(route.Since):
			return events.Errorf(events.CodeConflict, "%s %s answers queries until %s", t.View, t, route.Since.UTC().Format(time.RFC3339))
		case t.Generation > route.Highest[t.Version]:
			return events.Errorf(events.CodeConflict, "there is no table %s of %s", t, t.View)
		}
		route.Tables = slices.DeleteFunc(route.Tables, func(s TableState) bool { return s.Compare(t) == 0 })
		if route.Before.Compare(t) == 0 {
			route.Before, route.Since = driver.Target{}, time.Time{}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := routing.Sleep(ctx, routing.OrDefault(delay, DropDelay)); err != nil {
		return err
	}
	return r.tables.Drop(ctx, t)
}
