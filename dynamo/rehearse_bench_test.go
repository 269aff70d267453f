package dynamo

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/internal/testdomain"
	"daybook/rehearse"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
)

// BenchmarkRehearse rehearses a change of one handler beside a bare parallel scan of
// the same events in the same run, on as many segments and workers: events per second
// of CPU time (the embedded DynamoDB's included), and their ratio, with the changed
// code and with the same. Then the view is rebuilt by the changed code: the rows that
// the rehearsal listed must be exactly those that differ.
//
// DAYBOOK_REHEARSE_EVENTS says how many events there are; default 20,000.
func BenchmarkRehearse(b *testing.B) {
	n := 20_000
	if text := os.Getenv("DAYBOOK_REHEARSE_EVENTS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	w := newRehearsed(b, n)
	var scan, same, changed time.Duration
	runs := 0
	for b.Loop() {
		began := cpuTime(b)
		bareScan(b, w.store)
		scan += cpuTime(b) - began
		began = cpuTime(b)
		if r := w.rehearse(testdomain.Courses); r.Differs || r.Events != int64(n) {
			b.Fatalf("the same code: %+v", r)
		}
		same += cpuTime(b) - began
		began = cpuTime(b)
		if r := w.rehearse(nextCourses()); !r.Differs {
			b.Fatalf("the changed code: %+v", r)
		}
		changed += cpuTime(b) - began
		runs += n
	}
	w.compare()
	b.ReportMetric(float64(runs)/scan.Seconds(), "scanned/cpu-s")
	b.ReportMetric(float64(runs)/same.Seconds(), "rehearsed/cpu-s")
	b.ReportMetric(float64(runs)/changed.Seconds(), "rehearsed-changed/cpu-s")
	b.ReportMetric(scan.Seconds()/same.Seconds(), "rehearse-ratio")
	b.ReportMetric(0, "ns/op")
}

// nextCourses is the view with one handler changed: courses that are extended by more
// than 900 get a seat less.
func nextCourses() view.View {
	type row = testdomain.CourseRow
	return view.New[row]("courses", "course").
		On(func(_ row, e testdomain.CourseAdded, _ view.Meta) row {
			return row{Name: e.Name, Area: e.Area, Fee: e.Fee, Currency: e.Currency, Seats: e.Seats}
		}).
		On(func(r row, e testdomain.CourseFeeChanged, _ view.Meta) row { r.Fee = e.Fee; return r }).
		On(func(r row, e testdomain.CourseAreaMoved, _ view.Meta) row { r.Area = e.Area; return r }).
		On(func(r row, e testdomain.CourseExtended, _ view.Meta) row {
			r.Seats = events.Add(r.Seats, e.Quantity)
			if e.Quantity > 900 {
				r.Seats--
			}
			return r
		}).
		On(func(r row, e testdomain.SeatsReserved, _ view.Meta) row {
			r.Seats = events.Subtract(r.Seats, e.Quantity)
			return r
		}).
		On(func(r row, e testdomain.SeatsReleased, _ view.Meta) row {
			r.Seats = events.Add(r.Seats, e.Quantity)
			return r
		}).
		On(func(r row, e testdomain.SeatsMovedOut, _ view.Meta) row {
			r.Seats = events.Subtract(r.Seats, e.Quantity)
			return r
		}).
		On(func(r row, e testdomain.SeatsMovedIn, _ view.Meta) row {
			r.Seats = events.Add(r.Seats, e.Quantity)
			return r
		}).
		On(func(r row, _ testdomain.CourseRetired, _ view.Meta) row { r.Retired = true; return r }).
		Hide(func(r row) bool { return r.Retired }).
		Index("by-fee", view.By("area").Then("fee")).
		Index("by-name", view.By("area").Then("name"))
}

// rehearsed is an installation with courses of ten commits each, projected by
// testdomain.Courses.
type rehearsed struct {
	b      *testing.B
	store  *EventStore
	tables *Tables
	codec  *events.Codec
	from   driver.Target // answers
}

func newRehearsed(b *testing.B, n int) *rehearsed {
	client, db := openBenched(b, EventsTable(), ControlTable(), ViewTable(testdomain.Courses.Describe()))
	b.Cleanup(func() { _ = db.Close() })
	w := &rehearsed{b: b, store: NewEventStore(client, TableName(testPrefix, EventsTable())).StrongScan(), tables: NewTables(client, testPrefix)}
	var err error
	if w.codec, err = aggregate.Codec(testdomain.Aggregates()); err != nil {
		b.Fatal(err)
	}
	w.fill(n)
	w.from = w.rebuild(testdomain.Courses)
	r, err := w.rebuilder(testdomain.Courses)
	if err == nil {
		_, err = r.Switch(b.Context(), w.from, &admin.SwitchOptions{Delay: time.Nanosecond})
	}
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// fill stores n events, ten per course. Every seventh course is extended by 1,000.
func (w *rehearsed) fill(n int) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i := range n / 10 {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			at := events.Start(events.StreamOf("course", fmt.Sprintf("p%07d", i)))
			for k := range 10 {
				name, data := "course-extended", any(testdomain.CourseExtended{Quantity: 1})
				switch {
				case k == 0:
					name, data = "course-added", testdomain.CourseAdded{Name: fmt.Sprintf("Course %d", i), Area: fmt.Sprint(i % 70), Fee: int64(i), Currency: "EUR", Seats: 5}
				case k == 5 && i%7 == 0:
					data = testdomain.CourseExtended{Quantity: 1000}
				}
				e, err := w.codec.Encode(name, data)
				if err != nil {
					w.b.Error(err)
					return
				}
				id := fmt.Sprintf("%d-%d", i, k)
				c, err := w.store.Append(w.b.Context(), at, events.Commit{ID: id, Time: time.Now(), Events: []events.Event{e}, Commands: []events.Command{{ID: id, Version: int64(k) + 1}}})
				if err != nil {
					w.b.Error(err)
					return
				}
				at = events.After(&c)
			}
		})
	}
	wg.Wait()
}

func (w *rehearsed) rebuilder(v view.View) (*admin.Rebuilder, error) {
	return admin.NewRebuilder(w.store, w.codec, w.tables, []view.View{v}, &admin.RebuildOptions{Segments: benchSegments, Workers: benchWorkers})
}

func (w *rehearsed) rebuild(v view.View) driver.Target {
	r, err := w.rebuilder(v)
	if err != nil {
		w.b.Fatal(err)
	}
	p, err := r.Run(w.b.Context(), v.Describe().Name)
	if err != nil || p.Faults != 0 {
		w.b.Fatal(p, err)
	}
	return p.Target
}

func (w *rehearsed) rehearse(v view.View) rehearse.Report {
	app := daybook.App{Name: "school", Aggregates: testdomain.Aggregates(), Views: []view.View{v}}
	r, err := rehearse.Run(w.b.Context(), app, rehearse.Sources{Events: w.store, Tables: w.tables}, rehearse.Options{Segments: benchSegments, Parallel: benchWorkers, Samples: 1 << 30})
	if err != nil {
		w.b.Fatal(err)
	}
	return r
}

// rows are the shown rows of a table.
func (w *rehearsed) rows(t driver.Target) map[string]driver.Item {
	rows := map[string]driver.Item{}
	for cursor := ""; ; {
		page, next, err := w.tables.Open(t).Scan(w.b.Context(), 0, 1, cursor)
		if err != nil {
			w.b.Fatal(err)
		}
		for _, found := range page {
			if found.Item.Row != nil {
				rows[found.Item.Key] = found.Item
			}
		}
		if cursor = next; cursor == "" {
			return rows
		}
	}
}

// compare rebuilds by the changed code, and compares what that changed with what the
// rehearsal lists.
func (w *rehearsed) compare() {
	listed := map[string]bool{}
	for _, f := range w.rehearse(nextCourses()).Views[0].Samples {
		listed[f.Row] = true
	}
	before, after := w.rows(w.from), w.rows(w.rebuild(nextCourses()))
	differ := map[string]bool{}
	for key, a := range before {
		if z, ok := after[key]; !ok || !bytes.Equal(a.Row, z.Row) || !maps.Equal(a.Index, z.Index) {
			differ[key] = true
		}
	}
	if len(before) != len(after) || len(differ) == 0 || !maps.Equal(listed, differ) {
		w.b.Fatalf("the rehearsal lists %d rows, the rebuild changed %d of %d", len(listed), len(differ), len(after))
	}
	w.b.Logf("%d of %d rows change, %s to %s", len(differ), len(after), slices.Min(slices.Collect(maps.Keys(differ))), slices.Max(slices.Collect(maps.Keys(differ))))
}
