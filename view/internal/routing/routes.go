package routing

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/view"
	"daybook/view/driver"
)

// RouteAge is how old the control record may be that a query is answered by. A
// switch is announced longer than that before it happens.
const RouteAge = 5 * time.Second

// switchGrace is how long after a switch projectors still treat the table that
// answered before as the one that is read: for queries under way, and clocks
// that are apart.
const switchGrace = 30 * time.Second

// Routes knows the tables of declared views. It is safe for concurrent use.
type Routes struct {
	tables  driver.RoutedTables
	Control driver.Table
	Names   []string                     // of the views, in the order of declaration
	Views   map[string]map[int]view.View // by name and version
	// shapes are made when a record is first looked at: a function that starts has
	// no use for them yet.
	shapes func() shapes
	now    func() time.Time

	explained mismatchTexts

	mu   sync.Mutex
	open map[driver.Target]*TableView

	// reading is the lock of cached and read. It is held while the record is read, so
	// it is a channel: waiting ends with a context.
	reading chan struct{}
	cached  *Record
	read    time.Time // when cached was asked for
}

// New returns the routes of views, which it checks. tables must be
// RoutedTables.
func New(codec *events.Codec, tables driver.Tables, views []view.View, now func() time.Time) (*Routes, error) {
	routed, ok := tables.(driver.RoutedTables)
	if !ok {
		return nil, events.Errorf(events.CodeInternal, "these tables can't be routed: they are not RoutedTables")
	}
	defs, err := Check(codec, views)
	if err != nil {
		return nil, err
	}
	r := &Routes{
		tables: routed, Control: routed.Control(), Views: map[string]map[int]view.View{}, now: now,
		explained: mismatchTexts{texts: map[string]string{}}, open: map[driver.Target]*TableView{}, reading: make(chan struct{}, 1),
	}
	for i, d := range defs {
		r.Names = append(r.Names, d.Name)
		r.Views[d.Name] = map[int]view.View{}
		for _, each := range view.Versions(views[i : i+1]) {
			r.Views[d.Name][each.Definition().Version] = each
		}
	}
	r.shapes = sync.OnceValue(func() shapes { return newShapes(r.Views) })
	return r, nil
}

// Newest is the newest declared version of a view.
func (r *Routes) Newest(view string) int { return slices.Max(slices.Collect(maps.Keys(r.Views[view]))) }

// Table returns the view and table of a target, nil when the target's version
// is not declared here.
func (r *Routes) Table(t driver.Target) *TableView {
	declared := r.Views[t.View][t.Version]
	if declared == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[t] == nil {
		r.open[t] = &TableView{Definition: declared.Definition(), Declared: declared, Table: r.tables.Open(t), Generation: t.Generation}
	}
	return r.open[t]
}

// Adopt gives every declared view that has none a route, and every table that has
// none a shape. Views of the first record of an installation have seen all
// commits; one that was added later has not, until it is filled.
func (r *Routes) Adopt(rec *Record) (changed bool) {
	for _, name := range r.Names {
		added := rec.Views[name] == nil
		if added {
			rec.Views[name] = NewRoute(r.Views[name][r.Newest(name)].Definition(), rec.Version == 0)
			changed = true
		}
		for i := range rec.Views[name].Tables {
			s := &rec.Views[name].Tables[i]
			declared := r.Views[name][s.Version]
			if s.Shape != "" || declared == nil {
				continue
			}
			s.Shape, changed = r.shapes().unrecorded[declared.Definition()], true
			if added {
				s.Shape = r.shapes().of[declared.Definition()]
			}
			rec.NewShapes[s.Target] = true
		}
	}
	return changed
}

// mark notes on tables of an unknown declaration that they miss what is
// projected here.
func (r *Routes) mark(rec *Record) (changed bool) {
	for _, route := range rec.Views {
		for i := range route.Tables {
			if s := &route.Tables[i]; !s.Missed && !r.Knows(*s) {
				s.Missed, changed = true, true
			}
		}
	}
	return changed
}

// Live returns the tables that a batch goes to. It reads the control record,
// strongly consistent, so a caller after a commit was delivered misses no
// table that was listed before the commit was stored. A table that can't be
// projected into here is marked before it returns.
func (r *Routes) Live(ctx context.Context) (Goal, error) {
	for attempt := 1; ; attempt++ {
		rec, err := ReadRecord(ctx, r.Control)
		if err != nil {
			return Goal{}, err
		}
		adopted, marked := r.Adopt(rec), r.mark(rec)
		if adopted || marked {
			err = r.Write(ctx, rec)
		}
		if err == nil {
			return r.goal(ctx, rec), nil
		}
		if events.CodeOf(err) != events.CodeConflict || attempt == MaxRecordAttempts {
			return Goal{}, err
		}
		if err := follow.Pause(ctx, ConflictPause, attempt); err != nil {
			return Goal{}, err
		}
	}
}

// Goal is where a batch goes: to tables in two phases, and not to those that were
// filled by another declaration.
type Goal struct {
	Phases     [2][]*TableView
	Mismatches []driver.Mismatch
}

// goal puts complete tables that are not read into the first phase and the others
// into the second: the table that is read next is never behind the one read now.
func (r *Routes) goal(ctx context.Context, rec *Record) (g Goal) {
	for _, name := range r.Names {
		route := rec.Views[name]
		read := route.Answering(r.now().Add(-switchGrace))
		for _, s := range route.Tables {
			v := r.Table(s.Target)
			if v == nil {
				continue
			}
			if !r.shapes().fits(v.Definition, s) {
				g.Mismatches = append(g.Mismatches, r.explain(ctx, v.Declared, s))
				continue
			}
			phase := 1
			if s.Complete && s.Compare(read) != 0 {
				phase = 0
			}
			g.Phases[phase] = append(g.Phases[phase], v)
		}
	}
	return g
}

// current returns the routes, at most RouteAge old.
func (r *Routes) current(ctx context.Context) (*Record, error) {
	select {
	case r.reading <- struct{}{}:
		defer func() { <-r.reading }()
	case <-ctx.Done():
		return nil, events.Wrap(events.CodeCanceled, ctx.Err(), "the request was given up")
	}
	now := r.now()
	// Both clocks count: one stands still while a function is frozen.
	if age := max(now.Sub(r.read), now.Round(0).Sub(r.read.Round(0))); r.cached != nil && age >= 0 && age < RouteAge {
		return r.cached, nil
	}
	rec, err := ReadRecord(ctx, r.Control)
	if err != nil {
		return nil, err
	}
	r.Adopt(rec) // in memory: who answers does not write
	r.cached, r.read = rec, now
	return rec, nil
}

// Serving returns the table that answers queries of a declared view; stale says
// that it lacks commits which it won't get by itself.
func (r *Routes) Serving(ctx context.Context, name string) (v *TableView, stale bool, err error) {
	rec, err := r.current(ctx)
	if err != nil {
		return nil, false, err
	}
	route := rec.Views[name]
	for _, t := range []driver.Target{route.Answering(r.now()), route.Serving} {
		v, s := r.Table(t), route.Table(t)
		switch {
		case v == nil || s == nil:
		case r.shapes().fits(v.Definition, *s):
			return v.since(route.First), !s.Right(), nil
		default:
			err = r.mismatched(ctx, v.Declared, *s)
		}
	}
	if err != nil {
		return nil, false, err
	}
	undeclared := events.Wrap(events.CodeUnavailable, ErrUndeclared,
		"the view is answered by version "+route.Serving.String()+", which this deployment does not declare")
	undeclared.RetryAfter = RouteAge
	return nil, false, undeclared
}

// ErrUndeclared says that no declared version of a view answers queries.
var ErrUndeclared = errors.New("no declared version answers")

// Listed returns the table of a target as long as it gets live commits and is
// declared here, else nil.
func (r *Routes) Listed(ctx context.Context, t driver.Target) (v *TableView, stale bool, err error) {
	rec, err := r.current(ctx)
	if err != nil {
		return nil, false, err
	}
	s := rec.Views[t.View].Table(t)
	v = r.Table(t)
	if s == nil || v == nil {
		return nil, false, nil
	}
	if !r.shapes().fits(v.Definition, *s) {
		return nil, false, r.mismatched(ctx, v.Declared, *s)
	}
	return v.since(rec.Views[t.View].First), !s.Right(), nil
}
