package view_test

import (
	"encoding/json/v2"
	"fmt"
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
	"daybook/view/query"
	"daybook/view/viewtest"
)

func v(version, generation int) driver.Target {
	return driver.Target{View: "shaped", Version: version, Generation: generation}
}

func moving() view.View { return newShaped(2).Previous(newShaped(1)) }

// deployed projects what is left to project with the given code.
func (w *world) deployed(t testing.TB, views ...view.View) {
	t.Helper()
	p, err := projection.New(w.store, w.codec, w.tables, views, &projection.Options{Routed: true})
	if err != nil {
		t.Fatal(err)
	}
	if r := p.Project(t.Context(), w.backlog); r.Err != nil || len(r.Faults) > 0 {
		t.Fatalf("%+v", r)
	}
	w.backlog = nil
}

func (w *world) queries(t testing.TB, views ...view.View) *query.Queries {
	t.Helper()
	qs, err := query.New(w.store, w.codec, w.tables, views, &query.Options{Routed: true})
	if err != nil {
		t.Fatal(err)
	}
	return qs
}

func shapeOf(t testing.TB, qs *query.Queries, key string) int {
	t.Helper()
	row, err := qs.Get(t.Context(), "", "shaped", key, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Shape int `json:"shape"`
	}
	if err := json.Unmarshal(row.JSON, &got, json.RejectUnknownMembers(false)); err != nil {
		t.Fatal(err)
	}
	return got.Shape
}

func wantCode(t testing.TB, err error, want events.Code, text string) {
	t.Helper()
	if events.CodeOf(err) != want || err != nil && !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want code %q with %q", err, want, text)
	}
}

func (w *world) wantRoute(t testing.TB, r *admin.Rebuilder, want string) {
	t.Helper()
	if got := summary(routeOf(t, r, "shaped")); got != want {
		t.Errorf("route: %s, want: %s", got, want)
	}
}

func seeded(t testing.TB, views ...view.View) *world {
	t.Helper()
	w := newWorld(views...)
	for i := range 25 {
		w.commit(events.StreamOf("user", fmt.Sprint(i)), created(fmt.Sprintf("n%02d", i)))
	}
	w.deployed(t, newShaped(1))
	return w
}

// All who answer change over at the same moment, whenever they last read the
// record; and each answers from one table until then.
func TestSwitchIsMadeTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := seeded(t, moving())
		r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
		if _, err := r.Run(t.Context(), "shaped"); err != nil {
			t.Fatal(err)
		}
		all := make([]*query.Queries, 20)
		for i := range all {
			all[i] = w.queries(t, moving())
			shapeOf(t, all[i], "1")
			time.Sleep(admin.RouteAge / 20)
		}
		at, err := r.Switch(t.Context(), v(2, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		for want := 1; want <= 2; want++ {
			time.Sleep(time.Until(at) - time.Nanosecond)
			for i, qs := range all {
				if got := shapeOf(t, qs, "1"); got != want {
					t.Errorf("%d answers shape %d, want %d", i, got, want)
				}
			}
			time.Sleep(time.Nanosecond)
			at = time.Now().Add(time.Nanosecond)
		}
		back, err := r.Back(t.Context(), "shaped")
		if err != nil || back != v(1, 1) {
			t.Fatalf("%v, %v", back, err)
		}
		if at, err = r.Switch(t.Context(), back, nil); err != nil {
			t.Fatal(err)
		}
		_, err = r.Switch(t.Context(), v(2, 1), nil)
		wantCode(t, err, events.CodeConflict, "under way")
		wantCode(t, r.Drop(t.Context(), v(2, 1), 0), events.CodeConflict, "until")
		time.Sleep(time.Until(at))
		if got := shapeOf(t, all[7], "1"); got != 1 {
			t.Errorf("switched back: shape %d", got)
		}
	})
}

// The description of a view follows a switch and a switch back; a version that is
// not declared can't be described.
func TestDescribeFollowsTheSwitch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := seeded(t, moving())
		r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
		moved, old := w.queries(t, moving()), w.queries(t, newShaped(1))
		describes := func(qs *query.Queries, want int) {
			t.Helper()
			d, err := qs.Describe(t.Context())
			if err != nil || len(d) != 1 || d[0].Name != "shaped" || d[0].Version != want {
				t.Errorf("described: %+v, %v; want version %d", d, err, want)
			}
		}
		describes(moved, 1)
		if _, err := r.Run(t.Context(), "shaped"); err != nil {
			t.Fatal(err)
		}
		for _, to := range []int{2, 1, 2} {
			at, err := r.Switch(t.Context(), v(to, 1), nil)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Until(at))
			describes(moved, to)
			describes(old, 1)
		}
		w.tables.Before = func(viewtest.Call) error {
			return events.Errorf(events.CodeThrottled, "injected")
		}
		time.Sleep(time.Minute)
		_, err := moved.Describe(t.Context())
		wantCode(t, err, events.CodeThrottled, "")
	})
}

// A cursor goes on where it was begun, and is refused with a reason when that is
// gone.
func TestCursorsStayOnTheirTable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := seeded(t, moving())
		r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
		qs := w.queries(t, moving())
		first, err := qs.List(t.Context(), "", "shaped", map[string][]string{"sort": {"name"}, "limit": {"10"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Run(t.Context(), "shaped"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Switch(t.Context(), v(2, 1), nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if shapeOf(t, qs, "1") != 2 {
			t.Fatal("not switched")
		}
		next := map[string][]string{"sort": {"name"}, "limit": {"10"}, "cursor": {first.Next}}
		second, err := qs.List(t.Context(), "", "shaped", next)
		if err != nil || len(second.Items) != 10 || !strings.Contains(string(second.Items[0]), `"shape":1,"name":"n10"`) {
			t.Errorf("the second page: %v, %+v", err, second)
		}
		if err := r.Drop(t.Context(), v(1, 1), 0); err != nil {
			t.Fatal(err)
		}
		_, err = qs.List(t.Context(), "", "shaped", next)
		wantCode(t, err, events.CodeMalformed, "begin again")
		if err := r.Drop(t.Context(), v(1, 1), 0); err != nil {
			t.Errorf("dropped again: %v", err)
		}
		wantCode(t, r.Drop(t.Context(), v(2, 1), 0), events.CodeConflict, "switch first")
		wantCode(t, r.Drop(t.Context(), v(2, 2), 0), events.CodeConflict, "no table")
		w.commit("user/1", renamed("x"))
		w.deployed(t, moving())
		w.right(t, newShaped(2), v(2, 1))
		if n := len(w.tables.ItemsOf(v(1, 1))); n > 0 {
			t.Errorf("the dropped table has %d items", n)
		}
	})
}

// A projector without a version's declaration can't make the table lose commits
// unnoticed.
func TestOldProjectorsAreNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := seeded(t, moving())
		r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
		if _, err := r.Begin(t.Context(), "shaped"); err != nil {
			t.Fatal(err)
		}
		w.commit("user/1", renamed("x"))
		w.deployed(t, newShaped(1)) // the old code still runs
		_, err := r.Run(t.Context(), "shaped")
		if err != nil {
			t.Fatalf("a fill after the old code: %v", err) // begun again, so nothing is missed
		}
		w.right(t, newShaped(2), v(2, 1))
		if _, err := r.Switch(t.Context(), v(2, 1), nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.commit("user/1", renamed("y"))
		w.deployed(t, newShaped(1)) // rolled back without switching back
		w.wantRoute(t, r, "serving v2, v1, v2 missed")
		page, err := w.queries(t, moving()).List(t.Context(), "", "shaped", map[string][]string{"sort": {"name"}})
		if err != nil || !page.Stale {
			t.Errorf("a list that lacks commits: stale %t, %v", page.Stale, err)
		}
		_, err = w.queries(t, newShaped(1)).Get(t.Context(), "", "shaped", "1", nil)
		wantCode(t, err, events.CodeUnavailable, "does not declare")
		if _, err := r.Run(t.Context(), "shaped"); err != nil { // in place
			t.Fatal(err)
		}
		w.wantRoute(t, r, "serving v2, v1, v2")
		w.right(t, newShaped(2), v(2, 1))
	})
}

// A projector that passes a table by while it is being filled makes the fill
// fail.
func TestFillThatWasPassedBy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := seeded(t, moving())
		passed := false
		w.store.Before = func(op string, _ events.Stream) error {
			if op == "Scan" && !passed {
				passed = true
				w.deployed(t, newShaped(1))
			}
			return nil
		}
		w.commit("user/1", renamed("x"))
		r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
		_, err := r.Run(t.Context(), "shaped")
		wantCode(t, err, events.CodeUnavailable, "deploy")
		_, err = r.Switch(t.Context(), v(2, 1), nil)
		wantCode(t, err, events.CodeConflict, "being filled")
		if _, err := r.Run(t.Context(), "shaped"); err != nil {
			t.Fatal(err)
		}
		w.right(t, newShaped(2), v(2, 1))
	})
}

// A view that is added to an installation with events says that its lists lack
// some until it was filled, in place.
func TestViewAddedLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := seeded(t, newShaped(1), newUsers())
		later := []view.View{newShaped(1), newUsers()}
		qs := w.queries(t, later...)
		list := func() query.Page {
			page, err := qs.List(t.Context(), "", "users", map[string][]string{"sort": {"name"}, "limit": {"100"}})
			if err != nil {
				t.Fatal(err)
			}
			return page
		}
		if !list().Stale {
			t.Error("a view that no projector has seen is not stale")
		}
		w.commit("user/99", created("z"))
		w.deployed(t, later...)
		if page := list(); !page.Stale || len(page.Items) != 1 {
			t.Errorf("not filled yet: %+v", page)
		}
		w.views = later
		r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
		if p, err := r.Run(t.Context(), "users"); err != nil || p.Target != (driver.Target{View: "users", Version: 1, Generation: 1}) {
			t.Fatalf("%+v, %v", p, err)
		}
		time.Sleep(admin.RouteAge)
		if page := list(); page.Stale || len(page.Items) != 26 {
			t.Errorf("filled: stale %t, %d rows", page.Stale, len(page.Items))
		}
	})
}

// The table that is read next is written before the one that is read now.
func TestWhoIsReadNextIsNeverBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := seeded(t, moving())
		r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
		if _, err := r.Run(t.Context(), "shaped"); err != nil {
			t.Fatal(err)
		}
		var order []int
		w.tables.Before = func(c viewtest.Call) error {
			if c.Method == "Put" && c.View == "shaped" {
				order = append(order, c.Version)
			}
			return nil
		}
		next := func(want ...int) {
			t.Helper()
			order = nil
			w.commit("user/1", renamed("x"))
			w.deployed(t, moving())
			if !slices.Equal(order, want) {
				t.Errorf("written in the order %v, want %v", order, want)
			}
		}
		next(2, 1)
		if _, err := r.Switch(t.Context(), v(2, 1), nil); err != nil {
			t.Fatal(err)
		}
		next(2, 1) // announced
		time.Sleep(time.Hour)
		next(1, 2)
		w.tables.Before = func(c viewtest.Call) error {
			if c.Method == "Put" && c.Version == 1 {
				return events.Errorf(events.CodeThrottled, "too fast")
			}
			return nil
		}
		w.commit("user/1", renamed("z"))
		p, err := projection.New(w.store, w.codec, w.tables, []view.View{moving()}, &projection.Options{Routed: true})
		if err != nil {
			t.Fatal(err)
		}
		if rep := p.Project(t.Context(), w.backlog); len(rep.Retry) != 1 {
			t.Errorf("%+v", rep)
		}
		if items := w.tables.ItemsOf(v(2, 1)); strings.Contains(string(items[1].Row), `"z"`) {
			t.Error("the table that is read is ahead of the one that could be")
		}
	})
}

func TestBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := seeded(t, newShaped(1))
		w.views = []view.View{newShaped(1)}
		r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
		joiner := w.rebuilder(t, w.tables, admin.RebuildOptions{Join: true})
		_, err := joiner.Run(t.Context(), "shaped")
		wantCode(t, err, events.CodeConflict, "not being filled")
		for range 2 { // the second one goes on with the first one's
			if s, err := r.Begin(t.Context(), "shaped"); err != nil || s.Target != v(1, 2) || s.Fill != 1 {
				t.Fatalf("%+v, %v", s, err)
			}
		}
		w.wantRoute(t, r, "serving v1, v1, v1-g2 incomplete")
		if p, err := joiner.Run(t.Context(), "shaped"); err != nil || p.Target != v(1, 2) || p.SegmentsDone != 64 || p.Commits != 25 || p.Written != 25 {
			t.Fatalf("%+v, %v", p, err)
		}
		w.right(t, newShaped(1), v(1, 2))
		_, err = r.Run(t.Context(), "shaped")
		wantCode(t, err, events.CodeConflict, "built already")
		if err := r.Drop(t.Context(), v(1, 2), time.Second); err != nil {
			t.Fatal(err)
		}
		if s, err := r.Begin(t.Context(), "shaped"); err != nil || s.Target != v(1, 3) { // never the same again
			t.Fatalf("%+v, %v", s, err)
		}
		_, err = r.Run(t.Context(), "other")
		wantCode(t, err, events.CodeUnknownView, "")
		_, err = r.Switch(t.Context(), driver.Target{View: "other"}, nil)
		wantCode(t, err, events.CodeUnknownView, "")
		_, err = r.Switch(t.Context(), v(1, 3), nil)
		wantCode(t, err, events.CodeConflict, "being filled")
		_, err = r.Switch(t.Context(), v(1, 2), nil)
		wantCode(t, err, events.CodeConflict, "no table")
		_, err = r.Back(t.Context(), "shaped")
		wantCode(t, err, events.CodeConflict, "switch back")
		if _, err := r.Switch(t.Context(), v(1, 1), nil); err != nil {
			t.Errorf("to where it is: %v", err)
		}
		done, commits, err := r.Filling(t.Context(), routeOf(t, r, "shaped").Tables[1])
		if done != 0 || commits != 0 || err != nil {
			t.Errorf("filling: %d, %d, %v", done, commits, err)
		}
	})
}

// The rate holds over all workers.
func TestRebuildRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := seeded(t, newShaped(1))
		for i := range 75 {
			w.commit(events.StreamOf("product", fmt.Sprint(i)), added("a", 1)) // read, though not projected
		}
		w.views = []view.View{newShaped(1)}
		calls := 0
		r := w.rebuilder(t, w.tables, admin.RebuildOptions{Rate: 10, Segments: 5, Workers: 5, Progress: func(p admin.Progress) { calls++ }})
		begin := time.Now()
		p, err := r.Run(t.Context(), "shaped")
		if took := time.Since(begin); err != nil || took < 9*time.Second || took > 11*time.Second || p.Commits != 100 || p.Projected != 25 {
			t.Errorf("100 commits at 10 a second took %v: %+v, %v", took, p, err)
		}
		if calls == 0 {
			t.Error("no progress was told")
		}
	})
}

// A stream that the new version can't apply is parked in the new table only.
func TestRebuildWithFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := view.New[shapedRow]("shaped", "user").On(func(r shapedRow, e userCreated, _ view.Meta) shapedRow {
			if e.Name == "n07" {
				panic("seven")
			}
			return shapedRow{Shape: 2, Name: e.Name}
		}).Version(2).Previous(newShaped(1))
		w := seeded(t, broken)
		r := w.rebuilder(t, w.tables, admin.RebuildOptions{})
		if p, err := r.Run(t.Context(), "shaped"); err != nil || p.Faults != 1 || p.Written != 24 {
			t.Fatalf("%+v, %v", p, err)
		}
		_, err := r.Switch(t.Context(), v(2, 1), nil)
		wantCode(t, err, events.CodeConflict, "run the subcommand redrive shaped -table v2; to switch all the same, add -parked")
		if _, err := r.Switch(t.Context(), v(2, 1), &admin.SwitchOptions{AllowFaults: true}); err != nil {
			t.Error(err)
		}
		for _, item := range w.tables.ItemsOf(v(1, 1)) {
			if strings.HasPrefix(item.Key, "@") {
				t.Errorf("the old table has %q", item.Key)
			}
		}
	})
}

// Rows of keyed views count their writes; tables count apart, so entity tags of
// two tables differ.
func TestKeyedVersionsOfTablesDiffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(newCategories())
		w.commit("product/1", added("a", 1))
		w.deployed(t, newCategories())
		qs, r := w.queries(t, newCategories()), w.rebuilder(t, w.tables, admin.RebuildOptions{})
		before, err := qs.Get(t.Context(), "", "categories", "a", nil)
		if err != nil || before.Version != 1 {
			t.Fatalf("%+v, %v", before, err)
		}
		p, err := r.Run(t.Context(), "categories")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Switch(t.Context(), p.Target, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		after, err := qs.Get(t.Context(), "", "categories", "a", nil)
		if err != nil || after.Version == before.Version || string(after.JSON) != string(before.JSON) {
			t.Errorf("%+v, %v", after, err)
		}
	})
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]driver.Target{"v1": v(1, 1), "v12": v(12, 1), "v2-g3": v(2, 3)} {
		if got, err := driver.ParseTarget("shaped", text); err != nil || got != want || got.String() != text {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "v0", "v01", "v1-g1", "v1-g0", "v1-", "v-1", "v1-g2x", "V1"} {
		_, err := driver.ParseTarget("shaped", text)
		wantCode(t, err, events.CodeMalformed, "version")
	}
}

func TestPreviousVersions(t *testing.T) {
	t.Parallel()
	if err := newShaped(3).Previous(newShaped(1), newShaped(2)).Err(); err != nil {
		t.Error(err)
	}
	for want, bad := range map[string]view.View{
		"Previous has version 2, which is not older than version 1: raise Version(3)":                           newShaped(1).Previous(newShaped(2)),
		"Previous has version 2, which is not older than version 2: raise Version(3)":                           newShaped(2).Previous(newShaped(2)),
		"Previous has version 1 twice: remove one":                                                              newShaped(3).Previous(newShaped(1), newShaped(1)),
		`"users" is not an earlier version of it`:                                                               newShaped(2).Previous(newUsers()),
		"version 2 in Previous has previous versions of its own: list all of them in the Previous of version 3": newShaped(3).Previous(newShaped(2).Previous(newShaped(1))),
	} {
		if err := bad.Err(); err == nil || err.Error() != `view "shaped": `+want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	all := view.Versions([]view.View{moving(), newUsers()})
	var names []string
	for _, v := range all {
		names = append(names, fmt.Sprint(v.Describe().Name, v.Describe().Version))
	}
	if !slices.Equal(names, []string{"shaped1", "shaped2", "users1"}) {
		t.Errorf("versions %v", names)
	}
	static := struct{ driver.Tables }{viewtest.NewMemory()}
	if _, err := projection.New(nil, newCodec(), static, nil, &projection.Options{Routed: true}); err == nil {
		t.Error("tables without routes are routed")
	}
}

// A newer version that nothing fills yet is named, with what to run: after an
// upgrade the view answers as before, without it.
func TestUnfilled(t *testing.T) {
	t.Parallel()
	unfilled := func(w *world, views ...view.View) string {
		all, err := admin.Unfilled(t.Context(), w.codec, w.tables, views)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(all)
	}
	w := newWorld(moving())
	if got := unfilled(w, moving()); got != "[]" {
		t.Errorf("a fresh installation begins with the newest version, and got %s", got)
	}
	w = seeded(t, moving())
	if got, want := unfilled(w, moving(), newUsers()), fmt.Sprint([]driver.Target{v(2, 1)}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := unfilled(w, newShaped(1)); got != "[]" {
		t.Errorf("without a newer version: %s", got)
	}
	const want = "shaped v2 is declared and not filled, so an older version answers: run the subcommands rebuild shaped and switch shaped"
	if got := admin.UnfilledText(v(2, 1)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	w.views = []view.View{moving()}
	if _, err := w.rebuilder(t, w.tables, admin.RebuildOptions{}).Begin(t.Context(), "shaped"); err != nil {
		t.Fatal(err)
	}
	if got := unfilled(w, moving()); got != "[]" {
		t.Errorf("while it is filled: %s", got)
	}
}
