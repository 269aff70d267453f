package dynamo

import (
	"errors"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
)

func usersDescription() view.Description {
	return view.Description{Name: "users", Version: 3, Indexes: []driver.IndexDescription{
		{Name: "by-email", SortKind: driver.SortString}, {Name: "by-age", SortKind: driver.SortNumber},
	}}
}

func TestTableSpecs(t *testing.T) {
	t.Parallel()
	if got, want := EventsTable(), (TableSpec{
		Name: "events", Partition: Key{"stream", KeyString}, Sort: &Key{"commit", KeyNumber}, StreamView: "NEW_IMAGE",
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("events table %+v", got)
	}
	spec := ViewTable(usersDescription())
	if got, want := spec, (TableSpec{Name: "users-v3", Partition: Key{"key", KeyString}, Indexes: []IndexSpec{
		{"by-email", Key{"_p-by-email", KeyString}, &Key{"_s-by-email", KeyString}},
		{"by-age", Key{"_p-by-age", KeyString}, &Key{"_s-by-age", KeyNumber}},
		{"_parked", Key{"_p-_parked", KeyString}, &Key{"_s-_parked", KeyString}},
	}}); !reflect.DeepEqual(got, want) {
		t.Errorf("view table %+v", got)
	}
	if got := TableName("daybook-dev", spec); got != "daybook-dev-users-v3" {
		t.Errorf("name %q", got)
	}
}

func TestCreateIsIdempotent(t *testing.T) {
	t.Parallel()
	spec := ViewTable(usersDescription())
	spec.TTL = "gone"
	f := newFixture(t, EventsTable(), spec)
	for range 2 {
		if err := Create(t.Context(), f.client, testPrefix, EventsTable(), spec); err != nil {
			t.Fatal(err)
		}
	}
	out, err := f.client.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: ptr("test-users-v3")})
	if err != nil || value(out.TimeToLiveDescription.AttributeName) != "gone" {
		t.Errorf("TTL %+v, error %v", out, err)
	}
	table, err := f.client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: ptr("test-events")})
	if err != nil || table.Table.StreamSpecification.StreamViewType != types.StreamViewTypeNewImage || table.Table.BillingModeSummary.BillingMode != types.BillingModePayPerRequest {
		t.Errorf("events table %+v, error %v", table, err)
	}
}

func TestCreateNoticesAnotherShape(t *testing.T) {
	t.Parallel()
	good := ViewTable(usersDescription())
	good.TTL = "gone"
	f := newFixture(t, good)
	for name, change := range map[string]func(s *TableSpec){
		"another partition key": func(s *TableSpec) { s.Partition.Name = "id" },
		"a sort key":            func(s *TableSpec) { s.Sort = &Key{"n", KeyNumber} },
		"an index less":         func(s *TableSpec) { s.Indexes = s.Indexes[:1] },
		"another sort type":     func(s *TableSpec) { s.Indexes[1].Sort = &Key{"_s-by-age", KeyString} },
		"no sort key":           func(s *TableSpec) { s.Indexes[0].Sort = nil },
		"a stream":              func(s *TableSpec) { s.StreamView = "NEW_IMAGE" },
		"another TTL":           func(s *TableSpec) { s.TTL = "later" },
	} {
		spec := ViewTable(usersDescription())
		spec.TTL = "gone"
		change(&spec)
		err := Create(t.Context(), f.client, testPrefix, spec)
		if !errors.Is(err, errShape) || events.CodeOf(err) != events.CodeInternal {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestCreateWaits(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, fx *fixture) {
		looks := 0
		fx.net.reset(func(_ int, operation string) fault {
			if operation == "DescribeTable" {
				looks++
			}
			return none
		})
		slow := roundTripper(slowTable(fx.net))
		if err := Create(t.Context(), New(testOptions(slow)), testPrefix, EventsTable()); err != nil {
			t.Fatal(err)
		}
		if looks < 3 {
			t.Errorf("%d looks", looks)
		}
	})
}

func TestCreateFails(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(t *testing.T, fx *fixture) {
		fx.net.reset(always(broken))
		if err := Create(t.Context(), fx.client, testPrefix, EventsTable()); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("error %v", err)
		}
		fx.net.reset(func(_ int, operation string) fault {
			if operation == "DescribeTable" {
				return broken
			}
			return none
		})
		if err := Create(t.Context(), fx.client, testPrefix, EventsTable()); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("error %v", err)
		}
	})
}

func TestCompareIndexes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ViewTable(usersDescription()))
	tables := NewTables(f.client, testPrefix)
	target := driver.Target{View: "users", Version: 3, Generation: 1}
	for name, test := range map[string]struct {
		indexes []driver.IndexDescription
		target  driver.Target
		want    []string
	}{
		"the same": {usersDescription().Indexes, target, nil},
		"no table": {nil, driver.Target{View: "users", Version: 3, Generation: 2}, nil},
		"added, removed and changed": {
			[]driver.IndexDescription{{Name: "by-age", SortKind: driver.SortString}, {Name: "by-name", SortKind: driver.SortString}}, target,
			[]string{
				"index by-age of users v3 has the keys (_p-by-age S, _s-by-age N) ALL, not (_p-by-age S, _s-by-age S) ALL",
				"the table of users v3 has no index by-name",
				"the table of users v3 has an index by-email, which is not declared",
			},
		},
	} {
		d := usersDescription()
		d.Indexes = test.indexes
		got, err := tables.CompareIndexes(t.Context(), test.target, d.TableIndexes())
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// A caller without permission to look at a table is told nothing about it, and
// may go on.
func TestCompareIndexesWithoutPermission(t *testing.T) {
	t.Parallel()
	target := driver.Target{View: "users", Version: 3, Generation: 1}
	for code, want := range map[string]events.Code{"AccessDeniedException": "", "ValidationException": events.CodeInternal} {
		tables := NewTables(New(testOptions(apiFault(code, "x"))), testPrefix)
		if got, err := tables.CompareIndexes(t.Context(), target, usersDescription().TableIndexes()); got != nil || events.CodeOf(err) != want {
			t.Errorf("%s: %q, %v", code, got, err)
		}
	}
}
