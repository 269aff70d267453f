package dynamo

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// TestRehearseThousands: of a changed handler a rehearsal lists exactly the rows that a
// rebuild then changes, without any right to write. BenchmarkRehearse does it with a
// million events.
func TestRehearseThousands(t *testing.T) {
	t.Parallel()
	w := newRehearsed(t, 5000)
	if r := w.rehearse(testdomain.Courses); r.Differs || r.Events != 5000 || r.Views[0].Rows != 500 {
		t.Errorf("the same code: %+v", r)
	}
	if got := w.compare(); got != "5000 events: 72 of 500 rows change, p0000000 to p0000497" {
		t.Error(got)
	}
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
	t      testing.TB
	store  *EventStore
	tables *Tables
	codec  *events.Codec
	from   driver.Target // answers

	reader *Client // of rehearsals
	reads  *readOnly
}

func eventsOf(client *Client) *EventStore {
	return NewEventStore(client, TableName(testPrefix, EventsTable())).StrongScan()
}

// readOnly passes on what reads, and nothing else.
type readOnly struct {
	to      http.RoundTripper
	refused atomic.Int64
}

func (r *readOnly) RoundTrip(q *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
	if slices.Contains([]string{"BatchGetItem", "DescribeTable", "GetItem", "Query", "Scan"}, action) {
		return r.to.RoundTrip(q)
	}
	r.refused.Add(1)
	return nil, fmt.Errorf("a rehearsal must not %s", action)
}

func newRehearsed(t testing.TB, n int) *rehearsed {
	t.Helper()
	client, db := openBenched(t, EventsTable(), ControlTable(), ViewTable(testdomain.Courses.Describe()))
	t.Cleanup(func() { _ = db.Close() })
	w := &rehearsed{t: t, store: eventsOf(client), tables: NewTables(client, testPrefix), reads: &readOnly{to: db.RoundTripper()}}
	w.reader = New(testOptions(w.reads))
	var err error
	if w.codec, err = aggregate.Codec(testdomain.Aggregates()); err != nil {
		t.Fatal(err)
	}
	w.fill(n)
	w.from = w.rebuild(testdomain.Courses)
	r, err := w.rebuilder(testdomain.Courses)
	if err == nil {
		_, err = r.Switch(t.Context(), w.from, &admin.SwitchOptions{Delay: time.Nanosecond})
	}
	if err != nil {
		t.Fatal(err)
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
					w.t.Error(err)
					return
				}
				id := fmt.Sprintf("%d-%d", i, k)
				c, err := w.store.Append(w.t.Context(), at, events.Commit{ID: id, Time: time.Now(), Events: []events.Event{e}, Commands: []events.Command{{ID: id, Version: int64(k) + 1}}})
				if err != nil {
					w.t.Error(err)
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
		w.t.Fatal(err)
	}
	p, err := r.Run(w.t.Context(), v.Describe().Name)
	if err != nil || p.Faults != 0 {
		w.t.Fatal(p, err)
	}
	return p.Target
}

func (w *rehearsed) rehearse(v view.View) rehearse.Report {
	app := daybook.App{Name: "school", Aggregates: testdomain.Aggregates(), Views: []view.View{v}}
	r, err := rehearse.Run(w.t.Context(), app, rehearse.Sources{Events: eventsOf(w.reader), Tables: NewTables(w.reader, testPrefix)}, rehearse.Options{Segments: benchSegments, Parallel: benchWorkers, Samples: 1 << 30})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// rows are the shown rows of a table.
func (w *rehearsed) rows(t driver.Target) map[string]driver.Item {
	rows := map[string]driver.Item{}
	for cursor := ""; ; {
		page, next, err := w.tables.Open(t).Scan(w.t.Context(), 0, 1, cursor)
		if err != nil {
			w.t.Fatal(err)
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
// rehearsal lists. It returns what it saw.
func (w *rehearsed) compare() string {
	w.t.Helper()
	listed := map[string]bool{}
	report := w.rehearse(nextCourses())
	for _, f := range report.Views[0].Samples {
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
		w.t.Fatalf("the rehearsal lists %d rows, the rebuild changed %d of %d", len(listed), len(differ), len(after))
	}
	if n := report.Views[0].Changes.Rows; len(n) != 1 || n[admin.ChangeChanged] != int64(len(differ)) || w.reads.refused.Load() > 0 {
		w.t.Fatalf("the rehearsal counts %v, and wanted to write %d times", n, w.reads.refused.Load())
	}
	return fmt.Sprintf("%d events: %d of %d rows change, %s to %s", report.Events, len(differ), len(after), slices.Min(slices.Collect(maps.Keys(differ))), slices.Max(slices.Collect(maps.Keys(differ))))
}
