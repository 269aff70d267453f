package costtest

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"strings"
	"testing"

	"daybook"
	"daybook/aggregate"
	"daybook/cost"
	"daybook/events"
)

// DB is an application on an embedded DynamoDB in memory.
type DB struct {
	t    testing.TB
	of   *cost.Installation
	sent int
}

// Open makes the tables of an application. They are gone when the test ends.
func Open(t testing.TB, app daybook.App) *DB {
	t.Helper()
	of, err := cost.Open(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = of.Close() })
	return &DB{t: t, of: of}
}

// Cost is what one command consumed.
type Cost struct {
	// Command was consumed before the command's answer, by claims too.
	Command cost.Usage
	// Reactors was consumed by process managers and outboxes that handled its commit.
	// Commands that they send are not sent.
	Reactors cost.Usage

	t     testing.TB
	views map[string]cost.Usage
}

// View is what a view consumed to apply the command's commit, indexes included and
// alone in its batch. The read of the record that says which tables are live, once for
// each batch and all views, is not part of it.
func (c Cost) View(name string) cost.Usage {
	c.t.Helper()
	used, ok := c.views[name]
	if !ok {
		c.t.Fatalf("the application has no view %q", name)
	}
	return used
}

// Send handles a command, which must be accepted, and brings views and reactors up to
// date. The first command to a stream that this DB has not sent one to is one of an
// instance that does not know the stream; see Cold.
func (db *DB) Send(stream events.Stream, command events.Payload) Cost {
	db.t.Helper()
	payload, err := json.Marshal(command)
	if err != nil {
		db.t.Fatal(err)
	}
	db.sent++
	ctx := context.WithoutCancel(db.t.Context())
	c := Cost{t: db.t}
	c.Command, err = db.of.Used(func() error {
		_, err := db.of.Handle(ctx, aggregate.Command{
			Name: command.CommandName(), ID: stream.ID(), Payload: payload,
			CommandID: fmt.Sprintf("costtest-%d", db.sent), Actor: "costtest",
		})
		return err
	})
	if err != nil {
		db.t.Fatalf("%s to %s: %v", command.CommandName(), stream, err)
	}
	if c.views, c.Reactors, err = db.of.Follow(ctx); err != nil {
		db.t.Fatalf("after %s to %s: %v", command.CommandName(), stream, err)
	}
	return c
}

// Cold makes the next commands those of an instance that knows no stream: they load
// theirs.
func (db *DB) Cold() {
	db.t.Helper()
	if err := db.of.Cool(); err != nil {
		db.t.Fatal(err)
	}
}

// AtMost fails the test when more was consumed than a limit allows.
func AtMost(t testing.TB, used cost.Usage, limit cost.Units) {
	t.Helper()
	total := used.Total()
	if total.Read <= limit.Read && total.Write <= limit.Write {
		return
	}
	var places []string
	for _, place := range used.Places() {
		places = append(places, fmt.Sprintf("%s: %s", place, used[place]))
	}
	t.Errorf("consumed %s, at most %s are allowed\n%s", total, limit, strings.Join(places, "\n"))
}
