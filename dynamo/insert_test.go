package dynamo

import (
	"encoding/json/jsontext"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/events"
	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
)

// inserted is a row that is to be inserted.
func inserted(i int) driver.Item {
	return driver.Item{
		Key: fmt.Sprintf("k%02d", i), Row: jsontext.Value(fmt.Sprintf(`{"name":"Ann","n":%d}`, i)), Commit: 1, Version: 1,
		Index: map[string]driver.IndexKey{"by-email": {Partition: "*", Sort: driver.Sort{Kind: driver.SortString, Text: "=Ann"}}},
	}
}

// codes are the codes of errors, "" for none.
func codes(errs []error) (all []events.Code) {
	for _, err := range errs {
		all = append(all, events.CodeOf(err))
	}
	return all
}

// TestInsertCosts one request for as many items as a batch holds, and the units that
// single puts cost.
func TestInsertCosts(t *testing.T) {
	t.Parallel()
	inBubble(t, []TableSpec{ViewTable(usersDescription())}, func(t *testing.T, fx *fixture) {
		table := openTable(fx)
		items := make([]driver.Item, driver.MaxInsert)
		for i := range items {
			items[i] = inserted(i)
		}
		ctx, meter := WithMeter(t.Context())
		if errs := table.Insert(ctx, items); slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
			t.Fatal(errs)
		}
		got := meter.Usage()
		other := inserted(99)
		ctx, meter = WithMeter(t.Context())
		if err := table.Put(ctx, driver.Write{Item: other}); err != nil {
			t.Fatal(err)
		}
		if want := driver.MaxInsert * meter.Usage().WriteUnits; got.Requests != 1 || got.WriteUnits != want {
			t.Errorf("%d requests, %v units, want 1, %v", got.Requests, got.WriteUnits, want)
		}
	})
}

// TestInsertIsConditional: a late insert of a process that was believed dead changes
// nothing, whatever became of the row meanwhile; its answer, lost or not, says so.
func TestInsertIsConditional(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]fault{"": {none}, "answer lost": {cut}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, []TableSpec{ViewTable(usersDescription())}, func(t *testing.T, fx *fixture) {
				table := openTable(fx)
				newer := inserted(1)
				newer.Row, newer.Commit, newer.Version = jsontext.Value(`{"name":"Bob","n":1}`), 7, 9
				if err := table.Put(t.Context(), driver.Write{Item: newer}); err != nil {
					t.Fatal(err)
				}
				fx.net.reset(first(faults...))
				errs := codes(table.Insert(t.Context(), []driver.Item{inserted(0), inserted(1), inserted(2)}))
				want := []events.Code{"", events.CodeConflict, ""}
				if faults[0] == cut { // our own inserts are found when the request is repeated
					want = []events.Code{events.CodeConflict, events.CodeConflict, events.CodeConflict}
				}
				if !slices.Equal(errs, want) {
					t.Errorf("got %q, want %q", errs, want)
				}
				found, err := table.Get(t.Context(), []string{"k00", "k01", "k02"})
				if err != nil || found[0] == nil || found[2] == nil || string(found[1].Row) != string(newer.Row) || found[1].Version != 9 {
					t.Errorf("found %+v, %v", found, err)
				}
			})
		})
	}
}

// TestInsertFallsBack to single puts: where the endpoint does not have statements or
// the role does not permit them, and for rows that a statement can't name.
func TestInsertFallsBack(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"UnknownOperationException", "AccessDeniedException", "ValidationException"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			inBubble(t, []TableSpec{ViewTable(usersDescription())}, func(t *testing.T, fx *fixture) {
				table := openTable(fx)
				next := fx.net.next
				fx.net.next = roundTrip(func(r *http.Request) (*http.Response, error) {
					if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchExecuteStatement") {
						return jsonAnswer(400, code, "no"), nil
					}
					return next.RoundTrip(r)
				})
				for i := range 2 {
					items := []driver.Item{inserted(2 * i), inserted(2*i + 1)}
					if errs := codes(table.Insert(t.Context(), items)); !slices.Equal(errs, []events.Code{"", ""}) {
						t.Fatalf("got %q", errs)
					}
				}
				want := []string{"BatchExecuteStatement", "PutItem", "PutItem", "PutItem", "PutItem"}
				if code == "ValidationException" { // of this batch only
					want = slices.Insert(want, 3, "BatchExecuteStatement")
				}
				if got := fx.net.requests(); !slices.Equal(got, want) {
					t.Errorf("sent %q, want %q", got, want)
				}
			})
		})
	}
	t.Run("names", func(t *testing.T) {
		t.Parallel()
		inBubble(t, []TableSpec{ViewTable(usersDescription())}, func(t *testing.T, fx *fixture) {
			table := openTable(fx)
			odd := driver.Item{Key: "odd", Row: jsontext.Value(`{"it's":1,"é":2}`), Commit: 1, Version: 1}
			large := inserted(3)
			large.Row = jsontext.Value(`{"text":"` + strings.Repeat("x", maxItemSize) + `"}`)
			errs := codes(table.Insert(t.Context(), []driver.Item{inserted(0), odd, large}))
			if !slices.Equal(errs, []events.Code{"", "", events.CodeTooLarge}) {
				t.Errorf("got %q", errs)
			}
			if got := fx.net.requests(); !slices.Equal(got, []string{"BatchExecuteStatement", "PutItem"}) {
				t.Errorf("sent %q", got)
			}
			found, err := table.Get(t.Context(), []string{"odd", "k00", "k03"})
			if err != nil || found[0] == nil || string(found[0].Row) != string(odd.Row) || found[1] == nil || found[2] != nil {
				t.Errorf("found %+v, %v", found, err)
			}
		})
	})
}

// TestInsertOutlastsThrottledStatements: a statement that DynamoDB throttles within a
// successful answer is put by itself.
func TestInsertOutlastsThrottledStatements(t *testing.T) {
	t.Parallel()
	db, err := embedded.Open(t.Context(), embedded.Options{Hostile: &embedded.Hostile{Unprocessed: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	fx := &fixture{net: &network{next: db.RoundTripper()}}
	fx.client = New(testOptions(fx.net))
	if err := Create(t.Context(), fx.client, testPrefix, ViewTable(usersDescription())); err != nil {
		t.Fatal(err)
	}
	fx.net.reset(nil)
	table := openTable(fx)
	if errs := codes(table.Insert(t.Context(), []driver.Item{inserted(0), inserted(1)})); !slices.Equal(errs, []events.Code{"", ""}) {
		t.Errorf("got %q", errs)
	}
	if got := fx.net.requests(); !slices.Equal(got, []string{"BatchExecuteStatement", "PutItem", "PutItem"}) {
		t.Errorf("sent %q", got)
	}
}

func openTable(fx *fixture) *table {
	return NewTables(fx.client, testPrefix).Table("users", 3).(*table)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestRebuildInsertsInBatches: a rebuild writes no new row by a request of its own, and
// changes no row that live projection was first to write.
func TestRebuildInsertsInBatches(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, EventsTable(), ControlTable(), ViewTable(testdomain.Courses.Describe()))
	store := NewEventStore(fx.client, TableName(testPrefix, EventsTable())).StrongScan()
	codec, err := aggregate.Codec(testdomain.Aggregates())
	if err != nil {
		t.Fatal(err)
	}
	const streams = 60
	for i := range streams {
		e, err := codec.Encode("course-added", testdomain.CourseAdded{Name: fmt.Sprint(i), Area: "a", Currency: "EUR", Seats: 5})
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprintf("c%02d", i)
		_, err = store.Append(t.Context(), events.Start(events.StreamOf("course", id)), events.Commit{ID: id, Events: []events.Event{e}, Commands: []events.Command{{ID: id, Version: 1}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	tables := NewTables(fx.client, testPrefix)
	r, err := admin.NewRebuilder(store, codec, tables, []view.View{testdomain.Courses}, &admin.RebuildOptions{Segments: 1, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	target, err := r.Begin(t.Context(), "courses")
	if err != nil {
		t.Fatal(err)
	}
	first := driver.Item{Key: "c07", Row: jsontext.Value(`{"name":"of live projection"}`), Commit: 1, Version: 1}
	if err := tables.Open(target.Target).Put(t.Context(), driver.Write{Item: first}); err != nil {
		t.Fatal(err)
	}
	fx.net.reset(nil)
	p, err := r.Run(t.Context(), "courses")
	if err != nil || p.Commits != streams || p.Faults != 0 || p.Target != target.Target {
		t.Fatalf("%+v, %v", p, err)
	}
	count := map[string]int{}
	for _, operation := range fx.net.requests() {
		count[operation]++
	}
	if count["BatchExecuteStatement"] != 3 || count["PutItem"] > 10 { // of segments and routes
		t.Errorf("sent %v", count)
	}
	found, err := tables.Open(p.Target).Get(t.Context(), []string{"c00", "c07", "c59"})
	if err != nil || found[0] == nil || found[2] == nil || found[1] == nil || string(found[1].Row) != string(first.Row) {
		t.Errorf("found %+v, %v", found, err)
	}
}
