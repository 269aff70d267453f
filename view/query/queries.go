package query

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/routing"
)

// Options changes how Queries works. The zero value is the default.
type Options struct {
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
	// again when it is 5 s old.
	Routed bool
	// Tenants says that the application has tenants: every query is one of a tenant.
	Tenants bool
	// Now is the clock that switches are made by; default time.Now.
	Now func() time.Time
}

// Queries answers from the tables of views. It is safe for concurrent use.
type Queries struct {
	store follow.History
	codec *events.Codec
	views map[string]*routing.TableView // unless routed
	opts  Options

	routes *routing.Routes // nil unless routed
}

// Describe describes the views as they answer now, each in the version that
// serves it. A view whose serving version is not declared here, which answers
// unavailable, is described as it was given, and so is one whose table does not
// fit its declaration. Codes are those of Table.
func (qs *Queries) Describe(ctx context.Context) ([]view.Description, error) {
	var all []view.Description
	if qs.routes == nil {
		for _, name := range slices.Sorted(maps.Keys(qs.views)) {
			all = append(all, qs.views[name].Declared.Describe())
		}
		return all, nil
	}
	for _, name := range slices.Sorted(maps.Keys(qs.routes.Views)) {
		v, _, err := qs.routes.Serving(ctx, name)
		answering := qs.routes.Views[name][qs.routes.Newest(name)]
		switch {
		case err == nil:
			answering = v.Declared
		case !errors.Is(err, routing.ErrUndeclared) && !errors.Is(err, routing.ErrMismatch):
			return nil, err
		}
		all = append(all, answering.Describe())
	}
	return all, nil
}

// New returns the queries of the given views. An error says what is
// wrong with their declarations, all of it.
func New(store follow.History, codec *events.Codec, tables driver.Tables, views []view.View, opts *Options) (*Queries, error) {
	qs := &Queries{store: store, codec: codec, views: map[string]*routing.TableView{}}
	if opts != nil {
		qs.opts = *opts
	}
	qs.opts.Wait = routing.OrDefault(qs.opts.Wait, 1500*time.Millisecond)
	qs.opts.CatchUp = routing.OrDefault(qs.opts.CatchUp, 1000)
	qs.opts.ReadBudget = routing.OrDefault(qs.opts.ReadBudget, 2000)
	if qs.opts.Now == nil {
		qs.opts.Now = time.Now
	}
	if qs.opts.Routed {
		var err error
		qs.routes, err = routing.New(codec, tables, views, qs.opts.Now)
		if err != nil {
			return nil, err
		}
		return qs, nil
	}
	open, err := routing.Open(codec, tables, views)
	if err != nil {
		return nil, err
	}
	for _, v := range open {
		qs.views[v.Name] = v
	}
	return qs, nil
}
