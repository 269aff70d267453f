package routing

import (
	"context"
	"encoding/json/v2"
	"slices"
	"time"

	"daybook/events"
	"daybook/view/driver"
	"daybook/view/internal/definition"
)

// Route says which tables a view has and which of them answers queries.
type Route struct {
	// Serving answers queries: from Since on, and Before until then. All who
	// answer know a switch before it happens, so they make it together.
	Serving driver.Target `json:"serving"`
	Before  driver.Target `json:"before,omitzero"`
	Since   time.Time     `json:"since,omitzero"`
	// Tables are those that live commits reach, from old to new.
	Tables []TableState `json:"tables"`
	// Highest is the highest generation that each version ever had: numbers are
	// not used again, so that no cursor can mean another table.
	Highest map[int]int `json:"highest"`
	// First is the version that the installation began with; 0 stands for 1.
	First int `json:"first,omitzero"`
}

// TableState is what is known of one table.
type TableState struct {
	driver.Target
	// Complete says that the table holds, or will hold by live commits, all
	// commits: it is not being filled.
	Complete bool `json:"complete,omitzero"`
	// Missed says that a projector has seen commits and did not know this
	// version: the table lacks them until it is filled again.
	Missed bool `json:"missed,omitzero"`
	// Fill counts the fills that were begun; Segments belongs to the last.
	Fill     int `json:"fill,omitzero"`
	Segments int `json:"segments,omitzero"`
	// Commits were read by the last fill that ended, and Faults are the
	// permanent ones it met.
	Commits int64 `json:"commits,omitzero"`
	Faults  int64 `json:"faults,omitzero"`
	// Shape is the digest of the declaration's shape that the table was first
	// filled by: see Shape. The shape itself is a control record of its own.
	Shape string `json:"shape,omitzero"`
}

// Right reports whether nothing is missing that live commits won't bring.
func (s TableState) Right() bool { return s.Complete && !s.Missed }

// Answering returns the table that answers at a time.
func (r *Route) Answering(at time.Time) driver.Target {
	if r.Before.Version != 0 && at.Before(r.Since) {
		return r.Before
	}
	return r.Serving
}

// Table returns the state of a table, nil when live commits don't reach it.
func (r *Route) Table(t driver.Target) *TableState {
	for i := range r.Tables {
		if r.Tables[i].Compare(t) == 0 {
			return &r.Tables[i]
		}
	}
	return nil
}

// Add puts a new table among the others.
func (r *Route) Add(s TableState) {
	r.Tables = append(r.Tables, s)
	slices.SortFunc(r.Tables, func(a, b TableState) int { return a.Compare(b.Target) })
	r.Highest[s.Version] = max(r.Highest[s.Version], s.Generation)
}

// NewRoute is the route of a view that the installation has not had: no table of
// it holds anything, so its newest declared version answers.
func NewRoute(d *definition.Definition, complete bool) *Route {
	first := driver.Target{View: d.Name, Version: d.Version, Generation: 1}
	r := &Route{Serving: first, Highest: map[int]int{}, First: d.Version}
	r.Add(TableState{Target: first, Complete: complete})
	return r
}

// routesKey is the key of the control record with the routes of all views. One
// record for all: a projector reads it for every batch.
const routesKey = "routes"

// Record is the control record of an installation.
type Record struct {
	Views map[string]*Route `json:"views"`

	Version   int64                  `json:"-"` // of the item, 0 when it is not stored
	NewShapes map[driver.Target]bool `json:"-"` // tables whose shapes are not stored yet
}

// ReadRecord reads the control record; without one it is empty.
func ReadRecord(ctx context.Context, control driver.Table) (*Record, error) {
	item, err := GetItem(ctx, control, routesKey)
	if err != nil {
		return nil, err
	}
	r := &Record{Version: definition.VersionOf(item), NewShapes: map[driver.Target]bool{}}
	if item != nil {
		if err := json.Unmarshal(item.Memo, r); err != nil {
			return nil, events.Wrap(events.CodeInternal, err, "the routes of the views can't be read")
		}
	}
	if r.Views == nil {
		r.Views = map[string]*Route{}
	}
	for name, route := range r.Views {
		route.name(name)
	}
	return r, nil
}

// name puts the view's name, which is stored once, into the targets.
func (r *Route) name(view string) {
	r.Serving.View = view
	if r.Before.Version != 0 {
		r.Before.View = view
	}
	for i := range r.Tables {
		r.Tables[i].View = view
	}
	if r.Highest == nil {
		r.Highest = map[int]int{}
	}
}

// write stores the record if it is still the one that was read; else it fails
// with conflict.
func (r *Record) write(ctx context.Context, control driver.Table) error {
	stored := Record{Views: map[string]*Route{}}
	for name, route := range r.Views {
		short := *route
		short.Tables = slices.Clone(route.Tables)
		short.name("")
		stored.Views[name] = &short
	}
	memo, err := json.Marshal(stored, json.Deterministic(true))
	if err != nil {
		return events.Wrap(events.CodeInternal, err, "the routes of the views can't be written")
	}
	item := driver.Item{Key: routesKey, Version: r.Version + 1, Memo: memo}
	if err := control.Put(ctx, driver.Write{Item: item, Expect: r.Version}); err != nil {
		return err
	}
	r.Version++
	return nil
}

// Has reports whether live commits reach a table of a version.
func (r *Route) Has(version int) bool {
	for _, s := range r.Tables {
		if s.Version == version {
			return true
		}
	}
	return false
}
