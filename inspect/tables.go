package inspect

import (
	"context"
	"time"

	"daybook/view/admin"
	"daybook/view/driver"
)

// Table is one of the tables that a view has.
type Table struct {
	Table    string    `json:"table"` // v2, or v1-g2
	Answers  bool      `json:"answers"`
	From     time.Time `json:"from,omitzero"`   // when it will answer, or does since
	Before   bool      `json:"before,omitzero"` // it answered before the one that does: a switch back leads to it
	State    string    `json:"state"`           // one of those below
	Done     int       `json:"segmentsDone,omitzero"`
	Segments int       `json:"segments,omitzero"`
	Commits  int64     `json:"commits,omitzero"` // read by the fill
	// Mismatch says how the table differs from the declaration that this program
	// was built with, and what to do about it.
	Mismatch string `json:"mismatch,omitzero"`
	// Next says what to run, of an unfilled one.
	Next string `json:"next,omitzero"`
}

// The states of a table.
const (
	TableRight   = "right"
	TableFilling = "filling"
	TableLacking = "lacking" // commits, until it is rebuilt
	// TableUnfilled is declared, and live commits do not reach it until it is rebuilt.
	TableUnfilled = "unfilled"
)

// Tables says what tables each view has, by the view's name. Codes are those of
// driver.Table.
func (i *Installation) Tables(ctx context.Context, r *admin.Rebuilder) (map[string][]Table, error) {
	routes, err := r.Routes(ctx)
	if err != nil {
		return nil, err
	}
	texts, err := i.Mismatches(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string][]Table{}
	for name, route := range routes {
		for _, state := range route.Tables {
			t := Table{Table: state.String(), Answers: route.Answering(i.sources.Now()) == state.Target, State: TableRight, Mismatch: texts[state.Target]}
			if route.Serving == state.Target {
				t.From = route.Since
			}
			t.Before = route.Before == state.Target && !t.Answers
			switch {
			case !state.Complete && state.Fill > 0:
				t.State, t.Segments = TableFilling, state.Segments
				if t.Done, t.Commits, err = r.Filling(ctx, state); err != nil {
					return nil, err
				}
			case !state.Right():
				t.State = TableLacking
			}
			all[name] = append(all[name], t)
		}
	}
	unfilled, err := admin.Unfilled(ctx, i.codec, i.sources.Tables, i.app.Views)
	for _, t := range unfilled {
		all[t.View] = append(all[t.View], Table{Table: t.String(), State: TableUnfilled, Next: admin.UnfilledText(t)})
	}
	return all, err
}

// Mismatches says which tables were filled by other declarations than this program's,
// and how they differ. Codes are those of driver.Table.
func (i *Installation) Mismatches(ctx context.Context) (map[driver.Target]string, error) {
	all, err := admin.Mismatches(ctx, i.codec, i.sources.Tables, i.app.Views)
	texts := map[driver.Target]string{}
	for _, m := range all {
		texts[m.Target] = m.Text
	}
	return texts, err
}
