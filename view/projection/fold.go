package projection

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// Fold computes, only from whole streams, the table that a view should have.
// It is what a check of a table compares with, and what tests of a view use. It
// is not for concurrent use.
type Fold struct {
	d     *definition.Definition
	codec *events.Codec
	items map[string]driver.Item
	rows  map[definition.Name]definition.KeyedRow // of a keyed view
}

// NewFold returns a Fold of v without a stream. codec must know the events of
// the view.
func NewFold(v view.View, codec *events.Codec) (*Fold, error) {
	defs, err := routing.Check(codec, []view.View{v})
	if err != nil {
		return nil, err
	}
	return &Fold{d: defs[0], codec: codec, items: map[string]driver.Item{}, rows: map[definition.Name]definition.KeyedRow{}}, nil
}

// Stream returns the item that belongs to one stream, given all its commits in
// order: its row, or its checkpoint in a keyed view. It changes nothing. An
// error has code internal and says which commit the view can't apply.
func (f *Fold) Stream(commits []events.Commit) (driver.Item, error) {
	stream, out, err := f.foldStream(commits)
	if err != nil {
		return driver.Item{}, err
	}
	if !f.d.Keyed {
		return f.d.RowItem(stream, out)
	}
	return definition.Checkpoint(stream, out), nil
}

func (f *Fold) foldStream(commits []events.Commit) (events.Stream, definition.FoldState, error) {
	if len(commits) == 0 {
		return "", definition.FoldState{}, events.Errorf(events.CodeInternal, "a stream has at least one commit")
	}
	stream := commits[0].Stream
	if !f.d.Follows(stream) {
		return "", definition.FoldState{}, events.Errorf(events.CodeInternal, "view %q does not follow stream %q", f.d.Name, stream)
	}
	for i, c := range commits {
		if c.Stream != stream || c.Number != int64(i)+1 {
			return "", definition.FoldState{}, events.Errorf(events.CodeInternal, "the commits are not those of one stream in order")
		}
	}
	out, err := f.d.Fold(f.codec, nil, 1, int64(len(commits)), func(n int64) (*events.Commit, error) { return &commits[n-1], nil })
	if err != nil {
		return "", definition.FoldState{}, fmt.Errorf("stream %q: %w", stream, err)
	}
	return stream, out, nil
}

// Add takes in all commits of one more stream, in order. Errors are those of
// Stream.
func (f *Fold) Add(commits []events.Commit) error {
	item, err := f.Stream(commits)
	if err != nil {
		return err
	}
	if _, ok := f.items[item.Key]; ok {
		return events.Errorf(events.CodeInternal, "stream %q was added before", commits[0].Stream)
	}
	if f.d.Keyed {
		names, err := f.d.Names(commits[0].Stream, item.Memo)
		if err != nil {
			return err
		}
		for _, name := range names {
			row, err := f.rows[name].With(f.d, name, &definition.Change{Parts: []definition.Part{{Memo: item.Memo}}})
			if err != nil {
				return err
			}
			f.rows[name] = row
		}
	}
	f.items[item.Key] = item
	return nil
}

// Items returns all items, sorted by key: rows and parts of rows, hidden
// rows, and checkpoints. An
// error has code internal.
func (f *Fold) Items() ([]driver.Item, error) {
	all := slices.Collect(maps.Values(f.items))
	for name, row := range f.rows {
		item, err := f.d.KeyedItem(name, row)
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	slices.SortFunc(all, func(a, b driver.Item) int { return strings.Compare(a.Key, b.Key) })
	return all, nil
}

// Row returns the row of a tenant ("" without tenants) and key as a query answers
// it; ok is false when there is none. An error has code internal.
func (f *Fold) Row(tenant, key string) (row view.Row, ok bool, err error) {
	item, ok := f.items[definition.ItemKey(tenant, key)]
	whole := &item
	if f.d.Keyed {
		if whole, err = f.whole(tenant, key); err != nil {
			return view.Row{}, false, err
		}
		ok = whole != nil
	}
	if !ok || whole.Row == nil {
		return view.Row{}, false, nil
	}
	return routing.RowOf(f.d, whole), true, nil
}

// whole is the item of a keyed row, put together if it has parts; nil when no
// stream contributes to it.
func (f *Fold) whole(tenant, key string) (*driver.Item, error) {
	names := f.d.NamesOf(tenant, key)
	parts := make([]*driver.Item, len(names))
	for i, name := range names {
		if row, ok := f.rows[name]; ok {
			item, err := f.d.KeyedItem(name, row)
			if err != nil {
				return nil, err
			}
			parts[i] = &item
		}
	}
	return f.d.Assemble(tenant, key, parts)
}

// Keys returns the keys of all rows of a tenant ("" without tenants) that a query
// answers, sorted. An error has code internal.
func (f *Fold) Keys(tenant string) ([]string, error) {
	candidates := map[string]bool{}
	for name := range f.rows {
		if name.Tenant == tenant {
			candidates[name.Key] = true
		}
	}
	for _, item := range f.items {
		if name, ok := definition.RowName(&item); ok && name.Tenant == tenant {
			candidates[name.Key] = true
		}
	}
	keys := []string{}
	for _, key := range slices.Sorted(maps.Keys(candidates)) {
		_, ok, err := f.Row(tenant, key)
		if err != nil {
			return nil, err
		}
		if ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
