package routing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/nearest"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/definition"
)

// TableView is a view with one of its tables.
type TableView struct {
	*definition.Definition
	Declared   view.View
	Table      driver.Table
	Generation int // of the table
	Filled     int // version that filled the table, where it is not the view's own
	first      int // version that the installation began with; 0 stands for 1
}

// Row is the answer of an item that has a Row.
func (v *TableView) Row(item *driver.Item) view.Row {
	row := RowOf(v.Definition, item)
	row.Shape -= max(v.first, 1) - 1
	return row
}

// Target names the table.
func (v *TableView) Target() driver.Target {
	return driver.Target{View: v.Name, Version: cmp.Or(v.Filled, v.Version), Generation: v.Generation}
}

// since returns the table with the version that its installation began with.
func (v *TableView) since(first int) *TableView {
	table := *v
	table.first = first
	return &table
}

// OrDefault returns n, or the default when n was not set.
func OrDefault[N int | time.Duration](n, standard N) N {
	if n <= 0 {
		return standard
	}
	return n
}

// Open opens the tables of views, which it checks: those of their versions, or
// the ones that Pin chose.
func Open(codec *events.Codec, tables driver.Tables, views []view.View) ([]*TableView, error) {
	defs, err := Check(codec, views)
	if err != nil {
		return nil, err
	}
	all := make([]*TableView, len(defs))
	for i, d := range defs {
		target := targetOf(tables, d.Name, d.Version)
		all[i] = &TableView{Definition: d, Declared: views[i], Table: tables.Table(d.Name, d.Version), Generation: target.Generation, Filled: target.Version}
	}
	return all, nil
}

// ConflictPause is the first wait of a writer that lost against another.
const ConflictPause = 8 * time.Millisecond

// About is what a fault says of the view.
func (v *TableView) About() follow.Fault {
	return follow.Fault{Consumer: v.Name, Version: v.Version, Generation: v.Generation}
}

// GetItems returns the items of any number of different keys, in their order.
func GetItems(ctx context.Context, t driver.Table, keys []string) ([]*driver.Item, error) {
	var all []*driver.Item
	for chunk := range slices.Chunk(keys, driver.MaxGet) {
		items, err := t.Get(ctx, chunk)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
	}
	return all, nil
}

// GetRows returns the items of keyed rows, or parts of them, by their names.
func (v *TableView) GetRows(ctx context.Context, names []definition.Name) ([]*driver.Item, error) {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = name.ItemKey()
	}
	return GetItems(ctx, v.Table, keys)
}

// GetItem returns the item of a key, nil when there is none.
func GetItem(ctx context.Context, t driver.Table, key string) (*driver.Item, error) {
	items, err := t.Get(ctx, []string{key})
	if err != nil {
		return nil, err
	}
	return items[0], nil
}

// UnknownView is the error for a name that no view has.
func UnknownView() error {
	return events.Errorf(events.CodeUnknownView, "there is no view of this name")
}

// MaxGenerations bounds how often one version of a view is built.
const MaxGenerations = 64

// Sleep waits, at most until ctx ends: then its error has code canceled.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return events.Wrap(events.CodeCanceled, ctx.Err(), "the request was given up")
	case <-time.After(d):
		return nil
	}
}

// RowOf is the answer of an item that has a Row.
func RowOf(d *definition.Definition, item *driver.Item) view.Row {
	key, _ := definition.RowKey(item)
	return view.Row{Key: key, JSON: d.Answer(key, item.Row, item.Version), Version: item.Version, Shape: d.Version, Parked: definition.IsParked(item)}
}

// Check returns the definitions of views that may live together and whose
// events codec knows.
func Check(codec *events.Codec, views []view.View) ([]*definition.Definition, error) {
	var errs []error
	byName := map[string]*definition.Definition{}
	defs := make([]*definition.Definition, 0, len(views))
	for _, v := range views {
		d := v.Definition()
		errs = append(errs, d.Faults())
		if byName[d.Name] != nil {
			errs = append(errs, fmt.Errorf("view %q is declared twice: give one of them another name", d.Name))
		}
		for _, each := range d.Versions() {
			for _, name := range each.Handled() {
				if !codec.Declares(name) {
					errs = append(errs, fmt.Errorf("view %q: no aggregate declares event %q%s", d.Name, name, nearest.Hint(name, codec.Names())))
				}
			}
		}
		byName[d.Name] = d
		defs = append(defs, d)
	}
	return defs, errors.Join(errs...)
}
