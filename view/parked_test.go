package view_test

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
	"daybook/view/projection"
	"daybook/view/query"
	"daybook/view/viewtest"
)

// fragile are views that can't take an event with the name "bad" while broken.
// Both variants use the same tables.
func fragile(broken bool) []view.View {
	bad := func(name string) {
		if broken && name == "bad" {
			panic("bad")
		}
	}
	rows := view.New[userRow]("users", "user").
		On(func(_ userRow, e userCreated, _ view.Meta) userRow {
			return userRow{Name: e.Name, Email: e.Email, Active: true}
		}).
		On(func(r userRow, e userRenamed, _ view.Meta) userRow {
			bad(e.Name)
			r.Name = e.Name
			return r
		}).
		Index("by-name", view.All().Then("name"))
	keys := func(m productMemo) []string {
		bad(m.Category)
		if m.Category == "" {
			return nil
		}
		return []string{m.Category}
	}
	return []view.View{rows, newKeyed("categories", keys), newUnindexed("spread", keys).Spread(2, addUp)}
}

// over returns a bench on the tables of b with other views.
func (b *bench) over(views ...view.View) *bench {
	b.t.Helper()
	p, err := projection.New(b.store, b.codec, b.tables, views, &projection.Options{Now: func() time.Time { return testNow }})
	if err != nil {
		b.t.Fatal(err)
	}
	return &bench{t: b.t, codec: b.codec, store: b.store, tables: b.tables, p: p}
}

func (b *bench) queries(views ...view.View) *query.Queries {
	b.t.Helper()
	qs, err := query.New(b.store, b.codec, b.tables, views, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return qs
}

// more appends events to a stream that has some.
func (b *bench) more(stream events.Stream, evs ...events.Data) []follow.Delivery {
	b.t.Helper()
	old, err := b.store.Read(context.Background(), stream, 1, 1000)
	if err != nil || len(old) == 0 {
		b.t.Fatalf("%d commits, %v", len(old), err)
	}
	at := events.After(&old[len(old)-1])
	var ds []follow.Delivery
	for _, c := range viewtest.Commits(b.t, b.codec, stream, evs...) {
		c.ID = fmt.Sprintf("%s+%d", c.ID, len(old))
		c, err := b.store.Append(context.Background(), at, c)
		if err != nil {
			b.t.Fatal(err)
		}
		at = events.After(&c)
		ds = append(ds, follow.Delivery{Stream: stream, Number: c.Number, Commit: &c, Sequence: c.ID})
	}
	return ds
}

// TestParkedStreamsAreHeldBack: the item says so, nothing is retried, and
// the reads of a batch cost what they always do.
func TestParkedStreamsAreHeldBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, fragile(true)...)
	users := b.append("user/7", created("Ann"), renamed("bad"), renamed("C"), renamed("D"))
	products := b.append("product/1", added("books", 3), moved("bad"), moved("toys"))
	r := b.p.Project(t.Context(), slices.Concat(users[:3], products[:2]))
	if len(r.Faults) != 3 || r.Retry != nil {
		t.Fatalf("got %+v", r)
	}
	before := b.tables.Calls()
	r = b.p.Project(t.Context(), slices.Concat(users[2:], users[3:], products[2:]))
	if r.Held != 4 || r.Skipped != 1 || r.Written != 0 || len(r.Faults) > 0 || r.Retry != nil {
		t.Errorf("got %+v", r)
	}
	after := b.tables.Calls()
	if after["Get"]-before["Get"] != 3 || after["Put"] != before["Put"] || after["Transact"] != before["Transact"] {
		t.Errorf("holding back cost %v after %v", after, before)
	}
	// The deliveries of an applied commit count as skipped.
	if r = b.p.Project(t.Context(), users[:2]); r.Skipped != 1 || r.Held != 1 {
		t.Errorf("got %+v", r)
	}
}

func TestParkedRowsAreServedAndSaySo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fragile(true)...)
		qs := b.queries(fragile(true)...)
		b.p.Project(t.Context(), slices.Concat(
			b.append("user/7", created("Ann"), renamed("bad"), renamed("C")), b.append("user/8", created("Bob")),
			b.append("product/1", added("books", 3), moved("bad")), b.append("product/2", added("books", 4)),
			b.append("product/3", added("toys", 5)), b.append("product/4", added("bad", 1))))
		b.store.Before = func(string, events.Stream) error { return events.Errorf(events.CodeInternal, "no read is needed") }
		for _, c := range []struct {
			view, key, after, want string
			parked                 bool
		}{
			{"users", "7", "", `{"id":"7","name":"Ann","email":"Ann@x","active":true,"version":1}`, true},
			{"users", "7", "user/7@3", `{"id":"7","name":"Ann","email":"Ann@x","active":true,"version":1}`, true},
			{"users", "8", "user/7@3", `{"id":"8","name":"Bob","email":"Bob@x","active":true,"version":1}`, false},
			{"categories", "books", "", `{"id":"books","products":2,"units":7}`, true},
			{"categories", "books", "product/1@2", `{"id":"books","products":2,"units":7}`, true},
			{"categories", "toys", "", `{"id":"toys","products":1,"units":5}`, false},
			{"categories", "toys", "product/4@1", `{"id":"toys","products":1,"units":5}`, true},
		} {
			var after []events.Token
			if c.after != "" {
				token, err := events.ParseToken(c.after)
				if err != nil {
					t.Fatal(err)
				}
				after = append(after, token)
			}
			row, err := qs.Get(t.Context(), "", c.view, c.key, after)
			if err != nil || string(row.JSON) != c.want || row.Parked != c.parked {
				t.Errorf("%s/%s after %q: %s, %v, %v", c.view, c.key, c.after, row.JSON, row.Parked, err)
			}
		}
		started := time.Now()
		for params, want := range map[string]query.Page{
			"name.prefix=A":       {Parked: true},
			"name.prefix=B":       {},
			"after=user/7@3":      {Parked: true, Stale: true},
			"id=8":                {},
			"id=7":                {Parked: true},
			"id=8&after=user/7@3": {Parked: true, Stale: true},
		} {
			page, err := qs.List(t.Context(), "", "users", parse(t, params))
			if err != nil || page.Parked != want.Parked || page.Stale != want.Stale {
				t.Errorf("%s: parked %v, stale %v, %v", params, page.Parked, page.Stale, err)
			}
		}
		if took := time.Since(started); took > 0 {
			t.Errorf("lists waited %v for streams that do not come", took)
		}
	})
}

// TestParkedContributorsShow on what they are missing from: on rows that are not
// there, with a token and without, and on lists; also when the stream has moved to
// a row that it could contribute to.
func TestParkedContributorsShow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, fragile(true)...)
		qs := b.queries(fragile(true)...)
		parked := func(name, key string, after ...events.Token) bool {
			t.Helper()
			row, err := qs.Get(t.Context(), "", name, key, after)
			if events.CodeOf(err) != events.CodeNotFound {
				t.Errorf("%s/%s: %+v, %v", name, key, row, err)
			}
			return row.Parked
		}
		for _, name := range []string{"categories", "spread", "users"} {
			if parked(name, "toys") {
				t.Errorf("%s: a row that is not there is parked", name)
			}
		}
		page, err := qs.List(t.Context(), "", "categories", nil)
		if err != nil || page.Parked {
			t.Errorf("a list: %+v, %v", page, err)
		}
		b.p.Project(t.Context(), slices.Concat(b.append("product/1", added("bad", 3), moved("toys"))[:1], b.append("product/2", added("books", 3))))
		for _, name := range []string{"categories", "spread"} {
			if !parked(name, "toys") || !parked(name, "toys", token("product/1", 2)...) || !parked(name, "bad") {
				t.Errorf("%s: a row that a parked stream would make does not say so", name)
			}
			page, err := qs.List(t.Context(), "", name, parse(t, "id=toys&after=product/1@2"))
			if err != nil || !page.Parked || !page.Stale {
				t.Errorf("%s, a list that waits: %+v, %v", name, page, err)
			}
			if page, err = qs.List(t.Context(), "", name, parse(t, "id=toys")); err != nil || !page.Parked || page.Stale {
				t.Errorf("%s, a list: %+v, %v", name, page, err)
			}
		}
		// Of rows that follow one stream its own item says it.
		b.p.Project(t.Context(), b.append("user/9", renamed("bad")))
		if !parked("users", "9") || !parked("users", "9", token("user/9", 1)...) || parked("users", "10") {
			t.Error("a row that is not there for its stream is parked does not say so, or another does")
		}
		b.append("user/11", renamed("bad")) // met by the reader first
		if parked("users", "11") || !parked("users", "11", token("user/11", 1)...) {
			t.Error("a row that could not be caught up does not say so")
		}
		row, err := qs.At(t.Context(), "", "users", "9", query.Moment{Version: 1})
		if events.CodeOf(err) != events.CodeNotFound || !row.Parked {
			t.Errorf("as it was: %+v, %v", row, err)
		}
	})
}

func parse(t *testing.T, request string) map[string][]string {
	t.Helper()
	params := map[string][]string{}
	for pair := range strings.SplitSeq(request, "&") {
		name, value, _ := strings.Cut(pair, "=")
		params[name] = append(params[name], value)
	}
	return params
}

// TestRedrive: after a fix a redrive catches up, in order and to the end; before
// it the stream is parked again with one more attempt.
func TestRedrive(t *testing.T) {
	t.Parallel()
	b := newBench(t, fragile(true)...)
	many := []events.Data{created("Ann"), renamed("bad")}
	for i := range 250 {
		many = append(many, renamed(fmt.Sprint(i)))
	}
	b.p.Project(t.Context(), slices.Concat(b.append("user/7", many...)[:5], b.append("product/1", added("books", 3), moved("bad"))))
	for attempt := 2; attempt <= 3; attempt++ {
		for name, stream := range map[string]events.Stream{"users": "user/7", "categories": "product/1"} {
			r, err := b.p.Redrive(t.Context(), name, stream)
			if err != nil || r.Fault == nil || r.Fault.Attempts != attempt || r.Fault.Commit != 2 || r.Commit != 1 {
				t.Fatalf("attempt %d: %+v, %v", attempt, r, err)
			}
			list, err := b.p.Parked(t.Context(), name, "", 10)
			if err != nil || len(list) != 1 || list[0].Attempts != attempt {
				t.Fatalf("the list is %+v, %v", list, err)
			}
		}
	}
	if parked := b.tables.Items("categories", 1); parked[len(parked)-1].Key != "books" || parked[len(parked)-1].Parked != 1 {
		t.Errorf("after three attempts the row is %+v", parked[len(parked)-1])
	}
	fixed := b.over(fragile(false)...)
	done := map[events.Stream]int64{}
	if err := fixed.p.RedriveAll(t.Context(), func(r follow.RedriveResult) {
		if r.Fault != nil {
			t.Errorf("parked again: %+v", r.Fault)
		}
		done[r.Stream] = r.Commit
	}); err != nil {
		t.Fatal(err)
	}
	if done["user/7"] != 252 || done["product/1"] != 2 {
		t.Errorf("redriven: %v", done)
	}
	b.want("users", "7", `{"name":"249","email":"Ann@x","active":true}`)
	b.want("categories", "bad", `{"products":1,"units":3}`)
	b.want("categories", "books", ``)
	b.nothingParked("users", "categories")
	// From now on everything flows.
	b.clean(fixed.p.Project(t.Context(), fixed.more("user/7", renamed("Z"))))
	b.want("users", "7", `{"name":"Z","email":"Ann@x","active":true}`)
}

// nothingParked fails if a table holds a mark or a record of a parked stream.
func (b *bench) nothingParked(views ...string) {
	b.t.Helper()
	for _, name := range views {
		for _, item := range b.tables.Items(name, 1) {
			if item.Parked != 0 || strings.HasPrefix(item.Key, "@parked/") {
				b.t.Errorf("%s holds %+v", name, item)
			}
		}
	}
}

func TestRedriveRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t, fragile(true)...)
	if _, err := b.p.Redrive(t.Context(), "nothing", "user/7"); events.CodeOf(err) != events.CodeUnknownView {
		t.Error(err)
	}
	if _, err := b.p.Redrive(t.Context(), "users", "product/7"); events.CodeOf(err) != events.CodeNotFound {
		t.Error(err)
	}
	if err := b.p.RedriveView(t.Context(), "nothing", nil); events.CodeOf(err) != events.CodeUnknownView {
		t.Error(err)
	}
	if _, err := b.p.Parked(t.Context(), "users", "", 0); events.CodeOf(err) != events.CodeMalformed {
		t.Error(err)
	}
	if _, err := b.p.Parked(t.Context(), "nothing", "", 1); events.CodeOf(err) != events.CodeUnknownView {
		t.Error(err)
	}
	if r, err := b.p.Redrive(t.Context(), "users", "user/none"); err != nil || r.Commit != 0 || r.Fault != nil {
		t.Errorf("a stream that does not exist: %+v, %v", r, err)
	}
}

// TestStreamParkedForACommitThatIsNotThere comes free without a commit.
func TestStreamParkedForACommitThatIsNotThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, fragile(false)...)
	b.clean(b.p.Project(t.Context(), b.append("product/1", added("books", 3))))
	for stream, want := range map[events.Stream]string{"user/9": "users", "product/1": "categories", "product/9": "categories"} {
		if r := b.p.Project(t.Context(), []follow.Delivery{{Stream: stream, Number: 4}}); len(r.Faults) == 0 || !strings.Contains(r.Faults[0].Text, "has no commit") {
			t.Errorf("%s: %+v", stream, r)
		}
		if list, err := b.p.Parked(t.Context(), want, "", 10); err != nil || len(list) == 0 {
			t.Errorf("%s: %+v, %v", stream, list, err)
		}
	}
	if err := b.p.RedriveAll(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	b.nothingParked("users", "categories")
	b.clean(b.p.Project(t.Context(), b.append("user/9", created("Ann"))))
	b.want("users", "9", `{"name":"Ann","email":"Ann@x","active":true}`)
	b.want("categories", "books", `{"products":1,"units":3}`)
}

func TestParkedIsPaged(t *testing.T) {
	t.Parallel()
	b := newBench(t, fragile(true)...)
	var ds []follow.Delivery
	for i := range 25 {
		ds = append(ds, b.append(events.StreamOf("user", fmt.Sprintf("%02d", i)), created("Ann"), renamed("bad"))...)
	}
	b.p.Project(t.Context(), ds)
	var all []string
	after := events.Stream("")
	for pages := 0; ; pages++ {
		page, err := b.p.Parked(t.Context(), "users", after, 10)
		if err != nil || pages > 3 {
			t.Fatal(pages, err)
		}
		for _, f := range page {
			all = append(all, string(f.Stream))
		}
		if len(page) < 10 {
			break
		}
		after = page[len(page)-1].Stream
	}
	if len(all) != 25 || !slices.IsSorted(all) {
		t.Errorf("got %v", all)
	}
}

// TestOneProductInAThousand: a view fails on one product in a thousand. The
// others are never more than a batch behind; after the fix and a redrive the
// tables are what all events make.
func TestOneProductInAThousand(t *testing.T) {
	t.Parallel()
	const products, perBatch = 2000, 100
	b := newBench(t, fragile(true)...)
	streams := map[events.Stream][]events.Commit{}
	for round := range 3 {
		var ds []follow.Delivery
		for i := range products {
			stream := events.StreamOf("product", fmt.Sprint(i))
			switch {
			case round == 0:
				ds = append(ds, b.append(stream, added(fmt.Sprintf("c%d", i%40), int64(i%7)))...)
			case i%1000 == 500 && round == 1:
				ds = append(ds, b.more(stream, moved("bad"))...)
			default:
				ds = append(ds, b.more(stream, moved(fmt.Sprintf("d%d", (i+round)%40)))...)
			}
		}
		for batch := range slices.Chunk(ds, perBatch) {
			if r := b.p.Project(t.Context(), batch); r.Retry != nil {
				t.Fatalf("a batch is held up: %v", r.Err)
			}
			b.upToDate(batch)
		}
		for _, d := range ds {
			streams[d.Stream] = append(streams[d.Stream], *d.Commit)
		}
	}
	list, err := b.p.Parked(t.Context(), "categories", "", 1000)
	if err != nil || len(list) != products/1000 {
		t.Fatalf("%d parked, %v", len(list), err)
	}
	fixed := b.over(fragile(false)...)
	if err := fixed.p.RedriveAll(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	b.nothingParked("users", "categories")
	for _, v := range fragile(false) {
		sameTables(t, b, v, streams)
	}
	check, err := admin.NewVerifier(b.store, b.codec, b.tables, fragile(false), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := check.Verify(t.Context()); err != nil || !r.Clean() || r.Streams != products {
		t.Errorf("verify: %+v, %v", r, err)
	}
}

// upToDate fails if a stream of the batch, but a parked one, is behind.
func (b *bench) upToDate(batch []follow.Delivery) {
	b.t.Helper()
	keys := make([]string, len(batch))
	for i, d := range batch {
		keys[i] = "@stream/" + string(d.Stream)
	}
	items, err := b.tables.Table("categories", 1).Get(context.Background(), keys)
	if err != nil {
		b.t.Fatal(err)
	}
	for i, item := range items {
		if item.Parked == 0 && item.Commit < batch[i].Number {
			b.t.Fatalf("%s is at commit %d after the batch with %d", batch[i].Stream, item.Commit, batch[i].Number)
		}
	}
}

// TestAnyDeliveryWithParking: as TestAnyDeliveryGivesTheSameTables, with events
// that one variant of the views can't take. The broken variant parks streams,
// and keyed rows count them; then the working one redrives them, several times
// at once, while both variants go on projecting; in the end the tables are those
// that whole streams make.
func TestAnyDeliveryWithParking(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		b := &bench{t: t, codec: newCodec(), store: &eventstest.Memory{}, tables: viewtest.NewMemory(fragile(true)...)}
		streams := map[events.Stream][]events.Commit{}
		var ds []follow.Delivery
		for i := range rapid.IntRange(1, 10).Draw(rt, "streams") {
			aggregate := rapid.SampledFrom([]string{"user", "product"}).Draw(rt, "aggregate")
			stream := events.StreamOf(aggregate, fmt.Sprint(i))
			for _, d := range b.append(stream, poisoned(rt, aggregate)...) {
				streams[stream] = append(streams[stream], *d.Commit)
				ds = append(ds, d)
			}
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		random := rand.New(rand.NewPCG(seed, 1))
		first := disturb(random, ds, streams)
		again := first[random.IntN(len(first)):]
		b.inject(seed, rapid.IntRange(0, 30).Draw(rt, "percent of faults"))
		projectors := rapid.IntRange(1, 3).Draw(rt, "projectors")
		synctest.Test(t, func(*testing.T) {
			b.projectAll(rt, random, fragile(true), first, projectors, true)
			b.countedRows(rt)
			var wg sync.WaitGroup
			wg.Go(func() { b.projectAll(rt, random, fragile(true), again, 1, true) })
			for range 2 {
				wg.Go(func() { b.redriveAll(rt, 1) })
			}
			wg.Wait()
			b.redriveAll(rt, 0)
		})
		b.tables.Before, b.tables.After, b.store.Before = nil, nil, nil
		b.t = t
		b.nothingParked("users", "categories", "spread")
		for _, v := range fragile(false) {
			sameTables(rt, b, v, streams)
		}
	})
}

// poisoned are random events, of which some are bad.
func poisoned(t *rapid.T, aggregate string) []events.Data {
	evs := randomEvents(t, aggregate)
	for i := range evs {
		if rapid.IntRange(0, 3).Draw(t, "bad") == 0 {
			if evs[i] = renamed("bad"); aggregate == "product" {
				evs[i] = moved("bad")
			}
		}
	}
	return evs
}

// redriveAll redrives until nothing is parked, or the given number of times.
func (b *bench) redriveAll(t *rapid.T, rounds int) {
	p, err := projection.New(b.store, b.codec, b.tables, fragile(false), nil)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	for round := 1; ; round++ {
		if round > 1000 {
			t.Errorf("redriving does not end")
			return
		}
		err := p.RedriveAll(context.Background(), func(r follow.RedriveResult) {
			if r.Fault != nil {
				t.Errorf("parked again: %+v", *r.Fault)
			}
		})
		if err != nil && !events.Transient(err) {
			t.Errorf("redrive: %v", err)
			return
		}
		if round == rounds {
			return
		}
		left := 0
		for _, name := range []string{"users", "categories", "spread"} {
			list, e := p.Parked(context.Background(), name, "", 1000)
			if left += len(list); e != nil {
				left++
			}
		}
		if err == nil && left == 0 {
			return
		}
	}
}

// countedRows fails unless every row of the keyed view counts the parked
// streams that contribute to it.
func (b *bench) countedRows(t *rapid.T) {
	for _, name := range []string{"categories", "spread"} {
		countedRows(t, b.tables.Items(name, 1))
	}
}

func countedRows(t *rapid.T, items []driver.Item) {
	counts, counted := map[string]int64{}, map[string]int64{}
	for _, item := range items {
		if strings.HasPrefix(item.Key, "@stream/") && item.Parked != 0 && item.Memo != nil {
			var m productMemo
			if err := json.Unmarshal(item.Memo, &m); err != nil {
				t.Errorf("%v", err)
			}
			counts[projection.ItemKey("", m.Category)]++
		}
	}
	for _, item := range items {
		key := item.Key
		if part, ok := strings.CutPrefix(key, "@row/"); ok {
			key = projection.ItemKey("", part[len("0/"):])
		} else if part, ok := strings.CutPrefix(key, "@longrow/"); ok {
			key = "@long/" + part[len("0/"):]
		}
		if projection.IsRow(key) {
			counted[key] += item.Parked
		}
	}
	for key, n := range counted {
		if n != counts[key] {
			t.Errorf("row %q counts %d parked streams, want %d", key, n, counts[key])
		}
	}
}

// TestRedriveBrokenOff leaves the stream parked, and found by the next redrive.
func TestRedriveBrokenOff(t *testing.T) {
	t.Parallel()
	b := newBench(t, fragile(true)...)
	users, products := []events.Data{created("Ann"), renamed("bad")}, []events.Data{added("books", 1), moved("bad")}
	for i := range 250 {
		users, products = append(users, renamed(fmt.Sprint(i))), append(products, moved(fmt.Sprint("c", i%3)))
	}
	b.p.Project(t.Context(), slices.Concat(b.append("user/7", users...)[:3], b.append("product/1", products...)[:2]))
	fixed := b.over(fragile(false)...)
	for name, stream := range map[string]events.Stream{"users": "user/7", "categories": "product/1"} {
		reads := 0
		b.store.Before = func(string, events.Stream) error {
			if reads++; reads == 3 {
				return events.Errorf(events.CodeUnavailable, "injected")
			}
			return nil
		}
		if _, err := fixed.p.Redrive(t.Context(), name, stream); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("%s: %v", name, err)
		}
		key := map[string]string{"users": "7", "categories": "c0"}[name] // after 201 commits
		if row, err := b.queries(fragile(false)...).Get(t.Context(), "", name, key, nil); err != nil || !row.Parked {
			t.Errorf("%s: %s does not say that it is behind, %v", name, row.JSON, err)
		}
		if r := fixed.p.Project(t.Context(), []follow.Delivery{{Stream: stream, Number: 252}}); r.Held == 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if r, err := fixed.p.Redrive(t.Context(), name, stream); err != nil || r.Commit != 252 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	b.store.Before = nil
	b.nothingParked("users", "categories")
}
