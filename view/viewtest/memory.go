package viewtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
)

// Call is one call of a table.
type Call struct {
	View       string // "control" for the table of control records
	Version    int
	Generation int
	Method     string   // Get, Put, Transact, Range or Scan
	Keys       []string // of the items read or written; a Range's partition
}

// Memory keeps the tables of views in memory, for tests. It holds to the
// contract of driver.Table strictly: limits, sizes and keys that a database would
// refuse fail with code internal or too-large. Its indexes are never behind.
type Memory struct {
	// Before runs before each call; an error it returns is the call's.
	Before func(Call) error
	// After runs after each Put and Transact that wrote; an error it returns
	// is the call's: an answer lost after writing.
	After func(Call) error

	mu       sync.Mutex
	declared map[driver.Target]map[string]driver.IndexDescription // by target; version 0 for any
	dropped  map[driver.Target]bool
	tables   map[driver.Target]map[string]driver.Item
	calls    map[string]int
}

var _ driver.AdminTables = (*Memory)(nil)

// control is the target of the table of control records.
var control = driver.Target{View: "control"}

// NewMemory returns empty tables of the given views, each at any version: with
// the indexes that the version is declared with, else those of the newest one.
func NewMemory(views ...view.View) *Memory {
	m := &Memory{
		declared: map[driver.Target]map[string]driver.IndexDescription{control: {}},
		dropped:  map[driver.Target]bool{},
		tables:   map[driver.Target]map[string]driver.Item{},
		calls:    map[string]int{},
	}
	for _, v := range view.Versions(views) {
		d := v.Describe()
		m.declared[driver.Target{View: d.Name}] = indexes(d.TableIndexes())
		m.declared[driver.Target{View: d.Name, Version: d.Version, Generation: 1}] = indexes(d.TableIndexes())
	}
	return m
}

func indexes(declared []driver.IndexDescription) map[string]driver.IndexDescription {
	all := map[string]driver.IndexDescription{}
	for _, ix := range declared {
		all[ix.Name] = ix
	}
	return all
}

// Calls returns how often each method was called, by name.
func (m *Memory) Calls() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.calls)
}

// Items returns all items of a view at a version of it, sorted by key.
func (m *Memory) Items(name string, version int) []driver.Item {
	return m.ItemsOf(driver.Target{View: name, Version: version, Generation: 1})
}

// ItemsOf returns all items of a table, sorted by key.
func (m *Memory) ItemsOf(t driver.Target) []driver.Item {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.tables[t]
	items := make([]driver.Item, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		items = append(items, clone(all[key]))
	}
	return items
}

// Table implements driver.Tables. A view that was not declared gets a table
// whose calls fail.
func (m *Memory) Table(name string, version int) driver.Table {
	return m.Open(driver.Target{View: name, Version: version, Generation: 1})
}

// Open implements driver.RoutedTables.
func (m *Memory) Open(t driver.Target) driver.Table { return &table{m: m, name: t} }

// Control implements driver.RoutedTables.
func (m *Memory) Control() driver.Table { return &table{m: m, name: control} }

// Create implements driver.AdminTables.
func (m *Memory) Create(ctx context.Context, t driver.Target, declared []driver.IndexDescription) error {
	if err := ctx.Err(); err != nil {
		return events.Wrap(events.CodeCanceled, err, "the request was given up")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.Generation == 1 {
		if _, ok := m.declared[t]; !ok || m.dropped[t] {
			return events.Errorf(events.CodeUnavailable, "there is no table of %s %s", t.View, t)
		}
		return nil
	}
	m.declared[t] = indexes(declared)
	delete(m.dropped, t)
	return nil
}

// Drop implements driver.AdminTables.
func (m *Memory) Drop(ctx context.Context, t driver.Target) error {
	if err := ctx.Err(); err != nil {
		return events.Wrap(events.CodeCanceled, err, "the request was given up")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropped[t] = true
	delete(m.tables, t)
	return nil
}

type table struct {
	m    *Memory
	name driver.Target
}

// indexes returns the indexes of the table; ok is false when there is no table.
func (t *table) indexes() (_ map[string]driver.IndexDescription, ok bool) {
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	all, ok := t.m.declared[t.name]
	if !ok && t.name.Generation == 1 {
		all, ok = t.m.declared[driver.Target{View: t.name.View}]
	}
	return all, ok && !t.m.dropped[t.name]
}

func (t *table) enter(ctx context.Context, method string, keys []string) (Call, error) {
	c := Call{View: t.name.View, Version: t.name.Version, Generation: t.name.Generation, Method: method, Keys: keys}
	if err := ctx.Err(); err != nil {
		return c, events.Wrap(events.CodeCanceled, err, "the request was given up")
	}
	t.m.mu.Lock()
	t.m.calls[method]++
	t.m.mu.Unlock()
	if _, ok := t.indexes(); !ok {
		t.m.mu.Lock()
		dropped := t.m.dropped[t.name]
		t.m.mu.Unlock()
		if t.name.Generation == 1 && !dropped {
			return c, internal("view %q was not declared", t.name.View)
		}
		return c, events.Errorf(events.CodeUnavailable, "there is no table of %s %s", t.name.View, t.name)
	}
	if t.m.Before != nil {
		return c, t.m.Before(c)
	}
	return c, nil
}

func internal(format string, args ...any) error {
	return events.Errorf(events.CodeInternal, format, args...)
}

// Get implements driver.Table.
func (t *table) Get(ctx context.Context, keys []string) ([]*driver.Item, error) {
	if _, err := t.enter(ctx, "Get", keys); err != nil {
		return nil, err
	}
	if len(keys) < 1 || len(keys) > 100 {
		return nil, internal("Get of %d keys", len(keys))
	}
	if len(slices.Compact(slices.Sorted(slices.Values(keys)))) != len(keys) {
		return nil, internal("Get of the same key twice")
	}
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	items := make([]*driver.Item, len(keys))
	for i, key := range keys {
		if item, ok := t.m.tables[t.name][key]; ok {
			item = clone(item)
			items[i] = &item
		}
	}
	return items, nil
}

// Put implements driver.Table.
func (t *table) Put(ctx context.Context, w driver.Write) error {
	return t.write(ctx, "Put", []driver.Write{w})
}

// Insert implements driver.Inserter.
func (t *table) Insert(ctx context.Context, items []driver.Item) []error {
	errs := make([]error, len(items))
	for i, item := range items {
		errs[i] = t.write(ctx, "Insert", []driver.Write{{Item: item}})
	}
	return errs
}

// Transact implements driver.Table.
func (t *table) Transact(ctx context.Context, ws []driver.Write) error {
	return t.write(ctx, "Transact", ws)
}

func (t *table) write(ctx context.Context, method string, ws []driver.Write) error {
	keys := make([]string, len(ws))
	for i, w := range ws {
		keys[i] = w.Item.Key
	}
	call, err := t.enter(ctx, method, keys)
	if err != nil {
		return err
	}
	if len(ws) < 1 || len(ws) > 100 {
		return internal("a transaction of %d writes", len(ws))
	}
	if len(slices.Compact(slices.Sorted(slices.Values(keys)))) != len(keys) {
		return internal("a transaction of two writes of one key")
	}
	total := 0
	for _, w := range ws {
		size, err := t.check(w)
		if err != nil {
			return err
		}
		total += size
	}
	if total > 4<<20 {
		return events.Errorf(events.CodeTooLarge, "a transaction has at most 4 MB")
	}
	if err := t.store(ws); err != nil {
		return err
	}
	if t.m.After != nil {
		return t.m.After(call)
	}
	return nil
}

func (t *table) store(ws []driver.Write) error {
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	stored := t.m.tables[t.name]
	for _, w := range ws {
		if old := stored[w.Item.Key]; old.Version != w.Expect || old.Parked != w.ExpectParked {
			return events.Errorf(events.CodeConflict, "another write was first")
		}
	}
	if stored == nil {
		stored = map[string]driver.Item{}
		t.m.tables[t.name] = stored
	}
	for _, w := range ws {
		if w.Delete {
			delete(stored, w.Item.Key)
		} else {
			stored[w.Item.Key] = clone(w.Item)
		}
	}
	return nil
}

// check refuses what a database would refuse, and returns the item's size.
func (t *table) check(w driver.Write) (int, error) {
	item := w.Item
	if item.Key == "" || len(item.Key) > 2048 {
		return 0, internal("a key of %d bytes", len(item.Key))
	}
	if w.Delete {
		return len(item.Key), nil
	}
	if item.Parked == 0 && w.ExpectParked == 0 && item.Version <= w.Expect || item.Version < w.Expect || item.Version == 0 && item.Parked == 0 {
		return 0, internal("item %q: version %d after %d", item.Key, item.Version, w.Expect)
	}
	if item.Row != nil && item.Row.Kind() != '{' || item.Row != nil && !item.Row.IsValid() || item.Memo != nil && !item.Memo.IsValid() {
		return 0, internal("item %q: row or memo is no JSON", item.Key)
	}
	declared, _ := t.indexes()
	size := 100 + len(item.Key) + len(item.Row) + len(item.Memo)
	for name, k := range item.Index {
		ix, ok := declared[name]
		switch {
		case !ok:
			return 0, internal("view %q has no index %q", t.name.View, name)
		case k.Partition == "" || len(k.Partition) > 2048:
			return 0, internal("item %q: a partition key of %d bytes", item.Key, len(k.Partition))
		case k.Sort.Kind != ix.SortKind || !k.Sort.Valid():
			return 0, internal("item %q: sort key %+v in index %q", item.Key, k.Sort, name)
		case item.Row == nil && name != driver.ParkedIndex:
			return 0, internal("item %q is in index %q without a row", item.Key, name)
		}
		size += len(name) + len(k.Partition) + len(k.Sort.Text)
	}
	limit := 400 * 1024
	if item.Parked == 0 {
		limit -= 64 // room for parking it
	}
	if size > limit {
		return 0, events.Errorf(events.CodeTooLarge, "an item has at most 400 KB")
	}
	return size, nil
}

// Range implements driver.Table.
func (t *table) Range(ctx context.Context, r driver.Range) ([]driver.Item, bool, error) {
	if _, err := t.enter(ctx, "Range", []string{r.Partition}); err != nil {
		return nil, false, err
	}
	if err := t.checkRange(r); err != nil {
		return nil, false, err
	}
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	if r.Index == "" {
		item, ok := t.m.tables[t.name][r.Partition]
		if !ok || r.After != nil {
			return nil, true, nil
		}
		return []driver.Item{clone(item)}, true, nil
	}
	found := []driver.Item{}
	for _, item := range t.m.tables[t.name] {
		if k, ok := item.Index[r.Index]; ok && k.Partition == r.Partition && within(r, k.Sort) && behind(r, item) {
			found = append(found, clone(item))
		}
	}
	slices.SortFunc(found, func(a, b driver.Item) int {
		c := comparePlaces(placeOf(a, r.Index), placeOf(b, r.Index))
		if r.Desc {
			return -c
		}
		return c
	})
	if len(found) > r.Limit {
		return found[:r.Limit], false, nil
	}
	return found, true, nil
}

func (t *table) checkRange(r driver.Range) error {
	declared, _ := t.indexes()
	ix, ok := declared[r.Index]
	switch {
	case r.Partition == "" || r.Limit < 1:
		return internal("a range of partition %q with limit %d", r.Partition, r.Limit)
	case r.Index == "":
		return nil
	case !ok:
		return internal("view %q has no index %q", t.name.View, r.Index)
	case r.Prefix != "" && (r.Low != nil || r.High != nil || ix.SortKind != driver.SortString):
		return internal("a range with a prefix and a bound, or on numbers")
	}
	for _, b := range []*driver.Bound{r.Low, r.High} {
		if b != nil && (b.Sort.Kind != ix.SortKind || !b.Sort.Valid()) {
			return internal("a range with bound %+v", b.Sort)
		}
	}
	if r.Low != nil && r.High != nil {
		c := r.Low.Sort.Compare(r.High.Sort)
		if c > 0 || c == 0 && (r.Low.Open || r.High.Open) {
			return internal("an empty range")
		}
	}
	if r.After != nil && (r.After.Key == "" || r.After.Sort.Kind != ix.SortKind || !r.After.Sort.Valid() || !within(r, r.After.Sort)) {
		return internal("a range that continues after %+v", *r.After)
	}
	return nil
}

func within(r driver.Range, s driver.Sort) bool {
	if r.Low != nil {
		if c := s.Compare(r.Low.Sort); c < 0 || c == 0 && r.Low.Open {
			return false
		}
	}
	if r.High != nil {
		if c := s.Compare(r.High.Sort); c > 0 || c == 0 && r.High.Open {
			return false
		}
	}
	return strings.HasPrefix(s.Text, r.Prefix)
}

func behind(r driver.Range, item driver.Item) bool {
	if r.After == nil {
		return true
	}
	c := comparePlaces(placeOf(item, r.Index), *r.After)
	return r.Desc && c < 0 || !r.Desc && c > 0
}

func placeOf(item driver.Item, index string) driver.Place {
	return driver.Place{Sort: item.Index[index].Sort, Key: item.Key}
}

func comparePlaces(a, b driver.Place) int {
	return cmp.Or(a.Sort.Compare(b.Sort), strings.Compare(a.Key, b.Key))
}

// clone copies an item, so that who gets one can't change what is stored.
func clone(item driver.Item) driver.Item {
	item.Row, item.Memo, item.Index = item.Row.Clone(), item.Memo.Clone(), maps.Clone(item.Index)
	return item
}
