package sealed

import (
	"context"
	"strconv"
	"strings"

	"daybook/events"
	"daybook/personal"
	"daybook/view/driver"
)

// newTables wraps the tables of views: rows go into them sealed and come out opened. What
// it returns can compare indexes (driver.IndexedTables) if d can.
func newTables(d driver.AdminTables, s *personal.Sealer) driver.AdminTables {
	wrapped := &tables{AdminTables: d, sealer: s}
	if indexed, ok := d.(driver.IndexedTables); ok {
		return &indexedTables{tables: wrapped, compare: indexed.CompareIndexes}
	}
	return wrapped
}

type tables struct {
	driver.AdminTables
	sealer *personal.Sealer
}

type indexedTables struct {
	*tables
	compare func(context.Context, driver.Target, []driver.IndexDescription) ([]string, error)
}

// CompareIndexes implements driver.IndexedTables.
func (t *indexedTables) CompareIndexes(ctx context.Context, target driver.Target, declared []driver.IndexDescription) ([]string, error) {
	return t.compare(ctx, target, declared)
}

var _ driver.IndexedTables = (*indexedTables)(nil)

// Table implements driver.Tables.
func (t *tables) Table(view string, version int) driver.Table {
	return t.wrap(view, version, t.AdminTables.Table(view, version))
}

// Open implements driver.RoutedTables.
func (t *tables) Open(target driver.Target) driver.Table {
	return t.wrap(target.View, target.Version, t.AdminTables.Open(target))
}

// wrap wraps one table. What it returns inserts (driver.Inserter) if the table does.
func (t *tables) wrap(view string, version int, table driver.Table) driver.Table {
	rows := &rowTable{Table: table, sealer: t.sealer, bound: []string{view, strconv.Itoa(version)}}
	if inserter, ok := table.(driver.Inserter); ok {
		return &insertTable{rowTable: rows, under: inserter}
	}
	return rows
}

// rowTable is the table of one view.
type rowTable struct {
	driver.Table
	sealer *personal.Sealer
	bound  []string
}

// tenantOf is the tenant of an item by its key: "acme" of the row "@tenant/acme/7" and
// of the checkpoint "@stream/acme:product/7"; "" for none.
func tenantOf(key string) string {
	if stream, ok := strings.CutPrefix(key, "@stream/"); ok {
		return events.Stream(stream).Tenant()
	}
	rest, ok := strings.CutPrefix(key, "@tenant/")
	if !ok {
		return ""
	}
	tenant, _, _ := strings.Cut(rest, "/")
	return tenant
}

// docs are the parts of items that may hold personal values.
func (t *rowTable) docs(items []*driver.Item) (all []personal.Doc) {
	for _, item := range items {
		if item == nil {
			continue
		}
		at := func(part string) personal.Place {
			return personal.Place{Tenant: tenantOf(item.Key), Bound: []string{part, t.bound[0], t.bound[1], item.Key}}
		}
		if item.Row != nil {
			all = append(all, personal.Doc{Place: at("row"), Data: &item.Row})
		}
		if item.Memo != nil {
			all = append(all, personal.Doc{Place: at("memo"), Data: &item.Memo})
		}
	}
	return all
}

// seal returns writes with sealed items; those given stay as they are.
func (t *rowTable) seal(ctx context.Context, ws []driver.Write) ([]driver.Write, error) {
	mine := append([]driver.Write(nil), ws...)
	items := make([]*driver.Item, len(mine))
	for i := range mine {
		items[i] = &mine[i].Item
	}
	if err := t.sealer.Seal(ctx, t.docs(items)); err != nil {
		return nil, wrapped(ctx, err, "a row's personal values can't be encrypted")
	}
	return mine, nil
}

// open opens items in place: they were just read, unless that has failed.
func (t *rowTable) open(ctx context.Context, items []*driver.Item, failed error) error {
	if failed != nil {
		return failed
	}
	if err := t.sealer.Open(ctx, t.docs(items)); err != nil {
		return wrapped(ctx, err, "a row's personal values can't be decrypted")
	}
	return nil
}

// Get implements driver.Table.
func (t *rowTable) Get(ctx context.Context, keys []string) ([]*driver.Item, error) {
	items, err := t.Table.Get(ctx, keys)
	return items, t.open(ctx, items, err)
}

// Put implements driver.Table.
func (t *rowTable) Put(ctx context.Context, w driver.Write) error {
	mine, err := t.seal(ctx, []driver.Write{w})
	if err != nil {
		return err
	}
	return t.Table.Put(ctx, mine[0])
}

// Transact implements driver.Table.
func (t *rowTable) Transact(ctx context.Context, ws []driver.Write) error {
	mine, err := t.seal(ctx, ws)
	if err != nil {
		return err
	}
	return t.Table.Transact(ctx, mine)
}

// Range implements driver.Table.
func (t *rowTable) Range(ctx context.Context, r driver.Range) ([]driver.Item, bool, error) {
	items, end, err := t.Table.Range(ctx, r)
	at := make([]*driver.Item, len(items))
	for i := range items {
		at[i] = &items[i]
	}
	return items, end, t.open(ctx, at, err)
}

// Scan implements driver.Table.
func (t *rowTable) Scan(ctx context.Context, segment, segments int, cursor string) ([]driver.ScannedItem, string, error) {
	page, next, err := t.Table.Scan(ctx, segment, segments, cursor)
	var at []*driver.Item
	for i := range page {
		if page[i].Err == nil {
			at = append(at, &page[i].Item)
		}
	}
	return page, next, t.open(ctx, at, err)
}

// insertTable is a rowTable that inserts.
type insertTable struct {
	*rowTable
	under driver.Inserter
}

var _ driver.Inserter = (*insertTable)(nil)

// Insert implements driver.Inserter. If an item can't be sealed, none is sent.
func (t *insertTable) Insert(ctx context.Context, items []driver.Item) []error {
	mine := append([]driver.Item(nil), items...)
	at := make([]*driver.Item, len(mine))
	for i := range mine {
		at[i] = &mine[i]
	}
	if err := t.sealer.Seal(ctx, t.docs(at)); err != nil {
		errs := make([]error, len(items))
		for i := range errs {
			errs[i] = wrapped(ctx, err, "a row's personal values can't be encrypted")
		}
		return errs
	}
	return t.under.Insert(ctx, mine)
}
