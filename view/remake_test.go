package view_test

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"daybook/events"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
)

// spoil puts another text into the item of a key, as if it had been made before values
// were erased.
func (w *world) spoil(t *testing.T, target driver.Target, key, old, text string) {
	t.Helper()
	table := w.tables.Open(target)
	items, err := table.Get(t.Context(), []string{key})
	if err != nil || items[0] == nil || !bytes.Contains(slices.Concat(items[0].Row, items[0].Memo), []byte(old)) {
		t.Fatalf("%s: %+v, %v", target, items, err)
	}
	next := *items[0]
	next.Row, next.Memo = bytes.ReplaceAll(next.Row, []byte(old), []byte(text)), bytes.ReplaceAll(next.Memo, []byte(old), []byte(text))
	next.Version-- // tables take no second item of a version
	for _, write := range []driver.Write{driver.Write{Item: next, Delete: true}.Over(items[0]), {Item: next}} {
		if err := table.Put(t.Context(), write); err != nil {
			t.Fatal(err)
		}
	}
}

// holds returns the keys of the items of a table that have a text.
func (w *world) holds(target driver.Target, text string) (keys []string) {
	for _, item := range w.tables.ItemsOf(target) {
		if bytes.Contains(slices.Concat(item.Row, item.Memo), []byte(text)) {
			keys = append(keys, item.Key)
		}
	}
	return keys
}

// TestRemakeOfEveryTable: a stream is made again in each table that live commits reach: the
// one that answers, the one that answered before and the one that is filled to answer next;
// and in views that nobody ever rebuilt. Other streams stay as they are.
func TestRemakeOfEveryTable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		views := []view.View{moving(), newCategories()}
		w := newWorld(views...)
		for _, id := range []string{"3", "5"} {
			w.commit(events.StreamOf("user", id), created("x"))
			w.commit(events.StreamOf("user", id), renamed("name"+id))
			w.commit(events.StreamOf("product", id), added("x", 1))
			w.commit(events.StreamOf("product", id), moved("kind"+id))
		}
		w.deployed(t, newShaped(1), newCategories())
		r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
		if _, err := r.Run(t.Context(), "shaped"); err != nil {
			t.Fatal(err)
		}
		at, err := r.Switch(t.Context(), v(2, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(at))
		if _, err := r.Run(t.Context(), "shaped"); err != nil {
			t.Fatal(err)
		}
		tables, keyed := []driver.Target{v(1, 1), v(2, 1), v(2, 2)}, driver.Target{View: "categories", Version: 1, Generation: 1}
		for _, id := range []string{"3", "5"} {
			for _, target := range tables {
				w.spoil(t, target, id, "name"+id, "Ann Archer")
			}
			w.spoil(t, keyed, "@stream/product/"+id, "kind"+id, "Ann Archer")
		}
		done, err := admin.Remake(t.Context(), w.store, w.codec, w.tables, views, []events.Stream{"user/3", "product/3", "user/none", "other/3"})
		if err != nil || done.Rows != 4 || !slices.Equal(done.Keyed, []string{"categories"}) {
			t.Errorf("got %+v, %v", done, err)
		}
		for _, target := range tables {
			if old, now := w.holds(target, "Ann Archer"), w.holds(target, "name3"); !slices.Equal(old, []string{"5"}) || !slices.Equal(now, []string{"3"}) {
				t.Errorf("table %s: %q hold what was erased, %q are made again", target, old, now)
			}
		}
		if old := w.holds(keyed, "Ann Archer"); !slices.Equal(old, []string{"@stream/product/5"}) {
			t.Errorf("keyed: %q hold what was erased", old)
		}
		done, err = admin.Remake(t.Context(), w.store, w.codec, w.tables, views, []events.Stream{"user/3", "product/3"})
		if err != nil || done.Rows != 0 || len(done.Keyed) > 0 {
			t.Errorf("again: %+v, %v", done, err)
		}
	})
}
