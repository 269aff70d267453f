package view

import (
	"context"
	"errors"
	"time"

	"daybook/events"
	"daybook/follow"
)

// QueriesOptions changes how Queries works. The zero value is the default.
type QueriesOptions struct {
	// Wait bounds how long List waits for the commits that a consistency token
	// names; default 1.5 s.
	Wait time.Duration
	// CatchUp bounds how many missing commits Get applies in memory, of all
	// streams together; default 1,000. A view further behind answers busy.
	CatchUp int
	// ReadBudget bounds how many rows one List reads to find those that match;
	// default 2,000. While it waits for commits it looks again until it has read
	// as many.
	ReadBudget int
	// Routed answers from the table that the control record names, in place of
	// the newest version's: tables must be RoutedTables. The record is read
	// again when it is RouteAge old.
	Routed bool
	// Now is the clock that switches are made by; default time.Now.
	Now func() time.Time
}

// Queries answers from the tables of views. It is safe for concurrent use.
type Queries struct {
	store follow.History
	codec *events.Codec
	views map[string]*tableView // unless routed
	opts  QueriesOptions

	routes *routes // nil unless routed
}

// Describe describes the views as they answer now, each in the version that
// serves it. A view whose serving version is not declared here, which answers
// unavailable, is described as it was given, and so is one whose table does not
// fit its declaration. Codes are those of Table.
func (qs *Queries) Describe(ctx context.Context) ([]Description, error) {
	var all []Description
	if qs.routes == nil {
		for _, name := range sortedKeys(qs.views) {
			all = append(all, qs.views[name].Describe())
		}
		return all, nil
	}
	for _, name := range sortedKeys(qs.routes.defs) {
		v, _, err := qs.routes.serving(ctx, name)
		d := qs.routes.defs[name][qs.routes.newest(name)]
		switch {
		case err == nil:
			d = v.def
		case !errors.Is(err, errUndeclared) && !errors.Is(err, errMismatch):
			return nil, err
		}
		all = append(all, d.Describe())
	}
	return all, nil
}
