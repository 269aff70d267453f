package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// tableLine is one of the tables that a view has.
type tableLine struct {
	Table    string    `json:"table"` // v2, or v1-g2
	Answers  bool      `json:"answers"`
	From     time.Time `json:"from,omitzero"` // when it will answer, or does since
	State    string    `json:"state"`         // right, filling, lacking
	Done     int       `json:"segmentsDone,omitzero"`
	Segments int       `json:"segments,omitzero"`
	Commits  int64     `json:"commits,omitzero"` // read by the fill
}

// The states of a table.
const (
	tableRight   = "right"
	tableFilling = "filling"
	tableLacking = "lacking" // commits, until it is rebuilt
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
	all := map[string][]tableLine{}
	for name, route := range routes {
		for _, state := range route.Tables {
			l := tableLine{Table: state.String(), Answers: route.Answering(time.Now()) == state.Target, State: tableRight}
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
	return all, nil
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
		}
	}
	return strings.Join(parts, ", ")
}
