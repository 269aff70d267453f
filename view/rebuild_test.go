package view_test

import (
	"context"
	"encoding/json/v2"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

// shapedRow is a row whose every version says which one it is.
type shapedRow struct {
	Shape int    `json:"shape"`
	Name  string `json:"name"`
	Count int    `json:"count"`
}

func newShaped(version int) *view.RowView[shapedRow] {
	shape := func(r shapedRow, name string) shapedRow {
		if name != "" {
			r.Name = name
		}
		return shapedRow{Shape: version, Name: r.Name, Count: r.Count + 1}
	}
	return view.New[shapedRow]("shaped", "user").
		On(func(r shapedRow, e userCreated, _ view.Meta) shapedRow { return shape(r, e.Name) }).
		On(func(r shapedRow, e userRenamed, _ view.Meta) shapedRow { return shape(r, e.Name) }).
		On(func(r shapedRow, _ userToggled, _ view.Meta) shapedRow { return shape(r, "") }).
		Index("all", view.All().Then("name").Shards(version)).
		Version(version)
}

// world is an installation: events, tables, and what runs on them.
type world struct {
	codec  *events.Codec
	store  *eventstest.Memory
	tables *viewtest.Memory
	views  []view.View

	mu       sync.Mutex
	streams  map[events.Stream][]events.Commit
	backlog  []follow.Delivery // not yet handed to a projector
	writing  atomic.Bool
	problems []string
}

func newWorld(views ...view.View) *world {
	return &world{
		codec: newCodec(), store: &eventstest.Memory{}, tables: viewtest.NewMemory(views...), views: views,
		streams: map[events.Stream][]events.Commit{},
	}
}

func (w *world) problem(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.problems) < 10 {
		w.problems = append(w.problems, fmt.Sprintf(format, args...))
	}
}

// commit appends one event to a stream and hands it to the projectors.
func (w *world) commit(stream events.Stream, e events.Data) {
	w.mu.Lock()
	defer w.mu.Unlock()
	encoded, err := w.codec.Encode(e.EventName(), e)
	if err != nil {
		panic(err)
	}
	all := w.streams[stream]
	at := events.Start(stream)
	if len(all) > 0 {
		at = events.After(&all[len(all)-1])
	}
	n := int64(len(all)) + 1
	c := events.Commit{
		ID: fmt.Sprintf("%s#%d", stream, n), Time: testNow,
		Commands: []events.Command{{ID: fmt.Sprint(n), Version: n}}, Events: []events.Event{encoded},
	}
	stored, err := w.store.Append(context.Background(), at, c)
	for events.Transient(err) {
		stored, err = w.store.Append(context.Background(), at, c)
	}
	c = stored
	if err != nil {
		w.problems = append(w.problems, err.Error())
		return
	}
	w.streams[stream] = append(all, c)
	w.backlog = append(w.backlog, follow.Delivery{Stream: stream, Number: n, Commit: &c, Sequence: c.ID})
}

// owners are the tenants of a world, with streams of the same ids.
var owners = []string{"", "acme", "globex"}

func (w *world) write(random *rand.Rand, n int) {
	names := []string{"a", "b", "c"}
	for range n {
		name, id := names[random.IntN(3)], random.IntN(30)
		stream := func(aggregate string) events.Stream {
			return events.StreamOf(aggregate, fmt.Sprint(id)).In(owners[random.IntN(3)])
		}
		switch random.IntN(5) {
		case 0:
			w.commit(stream("product"), added(name, int64(random.IntN(4))))
		case 1:
			w.commit(stream("product"), moved(name))
		case 2:
			w.commit(stream("user"), created(name))
		default:
			w.commit(stream("user"), renamed(name))
		}
	}
}

// project runs a projector until there is nothing left to do.
func (w *world) project(random *rand.Rand, views []view.View) {
	p, err := projection.New(w.store, w.codec, w.tables, views, &projection.Options{Routed: true})
	if err != nil {
		w.problem("%v", err)
		return
	}
	for {
		w.mu.Lock()
		n := min(len(w.backlog), 1+random.IntN(5))
		batch := slices.Clone(w.backlog[:n])
		w.backlog = w.backlog[n:]
		idle := n == 0 && !w.writing.Load()
		w.mu.Unlock()
		if idle {
			return
		}
		r := p.Project(context.Background(), batch)
		if len(r.Faults) > 0 {
			w.problem("faults %+v", r.Faults)
		}
		if n := len(r.Retry); n > 0 {
			w.mu.Lock()
			w.backlog = append(w.backlog, batch[len(batch)-n:]...)
			w.mu.Unlock()
		}
		time.Sleep(time.Duration(1+random.IntN(50)) * time.Millisecond)
	}
}

func (w *world) rebuilder(t testing.TB, tables driver.AdminTables, o admin.RebuildOptions) *admin.Rebuilder {
	t.Helper()
	r, err := admin.NewRebuilder(w.store, w.codec, tables, w.views, &o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// right compares a table with what the events say.
func (w *world) right(t testing.TB, v view.View, target driver.Target) {
	t.Helper()
	fold, err := projection.NewFold(v, w.codec)
	if err != nil {
		t.Fatal(err)
	}
	for stream, commits := range w.streams {
		if slices.Contains(v.Describe().Aggregates, stream.Aggregate()) {
			if err := fold.Add(commits); err != nil {
				t.Fatal(err)
			}
		}
	}
	items, err := fold.Items()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]*driver.Item{}
	for _, item := range w.tables.ItemsOf(target) {
		got[item.Key] = &item
	}
	for _, item := range items {
		if !projection.Same(v, &item, got[item.Key]) {
			t.Errorf("%s %s: item %q is\n%+v, want\n%+v", target.View, target, item.Key, got[item.Key], item)
		}
		delete(got, item.Key)
	}
	for key, item := range got {
		if !projection.Same(v, nil, item) {
			t.Errorf("%s %s: item %q should not be there", target.View, target, key)
		}
	}
}

// mortal are tables of a process that can be killed: then nothing it does
// reaches them any more.
type mortal struct {
	driver.AdminTables
	dead atomic.Bool
}

func (m *mortal) Open(t driver.Target) driver.Table { return &mortalTable{m.AdminTables.Open(t), m} }
func (m *mortal) Control() driver.Table             { return &mortalTable{m.AdminTables.Control(), m} }

type mortalTable struct {
	driver.Table
	m *mortal
}

func (t *mortalTable) Get(ctx context.Context, keys []string) ([]*driver.Item, error) {
	if t.m.dead.Load() {
		return nil, events.Errorf(events.CodeInternal, "killed")
	}
	return t.Table.Get(ctx, keys)
}

func (t *mortalTable) Put(ctx context.Context, w driver.Write) error {
	if t.m.dead.Load() {
		return events.Errorf(events.CodeInternal, "killed")
	}
	return t.Table.Put(ctx, w)
}

func (t *mortalTable) Transact(ctx context.Context, ws []driver.Write) error {
	if t.m.dead.Load() {
		return events.Errorf(events.CodeInternal, "killed")
	}
	return t.Table.Transact(ctx, ws)
}

var worlds = flag.Int("worlds", 8, "how many random worlds TestRebuildUnderFire goes through")

// TestRebuildUnderFire: a view is rebuilt while commands, projectors and queries
// go on, everything fails now and then, and the rebuild is killed at random
// moments; its table ends as the events say, and no answer is wrong or mixed.
func TestRebuildUnderFire(t *testing.T) {
	t.Parallel()
	for range *worlds {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("%#x", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			o := admin.RebuildOptions{
				Segments: 1 + random.IntN(6), Workers: 1 + random.IntN(3), Chunk: 1 + random.IntN(30),
				Rate: float64(random.IntN(2) * 100), Attempts: 100, Lease: time.Second,
			}
			shaped, categories := newShaped(2).Previous(newShaped(1)), newCategories()
			w := newWorld(shaped, categories)
			w.write(random, 80)
			b := &bench{store: w.store, tables: w.tables}
			synctest.Test(t, func(t *testing.T) {
				w.project(random, []view.View{newShaped(1), categories}) // what was deployed first
				b.inject(seed, random.IntN(20))
				w.underFire(t, seed, random.IntN(11), o)
				b.inject(seed, 0)
				w.project(random, w.views)
			})
			for _, p := range w.problems {
				t.Error(p)
			}
			w.right(t, newShaped(1), driver.Target{View: "shaped", Version: 1, Generation: 1})
			w.right(t, newShaped(2), driver.Target{View: "shaped", Version: 2, Generation: 1})
			w.right(t, categories, driver.Target{View: "categories", Version: 1, Generation: 2})
		})
	}
}

func (w *world) underFire(t *testing.T, seed uint64, kills int, o admin.RebuildOptions) {
	var wg sync.WaitGroup
	w.writing.Store(true)
	for i := range uint64(2) {
		wg.Go(func() { w.project(rand.New(rand.NewPCG(seed, 10+i)), w.views) })
		wg.Go(func() { w.read(rand.New(rand.NewPCG(seed, 20+i))) })
	}
	wg.Go(func() {
		random := rand.New(rand.NewPCG(seed, 4))
		for w.writing.Load() {
			w.write(random, 1)
			time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
		}
	})
	random := rand.New(rand.NewPCG(seed, 5))
	for _, name := range []string{"shaped", "categories"} {
		w.rebuildAndSwitch(t, random, name, kills, o)
	}
	w.writing.Store(false)
	wg.Wait()
}

func (w *world) rebuildAndSwitch(t *testing.T, random *rand.Rand, name string, kills int, o admin.RebuildOptions) {
	for range kills {
		m := &mortal{AdminTables: w.tables}
		ctx, kill := context.WithCancel(t.Context())
		time.AfterFunc(time.Duration(random.IntN(3000))*time.Millisecond, func() {
			m.dead.Store(random.IntN(3) > 0)
			kill()
		})
		_, err := w.rebuilder(t, m, o).Run(ctx, name)
		kill()
		if err == nil || events.CodeOf(err) == events.CodeConflict {
			break // it was quicker
		}
	}
	r := w.rebuilder(t, w.tables, o)
	if _, err := r.Run(t.Context(), name); err != nil && events.CodeOf(err) != events.CodeConflict {
		w.problem("rebuild of %s: %v", name, err)
	}
	routes, err := r.Routes(t.Context())
	if err != nil {
		w.problem("%v", err)
		return
	}
	tables := routes[name].Tables
	at, err := r.Switch(t.Context(), tables[len(tables)-1].Target, nil)
	if err != nil {
		w.problem("switch of %s: %v", name, err)
		return
	}
	time.Sleep(time.Until(at) + time.Second)
	back, err := r.Back(t.Context(), name)
	if err == nil {
		_, err = r.Switch(t.Context(), back, nil)
	}
	if err != nil && !events.Transient(err) {
		w.problem("switch back of %s: %v", name, err)
	}
	time.Sleep(admin.RouteAge)
}

// read asks for rows and lists as long as there are commits, and checks each
// answer against the events.
func (w *world) read(random *rand.Rand) {
	tenant := owners[random.IntN(3)]
	qs, err := query.New(w.store, w.codec, w.tables, w.views, &query.Options{Routed: true, Tenants: tenant != ""})
	if err != nil {
		w.problem("%v", err)
		return
	}
	seen := map[string]int64{}
	for w.writing.Load() {
		if random.IntN(2) == 0 {
			key := fmt.Sprint(random.IntN(30))
			row, err := qs.Get(context.Background(), tenant, "shaped", key, nil)
			switch {
			case err == nil:
				w.check(tenant, row.JSON)
				if row.Version < seen[key] {
					w.problem("row %s went back from version %d to %d", key, seen[key], row.Version)
				}
				seen[key] = row.Version
			case events.CodeOf(err) == events.CodeNotFound && seen[key] > 0:
				w.problem("row %s is gone", key)
			case events.CodeOf(err) != events.CodeNotFound && !events.Transient(err):
				w.problem("get: %v", err)
			}
		} else {
			w.readPages(qs, tenant, random)
		}
		time.Sleep(time.Duration(1+random.IntN(300)) * time.Millisecond)
	}
}

// readPages reads a whole list, slowly: its pages hold rows of one shape, each
// key once unless its name changed meanwhile.
func (w *world) readPages(qs *query.Queries, tenant string, random *rand.Rand) {
	params := map[string][]string{"limit": {"4"}, "sort": {"name"}}
	shape := 0
	for range 50 {
		page, err := qs.List(context.Background(), tenant, "shaped", params)
		if err != nil {
			if !events.Transient(err) {
				w.problem("list: %v", err)
			}
			return
		}
		for _, row := range page.Items {
			got := w.check(tenant, row)
			if shape == 0 {
				shape = got
			}
			if got != shape {
				w.problem("a list of shape %d has a row of shape %d", shape, got)
			}
		}
		if page.Next == "" {
			return
		}
		params["cursor"] = []string{page.Next}
		time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
	}
}

// check compares a row with its stream at the row's version.
func (w *world) check(tenant string, text []byte) (shape int) {
	var row struct {
		ID      string `json:"id"`
		Version int64  `json:"version"`
		Shape   int    `json:"shape"`
	}
	if err := json.Unmarshal(text, &row); err != nil {
		w.problem("%v", err)
		return 0
	}
	fold, _ := projection.NewFold(newShaped(row.Shape), w.codec)
	w.mu.Lock()
	commits := slices.Clone(w.streams[events.StreamOf("user", row.ID).In(tenant)])
	w.mu.Unlock()
	if int64(len(commits)) < row.Version {
		w.problem("row %s is at version %d of %d", row.ID, row.Version, len(commits))
		return row.Shape
	}
	if err := fold.Add(commits[:row.Version]); err != nil {
		w.problem("%v", err)
	}
	if want, _, _ := fold.Row(tenant, row.ID); string(want.JSON) != string(text) {
		w.problem("row %s, want %s", text, want.JSON)
	}
	return row.Shape
}

func routeOf(t testing.TB, r *admin.Rebuilder, name string) admin.Route {
	t.Helper()
	routes, err := r.Routes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return routes[name]
}

func summary(r admin.Route) string {
	var b strings.Builder
	fmt.Fprintf(&b, "serving %s", r.Serving)
	for _, s := range r.Tables {
		fmt.Fprintf(&b, ", %s", s.Target)
		if !s.Complete {
			b.WriteString(" incomplete")
		}
		if s.Missed {
			b.WriteString(" missed")
		}
	}
	return b.String()
}
