package view_test

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
	"daybook/view/viewtest"
)

// verifyBench is a bench with 120 users and 120 products in four categories,
// all projected.
func verifyBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, newUsers(), newCategories())
	var ds []follow.Delivery
	for i := range 120 {
		ds = append(ds, b.append(events.StreamOf("user", fmt.Sprint("u", i)), created("Ann"), renamed(fmt.Sprint("Anna", i)))...)
		ds = append(ds, b.append(events.StreamOf("product", fmt.Sprint("p", i)), added(fmt.Sprint("c", i%4), int64(i)))...)
	}
	ds = append(ds, b.append("product/gone", added("empty", 3), retired())...)
	b.clean(b.p.Project(t.Context(), ds))
	return b
}

func (b *bench) verify(opts admin.VerifyOptions) admin.VerifyReport {
	b.t.Helper()
	if opts.Now == nil {
		opts.Now = func() time.Time { return testNow }
	}
	v, err := admin.NewVerifier(b.store, b.codec, b.tables, []view.View{newUsers(), newCategories()}, &opts)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := v.Verify(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// item returns a stored item as it is.
func (b *bench) item(name, key string) driver.Item {
	b.t.Helper()
	items, err := b.tables.Table(name, 1).Get(context.Background(), []string{key})
	if err != nil || items[0] == nil {
		b.t.Fatalf("item %q of %s: %v", key, name, err)
	}
	return *items[0]
}

// set replaces an item by another, as a person at the console could.
func (b *bench) set(name string, item driver.Item) {
	b.t.Helper()
	b.remove(name, item.Key)
	if err := b.tables.Table(name, 1).Put(context.Background(), driver.Write{Item: item}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) remove(name, key string) {
	b.t.Helper()
	table := b.tables.Table(name, 1)
	items, err := table.Get(context.Background(), []string{key})
	if err == nil && items[0] != nil {
		err = table.Put(context.Background(), driver.Write{Item: driver.Item{Key: key}, Expect: items[0].Version, ExpectParked: items[0].Parked, Delete: true})
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// brief writes findings as one line each, sorted.
func brief(r admin.VerifyReport) []string {
	lines := []string{}
	for _, v := range r.Views {
		for _, f := range v.Findings {
			var fields []string
			for _, d := range f.Fields {
				fields = append(fields, d.Name+" "+string(d.Stored)+"→"+string(d.Expected))
			}
			what := "row " + f.Row
			if f.Row == "" {
				what = "checkpoint " + string(f.Stream)
			}
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", f.View, f.Kind, what, strings.Join(fields, ", "))))
		}
	}
	slices.Sort(lines)
	return lines
}

func TestVerifyClean(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	for _, o := range []admin.VerifyOptions{{}, {Segments: 1, Parallel: 1}, {Segments: 300}, {Memory: 1}} {
		r := b.verify(o)
		if !r.Clean() || len(brief(r)) > 0 {
			t.Errorf("%+v: %q", o, brief(r))
		}
		users, categories := r.Views[0], r.Views[1]
		if r.Streams != 241 || r.Commits != 362 || r.Events != 362 || users.Rows != 120 || users.Streams != 120 || categories.Rows != 4 && categories.Rows != 5 || categories.Streams != 121 {
			t.Errorf("%+v looked at %+v", o, r)
		}
	}
}

func TestVerifyFindsEachDamage(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		damage func(b *bench)
		want   []string
	}{
		"row deleted": {func(b *bench) { b.remove("users", "u3") }, []string{"users missing row u3"}},
		"row edited": {func(b *bench) {
			it := b.item("users", "u3")
			it.Row = jsontext.Value(`{"name":"Eve","email":"Ann@x","active":true}`)
			b.set("users", it)
		}, []string{`users different row u3 name "Eve"→"Anna3"`}},
		"field taken away": {func(b *bench) {
			it := b.item("users", "u3")
			it.Row = jsontext.Value(`{"name":"Anna3","active":true}`)
			b.set("users", it)
		}, []string{`users different row u3 email →"Ann@x"`}},
		"row stale": {func(b *bench) {
			b.append("user/late", created("Ann"), renamed("Anna"))
			b.clean(b.p.Project(b.t.Context(), []follow.Delivery{{Stream: "user/late", Number: 1}}))
		}, []string{"users stale row late"}},
		"row behind and edited": {func(b *bench) {
			b.append("user/late", created("Ann"), renamed("Anna"))
			b.clean(b.p.Project(b.t.Context(), []follow.Delivery{{Stream: "user/late", Number: 1}}))
			it := b.item("users", "late")
			it.Row = jsontext.Value(`{"name":"Eve","email":"Ann@x","active":true}`)
			b.set("users", it)
		}, []string{`users different row late name "Eve"→"Ann"`}},
		"row ahead": {func(b *bench) {
			it := b.item("users", "u3")
			it.Commit = 9
			b.set("users", it)
		}, []string{"users different row u3"}},
		"row hidden": {func(b *bench) {
			it := b.item("users", "u3")
			it.Memo, it.Row, it.Index = it.Row, nil, nil
			b.set("users", it)
		}, []string{`users different row u3 (row) "hidden"→"shown", (index by-email) →"=Ann@x, =u3", (index active) →"true, =Anna3", (index all) →"1/*, =Anna3"`}},
		"index entry lost": {func(b *bench) {
			it := b.item("users", "u3")
			delete(it.Index, "all")
			b.set("users", it)
		}, []string{`users different row u3 (index all) →"1/*, =Anna3"`}},
		"members in another order": {func(b *bench) {
			it := b.item("users", "u3")
			it.Row = jsontext.Value(`{"email":"Ann@x","name":"Anna3","active":true}`)
			b.set("users", it)
		}, []string{"users different row u3 (encoding) →"}},
		"extra row": {func(b *bench) {
			it := b.item("users", "u3")
			it.Key = "nobody"
			b.set("users", it)
		}, []string{"users extra row nobody"}},
		"extra row of no stream's name": {func(b *bench) {
			it := b.item("users", "u3")
			it.Key = strings.Repeat("x", 500)
			b.set("users", it)
		}, []string{"users extra row " + strings.Repeat("x", 500)}},
		"keyed count off": {func(b *bench) {
			it := b.item("categories", "c1")
			it.Row = jsontext.Value(`{"products":31,"units":1770}`)
			b.set("categories", it)
		}, []string{`categories different row c1 products 31→30`}},
		"keyed row deleted": {func(b *bench) { b.remove("categories", "c1") }, []string{"categories missing row c1"}},
		"extra keyed row": {func(b *bench) {
			it := b.item("categories", "c1")
			it.Key = "c9"
			b.set("categories", it)
		}, []string{"categories extra row c9"}},
		"checkpoint deleted": {func(b *bench) { b.remove("categories", "@stream/product/p1") },
			[]string{"categories different row c1 products 30→29, units 1770→1769, (streams) 30→29, (index all) \"*, 30\"→\"*, 29\"", "categories missing checkpoint product/p1"}},
		"checkpoint edited": {func(b *bench) {
			it := b.item("categories", "@stream/product/p1")
			it.Memo = jsontext.Value(`{"category":"c1","stock":7}`)
			b.set("categories", it)
		}, []string{"categories different checkpoint product/p1 stock 7→1", "categories different row c1 units 1770→1776"}},
		"checkpoint extra": {func(b *bench) {
			it := b.item("categories", "@stream/product/p1")
			it.Key = "@stream/product/nothing"
			b.set("categories", it)
		}, []string{"categories different row c1 products 30→31, units 1770→1771, (streams) 30→31, (index all) \"*, 30\"→\"*, 31\"", "categories extra checkpoint product/nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := verifyBench(t)
			test.damage(b)
			r := b.verify(admin.VerifyOptions{})
			got := brief(r)
			if !slices.Equal(got, test.want) || r.Clean() {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			// A little memory finds the same.
			if again := brief(b.verify(admin.VerifyOptions{Memory: 1, Segments: 3})); !slices.Equal(again, got) {
				t.Errorf("with little memory %q", again)
			}
		})
	}
}

// Events whose data no handler can read.
type (
	badRenamed struct {
		Name int `json:"name"`
	}
	badMoved struct {
		Category int `json:"category"`
	}
)

func (badRenamed) EventName() string { return "user-renamed" }
func (badMoved) EventName() string   { return "product-moved" }

func TestVerifyTellsParkedStreams(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	rename := badRenamed{7}
	move := badMoved{7}
	ds := slices.Concat(b.append("user/bad", created("Ann"), rename), b.append("user/worse", rename), b.append("product/bad", added("c1", 3), move))
	if r := b.p.Project(t.Context(), ds); len(r.Faults) != 3 {
		t.Fatalf("the streams are not parked: %+v", r)
	}
	want := []string{"categories parked checkpoint product/bad", "users parked row bad", "users parked row worse"}
	r := b.verify(admin.VerifyOptions{Now: func() time.Time { return time.Time{} }}) // nothing to wait for
	if got := brief(r); !slices.Equal(got, want) {
		t.Fatalf("got %q", got)
	}
	for _, f := range slices.Concat(r.Views[0].Findings, r.Views[1].Findings) {
		if f.Applied != f.Last-1 || !strings.HasPrefix(f.Text, fmt.Sprintf("commit %d: internal", f.Last)) {
			t.Errorf("got %+v", f)
		}
	}
	row := b.item("categories", "c1")
	row.Parked = 0
	b.set("categories", row)
	if got := brief(b.verify(admin.VerifyOptions{})); !slices.Equal(got, append([]string{"categories different row c1 (parked) 0→1"}, want...)) {
		t.Errorf("a row that does not count its parked stream: %q", got)
	}
	b.remove("users", "@parked/user/bad")
	user := b.item("users", "u3")
	user.Parked = 1
	b.set("users", user)
	if got := brief(b.verify(admin.VerifyOptions{})); !slices.Contains(got, "users different row u3") || !slices.Contains(got, "users parked row bad") {
		t.Errorf("a mark without reason and a record lost: %q", got)
	}
}

func TestVerifyCountsBeyondItsList(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	for i := range 20 {
		b.remove("users", fmt.Sprint("u", i))
	}
	r := b.verify(admin.VerifyOptions{Findings: 3})
	if users := r.Views[0]; users.Counts[admin.FoundMissing] != 20 || len(users.Findings) != 3 || users.Found() != 20 {
		t.Errorf("got %+v", users)
	}
}

func TestVerifyPart(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	seen := map[int64]bool{}
	total := int64(0)
	for seed := range uint64(40) {
		r := b.verify(admin.VerifyOptions{Fraction: 0.1, Seed: seed})
		if !r.Clean() || r.Fraction != 0.1 || r.Seed != seed {
			t.Errorf("got %+v", r)
		}
		seen[r.Streams] = true
		total += r.Streams
	}
	if mean := float64(total) / 40; mean < 15 || mean > 35 || len(seen) < 3 {
		t.Errorf("a tenth of 241 streams was %.1f on average, %d different numbers", mean, len(seen))
	}
}

// TestVerifyGoesOn stops a check at every part once, and goes on from what was
// saved: nothing is missed and nothing found twice.
func TestVerifyGoesOn(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	b.remove("users", "u3")
	b.remove("categories", "c1")
	want := brief(b.verify(admin.VerifyOptions{}))
	whole := b.verify(admin.VerifyOptions{})
	stop := errors.New("stopped")
	var state *admin.VerifyState
	runs := 0
	for ; runs < 500; runs++ {
		saves := 0
		opts := admin.VerifyOptions{Segments: 8, Parallel: 1, Resume: state, Now: func() time.Time { return testNow }}
		opts.Save = func(s admin.VerifyState) error {
			if saves++; saves > 1 {
				return stop
			}
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			state = &admin.VerifyState{}
			return json.Unmarshal(text, state)
		}
		v, err := admin.NewVerifier(b.store, b.codec, b.tables, []view.View{newUsers(), newCategories()}, &opts)
		if err != nil {
			t.Fatal(err)
		}
		r, err := v.Verify(t.Context())
		if err == nil {
			if got := brief(r); !slices.Equal(got, want) || r.Streams != whole.Streams || r.Views[1].Rows != whole.Views[1].Rows {
				t.Errorf("got %q, %+v", got, r)
			}
			break
		}
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
	}
	if runs < 20 {
		t.Errorf("it ended after %d runs", runs)
	}
	v, err := admin.NewVerifier(b.store, b.codec, b.tables, []view.View{newUsers(), newCategories()}, &admin.VerifyOptions{Segments: 9, Resume: state})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context()); events.CodeOf(err) != events.CodeMalformed {
		t.Errorf("a state of other segments: %v", err)
	}
}

// TestVerifyStaysOnItsTable: what was begun on one table of a view does not go on
// with the one that was switched to.
func TestVerifyStaysOnItsTable(t *testing.T) {
	t.Parallel()
	w := seeded(t, newShaped(1))
	r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
	if _, err := r.Run(t.Context(), "shaped"); err != nil {
		t.Fatal(err)
	}
	var state *admin.VerifyState
	verify := func(at driver.Target) (admin.VerifyReport, error) {
		tables, views, err := admin.Pin(t.Context(), w.tables, []view.View{newShaped(1)}, at)
		if err != nil {
			t.Fatal(err)
		}
		opts := admin.VerifyOptions{Resume: state, Save: func(s admin.VerifyState) error { state = &s; return nil }}
		check, err := admin.NewVerifier(w.store, w.codec, tables, views, &opts)
		if err != nil {
			t.Fatal(err)
		}
		return check.Verify(t.Context())
	}
	if report, err := verify(v(1, 1)); err != nil || !report.Clean() || report.Views[0].Table != "v1" {
		t.Fatalf("%+v, %v", report, err)
	}
	_, err := verify(v(1, 2))
	wantCode(t, err, events.CodeMalformed, "other tables")
	state = nil
	if report, err := verify(v(1, 2)); err != nil || !report.Clean() || report.Views[0].Table != "v1-g2" {
		t.Fatalf("%+v, %v", report, err)
	}
}

// TestVerifyWaitsForYoungCommits: a view may be behind for as long as patience
// says, and is not called stale when it catches up.
func TestVerifyWaitsForYoungCommits(t *testing.T) {
	t.Parallel()
	for _, catchesUp := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, newUsers(), newCategories())
			commits := viewtest.Commits(t, b.codec, "user/7", created("Ann"))
			commits[0].Time = time.Now()
			if _, err := b.store.Append(t.Context(), events.Start("user/7"), commits[0]); err != nil {
				t.Fatal(err)
			}
			if catchesUp {
				go func() {
					time.Sleep(2 * time.Second)
					b.p.Project(context.Background(), []follow.Delivery{{Stream: "user/7", Number: 1}})
				}()
			}
			r := b.verify(admin.VerifyOptions{Patience: 3 * time.Second, Now: time.Now})
			if r.Clean() != catchesUp {
				t.Errorf("catches up %v: %q", catchesUp, brief(r))
			}
			if took := time.Since(commits[0].Time); took != 3*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestVerifyOfABusyStream: a row that is behind each time it is looked at, by young
// commits, is right as long as it goes on; then it is stale.
func TestVerifyOfABusyStream(t *testing.T) {
	t.Parallel()
	for _, goesOn := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, newUsers(), newCategories())
			done := make(chan struct{})
			at := events.Start("user/7")
			busy := func(n int) {
				commits := viewtest.Commits(t, b.codec, "user/7", created("Ann"))
				if n > 1 {
					commits = viewtest.Commits(t, b.codec, "user/7", renamed(fmt.Sprint("Ann ", n)))
				}
				commits[0].ID, commits[0].Time = fmt.Sprint(n), time.Now()
				c, err := b.store.Append(context.Background(), at, commits[0])
				if err != nil {
					t.Error(err)
				}
				at = events.After(&c)
				if last := int64(n - 2); last > 0 && (goesOn || last < 10) {
					b.p.Project(context.Background(), []follow.Delivery{{Stream: "user/7", Number: last}})
				}
			}
			go func() {
				defer close(done)
				for n := 1; n < 1000; n++ {
					busy(n)
					time.Sleep(100 * time.Millisecond)
				}
			}()
			time.Sleep(5 * time.Second)
			start := time.Now()
			r := b.verify(admin.VerifyOptions{Patience: 3 * time.Second, Now: time.Now})
			if took := time.Since(start); r.Clean() != goesOn || took > 4*time.Second {
				t.Errorf("goes on %v: %q after %v", goesOn, brief(r), took)
			}
			<-done
		})
	}
}

// TestVerifyUnderLoad runs checks while streams grow and are projected.
func TestVerifyUnderLoad(t *testing.T) {
	t.Parallel()
	b := verifyBench(t)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 15 {
				user := events.StreamOf("user", fmt.Sprint("w", worker, "-", i))
				product := events.StreamOf("product", fmt.Sprint("w", worker, "-", i))
				ds := append(b.append(user, created("Ann"), renamed("Anna")), b.append(product, added("c1", 1), moved("c2"))...)
				for _, d := range ds {
					b.clean(b.p.Project(context.Background(), []follow.Delivery{d}))
				}
			}
		})
	}
	for range 3 {
		for _, v := range b.verify(admin.VerifyOptions{Segments: 8}).Views {
			for kind, n := range v.Counts {
				// Commits a moment old may be missing; nothing else may be wrong.
				if kind != admin.FoundStale && kind != admin.FoundMissing && kind != admin.FoundUnsettled && n > 0 {
					t.Errorf("%s: %d %s: %+v", v.Name, n, kind, v.Findings)
				}
			}
		}
	}
	wg.Wait()
	if r := b.verify(admin.VerifyOptions{}); !r.Clean() {
		t.Errorf("at rest: %q", brief(r))
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t, newUsers())
	for _, o := range []admin.VerifyOptions{{Fraction: -1}, {Fraction: 1.1}, {Segments: -1}, {Segments: 1_000_001}} {
		if _, err := admin.NewVerifier(b.store, b.codec, b.tables, []view.View{newUsers()}, &o); events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("%+v: %v", o, err)
		}
	}
	b.append("user/7", created("Ann"))
	b.store.Before = func(method string, _ events.Stream) error {
		if method == "Scan" {
			return events.Errorf(events.CodeInternal, "a stored commit can't be read")
		}
		return nil
	}
	v, err := admin.NewVerifier(b.store, b.codec, b.tables, []view.View{newUsers()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context()); events.CodeOf(err) != events.CodeInternal {
		t.Errorf("a commit that can't be read: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(ctx); events.CodeOf(err) != events.CodeCanceled {
		t.Errorf("given up: %v", err)
	}
}
