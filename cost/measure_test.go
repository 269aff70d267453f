package cost_test

import (
	"context"
	"slices"
	"testing"

	"daybook/aggregate"
	"daybook/cost"
	"daybook/internal/peopledomain"
	"daybook/internal/testdomain"
)

// measured returns the measurements of the test's application.
func measured(t *testing.T) cost.Measurements {
	t.Helper()
	m, err := cost.Measure(t.Context(), testdomain.App())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func command(t *testing.T, m cost.Measurements, name string) cost.Command {
	t.Helper()
	for _, c := range m.Commands {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("%s was not measured: %v", name, m.Unmeasured)
	return cost.Command{}
}

// The cost contract, as the meter sees it: what the docs promise of a warm command and
// of a command that claims a value.
func TestMeasureSeesTheContract(t *testing.T) {
	t.Parallel()
	m := measured(t)
	events, claims := cost.Place{Table: "events"}, cost.Place{Table: "claims"}
	rename := command(t, m, "rename-member")
	if got := rename.Warm; len(got) != 1 || got[events] != (cost.Units{Write: 1}) {
		t.Errorf("a warm command consumed %v", got)
	}
	if got := rename.Cold[events]; got.Write != 1 || got.Read < 0.5 || got.Read > 2 {
		t.Errorf("a cold command consumed %v", got)
	}
	if got := command(t, m, "create-member").Warm; got[events].Write != 2 || got[claims].Write != 2 {
		t.Errorf("a transaction of a commit and a claim consumed %v", got)
	}
	if got := rename.Views[cost.Place{Table: "members-v2", Index: "by-name"}]; got.Write != 2 {
		t.Errorf("a changed index key consumed %v: DynamoDB deletes one entry and puts another", got)
	}
	if c := command(t, m, "place-booking"); c.Sends == 0 || c.Timers != 1 || c.Reactors[cost.Place{Table: "processes"}].Write == 0 {
		t.Errorf("a command with a process manager: %+v", c)
	}
	if c := command(t, m, "confirm-booking"); !c.Internal || c.Publishes != 1 || c.Bytes < 50 {
		t.Errorf("an internal command with an outbox: %+v", c)
	}
	if m.ControlReads != 1 {
		t.Errorf("a batch reads %g units of the control record", m.ControlReads)
	}
	for _, q := range m.Queries {
		if q.Read <= 0 || q.Rows == 0 {
			t.Errorf("%s read %g units for %d rows", q.Name(), q.Read, q.Rows)
		}
	}
	if n := len(m.Queries); n < 12 || !slices.ContainsFunc(m.Queries, func(q cost.Query) bool { return q.View == "tallies" }) {
		t.Errorf("%d queries were measured, or none of rows in parts: %v", n, m.Unmeasured)
	}
	if m.Unmeasured["command move-seats"] == "" {
		t.Errorf("what is not measured has no reason: %v", m.Unmeasured)
	}
}

// What is attributed to tables and indexes is what the engine charged altogether.
func TestNothingIsLostOrCountedTwice(t *testing.T) {
	t.Parallel()
	i, err := cost.Open(t.Context(), testdomain.App())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
	parts := cost.Units{}
	all, err := i.Used(func() error {
		for _, name := range []string{"Ann", "Anna"} {
			used, err := i.Used(func() error { return send(t.Context(), i, name) })
			if err != nil {
				return err
			}
			views, reactors, err := i.Follow(t.Context())
			if err != nil {
				return err
			}
			parts = parts.Add(used.Total()).Add(reactors.Total())
			for _, v := range views {
				parts = parts.Add(v.Total())
			}
			parts.Read++ // the control record
		}
		return nil
	})
	if err != nil || all.Total() != parts {
		t.Errorf("together %v %v, in parts %v: %v", all, all.Total(), parts, err)
	}
}

func send(ctx context.Context, i *cost.Installation, name string) error {
	c := aggregate.Command{Name: "create-member", ID: "7", Payload: []byte(`{"name":"Ann","email":"ann@example.com"}`)}
	if name != "Ann" {
		c.Name, c.Payload = "rename-member", []byte(`{"name":"`+name+`"}`)
	}
	_, err := i.Handle(ctx, c)
	return err
}

// Loads do not grow with the stream, appends of ten events are one commit, and other
// designs pay as their arithmetic says.
func TestReferences(t *testing.T) {
	t.Parallel()
	own, err := cost.MeasureReference(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if own.One != 1 || own.Ten > 5 || own.Loads[1000] > own.Loads[100]+2 || own.Loads[10000] > own.Loads[1000] {
		t.Errorf("Daybook: %+v", own)
	}
	for _, d := range cost.Designs() {
		snapshots := d.Loads[10000] == d.Loads[10] // which load as little, and write more for it
		if d.Ten < 2*own.Ten || !snapshots && d.Loads[1000] <= own.Loads[1000] || snapshots && d.One < 2*own.One || d.Note == "" {
			t.Errorf("%s: %+v", d.Name, d)
		}
		if d.Name == "castore 2.4.2" && (d.Ten != 20 || d.Loads[10000] < 1380 || d.Loads[10000] > 1395) {
			t.Errorf("castore's measured figures are not those of the table: %+v", d)
		}
	}
	if warm, cold := own.Of(100, 0, 1000), own.Of(100, 1, 1000); warm.Read != 0 || cold.Read != 100*own.Loads[1000] || warm.Write != 100 {
		t.Errorf("warm %v, cold %v", warm, cold)
	}
	if u := cost.Designs()[0].Of(100, 0, 10); u.Read != 100*cost.Designs()[0].Loads[10] {
		t.Errorf("a design that remembers no stream reads %v", u)
	}
}

// The keys of personal values are in the bill: one write per new person.
func TestMeasureCountsKeys(t *testing.T) {
	t.Parallel()
	m, err := cost.Measure(t.Context(), peopledomain.App())
	if err != nil {
		t.Fatal(err)
	}
	keys := cost.Place{Table: "keys"}
	if got := command(t, m, "register-person").Warm[keys]; got.Write != 1 || got.Read == 0 {
		t.Errorf("a new person consumed %v of the keys", got)
	}
	if got, ok := command(t, m, "rename-person").Warm[keys]; ok {
		t.Errorf("a warm command consumed %v of the keys", got)
	}
	if got := command(t, m, "rename-person").Cold[keys]; got != (cost.Units{Read: 1}) {
		t.Errorf("a cold command consumed %v of the keys", got)
	}
}
