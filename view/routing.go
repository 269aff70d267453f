package view

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"daybook/events"
	"daybook/follow"
)

// RouteAge is how old the control record may be that a query is answered by. A
// switch is announced longer than that before it happens.
const RouteAge = 5 * time.Second

// switchGrace is how long after a switch projectors still treat the table that
// answered before as the one that is read: for queries under way, and clocks
// that are apart.
const switchGrace = 30 * time.Second

// routes knows the tables of declared views. It is safe for concurrent use.
type routes struct {
	tables  RoutedTables
	control Table
	names   []string                // of the views, in the order of declaration
	defs    map[string]map[int]*def // by view and version
	// shapes are made when a record is first looked at: a function that starts has
	// no use for them yet.
	shapes func() shapes
	now    func() time.Time

	explained mismatchTexts

	mu     sync.Mutex
	open   map[Target]*tableView
	cached *record
	read   time.Time // when cached was asked for
}

func newRoutes(codec *events.Codec, tables Tables, views []View, now func() time.Time) (*routes, error) {
	routed, ok := tables.(RoutedTables)
	if !ok {
		return nil, events.Errorf(events.CodeInternal, "these tables can't be routed: they are no RoutedTables")
	}
	defs, err := checkViews(codec, views)
	if err != nil {
		return nil, err
	}
	r := &routes{
		tables: routed, control: routed.Control(), defs: map[string]map[int]*def{}, now: now,
		explained: mismatchTexts{texts: map[string]string{}}, open: map[Target]*tableView{},
	}
	for _, d := range defs {
		r.names = append(r.names, d.name)
		r.defs[d.name] = map[int]*def{}
		for _, each := range d.versions() {
			r.defs[d.name][each.version] = each
		}
	}
	r.shapes = sync.OnceValue(func() shapes { return newShapes(r.defs) })
	return r, nil
}

func (r *routes) newest(view string) int { return slices.Max(sortedInts(r.defs[view])) }

func sortedInts(defs map[int]*def) []int {
	all := make([]int, 0, len(defs))
	for n := range defs {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// table returns the view and table of a target, nil when the target's version
// is not declared here.
func (r *routes) table(t Target) *tableView {
	d := r.defs[t.View][t.Version]
	if d == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[t] == nil {
		r.open[t] = &tableView{def: d, table: r.tables.Open(t), generation: t.Generation}
	}
	return r.open[t]
}

// adopt gives every declared view that has none a route, and every table that has
// none a shape. Views of the first record of an installation have seen all
// commits; one that was added later has not, until it is filled.
func (r *routes) adopt(rec *record) (changed bool) {
	for _, name := range r.names {
		added := rec.Views[name] == nil
		if added {
			rec.Views[name] = newRoute(r.defs[name][r.newest(name)], rec.version == 0)
			changed = true
		}
		for i := range rec.Views[name].Tables {
			s := &rec.Views[name].Tables[i]
			d := r.defs[name][s.Version]
			if s.Shape != "" || d == nil {
				continue
			}
			s.Shape, s.shapeIsNew, changed = r.shapes().unrecorded[d], true, true
			if added {
				s.Shape = r.shapes().of[d]
			}
		}
	}
	return changed
}

// mark notes on tables of an unknown declaration that they miss what is
// projected here.
func (r *routes) mark(rec *record) (changed bool) {
	for _, route := range rec.Views {
		for i := range route.Tables {
			if s := &route.Tables[i]; !s.Missed && !r.knows(*s) {
				s.Missed, changed = true, true
			}
		}
	}
	return changed
}

// live returns the tables that a batch goes to. It reads the control record,
// strongly consistent, so whoever calls it after a commit was delivered misses no
// table that was listed before the commit was stored. A table that can't be
// projected into here is marked before it returns.
func (r *routes) live(ctx context.Context) (goal, error) {
	for attempt := 1; ; attempt++ {
		rec, err := readRecord(ctx, r.control)
		if err != nil {
			return goal{}, err
		}
		adopted, marked := r.adopt(rec), r.mark(rec)
		if adopted || marked {
			err = r.write(ctx, rec)
		}
		if err == nil {
			return r.goal(ctx, rec), nil
		}
		if events.CodeOf(err) != events.CodeConflict || attempt == maxRecordAttempts {
			return goal{}, err
		}
		if err := follow.Pause(ctx, conflictPause, attempt); err != nil {
			return goal{}, err
		}
	}
}

// goal is where a batch goes: to tables in two phases, and not to those that were
// filled by another declaration.
type goal struct {
	phases     [2][]*tableView
	mismatches []Mismatch
}

// goal puts complete tables that are not read into the first phase and the others
// into the second: whoever is read next is never behind who is read now.
func (r *routes) goal(ctx context.Context, rec *record) (g goal) {
	for _, name := range r.names {
		route := rec.Views[name]
		read := route.Answering(r.now().Add(-switchGrace))
		for _, s := range route.Tables {
			v := r.table(s.Target)
			if v == nil {
				continue
			}
			if !r.shapes().fits(v.def, s) {
				g.mismatches = append(g.mismatches, r.explain(ctx, v.def, s))
				continue
			}
			phase := 1
			if s.Complete && s.compare(read) != 0 {
				phase = 0
			}
			g.phases[phase] = append(g.phases[phase], v)
		}
	}
	return g
}

// current returns the routes, at most RouteAge old.
func (r *routes) current(ctx context.Context) (*record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	// Both clocks count: one stands still while a function is frozen.
	if age := max(now.Sub(r.read), now.Round(0).Sub(r.read.Round(0))); r.cached != nil && age >= 0 && age < RouteAge {
		return r.cached, nil
	}
	rec, err := readRecord(ctx, r.control)
	if err != nil {
		return nil, err
	}
	r.adopt(rec) // in memory: who answers does not write
	r.cached, r.read = rec, now
	return rec, nil
}

// serving returns the table that answers queries of a declared view; stale says
// that it lacks commits which it won't get by itself.
func (r *routes) serving(ctx context.Context, name string) (v *tableView, stale bool, err error) {
	rec, err := r.current(ctx)
	if err != nil {
		return nil, false, err
	}
	route := rec.Views[name]
	for _, t := range []Target{route.Answering(r.now()), route.Serving} {
		v, s := r.table(t), route.table(t)
		switch {
		case v == nil || s == nil:
		case r.shapes().fits(v.def, *s):
			return v.since(route.First), !s.Right(), nil
		default:
			err = r.mismatched(ctx, v.def, *s)
		}
	}
	if err != nil {
		return nil, false, err
	}
	undeclared := events.Wrap(events.CodeUnavailable, errUndeclared,
		"the view is answered by version "+route.Serving.String()+", which this deployment does not declare")
	undeclared.RetryAfter = RouteAge
	return nil, false, undeclared
}

// errUndeclared says that no declared version of a view answers queries.
var errUndeclared = errors.New("no declared version answers")

// listed returns the table of a target as long as it gets live commits and is
// declared here, else nil.
func (r *routes) listed(ctx context.Context, t Target) (v *tableView, stale bool, err error) {
	rec, err := r.current(ctx)
	if err != nil {
		return nil, false, err
	}
	s := rec.Views[t.View].table(t)
	v = r.table(t)
	if s == nil || v == nil {
		return nil, false, nil
	}
	if !r.shapes().fits(v.def, *s) {
		return nil, false, r.mismatched(ctx, v.def, *s)
	}
	return v.since(rec.Views[t.View].First), !s.Right(), nil
}
