package view

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"daybook/events"
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
	now     func() time.Time

	mu     sync.Mutex
	open   map[Target]*projected
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
	r := &routes{tables: routed, control: routed.Control(), defs: map[string]map[int]*def{}, now: now, open: map[Target]*projected{}}
	for _, d := range defs {
		r.names = append(r.names, d.name)
		r.defs[d.name] = map[int]*def{}
		for _, each := range d.versions() {
			r.defs[d.name][each.version] = each
		}
	}
	return r, nil
}

// oldest is the target of a view that has no route yet.
func (r *routes) oldest(view string) Target {
	return Target{View: view, Version: slices.Min(sortedInts(r.defs[view])), Generation: 1}
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
func (r *routes) table(t Target) *projected {
	d := r.defs[t.View][t.Version]
	if d == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[t] == nil {
		r.open[t] = &projected{def: d, table: r.tables.Open(t), generation: t.Generation}
	}
	return r.open[t]
}

// adopt gives every declared view that has none a route. Views of the first
// record of an installation have seen all commits; one that was added later has
// not, until it is filled.
func (r *routes) adopt(rec *record) (changed bool) {
	for _, name := range r.names {
		if rec.Views[name] == nil {
			rec.Views[name] = newRoute(r.oldest(name), rec.version == 0)
			changed = true
		}
	}
	return changed
}

// mark notes on tables of versions that are not declared here that they miss
// what is projected here.
func (r *routes) mark(rec *record) (changed bool) {
	for name, route := range rec.Views {
		for i := range route.Tables {
			if s := &route.Tables[i]; !s.Missed && r.defs[name][s.Version] == nil {
				s.Missed, changed = true, true
			}
		}
	}
	return changed
}

// live returns the tables that a batch goes to, in two phases. It reads the
// control record, strongly consistent, so whoever calls it after a commit was
// delivered misses no table that was listed before the commit was stored. A
// table that can't be projected into here is marked before it returns.
func (r *routes) live(ctx context.Context) (phases [2][]*projected, err error) {
	for attempt := 1; ; attempt++ {
		rec, err := readRecord(ctx, r.control)
		if err != nil {
			return phases, err
		}
		adopted, marked := r.adopt(rec), r.mark(rec)
		if !adopted && !marked {
			return r.phases(rec), nil
		}
		err = rec.write(ctx, r.control)
		if err == nil {
			return r.phases(rec), nil
		}
		if events.CodeOf(err) != events.CodeConflict || attempt == 8 {
			return phases, err
		}
		if err := pause(ctx, attempt); err != nil {
			return phases, err
		}
	}
}

// phases puts complete tables that are not read into the first phase and the
// others into the second: whoever is read next is never behind who is read now.
func (r *routes) phases(rec *record) (phases [2][]*projected) {
	for _, name := range r.names {
		route := rec.Views[name]
		read := route.Answering(r.now().Add(-switchGrace))
		for _, s := range route.Tables {
			v := r.table(s.Target)
			if v == nil {
				continue
			}
			phase := 1
			if s.Complete && s.compare(read) != 0 {
				phase = 0
			}
			phases[phase] = append(phases[phase], v)
		}
	}
	return phases
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
func (r *routes) serving(ctx context.Context, name string) (v *projected, stale bool, err error) {
	rec, err := r.current(ctx)
	if err != nil {
		return nil, false, err
	}
	route := rec.Views[name]
	for _, t := range []Target{route.Answering(r.now()), route.Serving} {
		v := r.table(t)
		if s := route.table(t); v != nil && s != nil {
			return v, !s.Right(), nil
		}
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
func (r *routes) listed(ctx context.Context, t Target) (v *projected, stale bool, err error) {
	rec, err := r.current(ctx)
	if err != nil {
		return nil, false, err
	}
	s := rec.Views[t.View].table(t)
	if s == nil {
		return nil, false, nil
	}
	return r.table(t), !s.Right(), nil
}
