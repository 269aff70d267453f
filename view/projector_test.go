package view_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/projection"
	"daybook/view/viewtest"
)

// bench is a store, tables and a projector over them.
type bench struct {
	t      testing.TB
	codec  *events.Codec
	store  *eventstest.Memory
	tables *viewtest.Memory
	p      *projection.Projector
}

var testNow = time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)

func newBench(t testing.TB, views ...view.View) *bench {
	t.Helper()
	b := &bench{t: t, codec: newCodec(), store: &eventstest.Memory{}, tables: viewtest.NewMemory(views...)}
	var err error
	b.p, err = projection.New(b.store, b.codec, b.tables, views, &projection.Options{Now: func() time.Time { return testNow }})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// append stores a stream and returns a delivery for each commit.
func (b *bench) append(stream events.Stream, evs ...events.Data) []follow.Delivery {
	b.t.Helper()
	at := events.Start(stream)
	var ds []follow.Delivery
	for _, c := range viewtest.Commits(b.t, b.codec, stream, evs...) {
		c, err := b.store.Append(context.Background(), at, c)
		if err != nil {
			b.t.Fatal(err)
		}
		at = events.After(&c)
		ds = append(ds, follow.Delivery{Stream: stream, Number: c.Number, Commit: &c, Sequence: fmt.Sprintf("%s#%d", stream, c.Number)})
	}
	return ds
}

// row returns a stored row's JSON, "" when it has none.
func (b *bench) row(name, key string) string {
	for _, item := range b.tables.Items(name, 1) {
		if item.Key == projection.ItemKey("", key) {
			return string(item.Row)
		}
	}
	return ""
}

func (b *bench) want(name, key, want string) {
	b.t.Helper()
	if got := b.row(name, key); got != want {
		b.t.Errorf("%s %q is %s, want %s", name, key, got, want)
	}
}

func (b *bench) clean(r projection.Report) projection.Report {
	b.t.Helper()
	if r.Retry != nil || r.Err != nil || len(r.Faults) > 0 {
		b.t.Fatalf("the projection failed: retry %q, %v, faults %+v", r.Retry, r.Err, r.Faults)
	}
	return r
}

func created(name string) events.Data {
	return userCreated{Name: name, Email: name + "@x"}
}
func renamed(name string) events.Data {
	return userRenamed{Name: name}
}
func noted() events.Data { return userNoted{} }
func added(category string, stock int64) events.Data {
	return productAdded{category, stock}
}
func moved(category string) events.Data {
	return productMoved{category}
}
func retired() events.Data { return productRetired{} }

func TestProjectInOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUsers(), newCategories())
	ds := slices.Concat(b.append("user/7", created("Ann"), noted(), renamed("Anna")), b.append("product/1", added("books", 3), moved("toys")))
	r := b.clean(b.p.Project(t.Context(), ds))
	b.want("users", "7", `{"name":"Anna","email":"Ann@x","active":true}`)
	b.want("categories", "toys", `{"products":1,"units":3}`)
	b.want("categories", "books", ``)
	if r.Written != 3 || r.Skipped != 0 || r.Gaps != 0 || r.Lag != time.Hour {
		t.Errorf("got %+v", r)
	}
	if calls := b.tables.Calls(); calls["Get"] != 1 || calls["Put"] != 1 || calls["Transact"] != 1 {
		t.Errorf("a row and a keyed row cost %v", calls)
	}
}

func TestCreatesCostOneWriteEach(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUsers())
	var ds []follow.Delivery
	for i := range 50 {
		ds = append(ds, b.append(events.StreamOf("user", fmt.Sprint(i)), created("Ann"))...)
	}
	b.clean(b.p.Project(t.Context(), ds))
	if calls := b.tables.Calls(); calls["Get"] != 0 || calls["Put"] != 50 {
		t.Errorf("50 creates cost %v", calls)
	}
	// Delivered again, they are written no more.
	r := b.clean(b.p.Project(t.Context(), ds))
	if r.Written != 0 || r.Skipped != 50 {
		t.Errorf("the second delivery: %+v", r)
	}
}

func TestGateSkipsAndFillsGaps(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUsers(), newCategories())
	ds := b.append("user/7", created("Ann"), renamed("B"), renamed("C"), renamed("D"), renamed("E"))
	b.clean(b.p.Project(t.Context(), ds[:1]))
	r := b.clean(b.p.Project(t.Context(), []follow.Delivery{ds[4], ds[2], ds[4]}))
	if r.Gaps != 2 || r.Written != 1 || r.Skipped != 1 {
		t.Errorf("filling a gap: %+v", r)
	}
	b.want("users", "7", `{"name":"E","email":"Ann@x","active":true}`)
	r = b.clean(b.p.Project(t.Context(), ds[1:4]))
	if r.Written != 0 || r.Skipped != 3 || r.Gaps != 0 {
		t.Errorf("older commits: %+v", r)
	}
	// Without the commit, or with one that could not be decoded, it is read.
	ps := b.append("product/1", added("books", 3), moved("toys"))
	ps[0].Commit, ps[1].Err = nil, errors.New("garbage")
	if r = b.clean(b.p.Project(t.Context(), ps)); r.Gaps != 2 || r.Written != 2 {
		t.Errorf("reading commits: %+v", r)
	}
	b.want("categories", "toys", `{"products":1,"units":3}`)
}

func TestLongGap(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUsers())
	evs := []events.Data{created("Ann")}
	for i := range 349 {
		evs = append(evs, renamed(fmt.Sprint(i)))
	}
	ds := b.append("user/7", evs...)
	if r := b.clean(b.p.Project(t.Context(), ds[349:])); r.Gaps != 349 || r.Written != 1 {
		t.Errorf("got %+v", r)
	}
	b.want("users", "7", `{"name":"348","email":"Ann@x","active":true}`)
	// 349 commits are read in four pages, and what is at hand not again.
	other := newBench(t, newUsers())
	ds = other.append("user/7", evs...)
	reads := 0
	other.store.Before = func(string, events.Stream) error { reads++; return nil }
	other.clean(other.p.Project(t.Context(), []follow.Delivery{ds[349], ds[9]}))
	if reads != 5 {
		t.Errorf("two gaps of 9 and 339 commits cost %d reads", reads)
	}
}

func TestUnhandledEventsMakeNoRow(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUsers())
	ds := b.append("user/7", noted(), created("Ann"))
	b.clean(b.p.Project(t.Context(), ds[:1]))
	if items := b.tables.Items("users", 1); len(items) != 1 || items[0].Row != nil || items[0].Commit != 1 {
		t.Errorf("got %+v", items)
	}
	b.clean(b.p.Project(t.Context(), ds[1:]))
	b.want("users", "7", `{"name":"Ann","email":"Ann@x","active":true}`)
}

func TestHiddenRowsComeBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUsers().Hide(func(r userRow) bool { return !r.Active }))
	toggle := func(on bool) events.Data {
		return userToggled{on}
	}
	ds := b.append("user/7", created("Ann"), toggle(false), renamed("Anna"), toggle(true))
	for i, want := range []string{`{"name":"Ann","email":"Ann@x","active":true}`, "", "", `{"name":"Anna","email":"Ann@x","active":true}`} {
		b.clean(b.p.Project(t.Context(), ds[i:i+1]))
		b.want("users", "7", want)
		item := b.tables.Items("users", 1)[0]
		if item.Commit != int64(i)+1 || (len(item.Index) > 0) != (want != "") {
			t.Errorf("after commit %d: %+v", i+1, item)
		}
	}
}

func TestKeysThatLookReserved(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUsers(), newCategories())
	b.clean(b.p.Project(t.Context(), slices.Concat(
		b.append("user/@stream/user/7", created("Ann")), b.append("user/@", created("Bob")),
		b.append("product/1", added("@stream/product/1", 3)))))
	b.want("users", "@stream/user/7", `{"name":"Ann","email":"Ann@x","active":true}`)
	b.want("users", "@", `{"name":"Bob","email":"Bob@x","active":true}`)
	b.want("categories", "@stream/product/1", `{"products":1,"units":3}`)
	for _, key := range []string{"@stream/product/1", "@", "@x", "x", "@long/x", "@@long/x", "a\x00\nb"} {
		if got, ok := projection.RowKey(&driver.Item{Key: projection.ItemKey("", key)}); got != key || !ok || !projection.IsRow(projection.ItemKey("", key)) {
			t.Errorf("key %q comes back as %q, %v", key, got, ok)
		}
	}
	for _, key := range []string{"@stream/product/1", "@parked/product/1", "@row/1/x", ""} {
		if _, ok := projection.RowKey(&driver.Item{Key: key}); ok || projection.IsRow(key) {
			t.Errorf("item %q is taken for a row", key)
		}
	}
}

// TestTransientFaults: a transient fault is retried from the first failed
// delivery on, and holds up nothing else.
func TestTransientFaults(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUsers(), newCategories())
	ds := slices.Concat(b.append("user/1", created("Ann")), b.append("user/2", created("Bob")), b.append("user/3", created("Cid")), b.append("product/1", added("books", 3)))
	b.tables.Before = func(c viewtest.Call) error {
		if slices.Contains(c.Keys, "2") {
			return events.Errorf(events.CodeUnavailable, "no answer")
		}
		return nil
	}
	r := b.p.Project(t.Context(), ds)
	if want := []string{"user/2#1", "user/3#1", "product/1#1"}; !slices.Equal(r.Retry, want) || events.CodeOf(r.Err) != events.CodeUnavailable || len(r.Faults) > 0 {
		t.Errorf("got %+v", r)
	}
	b.want("users", "1", `{"name":"Ann","email":"Ann@x","active":true}`)
	b.want("users", "3", `{"name":"Cid","email":"Cid@x","active":true}`)
	b.want("categories", "books", `{"products":1,"units":3}`)
	b.tables.Before = nil
	b.clean(b.p.Project(t.Context(), ds[1:]))
	b.want("users", "2", `{"name":"Bob","email":"Bob@x","active":true}`)
	b.want("categories", "books", `{"products":1,"units":3}`)
}

func TestTransientFaultsOfKeyedViews(t *testing.T) {
	t.Parallel()
	b := newBench(t, newCategories())
	ds := slices.Concat(b.append("product/1", added("books", 3), moved("toys")), b.append("product/2", added("books", 4)))
	for _, code := range []events.Code{events.CodeThrottled, events.CodeUnavailable, events.CodeCanceled} {
		for _, method := range []string{"Get", "Transact"} {
			b.tables.Before = func(c viewtest.Call) error {
				if c.Method == method {
					return events.Errorf(code, "injected")
				}
				return nil
			}
			if r := b.p.Project(t.Context(), ds[1:]); len(r.Retry) != 2 || len(r.Faults) > 0 || r.Written > 0 {
				t.Errorf("%s of %s: %+v", code, method, r)
			}
		}
	}
	b.tables.Before = nil
	b.store.Before = func(string, events.Stream) error { return events.Errorf(events.CodeBusy, "injected") }
	if r := b.p.Project(t.Context(), ds[1:]); !slices.Equal(r.Retry, []string{"product/1#2", "product/2#1"}) || r.Written != 2 {
		t.Errorf("a store that is busy: %+v", r)
	}
	b.store.Before = nil
	b.clean(b.p.Project(t.Context(), ds))
	b.want("categories", "books", `{"products":1,"units":4}`)
	b.want("categories", "toys", `{"products":1,"units":3}`)
}

// TestConflictsEnd: a write that always loses is given up and retried
// later.
func TestConflictsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUsers(), newCategories())
	ds := slices.Concat(b.append("user/1", created("Ann")), b.append("product/1", added("books", 3)))
	writes := 0
	b.tables.Before = func(c viewtest.Call) error {
		if c.Method == "Transact" || c.Method == "Put" {
			writes++
			return events.Errorf(events.CodeConflict, "injected")
		}
		return nil
	}
	var mu sync.Mutex
	before := b.tables.Before
	b.tables.Before = func(c viewtest.Call) error {
		mu.Lock()
		defer mu.Unlock()
		return before(c)
	}
	r := b.p.Project(t.Context(), ds)
	if len(r.Retry) != 2 || events.CodeOf(r.Err) != events.CodeConflict || writes != 16 {
		t.Errorf("after %d writes: %+v", writes, r)
	}
}

// boom is a view whose handlers and functions fail as an event's name says.
type boomRow struct {
	Name  string   `json:"name"`
	Score float64  `json:"score"`
	Blob  string   `json:"blob"`
	Tags  []string `json:"tags"`
}

func newBoom() *view.RowView[boomRow] {
	return view.New[boomRow]("boom", "user").
		On(func(r boomRow, e userCreated, _ view.Meta) boomRow {
			r.Name = e.Name
			r.Tags = append(r.Tags, e.Name)
			return r
		}).
		On(func(r boomRow, e userRenamed, _ view.Meta) boomRow {
			if len(r.Tags) > 0 {
				r.Tags[0] = e.Name // in place: must not survive a panic
			}
			switch e.Name {
			case "panic":
				panic("secret " + e.Name)
			case "index":
				_ = r.Tags[len(e.Name)]
			case "huge":
				r.Blob = strings.Repeat("x", 500_000)
			case "range":
				r.Score = 1e300
			}
			r.Name = e.Name
			return r
		}).
		Hide(func(r boomRow) bool {
			if r.Name == "hide" {
				panic(errors.New("secret"))
			}
			return false
		}).
		Index("by-score", view.All().Then("score"))
}

func newBoomKeyed() *view.KeyedView[boomRow, productMemo] {
	return view.NewKeyed[boomRow, productMemo]("boom-keyed", "user").
		On(func(m productMemo, e userCreated, _ view.Meta) productMemo {
			return productMemo{Category: e.Name}
		}).
		On(func(m productMemo, e userRenamed, _ view.Meta) productMemo {
			if e.Name == "panic" {
				panic("secret")
			}
			return productMemo{Category: e.Name}
		}).
		Keys(func(m productMemo) []string {
			switch m.Category {
			case "index":
				panic("secret")
			case "range":
				return []string{"caf\xc3"}
			case "many":
				return slices.Collect(func(yield func(string) bool) {
					for i := range 50 {
						yield(fmt.Sprint(i))
					}
				})
			}
			return []string{m.Category}
		}).
		Put(func(r boomRow, key string, m productMemo) boomRow {
			if key == "huge" {
				r.Blob = strings.Repeat("x", 500_000)
			}
			if key == "put" {
				panic("secret")
			}
			r.Score++
			return r
		}).
		Take(func(r boomRow, key string, m productMemo) boomRow { r.Score--; return r }).
		Hide(func(r boomRow) bool { return r.Score > 2 }).
		Index("by-score", view.All().Then("score"))
}

// TestPermanentFaults: a stream that a view can't follow stays where it is in
// that view, is recorded, holds up nothing else, and goes on when it can.
func TestPermanentFaults(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"panic": "internal: the handler of user-renamed failed: the handler of user-renamed panicked with a string at daybook/view_test/projector_test.go:",
		"index": "index out of range [5] with length 1 at daybook/view_test/projector_test.go:",
		"hide":  "Hide panicked with a *errors.errorString",
		"huge":  "too-large: ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, newBoom(), newUsers())
			ds := b.append("user/7", created("Ann"), renamed("ok"), renamed(name), renamed("after"))
			others := b.append("user/8", created("Bob"))
			b.clean(b.p.Project(t.Context(), ds[:2]))
			for attempt := range 2 {
				r := b.p.Project(t.Context(), append(ds[2:3:3], others...))
				if attempt == 1 { // now it is held back, and not retried
					if len(r.Faults) > 0 || r.Held != 1 || r.Retry != nil {
						t.Errorf("the second time: %+v", r)
					}
					break
				}
				if r.Retry != nil || len(r.Faults) != 1 {
					t.Fatalf("got %+v", r)
				}
				f := r.Faults[0]
				if f.Consumer != "boom" || f.Stream != "user/7" || f.Commit != 3 || !strings.Contains(f.Text, text) || strings.Contains(f.Text, "secret") {
					t.Errorf("got fault %+v", f)
				}
			}
			list, err := b.p.Parked(t.Context(), "boom", "", 10)
			if err != nil || len(list) != 1 || list[0].Commit != 3 || list[0].Attempts != 1 || !list[0].Time.Equal(testNow) || list[0].Stream != "user/7" {
				t.Errorf("the list is %+v, %v", list, err)
			}
			b.want("boom", "7", `{"name":"ok","score":0,"blob":"","tags":["ok"]}`)
			b.want("boom", "8", `{"name":"Bob","score":0,"blob":"","tags":["Bob"]}`)
			b.want("users", "7", `{"name":"`+name+`","email":"Ann@x","active":true}`)
		})
	}
}

func TestPermanentFaultInTheMiddleOfABatch(t *testing.T) {
	t.Parallel()
	b := newBench(t, newBoom(), newBoomKeyed())
	ds := b.append("user/7", created("Ann"), renamed("ok"), renamed("panic"), renamed("after"))
	r := b.p.Project(t.Context(), ds)
	if len(r.Faults) != 2 || r.Faults[0].Commit != 3 || r.Faults[1].Commit != 3 || r.Retry != nil {
		t.Fatalf("got %+v", r)
	}
	b.want("boom", "7", `{"name":"ok","score":0,"blob":"","tags":["ok"]}`)
	b.want("boom-keyed", "ok", `{"name":"","score":1,"blob":"","tags":[]}`)
}

func TestPermanentFaultsOfKeyedViews(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"panic", "index", "range", "many", "huge", "put"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, newBoomKeyed())
			ds := slices.Concat(
				b.append("user/1", created("good")),
				b.append("user/7", created("good"), renamed(name)),
				b.append("user/2", created("good"), renamed("other")),
				b.append("user/3", created("other")))
			r := b.p.Project(t.Context(), ds)
			if r.Retry != nil || len(r.Faults) != 1 || r.Faults[0].Stream != "user/7" || r.Faults[0].Commit != 2 || strings.Contains(r.Faults[0].Text, "secret") {
				t.Fatalf("got %+v", r)
			}
			b.want("boom-keyed", "other", `{"name":"","score":2,"blob":"","tags":[]}`)
			b.want("boom-keyed", "good", `{"name":"","score":2,"blob":"","tags":[]}`) // the commit before it was applied
		})
	}
}

// TestUnreadable: commits and events that can't be read are permanent faults.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUsers())
	ds := b.append("user/7", created("Ann"), renamed("B"), renamed("C"))
	b.store.Before = func(string, events.Stream) error { return events.Errorf(events.CodeInternal, "garbage") }
	bad := follow.Delivery{Stream: "user/7", Number: 3, Err: errors.New("garbage"), Sequence: "s"}
	r := b.p.Project(t.Context(), []follow.Delivery{ds[0], bad})
	if r.Retry != nil || len(r.Faults) != 1 || r.Faults[0].Commit != 2 {
		t.Errorf("got %+v", r)
	}
	b.want("users", "7", `{"name":"Ann","email":"Ann@x","active":true}`)
	b.store.Before = nil
	if r := b.p.Project(t.Context(), []follow.Delivery{bad}); r.Held != 1 {
		t.Errorf("a parked stream: %+v", r)
	}
	b.want("users", "7", `{"name":"Ann","email":"Ann@x","active":true}`)
	if r, err := b.p.Redrive(t.Context(), "users", "user/7"); err != nil || r.Fault != nil || r.Commit != 3 {
		t.Errorf("the redrive: %+v, %v", r, err)
	}
	b.want("users", "7", `{"name":"C","email":"Ann@x","active":true}`)

	c := *ds[0].Commit
	c.Stream, c.Events = "user/8", []events.Event{{Name: "user-created", Schema: 1, Data: []byte(`{"name":12345}`)}}
	r = b.p.Project(t.Context(), []follow.Delivery{{Stream: "user/8", Number: 1, Commit: &c}, {Stream: "user/9", Number: 4}, {Err: errors.New("x")}})
	if r.Retry != nil || len(r.Faults) != 3 {
		t.Fatalf("got %+v", r)
	}
	for i, want := range []string{"does not say which", `kind "number" at "/name" doesn't fit string`, "the store has no commit 1"} {
		if got := r.Faults[i].Text; !strings.Contains(got, want) || strings.Contains(got, "12345") {
			t.Errorf("fault %d: %s, want %s", i, got, want)
		}
	}
}

// TestFaultThatCannotBeRecorded is retried: it must not be lost.
func TestFaultThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	for _, code := range []events.Code{events.CodeUnavailable, events.CodeInternal} {
		b := newBench(t, newBoom(), newBoomKeyed())
		ds := b.append("user/7", created("Ann"), renamed("panic"))
		b.tables.Before = func(c viewtest.Call) error {
			if slices.Contains(c.Keys, "@parked/user/7") {
				return events.Errorf(code, "no answer")
			}
			return nil
		}
		if r := b.p.Project(t.Context(), ds); len(r.Retry) != 2 || len(r.Faults) != 0 {
			t.Errorf("%s: got %+v", code, r)
		}
		b.tables.Before = nil
		if r := b.p.Project(t.Context(), ds); r.Retry != nil || len(r.Faults) != 2 {
			t.Errorf("%s: the second time: got %+v", code, r)
		}
	}
}

func TestManyStreamsShareTransactions(t *testing.T) {
	t.Parallel()
	b := newBench(t, newCategories())
	var ds []follow.Delivery
	for i := range 250 {
		ds = append(ds, b.append(events.StreamOf("product", fmt.Sprint(i)), added(fmt.Sprintf("c%d", i%3), 2))...)
	}
	r := b.clean(b.p.Project(t.Context(), ds))
	b.want("categories", "c0", `{"products":84,"units":168}`)
	if calls := b.tables.Calls(); calls["Transact"] != 3 || calls["Get"] != 3 || r.Written != 250+3*3 {
		t.Errorf("250 streams cost %v, %+v", calls, r)
	}
}

func TestVacatedRowsKeepTheirVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t, newCategories())
	ds := b.append("product/1", added("books", 3), retired(), added("books", 1))
	for i, want := range []string{`{"products":1,"units":3}`, "", `{"products":1,"units":1}`} {
		b.clean(b.p.Project(t.Context(), ds[i:i+1]))
		b.want("categories", "books", want)
		items := b.tables.Items("categories", 1)
		if at := slices.IndexFunc(items, func(it driver.Item) bool { return it.Key == "books" }); items[at].Version != int64(i)+1 {
			t.Errorf("version %d after commit %d", items[at].Version, i+1)
		}
	}
}

// TestRowsStayWhileAStreamContributes: also when the row does not show it.
func TestRowsStayWhileAStreamContributes(t *testing.T) {
	t.Parallel()
	same := func(r categoryRow, _ string, _ productMemo) categoryRow { return r }
	b := newBench(t, newCategories().Put(same).Take(same))
	one, two := b.append("product/1", added("books", 3), retired()), b.append("product/2", added("books", 3), retired())
	for i, d := range []follow.Delivery{one[0], two[0], one[1], two[1]} {
		b.clean(b.p.Project(t.Context(), []follow.Delivery{d}))
		b.want("categories", "books", []string{`{"products":0,"units":0}`, `{"products":0,"units":0}`, `{"products":0,"units":0}`, ""}[i])
	}
}

type userCraeted struct{}

func (userCraeted) EventName() string { return "user-craeted" }

func TestNewProjectorRefusesWrongViews(t *testing.T) {
	t.Parallel()
	empty, _ := events.NewCodec()
	_, err := projection.New(nil, empty, viewtest.NewMemory(), []view.View{newUsers(), newUsers(), view.New[userRow]("X", "user")}, nil)
	for _, want := range []string{`"users" is declared twice`, `no aggregate declares event "user-created"`, "lower-case", "handles no event"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	misspelt := view.New[userRow]("users", "user").On(func(r userRow, _ userCraeted, _ view.Meta) userRow { return r })
	_, err = projection.New(nil, newCodec(), viewtest.NewMemory(), []view.View{misspelt}, nil)
	if want := `view "users": no aggregate declares event "user-craeted"; did you mean "user-created"?`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// sameTables compares a table with what whole streams make of the view.
func sameTables(t interface{ Fatalf(string, ...any) }, b *bench, v view.View, streams map[events.Stream][]events.Commit) {
	fold, err := projection.NewFold(v, b.codec)
	if err != nil {
		t.Fatalf("%v", err)
	}
	d := v.Describe()
	for stream, commits := range streams {
		if slices.Contains(d.Aggregates, stream.Aggregate()) {
			if err := fold.Add(commits); err != nil {
				t.Fatalf("%v", err)
			}
		}
	}
	want, err := fold.Items()
	if err != nil {
		t.Fatalf("%v", err)
	}
	got := map[string]driver.Item{}
	for _, item := range b.tables.Items(d.Name, d.Version) {
		if item.Row != nil || !bytes.Contains(item.Memo, []byte(`"streams":0`)) {
			got[item.Key] = item
		}
	}
	for i := range want {
		item, ok := got[want[i].Key]
		if !ok || !projection.Same(v, &item, &want[i]) {
			t.Fatalf("%s: item %q is\n%+v, want\n%+v", d.Name, want[i].Key, item, want[i])
		}
		delete(got, want[i].Key)
	}
	if len(got) > 0 {
		t.Fatalf("%s holds more: %+v", d.Name, got)
	}
}
