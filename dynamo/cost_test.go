package dynamo

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"uuid"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/follow"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/projection"
	"daybook/view/query"
	"daybook/view/viewtest"
)

// now is the time of the commits in the tests of this package.
var now = time.Date(2026, 11, 3, 9, 15, 42, 137_000_000, time.UTC)

// userCommit is what creating a user stores: ids are UUIDs, one command, an
// actor, n small events.
func userCommit(n int) events.Commit {
	command := uuid.New().String()
	c := events.Commit{
		ID: uuid.New().String(), Time: now, Actor: uuid.New().String(), Correlation: command, Causation: command,
		Commands: []events.Command{{ID: command, Digest: events.Digest{0xA, 0xB, 0xC, 1, 2, 3, 4, 5}, Version: int64(n)}},
	}
	for i := range n {
		c.Events = append(c.Events, events.Event{Name: "user-created", Schema: 1, Data: userData(i)})
	}
	return c
}

func userData(i int) jsontext.Value {
	names := []string{"Ann Archer", "Bartholomew Higgins", "Çağla Öztürk", "Dominik Kowalczyk", "Eve"}
	name := names[i%len(names)]
	return jsontext.Value(fmt.Sprintf(`{"name":%q,"email":"%s.%d@example.org"}`, name, strings.ToLower(strings.Fields(name)[0]), i))
}

func userStream() events.Stream { return events.StreamOf("user", uuid.New().String()) }

// fill stores n commits of a new stream, with snapshots as package aggregate
// takes them: in the commit after 4 KB.
func fill(t *testing.T, s *EventStore, stream events.Stream, n int, snapshots bool) {
	t.Helper()
	gathered := 0
	var puts []types.TransactWriteItem // a hundred commits at a time, to be quick
	for i := range n {
		c := userCommit(1)
		c.Stream, c.Number, c.Version = stream, int64(i+1), int64(i+1)
		c.Commands[0].Version = c.Version
		if snapshots && gathered >= 4096 {
			c.Snapshot = &events.Snapshot{Schema: 1, State: userData(0)}
			gathered = 0
		}
		item, size, err := encodeCommit(&c)
		if err != nil {
			t.Fatal(err)
		}
		gathered += size
		puts = append(puts, types.TransactWriteItem{Put: &types.Put{TableName: &s.table, Item: item}})
		if len(puts) < 100 && i < n-1 {
			continue
		}
		if _, err := s.client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: puts}); err != nil {
			t.Fatal(err)
		}
		puts = puts[:0]
	}
}

// costs runs f and compares what it cost.
func costs(t *testing.T, what string, want Usage, f func(t *testing.T, ctx context.Context) error) {
	t.Helper()
	ctx, m := WithMeter(t.Context())
	if err := f(t, ctx); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if got := m.Usage(); got != want {
		t.Errorf("%s cost %+v, want %+v", what, got, want)
	}
}

func TestAppendCostsOneWriteUnit(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	for _, n := range []int{1, 2, 5, 10} {
		costs(t, fmt.Sprintf("appending %d events", n), Usage{Requests: 1, WriteUnits: 1}, func(t *testing.T, ctx context.Context) error {
			c, err := s.Append(ctx, events.Start(userStream()), userCommit(n))
			if n == 1 && c.Size > 320 {
				t.Errorf("a commit of one small event has %d bytes", c.Size)
			}
			return err
		})
	}
}

func TestCompressionSavesUnits(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	c := userCommit(60)
	plain := 0
	for _, e := range c.Events {
		plain += len(e.Data)
	}
	costs(t, fmt.Sprintf("appending %d bytes of events", plain), Usage{Requests: 1, WriteUnits: 1}, func(_ *testing.T, ctx context.Context) error {
		stored, err := s.Append(ctx, events.Start(userStream()), c)
		if err == nil && stored.Size > writeUnitSize {
			return fmt.Errorf("size %d", stored.Size)
		}
		return err
	})
	if plain < 3*writeUnitSize {
		t.Errorf("the events have only %d bytes", plain)
	}
}

func TestCompressionIsLeftOutWhereItSavesNothing(t *testing.T) {
	t.Parallel()
	small := userCommit(2)
	item, _, err := encodeCommit(&small)
	if err != nil || item[attrEvents] == nil || item[attrCompressed] != nil {
		t.Errorf("a small commit is not plain: %v, error %v", item, err)
	}
	noise := userCommit(1) // 1.8 KB that compress to 1.4 KB: two units either way
	var b strings.Builder
	random := rand.New(rand.NewPCG(1, 2))
	for b.Len() < 1500 {
		b.WriteByte('0' + byte(random.IntN(64)))
	}
	noise.Events[0].Data, err = json.Marshal(map[string]string{"noise": b.String()})
	if err != nil {
		t.Fatal(err)
	}
	item, size, err := encodeCommit(&noise)
	if err != nil || size <= writeUnitSize || item[attrEvents] == nil {
		t.Errorf("noise of %d bytes is not plain, error %v", size, err)
	}
}

func TestColdLoadOfTwentyCommits(t *testing.T) {
	t.Parallel()
	s, f := newStore(t)
	stream := userStream()
	fill(t, s, stream, 20, false)
	load := func(ctx context.Context) error {
		cs, err := NewEventStore(f.client, s.table).Load(ctx, stream, 1)
		if err == nil && len(cs) != 20 {
			return fmt.Errorf("%d commits", len(cs))
		}
		return err
	}
	costs(t, "a cold load of 20 commits, for a command", Usage{Requests: 1, ReadUnits: 2}, func(_ *testing.T, ctx context.Context) error {
		return load(events.WithCommitSize(ctx, 219))
	})
	costs(t, "a cold load of 20 commits of unknown size", Usage{Requests: 2, ReadUnits: 2}, func(_ *testing.T, ctx context.Context) error {
		return load(ctx)
	})
}

func TestLoadDoesNotGrowWithTheStream(t *testing.T) {
	t.Parallel()
	s, f := newStore(t)
	short, long := userStream(), userStream()
	fill(t, s, short, 100, true)
	fill(t, s, long, 3_000, true)
	for _, store := range map[string]*EventStore{"warm": s, "cold": NewEventStore(f.client, s.table)} {
		for _, stream := range []events.Stream{short, long} {
			ctx, m := WithMeter(t.Context())
			cs, err := store.Load(events.WithCommitSize(ctx, 219), stream, 1)
			if err != nil || cs[0].Snapshot == nil {
				t.Fatalf("load: error %v", err)
			}
			if got := m.Usage(); got.Requests != 1 || got.ReadUnits > 2 {
				t.Errorf("loading %d commits up to number %d cost %+v", len(cs), cs[len(cs)-1].Number, got)
			}
		}
	}
}

func TestConflictCostsOneRequest(t *testing.T) {
	t.Parallel()
	s, f := newStore(t)
	stream := userStream()
	fill(t, s, stream, 1, false)
	f.net.reset(nil)
	_, err := s.Append(t.Context(), events.Start(stream), userCommit(1))
	if _, ok := events.WinnerOf(err); !ok || len(f.net.requests()) != 1 {
		t.Errorf("requests %v, error %v", f.net.requests(), err)
	}
}

func TestStartedIsOneRequest(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	streams := make([]events.Stream, 100)
	for i := range streams {
		streams[i] = userStream()
	}
	fill(t, s, streams[0], 1, false)
	costs(t, "100 streams that hardly exist", Usage{Requests: 1, ReadUnits: 100}, func(_ *testing.T, ctx context.Context) error {
		_, err := s.Started(ctx, streams)
		return err
	})
}

func TestScanIsNotConsistent(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	fill(t, s, userStream(), 64, false)
	ctx, m := WithMeter(t.Context())
	page, _, err := s.Scan(ctx, 0, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, c := range page {
		size += c.Size
	}
	if want := float64((size+readUnitSize-1)/readUnitSize) / 2; m.Usage().ReadUnits != want {
		t.Errorf("%d bytes cost %v units, want %v", size, m.Usage().ReadUnits, want)
	}
}

func TestQueryTableCosts(t *testing.T) {
	t.Parallel()
	desc := view.Description{Name: "users", Version: 1, Indexes: []driver.IndexDescription{{Name: "by-email", SortKind: driver.SortString}}}
	table := NewTables(newFixture(t, ViewTable(desc)).client, testPrefix).Table("users", 1)
	item := driver.Item{Key: "7", Row: userData(1), Commit: 1, Version: 1}
	write := func(ws ...driver.Write) func(*testing.T, context.Context) error {
		return func(_ *testing.T, ctx context.Context) error { return table.Transact(ctx, ws) }
	}
	costs(t, "a row in no index", Usage{Requests: 1, WriteUnits: 1}, write(driver.Write{Item: item}))
	indexed := item
	indexed.Version = 2
	indexed.Index = map[string]driver.IndexKey{"by-email": {Partition: "all", Sort: driver.Sort{Kind: driver.SortString, Text: "b"}}}
	costs(t, "a row that joins an index", Usage{Requests: 1, WriteUnits: 2}, write(driver.Write{Item: indexed, Expect: 1}))
	costs(t, "a transaction", Usage{Requests: 1, WriteUnits: 4},
		write(driver.Write{Item: driver.Item{Key: "a", Version: 1}}, driver.Write{Item: driver.Item{Key: "b", Version: 1}}))
	costs(t, "one row", Usage{Requests: 1, ReadUnits: 1}, func(_ *testing.T, ctx context.Context) error {
		_, err := table.Get(ctx, []string{"7"})
		return err
	})
	costs(t, "three rows", Usage{Requests: 1, ReadUnits: 3}, func(_ *testing.T, ctx context.Context) error {
		_, err := table.Get(ctx, []string{"7", "a", "missing"})
		return err
	})
	costs(t, "a page of an index", Usage{Requests: 1, ReadUnits: 0.5}, func(_ *testing.T, ctx context.Context) error {
		_, _, err := table.Range(ctx, driver.Range{Index: "by-email", Partition: "all", Limit: 10})
		return err
	})
}

type costRow struct {
	Name string `json:"name"`
}

type costEvent struct {
	Name string `json:"name"`
}

func (costEvent) EventName() string { return "user-created" }

type costRenamed costEvent

func (costRenamed) EventName() string { return "user-renamed" }

// TestProjectionCosts: a new row costs one write and no read, a change of a row
// one read more, and holding a parked stream back one read; parking is a
// transaction of two small items and the read of the record that may be there. A
// tenant's costs the same.
func TestProjectionCosts(t *testing.T) {
	t.Parallel()
	for _, tenant := range []string{"", "acme"} {
		projectionCosts(t, tenant)
	}
}

func projectionCosts(t *testing.T, tenant string) {
	v := view.New[costRow]("costs", "user").
		On(func(_ costRow, e costEvent, _ view.Meta) costRow { return costRow{e.Name} }).
		On(func(r costRow, e costRenamed, _ view.Meta) costRow {
			if e.Name == "bad" {
				panic("bad")
			}
			return costRow{e.Name}
		})
	codec, err := events.NewCodec(events.Type{Name: "user-created"}, events.Type{Name: "user-renamed"})
	if err != nil {
		t.Fatal(err)
	}
	store, f := newStore(t)
	if err := Create(t.Context(), f.client, testPrefix, ViewTable(v.Describe())); err != nil {
		t.Fatal(err)
	}
	p, err := projection.New(store, codec, NewTables(f.client, testPrefix), []view.View{v}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var created, renamed, bad, late []follow.Delivery
	for i := range 10 {
		commits := viewtest.Commits(t, codec, events.StreamOf("user", strconv.Itoa(i)).In(tenant),
			costEvent{"Ann"}, costRenamed{"Bob"}, costRenamed{"bad"}, costRenamed{"Cid"})
		for j, list := range []*[]follow.Delivery{&created, &renamed, &bad, &late} {
			*list = append(*list, follow.Delivery{Stream: commits[j].Stream, Number: int64(j) + 1, Commit: &commits[j]})
		}
	}
	project := func(ds []follow.Delivery, faults int) func(*testing.T, context.Context) error {
		return func(t *testing.T, ctx context.Context) error {
			r := p.Project(ctx, ds)
			if len(r.Faults) != faults {
				t.Errorf("got %+v", r)
			}
			return r.Err
		}
	}
	costs(t, "ten new rows", Usage{Requests: 10, WriteUnits: 10}, project(created, 0))
	costs(t, "ten changed rows", Usage{Requests: 11, WriteUnits: 10, ReadUnits: 10}, project(renamed, 0))
	costs(t, "parking one", Usage{Requests: 3, WriteUnits: 5, ReadUnits: 2}, project(bad[:1], 1))
	costs(t, "holding one back", Usage{Requests: 1, ReadUnits: 1}, project(late[:1], 0))
}

// TestQueryCosts: a row by its key is one read of a unit, a page of an index one of half
// a unit, and one of a keyed view half a unit more to know of parked streams; with
// tenants too, among the rows of others.
func TestQueryCosts(t *testing.T) {
	t.Parallel()
	for _, tenant := range []string{"", "acme"} {
		queryCosts(t, tenant)
	}
}

func queryCosts(t *testing.T, tenant string) {
	rows := view.New[costRow]("costs", "user").
		On(func(_ costRow, e costEvent, _ view.Meta) costRow { return costRow{e.Name} }).
		Index("by-name", view.By("name"))
	keyed := view.NewKeyed[costRow, costRow]("names", "user").
		On(func(_ costRow, e costEvent, _ view.Meta) costRow { return costRow{e.Name} }).
		Keys(func(m costRow) []string { return []string{m.Name} }).
		Put(func(_ costRow, _ string, m costRow) costRow { return m }).
		Take(func(r costRow, _ string, _ costRow) costRow { return r }).
		Index("all", view.All())
	views := []view.View{rows, keyed}
	codec, err := events.NewCodec(events.Type{Name: "user-created"})
	if err != nil {
		t.Fatal(err)
	}
	store, f := newStore(t)
	if err := Create(t.Context(), f.client, testPrefix, ViewTable(rows.Describe()), ViewTable(keyed.Describe())); err != nil {
		t.Fatal(err)
	}
	tables := NewTables(f.client, testPrefix)
	p, err := projection.New(store, codec, tables, views, nil)
	if err != nil {
		t.Fatal(err)
	}
	qs, err := query.New(store, codec, tables, views, &query.Options{Tenants: tenant != ""})
	if err != nil {
		t.Fatal(err)
	}
	owners := []string{tenant}
	if tenant != "" {
		owners = append(owners, "globex")
	}
	for _, owner := range owners {
		for i := range 10 {
			c := viewtest.Commits(t, codec, events.StreamOf("user", strconv.Itoa(i)).In(owner), costEvent{"Ann"})[0]
			if r := p.Project(t.Context(), []follow.Delivery{{Stream: c.Stream, Number: 1, Commit: &c}}); r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	get := func(name, key string) func(*testing.T, context.Context) error {
		return func(_ *testing.T, ctx context.Context) error {
			_, err := qs.Get(ctx, tenant, name, key, nil)
			return err
		}
	}
	list := func(name string, params map[string][]string) func(*testing.T, context.Context) error {
		return func(t *testing.T, ctx context.Context) error {
			page, err := qs.List(ctx, tenant, name, params)
			if want := map[string]int{"costs": 10, "names": 1}[name]; len(page.Items) != want {
				t.Errorf("%d rows of %s, want %d", len(page.Items), name, want)
			}
			return err
		}
	}
	costs(t, "a row", Usage{Requests: 1, ReadUnits: 1}, get("costs", "7"))
	costs(t, "a keyed row", Usage{Requests: 1, ReadUnits: 1}, get("names", "Ann"))
	costs(t, "a page", Usage{Requests: 1, ReadUnits: 0.5}, list("costs", map[string][]string{"name": {"Ann"}}))
	costs(t, "a page of a keyed view", Usage{Requests: 2, ReadUnits: 1}, list("names", nil))
}

// TestSizesThatTheDocumentationNames keeps doc.go right.
func TestSizesThatTheDocumentationNames(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 219, 10: 902} {
		c := userCommit(n)
		c.Stream, c.Number, c.Version = userStream(), 1, int64(n)
		if _, size, err := encodeCommit(&c); err != nil || size != want {
			t.Errorf("%d events: %d bytes, error %v", n, size, err)
		}
	}
}
