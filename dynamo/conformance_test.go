package dynamo

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/localstack/embedded"
	"daybook/process"
	"daybook/process/processtest"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/viewtest"
)

func TestEventStoreConforms(t *testing.T) {
	t.Parallel()
	eventstest.Run(t, func(t *testing.T) events.Store {
		client, prefix := tablesFor(t, EventsTable(), ClaimsTable())
		return NewEventStore(client, TableName(prefix, EventsTable()), WithClaims(TableName(prefix, ClaimsTable())))
	})
}

// TestSDKConforms: the setting that leaves every operation to the SDK changes
// nothing else.
func TestSDKConforms(t *testing.T) {
	t.Parallel()
	conforms(t, embedded.Options{}, SenderSDK)
}

// TestEarlyPagesConform: whatever reads pages goes on where one ends, however few items
// it has.
func TestEarlyPagesConform(t *testing.T) {
	t.Parallel()
	conforms(t, embedded.Options{Hostile: &embedded.Hostile{Seed: 1, EndPages: 1}}, "")
}

// conforms runs all suites with a client of one kind on databases of one kind.
func conforms(t *testing.T, engine embedded.Options, sender string) {
	t.Helper()
	open := func(t *testing.T, specs ...TableSpec) API {
		db, err := embedded.Open(t.Context(), engine)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		o := testOptions(db.RoundTripper())
		o.Sender = sender
		client := New(o)
		if err := Create(t.Context(), client, testPrefix, specs...); err != nil {
			t.Fatal(err)
		}
		return client
	}
	t.Run("events", func(t *testing.T) {
		t.Parallel()
		eventstest.Run(t, func(t *testing.T) events.Store {
			return NewEventStore(open(t, EventsTable(), ClaimsTable()), TableName(testPrefix, EventsTable()), WithClaims(TableName(testPrefix, ClaimsTable())))
		})
	})
	t.Run("tables", func(t *testing.T) {
		t.Parallel()
		viewtest.Run(t, func(t *testing.T, views []view.View) driver.Tables {
			var specs []TableSpec
			for _, v := range views {
				specs = append(specs, ViewTable(v.Describe()))
			}
			return NewTables(open(t, specs...), testPrefix)
		})
	})
	t.Run("processes", func(t *testing.T) {
		t.Parallel()
		processtest.Run(t, func(t *testing.T) process.Ledger {
			return NewProcesses(open(t, ProcessesTable()), TableName(testPrefix, ProcessesTable()))
		})
	})
}

// TestClientsOverAHostileEngine: with faults of every kind, both clients store what
// they say and count the same usage.
func TestClientsOverAHostileEngine(t *testing.T) {
	t.Parallel()
	var told [2]string
	for i, sender := range []string{SenderSDK, ""} {
		synctest.Test(t, func(t *testing.T) {
			db, err := embedded.Open(t.Context(), embedded.Options{Hostile: &embedded.Hostile{
				Seed: 7, Throttle: 0.15, Fail: 0.1, LoseRequests: 0.1, LoseAnswers: 0.15, Conflict: 0.2, Unprocessed: 0.2, EndPages: 0.3,
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			o := testOptions(db.RoundTripper())
			o.Sender = sender
			client := New(o)
			if err := Create(t.Context(), client, testPrefix, EventsTable(), ClaimsTable()); err != nil {
				t.Fatal(err)
			}
			s := NewEventStore(client, TableName(testPrefix, EventsTable()), WithClaims(TableName(testPrefix, ClaimsTable())))
			ctx, meter := WithMeter(t.Context())
			var log strings.Builder
			for n := range 60 {
				stream := events.Stream(fmt.Sprintf("user/%d", n%20))
				c := userCommit(1)
				c.ID = fmt.Sprintf("commit %d", n)
				if n%3 == 0 {
					c.Claims = []events.Claim{{Name: "user-email", Value: fmt.Sprint(n % 10)}}
				}
				_, err := s.Append(ctx, events.Start(stream), c)
				cs, loadErr := s.Load(ctx, stream, 1)
				_, startErr := s.Started(ctx, []events.Stream{stream, "user/x"})
				fmt.Fprintf(&log, "%d: %s, %d commits, %s, %s\n", n, events.CodeOf(err), len(cs), events.CodeOf(loadErr), events.CodeOf(startErr))
			}
			fmt.Fprintf(&log, "%+v", meter.Usage())
			told[i] = log.String()
		})
	}
	for _, said := range []string{"conflict", "busy", "unavailable"} {
		if !strings.Contains(told[0], said) {
			t.Errorf("no %s: too few faults\n%s", said, told[0])
		}
	}
	if told[0] != told[1] {
		t.Errorf("by the SDK:\n%s\nby package signed:\n%s", told[0], told[1])
	}
}

func TestTablesConform(t *testing.T) {
	t.Parallel()
	viewtest.Run(t, func(t *testing.T, views []view.View) driver.Tables {
		var specs []TableSpec
		for _, v := range views {
			specs = append(specs, ViewTable(v.Describe()))
		}
		return NewTables(tablesFor(t, specs...))
	})
}

func TestRoutedTablesConform(t *testing.T) {
	t.Parallel()
	viewtest.RunRouted(t, func(t *testing.T, views []view.View) driver.AdminTables {
		specs := []TableSpec{ControlTable()}
		for _, v := range view.Versions(views) {
			specs = append(specs, ViewTable(v.Describe()))
		}
		return NewTables(tablesFor(t, specs...))
	})
}

func TestProcessesConform(t *testing.T) {
	t.Parallel()
	processtest.Run(t, func(t *testing.T) process.Ledger {
		client, prefix := tablesFor(t, ProcessesTable())
		return NewProcesses(client, TableName(prefix, ProcessesTable()))
	})
}
