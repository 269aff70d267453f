package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/routing"
	"daybook/view/projection"
)

// Remade says what Remake did.
type Remade struct {
	Rows  int      // written
	Keyed []string // keyed views among those that were written: rebuild them if a Take uses personal values
}

// Remake makes what views hold of streams again from all their events, after personal
// values of the streams were erased: in each table that live commits reach, so that a
// table that was answering before, or will answer, keeps no copy either. See
// Projector.Remake. It goes on after a failure; the error tells of each. It can be run
// again.
func Remake(ctx context.Context, store events.Store, codec *events.Codec, tables driver.RoutedTables, views []view.View, streams []events.Stream) (r Remade, err error) {
	rec, err := routing.ReadRecord(ctx, tables.Control())
	if err != nil {
		return r, err
	}
	var errs []error
	for _, v := range views {
		d := v.Definition()
		route := rec.Views[d.Name]
		if route == nil {
			route = routing.NewRoute(d, rec.Version == 0)
		}
		rows := 0
		for _, t := range route.Tables {
			n, err := remake(ctx, store, codec, tables, v, t.Target, streams)
			rows += n
			errs = append(errs, err)
		}
		if r.Rows += rows; rows > 0 && v.Describe().Kind == view.KindKeyed {
			r.Keyed = append(r.Keyed, d.Name)
		}
	}
	return r, errors.Join(errs...)
}

// remake makes streams again in one table of a view, and returns how many were written.
func remake(ctx context.Context, store events.Store, codec *events.Codec, tables driver.RoutedTables, v view.View, t driver.Target, streams []events.Stream) (rows int, err error) {
	pinned, views, err := Pin(ctx, tables, []view.View{v}, t)
	if err != nil {
		return 0, err
	}
	projector, err := projection.New(store, codec, pinned, views, nil)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, stream := range streams {
		if !slices.Contains(views[0].Describe().Aggregates, stream.Aggregate()) {
			continue
		}
		written, err := projector.Remake(ctx, t.View, stream)
		if err != nil {
			errs = append(errs, fmt.Errorf("view %s, table %s, stream %s: %w", t.View, t, stream, err))
		}
		if written {
			rows++
		}
	}
	return rows, errors.Join(errs...)
}
