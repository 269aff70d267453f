package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"daybook/dynamo"
	"daybook/view/admin"
	"daybook/view/driver"
)

// tableLine is one of the tables that a view has.
type tableLine struct {
	Table    string    `json:"table"` // v2, or v1-g2
	Answers  bool      `json:"answers"`
	From     time.Time `json:"from,omitzero"` // when it will answer, or does since
	State    string    `json:"state"`         // right, filling, lacking, unfilled
	Done     int       `json:"segmentsDone,omitzero"`
	Segments int       `json:"segments,omitzero"`
	Commits  int64     `json:"commits,omitzero"` // read by the fill
	// Mismatch says how the table differs from the declaration that this program
	// was built with, and what to do about it.
	Mismatch string `json:"mismatch,omitzero"`

	next string // what to run, of an unfilled one
}

// The states of a table.
const (
	tableRight   = "right"
	tableFilling = "filling"
	tableLacking = "lacking" // commits, until it is rebuilt
	// tableUnfilled is declared, and live commits do not reach it until it is rebuilt.
	tableUnfilled = "unfilled"
)

// tablesOf says what tables each view has, by the view's name.
func (s *session) tablesOf(ctx context.Context) (map[string][]tableLine, error) {
	r, err := s.rebuilder(nil)
	if err != nil {
		return nil, err
	}
	routes, err := r.Routes(ctx)
	if err != nil {
		return nil, err
	}
	mismatches, err := s.mismatches(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string][]tableLine{}
	for name, route := range routes {
		for _, state := range route.Tables {
			l := tableLine{
				Table: state.String(), Answers: route.Answering(time.Now()) == state.Target, State: tableRight,
				Mismatch: mismatches[state.Target],
			}
			if route.Serving == state.Target {
				l.From = route.Since
			}
			switch {
			case !state.Complete && state.Fill > 0:
				l.State, l.Segments = tableFilling, state.Segments
				if l.Done, l.Commits, err = r.Filling(ctx, state); err != nil {
					return nil, err
				}
			case !state.Right():
				l.State = tableLacking
			}
			all[name] = append(all[name], l)
		}
	}
	unfilled, err := admin.Unfilled(ctx, s.codec, s.admin, s.declared)
	if err != nil {
		return nil, s.reach(dynamo.TableName(s.prefix, dynamo.ControlTable()), err)
	}
	for _, t := range unfilled {
		all[t.View] = append(all[t.View], tableLine{Table: t.String(), State: tableUnfilled, next: admin.UnfilledText(t)})
	}
	return all, nil
}

// mismatches says which tables were filled by other declarations than this
// program's, and how they differ.
func (s *session) mismatches(ctx context.Context) (map[driver.Target]string, error) {
	all, err := admin.Mismatches(ctx, s.codec, s.admin, s.declared)
	if err != nil {
		return nil, s.reach(dynamo.TableName(s.prefix, dynamo.ControlTable()), err)
	}
	texts := map[driver.Target]string{}
	for _, m := range all {
		texts[m.Target] = m.Text
	}
	return texts, nil
}

// tablesText writes the tables of a view in a few words, the one that answers
// with a star: "v1* v2 filling 12/64", "v1*, v2 from 15:04:05".
func tablesText(all []tableLine) string {
	parts := make([]string, len(all))
	for i, l := range all {
		parts[i] = l.Table
		if l.Answers {
			parts[i] += "*"
		} else if !l.From.IsZero() {
			parts[i] += " from " + l.From.UTC().Format(time.TimeOnly)
		}
		switch l.State {
		case tableFilling:
			parts[i] += fmt.Sprintf(" filling %d/%d", l.Done, l.Segments)
		case tableLacking:
			parts[i] += " lacks commits"
		case tableUnfilled:
			parts[i] += " not filled"
		}
		if l.Mismatch != "" {
			parts[i] += " does not fit"
		}
	}
	return strings.Join(parts, ", ")
}
