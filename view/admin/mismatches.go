package admin

import (
	"context"

	"daybook/events"
	"daybook/follow"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/routing"
)

// Mismatches compares the tables of all views, those that the control record lists
// in the versions that are declared, with the declarations: by the shapes that
// were recorded when they were first filled, and by their indexes where tables are
// IndexedTables. A table without a recorded shape was filled by programs that
// recorded none: of those, only that they knew neither normal forms nor zeros
// (IndexShape) is known beside the indexes. It only reads; codes are those of
// Table.
func Mismatches(ctx context.Context, codec *events.Codec, tables driver.RoutedTables, views []view.View) ([]driver.Mismatch, error) {
	return compareTables(ctx, codec, tables, views, false)
}

// RecordShapes is Mismatches for programs that create tables. It records the shape
// of each table that has none, as a projector would on its first batch, unless the
// table's indexes contradict the declaration.
func RecordShapes(ctx context.Context, codec *events.Codec, tables driver.RoutedTables, views []view.View) ([]driver.Mismatch, error) {
	return compareTables(ctx, codec, tables, views, true)
}

func compareTables(ctx context.Context, codec *events.Codec, tables driver.RoutedTables, views []view.View, write bool) ([]driver.Mismatch, error) {
	r, err := routing.New(codec, tables, views, nil)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		rec, err := routing.ReadRecord(ctx, r.Control)
		if err != nil {
			return nil, err
		}
		adopted := r.Adopt(rec)
		all, err := r.Mismatches(ctx, rec)
		if err != nil || len(all) > 0 || !adopted || !write {
			return all, err
		}
		err = r.Write(ctx, rec)
		if events.CodeOf(err) != events.CodeConflict || attempt == routing.MaxRecordAttempts {
			return nil, err
		}
		if err := follow.Pause(ctx, routing.ConflictPause, attempt); err != nil {
			return nil, err
		}
	}
}
