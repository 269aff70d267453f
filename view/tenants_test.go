package view_test

import (
	"bytes"
	"context"
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

// tenants have the same streams in tests: the first two with the same events.
var tenants = []string{"acme", "globex", "acme.2"}

// TestTenantsHaveTheirOwnTables: streams of three tenants with the same names, in any
// delivery and with transient faults, make of each tenant the rows that its commits make
// where there are no tenants, and nothing else.
func TestTenantsHaveTheirOwnTables(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		views := propertyViews()
		b := &bench{t: t, codec: newCodec(), store: &eventstest.Memory{}, tables: viewtest.NewMemory(views...)}
		streams := map[events.Stream][]events.Commit{}
		plain := map[string]map[events.Stream][]events.Commit{}
		for _, tenant := range tenants {
			plain[tenant] = map[events.Stream][]events.Commit{}
		}
		var ds []follow.Delivery
		for i := range rapid.IntRange(1, 4).Draw(rt, "streams") {
			aggregate := rapid.SampledFrom([]string{"user", "product"}).Draw(rt, "aggregate")
			shared := randomEvents(rt, aggregate)
			for _, tenant := range tenants {
				evs := shared
				if tenant == tenants[2] {
					evs = randomEvents(rt, aggregate)
				}
				stream := events.StreamOf(aggregate, fmt.Sprint(i)).In(tenant)
				for _, d := range b.append(stream, evs...) {
					streams[stream] = append(streams[stream], *d.Commit)
					ds = append(ds, d)
					c := *d.Commit
					c.Stream = stream.In("")
					plain[tenant][c.Stream] = append(plain[tenant][c.Stream], c)
				}
			}
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		random := rand.New(rand.NewPCG(seed, 1))
		ds = disturb(random, ds, streams)
		b.inject(seed, rapid.IntRange(0, 20).Draw(rt, "percent of faults"))
		synctest.Test(t, func(*testing.T) { b.projectAll(rt, random, views, ds, 2, false) })
		b.tables.Before, b.tables.After, b.store.Before = nil, nil, nil
		qs, err := query.New(b.store, b.codec, b.tables, views, &query.Options{Tenants: true})
		if err != nil {
			rt.Fatal(err)
		}
		for _, v := range views {
			sameTables(rt, b, v, streams)
			for _, tenant := range tenants {
				answersAs(rt, qs, b.codec, v, tenant, plain[tenant])
			}
		}
	})
}

// answersAs checks that queries answer to a tenant what whole streams make of a view
// without tenants.
func answersAs(t *rapid.T, qs *query.Queries, codec *events.Codec, v view.View, tenant string, streams map[events.Stream][]events.Commit) {
	fold, err := projection.NewFold(v, codec)
	if err != nil {
		t.Fatal(err)
	}
	d := v.Describe()
	for stream, commits := range streams {
		if slices.Contains(d.Aggregates, stream.Aggregate()) {
			if err := fold.Add(commits); err != nil {
				t.Fatal(err)
			}
		}
	}
	keys, err := fold.Keys("")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range append(keys, "none", "@tenant/acme/0") {
		want, ok, err := fold.Row("", key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := qs.Get(context.Background(), tenant, d.Name, key, nil)
		if ok != (err == nil) || string(got.JSON) != string(want.JSON) {
			t.Fatalf("%s: %s %q is %s, %v, want %s", tenant, d.Name, key, got.JSON, err, want.JSON)
		}
	}
	if !slices.ContainsFunc(d.Indexes, func(x driver.IndexDescription) bool { return x.Name == "all" }) {
		return
	}
	var listed []string
	for cursor := ""; ; {
		page, err := qs.List(context.Background(), tenant, d.Name, map[string][]string{"limit": {"2"}, "cursor": {cursor}})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Items {
			listed = append(listed, string(row))
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	var want []string
	for _, key := range keys {
		row, _, _ := fold.Row("", key)
		want = append(want, string(row.JSON))
	}
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Fatalf("%s: %s lists %q, want %q", tenant, d.Name, listed, want)
	}
}

// TestItemKeysOfTenants: the stored keys stay as they are, and the forms never meet.
func TestItemKeysOfTenants(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 1025)
	for _, c := range []struct{ tenant, key, want string }{
		{"acme", "books", "@tenant/acme/books"},
		{"acme", "@home", "@tenant/acme/@@home"},
		{"acme", "a/b", "@tenant/acme/a/b"},
		{"acme", "@tenant/globex/books", "@tenant/acme/@@tenant/globex/books"},
		{"", "@tenant/acme/books", "@@tenant/acme/books"},
		{"acme", long, "@tenant/acme/" + projection.ItemKey("", long)},
		{"acme", "", "@tenant/acme/" + projection.ItemKey("", "")},
	} {
		got := projection.ItemKey(c.tenant, c.key)
		if got != c.want || !projection.IsRow(got) || projection.TenantOf(got) != c.tenant {
			t.Errorf("row %.30q of %q is %q (a row: %v, of %q)", c.key, c.tenant, got, projection.IsRow(got), projection.TenantOf(got))
		}
		if key, ok := projection.RowKey(&driver.Item{Key: got, Memo: []byte(`{"key":"` + c.key + `"}`)}); key != c.key || !ok {
			t.Errorf("%q is read as %.30q, %v", got, key, ok)
		}
	}
	for key, tenant := range map[string]string{
		"@stream/acme:product/7": "acme", "@stream/product/a:b": "", "@parked/acme:product/7": "acme",
		"@tenant/acme/@row/3/books": "acme", "@row/3/books": "", "books": "", "@tenant/acme": "", "@@tenant/acme/x": "",
	} {
		if got := projection.TenantOf(key); got != tenant {
			t.Errorf("%q is of %q, want %q", key, got, tenant)
		}
	}
}

// TestLongestKeysOfTenantsFit: what a tenant's name adds stays within DynamoDB's limits
// of keys, which the tables in memory check.
func TestLongestKeysOfTenantsFit(t *testing.T) {
	t.Parallel()
	tenant := strings.Repeat("t", events.MaxTenantLength)
	text := strings.Repeat("é", 512) // 1,024 bytes: the longest that a key holds as it is
	a := ask(t, &query.Options{Tenants: true}, newThings(), newCategories())
	stream := events.StreamOf("thing", strings.Repeat("😀", 128)).In(tenant)
	a.clean(a.p.Project(t.Context(), slices.Concat(
		a.append(stream, thing{Group: text, Name: text, Mail: text + "x"}),
		a.append(events.StreamOf("product", "1").In(tenant), added(text, 1)))))
	for _, request := range []string{"group=" + text, "mail=" + text + "x", "flag=false", "limit=1"} {
		page, err := a.qs.List(t.Context(), tenant, "things", params(request))
		if err != nil || len(page.Items) != 1 {
			t.Errorf("%.20s: %d rows, %v", request, len(page.Items), err)
		}
	}
	if row, err := a.qs.Get(t.Context(), tenant, "categories", text, nil); err != nil || row.Key != text {
		t.Errorf("%.20q, %v", row.Key, err)
	}
}

// twoTenants has users and products of acme and none of globex, and the queries.
func twoTenants(t *testing.T, opts query.Options) *asking {
	opts.Tenants = true
	a := ask(t, &opts, newUsers(), newCategories(), newSpread(), newSpreadFaulty())
	var ds []follow.Delivery
	for i := range 5 {
		ds = append(ds, a.append(events.StreamOf("user", fmt.Sprint(i)).In("acme"), created("ann"))...)
		ds = append(ds, a.append(events.StreamOf("product", fmt.Sprint(i)).In("acme"), added("books", 1))...)
	}
	a.clean(a.p.Project(t.Context(), ds))
	return a
}

// newSpreadFaulty can't apply a product of the category "boom".
func newSpreadFaulty() view.View {
	return newKeyed("faulty", func(m productMemo) []string {
		if m.Category == "boom" {
			panic("boom")
		}
		return []string{m.Category}
	})
}

// TestNoQueryReachesAnotherTenant: what acme has is to globex as what nobody has.
func TestNoQueryReachesAnotherTenant(t *testing.T) {
	t.Parallel()
	a := twoTenants(t, query.Options{Wait: time.Nanosecond})
	ask := func(tenant, name, request string) string {
		p := params(request)
		if key := p["key"]; key != nil {
			at, after := p["at"], []events.Token(nil)
			for _, s := range p["after"] {
				tok, err := events.ParseStoredToken(s)
				if err != nil {
					t.Fatal(err)
				}
				after = append(after, tok)
			}
			if at != nil {
				m, _ := query.ParseMoment(at[0])
				row, err := a.qs.At(t.Context(), tenant, name, key[0], m)
				return fmt.Sprintf("%s %v %v", row.JSON, row.Parked, err)
			}
			row, err := a.qs.Get(t.Context(), tenant, name, key[0], after)
			return fmt.Sprintf("%s %d %v %v", row.JSON, row.Version, row.Parked, err)
		}
		page, err := a.qs.List(t.Context(), tenant, name, p)
		return fmt.Sprintf("%s %q %v %v %v", page.Items, page.Next, page.Stale, page.Parked, err)
	}
	first, err := a.qs.List(t.Context(), "acme", "users", params("limit=2"))
	if err != nil || first.Next == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	for _, c := range []struct{ view, there, nowhere string }{
		{"users", "key=1", "key=nobody"},
		{"users", "key=@tenant/acme/1", "key=nobody"},
		{"users", "key=1 after=user/1@1", "key=nobody after=user/nobody@1"},
		{"users", "key=1 at=1", "key=nobody at=1"},
		{"users", "key=1 at=2026-06-01T00:00:00Z", "key=nobody at=2026-06-01T00:00:00Z"},
		{"users", "id=1", "id=nobody"},
		{"users", "id.in=1,2,3 sort=-name", "id.in=x,y,z sort=-name"},
		{"users", "email=ann@x", "email=nobody@x"},
		{"users", "active=true", "active=false"},
		{"users", "sort=-name limit=2", "sort=-name limit=3"},
		{"users", "after=user/1@1", "after=user/nobody@1"},
		{"users", "cursor=" + first.Next + " limit=2", "cursor=" + strings.Repeat("A", len(first.Next)) + " limit=2"},
		{"categories", "key=books", "key=nothing"},
		{"categories", "key=books after=product/1@1", "key=books after=product/nobody@1"},
		{"categories", "id=books", "id=nothing"},
		{"categories", "sort=-products", "products.gt=99"},
		{"categories", "after=product/1@1", "after=product/nobody@1"},
		{"spread", "key=books", "key=nothing"},
		{"spread", "id=books", "id=nothing"},
	} {
		if mine := ask("acme", c.view, c.there); (mine == ask("acme", c.view, c.nowhere)) != strings.Contains(c.there, "@tenant/") {
			t.Errorf("%s of acme shows nothing: %s", c.there, mine)
		}
		if got, want := ask("globex", c.view, c.there), ask("globex", c.view, c.nowhere); got != want {
			t.Errorf("%s of globex is %s, and what nobody has %s", c.there, got, want)
		}
	}
	for _, c := range []struct{ view, request string }{{"users", "key=1 after=acme:user/1@1"}, {"categories", "key=books after=globex:product/1@1"}, {"users", "after=acme:user/1@1"}} {
		if got := ask("acme", c.view, c.request); !strings.Contains(got, "must be a consistency token") && !strings.Contains(got, "malformed") {
			t.Errorf("%s: %s", c.request, got)
		}
	}
}

// TestQueriesFailClosed: with tenants a query names one, and without none.
func TestQueriesFailClosed(t *testing.T) {
	t.Parallel()
	with := twoTenants(t, query.Options{}).qs
	without := ask(t, nil, newUsers()).qs
	for _, c := range []struct {
		qs     *query.Queries
		tenant string
		want   events.Code
	}{
		{with, "", events.CodeTenantRequired}, {with, "a/b", events.CodeMalformed}, {with, "acme:", events.CodeMalformed}, {with, "acme", ""},
		{without, "acme", events.CodeMalformed},
	} {
		_, get := c.qs.Get(t.Context(), c.tenant, "users", "1", nil)
		_, at := c.qs.At(t.Context(), c.tenant, "users", "1", query.Moment{Version: 1})
		_, list := c.qs.List(t.Context(), c.tenant, "users", nil)
		for _, err := range []error{get, at, list} {
			if got := events.CodeOf(err); err == nil && c.want != "" || err != nil && got != c.want {
				t.Errorf("tenant %q: %v, want %s", c.tenant, err, c.want)
			}
		}
	}
}

// TestParkedStreamsOfAnotherTenantAreNotTold: and a redrive is of one tenant's stream.
func TestParkedStreamsOfAnotherTenantAreNotTold(t *testing.T) {
	t.Parallel()
	a := twoTenants(t, query.Options{})
	for _, tenant := range []string{"acme.2", "globex", "acme"} {
		a.clean(a.p.Project(t.Context(), a.append(events.StreamOf("product", "fine").In(tenant), added("toys", 2))))
	}
	r := a.p.Project(t.Context(), a.append("acme:product/bad", added("boom", 1)))
	if len(r.Faults) != 1 || r.Faults[0].Stream != "acme:product/bad" {
		t.Fatalf("faults %+v", r.Faults)
	}
	for _, tenant := range []string{"acme", "globex", "acme.2"} {
		row, err := a.qs.Get(t.Context(), tenant, "faulty", "nothing", nil)
		page, listed := a.qs.List(t.Context(), tenant, "faulty", nil)
		if mine := tenant == "acme"; events.CodeOf(err) != events.CodeNotFound || listed != nil || row.Parked != mine || page.Parked != mine {
			t.Errorf("%s: row %v, %v; list %v, %v", tenant, row.Parked, err, page.Parked, listed)
		}
	}
	if _, err := a.p.Redrive(t.Context(), "faulty", "globex:product/bad"); err != nil {
		t.Error(err)
	}
	got, err := a.p.Redrive(t.Context(), "faulty", "acme:product/bad")
	if err != nil || got.Fault == nil {
		t.Errorf("%+v, %v", got, err)
	}
	list, err := a.p.Parked(t.Context(), "faulty", "", 10)
	if err != nil || len(list) != 1 || list[0].Stream != "acme:product/bad" || list[0].Attempts != 2 {
		t.Errorf("parked: %+v, %v", list, err)
	}
}

// TestChecksOfTenants: verify finds nothing wrong in tables of several tenants; a row
// that changes places between them is found, and whose it is.
func TestChecksOfTenants(t *testing.T) {
	t.Parallel()
	views := []view.View{newUsers(), newCategories(), newSpread()}
	b := newBench(t, views...)
	var ds []follow.Delivery
	for _, tenant := range []string{"acme", "globex"} {
		for i := range 4 {
			ds = append(ds, b.append(events.StreamOf("user", fmt.Sprint(i)).In(tenant), created("ann"))...)
			ds = append(ds, b.append(events.StreamOf("product", fmt.Sprint(i)).In(tenant), added("books", 1))...)
		}
	}
	b.clean(b.p.Project(t.Context(), ds))
	verify := func() (found []string) {
		v, err := admin.NewVerifier(b.store, b.codec, b.tables, views, &admin.VerifyOptions{Patience: time.Nanosecond})
		if err != nil {
			t.Fatal(err)
		}
		report, err := v.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range report.Views {
			for _, f := range v.Findings {
				found = append(found, fmt.Sprintf("%s %s %s %s %s", f.View, f.Kind, f.Tenant, f.Row, f.Stream))
			}
		}
		slices.Sort(found)
		return found
	}
	if found := verify(); len(found) > 0 {
		t.Fatalf("found %q", found)
	}
	for _, key := range []string{"@tenant/acme/1", "@tenant/acme/books"} {
		for name, table := range map[string]driver.Table{"users": b.tables.Table("users", 1), "categories": b.tables.Table("categories", 1)} {
			items, err := table.Get(t.Context(), []string{key})
			if err != nil {
				t.Fatal(err)
			}
			if items[0] == nil {
				continue
			}
			stray := *items[0]
			stray.Key = strings.Replace(key, "acme", "initech", 1)
			for _, w := range []driver.Write{{Item: stray}, driver.Write{Item: *items[0], Delete: true}.Over(items[0])} {
				if err := table.Put(t.Context(), w); err != nil {
					t.Fatal(name, err)
				}
			}
		}
	}
	want := []string{
		"categories extra initech books ", "categories missing acme books ",
		"users extra initech 1 initech:user/1", "users missing acme 1 acme:user/1",
	}
	if found := verify(); !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}

// TestReadsOfTenantsCostTheSame: as many calls of the tables, of as many keys, as where
// there are no tenants.
func TestReadsOfTenantsCostTheSame(t *testing.T) {
	t.Parallel()
	calls := func(tenant string) (all []string) {
		a := ask(t, &query.Options{Tenants: tenant != ""}, newUsers(), newCategories(), newSpread())
		for i := range 5 {
			a.clean(a.p.Project(t.Context(), slices.Concat(
				a.append(events.StreamOf("user", fmt.Sprint(i)).In(tenant), created("ann")),
				a.append(events.StreamOf("product", fmt.Sprint(i)).In(tenant), added("books", 1)))))
		}
		var mu sync.Mutex
		a.tables.Before = func(c viewtest.Call) error {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, fmt.Sprintf("%s %s %d", c.View, c.Method, len(c.Keys)))
			return nil
		}
		for _, name := range []string{"users", "categories", "spread"} {
			_, _ = a.qs.Get(t.Context(), tenant, name, "1", []events.Token{{Stream: "user/1", Version: 1}, {Stream: "product/1", Version: 1}})
			_, _ = a.qs.Get(t.Context(), tenant, name, "none", nil)
			_, _ = a.qs.List(t.Context(), tenant, name, params("limit=2"))
			_, _ = a.qs.List(t.Context(), tenant, name, params("id.in=1,books after=user/1@1 after=product/1@1"))
		}
		a.p.Project(t.Context(), a.append(events.StreamOf("product", "9").In(tenant), added("books", 1)))
		slices.Sort(all) // views are projected side by side
		return all
	}
	with, without := calls("acme"), calls("")
	if len(without) == 0 || !slices.Equal(with, without) {
		t.Errorf("calls\n%q, without tenants\n%q", with, without)
	}
}

// seenRow holds what handlers are told.
type seenRow struct {
	Stream    string `json:"stream"`
	Causation string `json:"causation"`
	Key       string `json:"key"`
}

// TestHandlersSeeNoTenant: domains, and what they put into rows, know plain names.
func TestHandlersSeeNoTenant(t *testing.T) {
	t.Parallel()
	told := view.New[seenRow]("told", "user").On(func(_ seenRow, _ userCreated, m view.Meta) seenRow {
		return seenRow{string(m.Stream), m.Causation, m.ID()}
	})
	keyed := view.NewKeyed[seenRow, seenRow]("keyed", "user").
		On(func(_ seenRow, _ userCreated, m view.Meta) seenRow {
			return seenRow{Stream: string(m.Stream), Causation: m.Causation}
		}).
		Keys(func(seenRow) []string { return []string{"k"} }).
		Put(func(_ seenRow, key string, m seenRow) seenRow { return seenRow{m.Stream, m.Causation, key} }).
		Take(func(r seenRow, _ string, _ seenRow) seenRow { return r })
	b := newBench(t, told, keyed)
	qs, err := query.New(b.store, b.codec, b.tables, []view.View{told, keyed}, &query.Options{Tenants: true})
	if err != nil {
		t.Fatal(err)
	}
	for causation, want := range map[string]string{
		"acme:order/7@3": "order/7@3", "c1": "c1", "globex:order/7@3": "globex:order/7@3", "acme:c1": "acme:c1", "": "",
	} {
		stream := events.StreamOf("user", "of "+causation).In("acme")
		c := viewtest.Commits(t, b.codec, stream, created("ann"))[0]
		c.Causation = causation
		c, err := b.store.Append(t.Context(), events.Start(stream), c)
		if err != nil {
			t.Fatal(err)
		}
		b.clean(b.p.Project(t.Context(), []follow.Delivery{{Stream: stream, Number: 1, Commit: &c, Sequence: "1"}}))
		for name, key := range map[string]string{"told": stream.ID(), "keyed": "k"} {
			row, err := qs.Get(t.Context(), "acme", name, key, nil)
			if text := fmt.Sprintf(`{"id":%q,"stream":%q,"causation":%q,"key":%q`, key, stream.In(""), want, key); err != nil || !strings.HasPrefix(string(row.JSON), text) {
				t.Errorf("%s is %s, %v, want %s", name, row.JSON, err, text)
			}
		}
	}
}

// TestRemakeOfOneTenant: what was changed by hand is made again, at the one tenant.
func TestRemakeOfOneTenant(t *testing.T) {
	t.Parallel()
	views := []view.View{newUsers(), newCategories()}
	b := newBench(t, views...)
	for _, tenant := range []string{"acme", "globex"} {
		b.clean(b.p.Project(t.Context(), slices.Concat(
			b.append(events.Stream("user/1").In(tenant), created("x"), renamed("ann")), b.append(events.Stream("product/1").In(tenant), added("x", 1), moved("books")))))
	}
	damage := func(name, key string) {
		table := b.tables.Table(name, 1)
		items, err := table.Get(t.Context(), []string{key})
		if err != nil || items[0] == nil {
			t.Fatalf("%s: %v, %v", key, items, err)
		}
		next := *items[0]
		next.Row, next.Memo = bytes.Replace(next.Row, []byte("ann"), []byte("eve"), 1), bytes.Replace(next.Memo, []byte("books"), []byte("bombs"), 1)
		next.Version-- // tables take no second item of a version
		for _, w := range []driver.Write{driver.Write{Item: next, Delete: true}.Over(items[0]), {Item: next}} {
			if err := table.Put(t.Context(), w); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tenant := range []string{"acme", "globex"} {
		damage("users", projection.ItemKey(tenant, "1"))
		damage("categories", "@stream/"+tenant+":product/1")
	}
	for name, stream := range map[string]events.Stream{"users": "acme:user/1", "categories": "acme:product/1"} {
		if written, err := b.p.Remake(t.Context(), name, stream); !written || err != nil {
			t.Errorf("%s: %v, %v", name, written, err)
		}
	}
	var got []string
	for _, v := range views {
		for _, item := range b.tables.Items(v.Describe().Name, 1) {
			if projection.TenantOf(item.Key) == "acme" && strings.Contains(string(item.Row)+string(item.Memo), "eve") || strings.HasPrefix(item.Key, "@stream/") && strings.Contains(string(item.Memo), "bombs") {
				got = append(got, item.Key)
			}
		}
	}
	if want := []string{"@stream/globex:product/1"}; !slices.Equal(got, want) {
		t.Errorf("damaged are %q, want %q", got, want)
	}
	qs, err := query.New(b.store, b.codec, b.tables, views, &query.Options{Tenants: true})
	if err != nil {
		t.Fatal(err)
	}
	for tenant, want := range map[string]string{"acme": "ann", "globex": "eve"} {
		if row, err := qs.Get(t.Context(), tenant, "users", "1", nil); err != nil || !strings.Contains(string(row.JSON), want) {
			t.Errorf("%s: %s, %v", tenant, row.JSON, err)
		}
	}
}

// TestRehearsalsOfTenants: what new code would make of each tenant's rows, whether it
// puts them together in another way or remembers other things of its streams.
func TestRehearsalsOfTenants(t *testing.T) {
	t.Parallel()
	b := newBench(t, newCategories())
	for tenant, stock := range map[string]int64{"acme": 1, "globex": 2} {
		for i := range 4 {
			b.clean(b.p.Project(t.Context(), b.append(events.StreamOf("product", fmt.Sprint(i)).In(tenant), added("books", stock))))
		}
	}
	declare := func(memory, row int64) view.View {
		return view.NewKeyed[categoryRow, productMemo]("categories", "product").
			On(func(_ productMemo, e productAdded, _ view.Meta) productMemo {
				return productMemo{Category: e.Category, Stock: memory * e.Stock}
			}).
			Keys(func(m productMemo) []string { return []string{m.Category} }).
			Put(func(r categoryRow, _ string, m productMemo) categoryRow {
				return categoryRow{r.Products + 1, r.Units + row*m.Stock}
			}).
			Take(func(r categoryRow, _ string, m productMemo) categoryRow {
				return categoryRow{r.Products - 1, r.Units - row*m.Stock}
			}).
			Index("all", view.All().Then("products"))
	}
	for _, c := range []struct {
		name                      string
		of                        view.View
		changed, memory, findings int64
	}{{"the same", declare(1, 1), 0, 0, 0}, {"another sum", declare(1, 3), 2, 0, 2}, {"another memory", declare(3, 1), 2, 8, 2}} {
		v, err := admin.NewVerifier(b.store, b.codec, b.tables, []view.View{c.of}, &admin.VerifyOptions{Patience: time.Nanosecond, Rehearsal: true})
		if err != nil {
			t.Fatal(err)
		}
		report, err := v.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rows := map[string]string{}
		for _, f := range report.Views[0].Findings {
			if f.Change == admin.ChangeChanged {
				rows[f.Tenant] = fmt.Sprintf("%s: %s", f.Row, f.Fields[0].Expected)
			}
		}
		if got := report.Views[0].Changes.Rows; got[admin.ChangeChanged] != c.changed || got[admin.ChangeMemory] != c.memory || int64(len(rows)) != c.findings {
			t.Errorf("%s: %v, rows %v", c.name, got, rows)
		}
		if c.changed > 0 && (rows["acme"] != "books: 12" || rows["globex"] != "books: 24") {
			t.Errorf("%s: rows %v", c.name, rows)
		}
	}
}
