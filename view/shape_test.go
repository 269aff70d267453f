package view_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"daybook/events"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
	"daybook/view/projection"
	"daybook/view/viewtest"
)

// accountRow and its changed forms are rows of the view "accounts".
type accountRow struct {
	Name  string   `json:"name"`
	Count int64    `json:"count"`
	Tags  []string `json:"tags"`
}

type accountWithKind struct {
	Name  string   `json:"name"`
	Count int64    `json:"count"`
	Tags  []string `json:"tags"`
	Kind  string   `json:"kind"`
}

type accountWithoutCount struct {
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

type accountOfFloats struct {
	Name  string   `json:"name"`
	Count float64  `json:"count"`
	Tags  []string `json:"tags"`
}

type accountOfNames struct {
	Name  string   `json:"name"`
	Count int64    `json:"count"`
	Tags  []*label `json:"tags"`
}

type label struct {
	Text string `json:"text,omitzero"`
}

// accountHarmless has other Go types and another order, and the same JSON.
type accountHarmless struct {
	Tags  []text `json:"tags"`
	Count int32  `json:"count"`
	Name  text   `json:"name"`
}

type text string

type accountSparse struct {
	Name  string   `json:"name,omitzero"`
	Count int64    `json:"count"`
	Tags  []string `json:"tags"`
}

// accounts declares the view without indexes.
func accounts[Row any]() *view.RowView[Row] {
	return view.New[Row]("accounts", "user").
		On(func(r Row, _ userCreated, _ view.Meta) Row { return r }).
		On(func(r Row, _ userRenamed, _ view.Meta) Row { return r })
}

func indexed[Row any]() *view.RowView[Row] {
	return accounts[Row]().Index("by-name", view.By("name")).Index("all", view.All().Then("count"))
}

func sameRow(r accountRow, _ userToggled, _ view.Meta) accountRow { return r }

// mismatching are changes of the declaration without a new version, and what is
// said of each.
var mismatching = map[string]struct {
	changed func() view.View
	want    string
}{
	"field added": {func() view.View { return indexed[accountWithKind]() }, "the rows of accounts v1 have no field kind"},
	"field removed": {func() view.View {
		return accounts[accountWithoutCount]().Index("by-name", view.By("name")).Index("all", view.All())
	}, "the rows of accounts v1 have a field count, which is not declared"},
	"type changed": {func() view.View { return indexed[accountOfFloats]() }, `field count of the rows of accounts v1 is "integer", not "number"`},
	"type changed within": {func() view.View { return indexed[accountOfNames]() },
		`field tags of the rows of accounts v1 is "list of string", not "list of {text string, omitzero} or null"`},
	"index added": {func() view.View { return indexed[accountRow]().Index("by-count", view.By("count")) }, "the table of accounts v1 has no index by-count"},
	"index removed": {func() view.View { return accounts[accountRow]().Index("by-name", view.By("name")) },
		"the table of accounts v1 has an index all, which is not declared"},
	"index reordered": {func() view.View {
		return accounts[accountRow]().Index("by-name", view.By("name").Then("count")).Index("all", view.All().Then("count"))
	}, "index by-name of accounts v1 is sorted by id, not by count"},
	"index by another": {func() view.View {
		return accounts[accountRow]().Index("by-name", view.By("count")).Index("all", view.All().Then("count"))
	}, "index by-name of accounts v1 is by name, not by count"},
	"shards": {func() view.View {
		return accounts[accountRow]().Index("by-name", view.By("name")).Index("all", view.All().Then("count").Shards(4))
	}, "index all of accounts v1 has shards: 1, not 4"},
	"normal form": {func() view.View {
		return accounts[accountRow]().Index("by-name", view.By("name").Fold("lower", strings.ToLower)).Index("all", view.All().Then("count"))
	}, "index by-name of accounts v1 holds name as it is, not in the form lower"},
	"handler added": {func() view.View { return indexed[accountRow]().On(sameRow) },
		"accounts v1 was filled without the events user-toggled"},
	"hide added": {func() view.View { return indexed[accountRow]().Hide(func(accountRow) bool { return false }) }, "accounts v1 was filled without Hide"},
}

// bank is an installation whose view accounts was declared as indexed says.
// later are views whose tables are there before they are declared.
func bank(t testing.TB, later ...view.View) *world {
	t.Helper()
	w := newWorld(append(later, indexed[accountRow](), newUsers())...)
	w.views = []view.View{indexed[accountRow](), newUsers()}
	w.commit("user/1", created("Ann"))
	w.deployed(t, w.views...)
	return w
}

// A declaration that changed without a new version is refused where it would
// give wrong answers, with words that help; other views go on. Taken back, or
// with a new version, all is well.
func TestMismatchedDeclarations(t *testing.T) {
	t.Parallel()
	for name, test := range mismatching {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := bank(t)
				changed := test.changed()
				if err := changed.Err(); err != nil {
					t.Fatal(err)
				}
				qs := w.queries(t, changed, newUsers())
				_, err := qs.Get(t.Context(), "", "accounts", "1", nil)
				wantMismatch(t, err, test.want)
				_, err = qs.List(t.Context(), "", "accounts", params("name=Ann"))
				wantMismatch(t, err, test.want)
				if _, err := qs.Get(t.Context(), "", "users", "1", nil); err != nil {
					t.Errorf("another view: %v", err)
				}
				if all, err := qs.Describe(t.Context()); err != nil || len(all) != 2 {
					t.Errorf("described: %v, %v", all, err)
				}
				all, err := admin.Mismatches(t.Context(), w.codec, w.tables, []view.View{changed, newUsers()})
				help := ": raise Version(2), keep v1 as it was in Previous, and run the subcommand rebuild accounts; or take the change back"
				if err != nil || len(all) != 1 || !strings.Contains(all[0].Text, test.want) || !strings.HasSuffix(all[0].Text, help) || strings.Contains(all[0].Text, "\n") {
					t.Errorf("%+v, %v", all, err)
				}
			})
		})
	}
}

func wantMismatch(t testing.TB, err error, text string) {
	t.Helper()
	wantCode(t, err, events.CodeUnavailable, text)
	e, ok := errors.AsType[*events.Error](err)
	if !ok || strings.Contains(e.Message, text) || e.RetryAfter == 0 {
		t.Errorf("a client is told %+v", e)
	}
}

// A projector with a mismatched declaration leaves the view's table alone and
// posts to the others; the table says that it lacks commits until it is rebuilt
// by the declaration that it had. Nothing is read or written for it again.
func TestProjectorWithAMismatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bank(t)
		changed := []view.View{indexed[accountWithKind](), newUsers()}
		p, err := projection.New(w.store, w.codec, w.tables, changed, &projection.Options{Routed: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range [][]string{{"Get", "Get", "Put"}, {"Get"}, {"Get"}} { // the record, the shape, the mark; then the record alone
			w.commit("user/1", renamed("Anna"))
			var calls []string
			w.tables.Before = func(c viewtest.Call) error {
				if c.View == "control" {
					calls = append(calls, c.Method)
				}
				return nil
			}
			r := p.Project(t.Context(), w.backlog)
			w.tables.Before, w.backlog = nil, nil
			slices.Sort(calls)
			if len(r.Mismatches) != 1 || r.Mismatches[0].Target != at("accounts", 1, 1) || !strings.Contains(r.Mismatches[0].Text, "have no field kind") ||
				r.Err != nil || len(r.Retry) > 0 || len(r.Faults) > 0 || r.Written != 1 || !slices.Equal(calls, want) {
				t.Errorf("batch %d: %+v, control record: %v", i, r, calls)
			}
		}
		if items := w.tables.Items("accounts", 1); len(items) != 1 || items[0].Version != 1 {
			t.Errorf("the table was written: %+v", items)
		}
		page, err := w.queries(t, w.views...).List(t.Context(), "", "accounts", params(""))
		if err != nil || !page.Stale {
			t.Errorf("taken back: %+v, %v", page, err)
		}
		if _, err := w.rebuilder(t, w.tables, admin.RebuildOptions{}).Run(t.Context(), "accounts"); err != nil {
			t.Fatal(err)
		}
		w.right(t, indexed[accountRow](), at("accounts", 1, 1))
		page, err = w.queries(t, w.views...).List(t.Context(), "", "accounts", params(""))
		if err != nil || page.Stale {
			t.Errorf("rebuilt: %+v, %v", page, err)
		}
	})
}

func at(name string, version, generation int) driver.Target {
	return driver.Target{View: name, Version: version, Generation: generation}
}

// With a new version the old one answers on, gets live commits, and the new one
// is filled and switched to.
func TestRaisedVersionFits(t *testing.T) {
	t.Parallel()
	for name, test := range mismatching {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				next := raised(t, test.changed(), indexed[accountRow]())
				w := bank(t, next)
				w.views = []view.View{next, newUsers()}
				w.commit("user/2", created("Bob"))
				w.deployed(t, w.views...)
				r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
				if _, err := r.Run(t.Context(), "accounts"); err != nil {
					t.Fatal(err)
				}
				for _, version := range []int{1, 2} {
					if version == 2 {
						until, err := r.Switch(t.Context(), at("accounts", 2, 1), nil)
						if err != nil {
							t.Fatal(err)
						}
						time.Sleep(time.Until(until))
					}
					row, err := w.queries(t, w.views...).Get(t.Context(), "", "accounts", "2", nil)
					if err != nil || row.Shape != version {
						t.Errorf("version %d: %+v, %v", version, row, err)
					}
				}
				if all, err := admin.Mismatches(t.Context(), w.codec, w.tables, w.views); err != nil || len(all) > 0 {
					t.Errorf("%+v, %v", all, err)
				}
			})
		})
	}
}

// raised gives a view its second version and what it was before.
func raised(t *testing.T, v view.View, before view.View) view.View {
	t.Helper()
	switch v := v.(type) {
	case *view.RowView[accountRow]:
		return v.Version(2).Previous(before)
	case *view.RowView[accountWithKind]:
		return v.Version(2).Previous(before)
	case *view.RowView[accountWithoutCount]:
		return v.Version(2).Previous(before)
	case *view.RowView[accountOfFloats]:
		return v.Version(2).Previous(before)
	case *view.RowView[accountOfNames]:
		return v.Version(2).Previous(before)
	}
	t.Fatalf("%T", v)
	return nil
}

// A version in Previous must stay as it was, too.
func TestMismatchOfAPreviousVersion(t *testing.T) {
	t.Parallel()
	w := bank(t)
	moved := indexed[accountWithKind]().Version(2).Previous(accounts[accountRow]().Index("by-name", view.By("name")))
	_, err := w.queries(t, moved).Get(t.Context(), "", "accounts", "1", nil)
	wantMismatch(t, err, "which is not declared: take the change of v1 in Previous back")
}

// Without a new version a rebuild makes another table beside the one that does
// not fit, and answers come from it once reads are switched.
func TestRebuildOfAMismatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bank(t)
		w.views = []view.View{indexed[accountWithKind](), newUsers()}
		w.commit("user/1", renamed("Anna"))
		w.deployed(t, w.views...)
		r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
		p, err := r.Run(t.Context(), "accounts")
		if err != nil || p.Target != at("accounts", 1, 2) {
			t.Fatalf("%+v, %v", p, err)
		}
		until, err := r.Switch(t.Context(), p.Target, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(until))
		row, err := w.queries(t, w.views...).Get(t.Context(), "", "accounts", "1", nil)
		if err != nil || !strings.Contains(string(row.JSON), `"kind":""`) {
			t.Errorf("%s, %v", row.JSON, err)
		}
		_, err = r.Switch(t.Context(), at("accounts", 1, 1), &admin.SwitchOptions{Delay: time.Second})
		wantCode(t, err, events.CodeConflict, "filled by another declaration")
		w.right(t, indexed[accountWithKind](), at("accounts", 1, 2))
	})
}

// A change that keeps the stored data as they are is not a mismatch.
func TestHarmlessChanges(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]view.View{
		"types and order of fields": indexed[accountHarmless](),
		"order of indexes":          accounts[accountRow]().Index("all", view.All().Then("count")).Index("by-name", view.By("name")),
	} {
		w := bank(t)
		w.commit("user/2", created("Bob"))
		w.deployed(t, indexed[accountRow](), newUsers()) // a row that stays as it is
		w.commit("user/1", renamed("Anna"))
		w.deployed(t, v, newUsers())
		if all, err := admin.Mismatches(t.Context(), w.codec, w.tables, []view.View{v}); err != nil || len(all) > 0 {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
		if row, err := w.queries(t, v).Get(t.Context(), "", "accounts", "1", nil); err != nil || row.Version != 2 {
			t.Errorf("%s: %+v, %v", name, row, err)
		}
	}
}

// forget takes the shapes out of the control record, as programs left it that
// recorded none.
func (w *world) forget(t testing.TB) {
	t.Helper()
	control := w.tables.Control()
	items, err := control.Get(t.Context(), []string{"routes"})
	if err != nil {
		t.Fatal(err)
	}
	old := *items[0]
	next := old
	next.Memo = regexp.MustCompile(`,"shape":"[0-9a-f]+"`).ReplaceAll(old.Memo, nil)
	if len(next.Memo) == len(old.Memo) {
		t.Fatalf("no shape in %s", old.Memo)
	}
	next.Version++
	if err := control.Put(t.Context(), driver.Write{Item: next, Expect: old.Version}); err != nil {
		t.Fatal(err)
	}
}

// The shapes of tables that are older than the record of shapes are taken to be
// as declared, but for what old programs can't have done.
func TestUnrecordedShapes(t *testing.T) {
	t.Parallel()
	sparse := accounts[accountSparse]().Index("by-name", view.By("name"))
	for name, test := range map[string]struct {
		v    view.View
		want string
	}{
		"as before":   {indexed[accountRow](), ""},
		"normal form": {mismatching["normal form"].changed(), "holds name as it is, not in the form lower"},
		"zeros":       {sparse, "index by-name of accounts v1 lacks the rows that leave out name because it is zero"},
	} {
		w := newWorld(test.v)
		w.commit("user/1", created("Ann"))
		w.deployed(t, test.v)
		w.forget(t)
		before, err := admin.Mismatches(t.Context(), w.codec, w.tables, []view.View{test.v})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.queries(t, test.v).List(t.Context(), "", "accounts", params("name="))
		if test.want != "" {
			wantMismatch(t, err, test.want)
		} else if err != nil || len(before) > 0 {
			t.Errorf("%s: %v, %v", name, before, err)
		}
		w.commit("user/1", renamed("Anna"))
		p, err := projection.New(w.store, w.codec, w.tables, []view.View{test.v}, &projection.Options{Routed: true})
		if err != nil {
			t.Fatal(err)
		}
		if r := p.Project(t.Context(), w.backlog); r.Err != nil || (len(r.Mismatches) > 0) != (test.want != "") {
			t.Errorf("%s: projected %+v", name, r)
		}
		after, err := admin.Mismatches(t.Context(), w.codec, w.tables, []view.View{test.v})
		if err != nil || !slices.Equal(before, after) || (len(after) > 0) != (test.want != "") {
			t.Errorf("%s: before %+v, recorded %+v, %v", name, before, after, err)
		}
	}
}

// A shape costs a query and a batch nothing; it is written once, with the record.
func TestShapesCostNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(indexed[accountRow](), newUsers())
	views := []view.View{indexed[accountRow](), newUsers()}
	calls := map[string]int{}
	w.tables.Before = func(c viewtest.Call) error {
		if c.View == "control" {
			calls[c.Method]++
		}
		return nil
	}
	for i := range 5 {
		w.commit("user/1", renamed("n"))
		w.deployed(t, views...)
		if calls["Get"] != i+1 || calls["Put"] != 3 { // two shapes and the record
			t.Errorf("after %d batches: %v", i+1, calls)
		}
	}
	qs := w.queries(t, views...)
	for range 5 {
		if _, err := qs.Get(t.Context(), "", "accounts", "1", nil); err != nil {
			t.Fatal(err)
		}
	}
	if calls["Get"] != 6 || calls["Put"] != 3 || len(calls) != 2 {
		t.Errorf("five queries within RouteAge: %v", calls)
	}
}

// A declaration is fresh with its newest version: nothing old answers first.
func TestFreshInstallationStartsWithTheNewest(t *testing.T) {
	t.Parallel()
	w := newWorld(moving())
	w.views = []view.View{moving()}
	if all, err := admin.RecordShapes(t.Context(), w.codec, w.tables, w.views); err != nil || len(all) > 0 {
		t.Fatalf("%v, %v", all, err)
	}
	w.commit("user/1", created("Ann"))
	w.deployed(t, moving())
	if got := shapeOf(t, w.queries(t, moving()), "1"); got != 2 {
		t.Errorf("version %d answers", got)
	}
	// Its rows' tags are those of a first version.
	if row, err := w.queries(t, moving()).Get(t.Context(), "", "shaped", "1", nil); err != nil || row.Shape != 1 {
		t.Errorf("%+v, %v", row, err)
	}
	if items := w.tables.Items("shaped", 1); len(items) > 0 {
		t.Errorf("the old version's table is filled: %v", items)
	}
}

// The canonical form of a shape and its digest are stored: they stay as they are.
func TestShapeForm(t *testing.T) {
	t.Parallel()
	s := view.ShapeOf(accounts[accountOfNames]().Index("by-name", view.By("name").Fold("lower", strings.ToLower).Then("count").Shards(3)))
	const want = `{"view":"accounts","version":1,"kind":"rows","aggregates":["user"],"events":["user-created","user-renamed"],` +
		`"row":{"count":"integer","name":"string","tags":"list of {text string, omitzero} or null"},` +
		`"indexes":{"by-name":{"partition":"name","partitionForm":"lower","sort":"count","shards":3}}}`
	if got := string(s.JSON()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := s.Digest(); got != "1072781d3fd672f78750e2fa78c64ed4" {
		t.Errorf("digest %s", got)
	}
	parsed, err := view.ParseShape(s.JSON())
	if err != nil || parsed.Digest() != s.Digest() {
		t.Errorf("%+v, %v", parsed, err)
	}
	keyed := view.ShapeOf(newCategories())
	if keyed.Memory == "" || keyed.Kind != "keyed" {
		t.Errorf("%+v", keyed)
	}
	keys := func(productMemo) []string { return nil }
	four, eight := newUnindexed("spread", keys).Spread(4, addUp), newUnindexed("spread", keys).Spread(8, addUp)
	if got := view.ShapeOf(four).Explain(view.ShapeOf(eight), true); !strings.HasPrefix(got, "the rows of spread v1 are in 4 parts, not in 8 parts: raise Version(2)") {
		t.Errorf("spread: %q", got)
	}
}
