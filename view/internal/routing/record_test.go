package routing

import (
	"context"
	"reflect"
	"testing"
	"time"

	"daybook/view/driver"
)

// control is a table of control records with one item.
type control struct {
	driver.Table
	item *driver.Item
}

func (c *control) Put(_ context.Context, w driver.Write) error {
	c.item = &w.Item
	return nil
}

func (c *control) Get(context.Context, []string) ([]*driver.Item, error) {
	return []*driver.Item{c.item}, nil
}

// Deployments of any age read each other's control record: its form is fixed.
func TestStoredRecord(t *testing.T) {
	t.Parallel()
	at := func(version, generation int) driver.Target {
		return driver.Target{View: "users", Version: version, Generation: generation}
	}
	rec := &Record{
		Version: 6,
		Views: map[string]*Route{"users": {
			Serving: at(2, 3), Before: at(1, 1), Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			Tables: []TableState{
				{Target: at(1, 1), Complete: true, Missed: true, Shape: "d1"},
				{Target: at(2, 3), Fill: 1, Segments: 64, Commits: 5, Faults: 1, Shape: "d2"},
			},
			Highest: map[int]int{1: 1, 2: 3}, First: 1,
		}},
		NewShapes: map[driver.Target]bool{at(2, 3): true},
	}
	table := &control{}
	if err := rec.write(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	const want = `{"views":{"users":{"serving":{"version":2,"generation":3},"before":{"version":1,"generation":1},"since":"2026-01-02T03:04:05Z",` +
		`"tables":[{"version":1,"generation":1,"complete":true,"missed":true,"shape":"d1"},` +
		`{"version":2,"generation":3,"fill":1,"segments":64,"commits":5,"faults":1,"shape":"d2"}],"highest":{"1":1,"2":3},"first":1}}}`
	if got := string(table.item.Memo); got != want || table.item.Version != 7 {
		t.Errorf("got version %d\n%s\nwant\n%s", table.item.Version, got, want)
	}
	read, err := ReadRecord(t.Context(), table)
	if err != nil || read.Version != 7 || len(read.NewShapes) != 0 || !reflect.DeepEqual(read.Views, rec.Views) {
		t.Errorf("read %+v, %v", read, err)
	}
}
