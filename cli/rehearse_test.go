package cli

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/internal/peopledomain"
	"daybook/internal/testdomain"
	"daybook/rehearse"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
)

// nextApp is the school with one handler of a view of rows and one of a keyed view
// changed, as a developer might before deploying.
func nextApp() daybook.App {
	app := testdomain.App()
	app.Views = slices.Clone(app.Views)
	for i, v := range app.Views {
		switch v.Describe().Name {
		case "members":
			app.Views[i] = view.New[testdomain.MemberRow]("members", "member").
				On(func(_ testdomain.MemberRow, e testdomain.MemberCreated, _ view.Meta) testdomain.MemberRow {
					return testdomain.MemberRow{Name: e.Name, Email: e.Email, Active: true}
				}).
				On(func(r testdomain.MemberRow, e testdomain.MemberRenamed, _ view.Meta) testdomain.MemberRow {
					r.Name = strings.ToUpper(e.Name)
					return r
				}).
				On(func(r testdomain.MemberRow, e testdomain.MemberEmailChanged, _ view.Meta) testdomain.MemberRow {
					r.Email = e.Email
					return r
				}).
				On(func(r testdomain.MemberRow, _ testdomain.MemberDeactivated, _ view.Meta) testdomain.MemberRow {
					r.Active = false
					return r
				}).
				On(func(r testdomain.MemberRow, _ testdomain.MemberReactivated, _ view.Meta) testdomain.MemberRow {
					r.Active = true
					return r
				}).
				Index("by-email", view.By("email").Fold("lower", strings.ToLower)).
				Index("by-active", view.By("active").Then("name")).
				Index("by-name", view.All().Then("name")).
				Version(2)
		case "areas":
			app.Views[i] = nextAreas()
		}
	}
	return app
}

// nextAreas counts a course with an extension in an area of its own, and leaves out
// course p4.
func nextAreas() view.View {
	return view.NewKeyed[testdomain.AreaRow, testdomain.CourseRow]("areas", "course").
		On(func(_ testdomain.CourseRow, e testdomain.CourseAdded, _ view.Meta) testdomain.CourseRow {
			return testdomain.CourseRow{Area: e.Area, Seats: e.Seats}
		}).
		On(func(p testdomain.CourseRow, e testdomain.CourseExtended, _ view.Meta) testdomain.CourseRow {
			p.Area = "extended"
			return p
		}).
		On(func(p testdomain.CourseRow, e testdomain.CourseAreaMoved, _ view.Meta) testdomain.CourseRow {
			p.Area = e.Area
			return p
		}).
		On(func(p testdomain.CourseRow, _ testdomain.CourseRetired, _ view.Meta) testdomain.CourseRow {
			p.Retired = true
			return p
		}).
		On(func(p testdomain.CourseRow, _ testdomain.SeatsReserved, _ view.Meta) testdomain.CourseRow { return p }).
		On(func(p testdomain.CourseRow, _ testdomain.SeatsReleased, _ view.Meta) testdomain.CourseRow { return p }).
		On(func(p testdomain.CourseRow, _ testdomain.SeatsMovedOut, _ view.Meta) testdomain.CourseRow { return p }).
		On(func(p testdomain.CourseRow, _ testdomain.SeatsMovedIn, _ view.Meta) testdomain.CourseRow { return p }).
		Keys(func(p testdomain.CourseRow) []string {
			if p.Area == "" || p.Retired {
				return nil
			}
			return []string{p.Area}
		}).
		Put(func(r testdomain.AreaRow, _ string, p testdomain.CourseRow) testdomain.AreaRow {
			return testdomain.AreaRow{Courses: r.Courses + 1, Units: r.Units + p.Seats}
		}).
		Take(func(r testdomain.AreaRow, _ string, p testdomain.CourseRow) testdomain.AreaRow {
			return testdomain.AreaRow{Courses: r.Courses - 1, Units: r.Units - p.Seats}
		}).
		Hide(func(r testdomain.AreaRow) bool { return r.Courses == 0 }).
		Index("by-courses", view.All().Then("courses"))
}

// readOnly passes on what reads, and answers to the rest as IAM does to a role
// without the right.
type readOnly struct {
	to http.RoundTripper

	mu      sync.Mutex
	passed  map[string]int
	refused []string
}

func (r *readOnly) RoundTrip(q *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains([]string{"BatchGetItem", "DescribeTable", "GetItem", "Query", "Scan"}, action) {
		if r.passed == nil {
			r.passed = map[string]int{}
		}
		r.passed[action]++
		return r.to.RoundTrip(q)
	}
	r.refused = append(r.refused, action)
	body := `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"not authorized to perform dynamodb:` + action + `"}`
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: q,
	}, nil
}

// renamedToSeven is an event that can't be decoded.
func renamedToSeven() events.Event {
	return events.Event{Name: "member-renamed", Schema: 1, Data: []byte(`{"name":7}`)}
}

// as runs a command line of another application on the installation.
func (s *site) as(of daybook.App, transport http.RoundTripper, code int, args ...string) result {
	s.t.Helper()
	var out, errors bytes.Buffer
	a := &app{of: of, stdin: strings.NewReader(""), stdout: &out, stderr: &errors, transport: transport}
	got := a.run(s.t.Context(), append(args, "-stage", testStage, "-endpoint", s.endpoint, "-region", "us-east-1"))
	if got != code {
		s.t.Fatalf("%v: exit code %d, want %d\n%s%s", args, got, code, &out, &errors)
	}
	return result{got, out.String(), errors.String()}
}

// rowsOf are the rows of a table that queries answer, with the places in indexes.
func (s *site) rowsOf(name, table string) map[string]driver.Item {
	s.t.Helper()
	target, err := driver.ParseTarget(name, table)
	if err != nil {
		s.t.Fatal(err)
	}
	page, next, err := s.tables.Open(target).Scan(s.t.Context(), 0, 1, "")
	if err != nil || next != "" {
		s.t.Fatal(err, next)
	}
	rows := map[string]driver.Item{}
	for _, i := range page {
		if i.Item.Row != nil {
			rows[i.Item.Key] = i.Item
		}
	}
	return rows
}

// changedRows are the rows that differ between two tables, by what happened to them.
func changedRows(before, after map[string]driver.Item) []string {
	changed := []string{}
	for key, a := range before {
		b, ok := after[key]
		switch {
		case !ok:
			changed = append(changed, "removed "+key)
		case string(a.Row) != string(b.Row) || !maps.Equal(a.Index, b.Index):
			changed = append(changed, "changed "+key)
		}
	}
	for key := range after {
		if _, ok := before[key]; !ok {
			changed = append(changed, "added "+key)
		}
	}
	slices.Sort(changed)
	return changed
}

// busySchool is a school whose members and courses are in different states.
func busySchool(s *site) {
	s.school(20)
	s.send("rename-member", "u7", `{"name":"Late"}`)
	s.send("deactivate-member", "u7", `{}`)
	s.send("extend-course", "p6", `{"quantity":3}`)
	s.send("extend-course", "p8", `{"quantity":3}`)
	s.send("retire-course", "p2", `{}`)
	s.project()
}

// TestRehearseListsWhatARebuildChanges: the rows of a rehearsal are those that differ
// after a rebuild by the same code, of both kinds of views; and a rehearsal needs no
// right to write.
func TestRehearseListsWhatARebuildChanges(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	busySchool(s)
	before := map[string]map[string]driver.Item{"members": s.rowsOf("members", "v2"), "areas": s.rowsOf("areas", "v1")}
	guard := &readOnly{to: s.transport}
	r := decode[rehearsal](t, s.as(nextApp(), guard, exitFound, "rehearse", "-json"))[0]
	if len(guard.refused) > 0 || guard.passed["Scan"] == 0 {
		t.Errorf("asked for %v, and was refused %q", guard.passed, guard.refused)
	}
	if !r.Differs || r.Events != 47 || r.Streams != 40 || len(r.Faults) > 0 || r.States.Differ > 0 || r.Dollars <= 0 {
		t.Errorf("got %+v", r)
	}
	tight, err := rehearse.Run(t.Context(), nextApp(), rehearse.Sources{Events: s.store.StrongScan(), Tables: s.tables}, rehearse.Options{Memory: 1, Segments: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range tight.Views {
		if !maps.Equal(v.Changes.Rows, r.Views[i].Changes.Rows) || v.Rows != r.Views[i].Rows {
			t.Errorf("view %s with little memory: %d rows, %+v, want %d, %+v", v.Name, v.Rows, v.Changes, r.Views[i].Rows, r.Views[i].Changes)
		}
	}
	again := map[string]string{"members": "v2-g2", "areas": "v1-g2"}
	for _, v := range r.Views {
		table, changes := again[v.Name]
		if !changes {
			if v.Differs() || v.Rebuild != nil {
				t.Errorf("view %s, which nobody changed: %+v", v.Name, v)
			}
			continue
		}
		listed := []string{}
		for _, f := range v.Samples {
			if f.Row != "" {
				listed = append(listed, string(f.Change)+" "+f.Row)
			}
		}
		slices.Sort(listed)
		s.as(nextApp(), s.transport, exitOK, "rebuild", v.Name)
		want := changedRows(before[v.Name], s.rowsOf(v.Name, table))
		if len(want) < 2 || !slices.Equal(listed, want) {
			t.Errorf("view %s: the rehearsal lists %q, a rebuild changed %q", v.Name, listed, want)
		}
		if v.Rebuild == nil || v.Rebuild.WriteUnits < 20 || v.Rebuild.ReadUnits < 1 {
			t.Errorf("view %s: rebuild %+v", v.Name, v.Rebuild)
		}
	}
	members := r.Views[0].Changes
	if members.Rows[admin.ChangeChanged] != 2 || members.Indexes["by-name"][admin.ChangeChanged] != 2 || len(members.Indexes["by-email"]) > 0 {
		t.Errorf("members: %+v", members)
	}
	if areas := r.Views[2].Changes.Rows; areas[admin.ChangeMemory] != 2 || areas[admin.ChangeAdded] != 1 {
		t.Errorf("areas: %+v", areas)
	}
}

// TestRehearseOfTheSameCode finds nothing, in text, and counts beyond the samples.
func TestRehearseOfTheSameCode(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	busySchool(s)
	if r := s.want(exitOK, "rehearse"); !strings.Contains(r.out, "members v2: 20 rows of v2 compared, none would change\n") || !strings.Contains(r.out, "40 streams, 47 events in ") {
		t.Errorf("got %s", r.out)
	}
	r := s.as(nextApp(), s.transport, exitFound, "rehearse", "-sample", "1")
	for _, want := range []string{"members\tchanged\trow u", `, would be "`, "members\t… and 1 more\n", "index by-name: 2 entries changed", "a rebuild reads about 2 units and writes 80 units in 80 items", "all rebuilds: $ 0.00 by the prices of us-east-1"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is not in\n%s", want, r.out)
		}
	}
	s.want(exitUsage, "rehearse", "members")
	s.want(exitUsage, "rehearse", "-sample", "0")
	s.want(exitUsage, "rehearse", "-parallel", "0")
}

// TestRehearseFindsEventsThatNoLongerDecode, by name, version, stream and cause, and
// that a view would park their streams.
func TestRehearseFindsEventsThatNoLongerDecode(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	s.school(3)
	s.raw(events.StreamOf("member", "u1"), events.Event{Name: "member-renamed", Schema: 1, Data: []byte(`{"name":7}`)},
		events.Event{Name: "member-renamed", Schema: 1, Data: []byte(`{"name":8}`)}, events.Event{Name: "member-renamed", Schema: 9, Data: []byte(`{}`)})
	s.raw(events.StreamOf("planet", "mars"), events.Event{Name: "planet-found", Schema: 1, Data: []byte(`{}`)})
	r := decode[rehearsal](t, s.want(exitFound, "rehearse", "-json", "-patience", "0s"))[0]
	if len(r.Faults) != 3 {
		t.Fatalf("faults %+v", r.Faults)
	}
	path := filepath.Join(t.TempDir(), "export.jsonl")
	s.want(exitOK, "export", "-o", path)
	offline := decode[rehearsal](t, s.as(testdomain.App(), &readOnly{}, exitFound, "rehearse", "-json", "-export", path))[0]
	a, _ := json.Marshal(r.Faults)
	b, _ := json.Marshal(offline.Faults)
	if !bytes.Equal(a, b) || offline.Events != r.Events || offline.Streams != r.Streams || len(offline.Views) > 0 {
		t.Errorf("of an export: %+v, want %s", offline, a)
	}
	s.want(exitUsage, "rehearse", "-export", path, "-resume", path)
	// Behind a gap nothing of a stream can be compared.
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rest []string // without the first commit of a stream
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, `{"stream":"member/u1","commit":1,`) {
			rest = append(rest, line)
		}
	}
	for _, c := range []struct {
		text string
		exit int
		want string
	}{
		{strings.Join(rest, ""), exitFound, "damaged\tmember/u1\tversion 0\tline 6: it is commit 2, and commit 1 is not in front of it"},
		{`{"x":1}`, exitFailed, ", line 1: it has no stream"},
	} {
		broken := filepath.Join(t.TempDir(), "broken.jsonl")
		if err := os.WriteFile(broken, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := s.want(c.exit, "rehearse", "-export", broken); !strings.Contains(r.out+r.errors, c.want) || c.exit == exitFailed && !strings.Contains(r.errors, broken) {
			t.Errorf("got %s, %s, want %s", r.out, r.errors, c.want)
		}
	}
	s.want(exitUsage, "rehearse", "-export", path+".missing")
	if f := r.Faults[0]; f.Event != "member-renamed" || f.Schema != 1 || f.Count != 2 || !slices.Equal(f.Samples, []string{"member/u1@3", "member/u1@4"}) || !strings.Contains(f.Error, "doesn't fit") {
		t.Errorf("got %+v", f)
	}
	if f := r.Faults[1]; f.Schema != 9 || !strings.Contains(f.Error, "newest known is 1") {
		t.Errorf("got %+v", f)
	}
	if f := r.Faults[2]; f.Event != "planet-found" || !strings.Contains(f.Error, `aggregate "planet" is not declared`) {
		t.Errorf("got %+v", f)
	}
}

// TestRehearseOfAnotherShape: a view whose declaration changed without a version, and
// one of a version that has no table, are told, and the former's rows are compared.
func TestRehearseOfAnotherShape(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	s.school(4)
	type row struct {
		Name   string `json:"name"`
		Email  string `json:"email"`
		Active bool   `json:"active"`
		Old    bool   `json:"old"`
	}
	of := func(version int) daybook.App {
		app := testdomain.App()
		app.Views = []view.View{view.New[row]("members", "member").
			On(func(_ row, e testdomain.MemberCreated, _ view.Meta) row { return row{e.Name, e.Email, true, false} }).
			Index("by-name", view.All().Then("name")).Version(version)}
		return app
	}
	for version, needs := range map[int]bool{2: true, 3: false} {
		v := decode[rehearsal](t, s.as(of(version), s.transport, exitFound, "rehearse", "-json"))[0].Views[0]
		if v.NeedsVersion != needs || len(v.Differences) == 0 || v.Table != "v2" || v.Version != version || v.Changes.Rows[admin.ChangeChanged] != 4 {
			t.Errorf("version %d: %+v", version, v)
		}
		if f := v.Samples[0].Fields; !slices.ContainsFunc(f, func(f admin.FieldFinding) bool { return f.Name == "old" && string(f.Expected) == "false" }) {
			t.Errorf("version %d: fields %+v", version, f)
		}
	}
	app := testdomain.App()
	app.Views = append(slices.Clone(app.Views), view.New[row]("pupils", "member").
		On(func(_ row, e testdomain.MemberCreated, _ view.Meta) row { return row{Name: e.Name} }))
	if r := s.as(app, s.transport, exitFound, "rehearse"); !strings.Contains(r.out, "pupils v1: there is no table yet; a rebuild writes all rows\n") {
		t.Errorf("got %s", r.out)
	}
}

// TestRehearseComparesStates: a snapshot that the code would not fold to is told,
// with both states.
func TestRehearseComparesStates(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	s.send("create-member", "u1", `{"name":"Ann","email":"a@example.com"}`)
	for i := range 60 {
		s.send("rename-member", "u1", `{"name":"`+strings.Repeat("x", 90)+string(rune('a'+i%20))+`"}`)
	}
	s.project()
	var states struct{ States map[string]any }
	if err := json.Unmarshal([]byte(s.want(exitOK, "rehearse", "-json").out), &states); err != nil || states.States["compared"] == 0.0 {
		t.Fatalf("got %v, %v", states, err)
	}
	app := testdomain.App()
	app.Processes = nil // they send a command that is left out below
	app.Aggregates = slices.Clone(app.Aggregates)
	app.Aggregates[0] = aggregate.New[testdomain.MemberState]("member").
		Event(func(_ testdomain.MemberState, e testdomain.MemberCreated) testdomain.MemberState {
			return testdomain.MemberState{Exists: true, Active: true, Name: e.Name, Email: e.Email}
		}).
		Event(func(s testdomain.MemberState, _ testdomain.MemberRenamed) testdomain.MemberState { return s }).
		Event(func(s testdomain.MemberState, _ testdomain.MemberEmailChanged) testdomain.MemberState { return s }).
		Event(func(s testdomain.MemberState, _ testdomain.MemberDeactivated) testdomain.MemberState { return s }).
		Event(func(s testdomain.MemberState, _ testdomain.MemberReactivated) testdomain.MemberState { return s })
	r := decode[rehearsal](t, s.as(app, s.transport, exitFound, "rehearse", "-json"))[0].States
	if r.Differ == 0 || r.Differ != r.Compared || !strings.Contains(string(r.Samples[0].Expected), `"Ann"`) || strings.Contains(string(r.Samples[0].Stored), `"Ann"`) {
		t.Errorf("got %+v", r)
	}
}

// TestRehearseResumes: what a stop leaves is not done again, and the result is as of
// one run.
func TestRehearseResumes(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	busySchool(s)
	whole := decode[rehearsal](t, s.as(nextApp(), s.transport, exitFound, "rehearse", "-json"))[0]
	path := filepath.Join(t.TempDir(), "state")
	args := []string{"rehearse", "-json", "-resume", path, "-parallel", "1", "-segments", "8"}
	ctx, stop := context.WithCancel(t.Context())
	var errors bytes.Buffer
	first := &app{of: nextApp(), stdout: io.Discard, stderr: &errors, transport: &stopper{to: s.transport, after: 25, stop: stop}}
	if code := first.run(ctx, append(slices.Clone(args), "-stage", testStage, "-endpoint", s.endpoint)); code != exitInterrupted || !strings.Contains(errors.String(), "run the same command again to resume") {
		t.Fatalf("exit code %d, %s", code, &errors)
	}
	state, err := readState[rehearse.State]("resume", path)
	if err != nil || state == nil || len(state.Views.Done) == 0 {
		t.Fatal(state, err)
	}
	// What another build found is not told as found by this one.
	other := *state
	build, store, _ := strings.Cut(state.Views.Origin, " of ")
	if len(build) != 32 || !strings.Contains(store, testStage) {
		t.Errorf("the origin is %q", state.Views.Origin)
	}
	other.Views.Origin = strings.Repeat("0", len(build)) + " of " + store
	elsewhere := filepath.Join(t.TempDir(), "state")
	if err := writeState(elsewhere, other); err != nil {
		t.Fatal(err)
	}
	if r := s.want(exitUsage, "rehearse", "-resume", elsewhere, "-segments", "8"); !strings.Contains(r.errors, "-resume "+elsewhere+": it is the state of another build of the program, or of another installation; remove it") {
		t.Error(r.errors)
	}
	// Fewer examples than are kept can be asked for.
	fewer := filepath.Join(t.TempDir(), "state")
	many := *state
	many.Views.Report.Views = slices.Clone(many.Views.Report.Views)
	for i := range many.Views.Report.Views {
		many.Views.Report.Views[i].Findings = make([]admin.Finding, 3)
	}
	if err := writeState(fewer, many); err != nil {
		t.Fatal(err)
	}
	if r := decode[rehearsal](t, s.as(nextApp(), s.transport, exitFound, "rehearse", "-json", "-resume", fewer, "-segments", "8", "-sample", "1"))[0]; r.Events != whole.Events {
		t.Errorf("%d events, want %d", r.Events, whole.Events)
	}
	rest := &stopper{to: s.transport, after: 1 << 30}
	got := decode[rehearsal](t, s.as(nextApp(), rest, exitFound, args...))[0]
	got.Seconds, whole.Seconds, got.Began, whole.Began = 0, 0, time.Time{}, time.Time{}
	for i := range got.Views {
		for _, r := range []*rehearsal{&got, &whole} {
			v := &r.Views[i]
			slices.SortFunc(v.Samples, func(a, b admin.Finding) int { return strings.Compare(a.Row+string(a.Stream), b.Row+string(b.Stream)) })
			if v.Rebuild != nil {
				v.Rebuild.Seconds = 0
			}
		}
	}
	a, _ := json.Marshal(got, json.Deterministic(true))
	b, _ := json.Marshal(whole, json.Deterministic(true))
	if !bytes.Equal(a, b) {
		t.Errorf("resumed:\n%s\nwhole:\n%s", a, b)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the state is still there: %v", err)
	}
}

// stopper stops the program after some requests.
type stopper struct {
	to   http.RoundTripper
	stop func()

	mu    sync.Mutex
	after int
}

func (s *stopper) RoundTrip(q *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.after--; s.after == 0 {
		s.stop()
	}
	return s.to.RoundTrip(q)
}

// TestRehearseOfParkedStreams: a stream that the code can't apply any more is told,
// and one that is parked and that the code can apply.
func TestRehearseOfParkedStreams(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	s.school(4)
	s.park("bad")
	of := func(rename func(r testdomain.MemberRow, e testdomain.MemberRenamed, _ view.Meta) testdomain.MemberRow) daybook.App {
		app := testdomain.App()
		v := view.New[testdomain.MemberRow]("members", "member").
			On(func(_ testdomain.MemberRow, e testdomain.MemberCreated, _ view.Meta) testdomain.MemberRow {
				return testdomain.MemberRow{Name: e.Name, Email: e.Email, Active: true}
			}).
			Index("by-email", view.By("email").Fold("lower", strings.ToLower)).
			Index("by-active", view.By("active").Then("name")).
			Index("by-name", view.All().Then("name")).
			Version(2)
		if rename != nil {
			v = v.On(rename)
		}
		app.Views = []view.View{v}
		return app
	}
	kinds := func(app daybook.App) map[admin.ChangeKind]int64 {
		t.Helper()
		return decode[rehearsal](t, s.as(app, s.transport, exitFound, "rehearse", "-json", "-patience", "0s"))[0].Views[0].Changes.Rows
	}
	if got := kinds(of(nil)); !maps.Equal(got, map[admin.ChangeKind]int64{admin.ChangeReleased: 1, admin.ChangeChanged: 1}) {
		t.Errorf("code that ignores the event: %v", got)
	}
	fails := func(testdomain.MemberRow, testdomain.MemberRenamed, view.Meta) testdomain.MemberRow { panic("planted") }
	if got := kinds(of(fails)); !maps.Equal(got, map[admin.ChangeKind]int64{admin.ChangeParked: 1}) {
		t.Errorf("code that fails: %v", got)
	}
}

// TestRehearsalPolicy: tables that are encrypted with a key of the account can be read,
// by way of DynamoDB alone, and personal values where there are any.
func TestRehearsalPolicy(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	for view, app := range map[string]daybook.App{"members": testdomain.App(), "people": peopledomain.App()} {
		name := app.Name
		r := s.as(app, s.transport, exitOK, "rehearse", "-policy")
		var p policy
		if err := json.Unmarshal([]byte(r.out), &p); err != nil {
			t.Fatal(err)
		}
		tables, keys := p.Statement[0], p.Statement[1]
		if !slices.Contains(tables.Resource, "arn:aws:dynamodb:*:*:table/"+name+"-test-events") || !slices.Contains(tables.Resource, "arn:aws:dynamodb:*:*:table/"+name+"-test-"+view+"-v*") || strings.Contains(r.out, "Put") || len(tables.Action) != 5 {
			t.Errorf("%s: %s", name, r.out)
		}
		if !slices.Equal(keys.Action, []string{"kms:Decrypt", "kms:DescribeKey"}) || !slices.Equal(keys.Condition["StringLike"]["kms:ViaService"], []string{"dynamodb.*"}) {
			t.Errorf("%s: keys %+v", name, keys)
		}
		personal := name == "people" && len(p.Statement) == 3 && slices.Equal(p.Statement[2].Action, []string{"kms:Decrypt"}) && p.Statement[2].Condition == nil
		if personal != app.Personal() || len(p.Statement) > 3 {
			t.Errorf("%s: %s", name, r.out)
		}
	}
}
