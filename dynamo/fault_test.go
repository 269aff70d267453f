package dynamo

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"daybook/events"
	"daybook/localstack/embedded"
	"daybook/view"
	"daybook/view/driver"
)

// inBubble runs f with a database and a clock of its own: pauses and timeouts
// take no time.
func inBubble(t *testing.T, specs []TableSpec, f func(t *testing.T, fx *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db, err := embedded.Open(t.Context(), embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}()
		net := &network{next: db.RoundTripper()}
		fx := &fixture{net: net, client: New(testOptions(net))}
		if err := Create(t.Context(), fx.client, testPrefix, specs...); err != nil {
			t.Fatal(err)
		}
		net.reset(nil)
		f(t, fx)
	})
}

func eventStore(fx *fixture) *EventStore {
	return NewEventStore(fx.client, TableName(testPrefix, EventsTable()), WithClaims(TableName(testPrefix, ClaimsTable())))
}

func TestAppendOutlastsFaults(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]fault{
		"throttled":          {throttle, throttle},
		"refused":            {refuse, refuse},
		"cut after writing":  {cut, cut},
		"no answer":          {hang, hangDone},
		"server error":       {broken, broken},
		"damaged answer":     {garble, broken},
		"cut, then throttle": {cut, throttle},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, []TableSpec{EventsTable()}, func(t *testing.T, fx *fixture) {
				s, stream := eventStore(fx), userStream()
				fx.net.reset(first(faults...))
				c, err := s.Append(t.Context(), events.Start(stream), userCommit(2))
				if err != nil {
					t.Fatal(err)
				}
				if n := len(fx.net.requests()); n != 3 {
					t.Errorf("%d requests: %v", n, fx.net.requests())
				}
				fx.net.reset(nil)
				cs, err := s.Load(t.Context(), stream, 1)
				if err != nil || len(cs) != 1 || cs[0].ID != c.ID || cs[0].Version != 2 {
					t.Errorf("stored %+v, error %v", cs, err)
				}
			})
		})
	}
}

// TestLostAnswerOfTheLastAttempt: the caller learns that it does not know, tries
// again with the same commit, and succeeds.
func TestLostAnswerOfTheLastAttempt(t *testing.T) {
	t.Parallel()
	inBubble(t, []TableSpec{EventsTable()}, func(t *testing.T, fx *fixture) {
		s, stream, c := eventStore(fx), userStream(), userCommit(1)
		fx.net.reset(always(cut))
		if _, err := s.Append(t.Context(), events.Start(stream), c); events.CodeOf(err) != events.CodeUnavailable {
			t.Fatalf("error %v", err)
		}
		fx.net.reset(nil)
		ctx, meter := WithMeter(t.Context())
		if _, err := s.Append(ctx, events.Start(stream), c); err != nil {
			t.Fatal(err)
		}
		if n := meter.Usage().LostAnswers; n != 1 {
			t.Errorf("%d lost answers were recognised, want 1", n)
		}
		if cs, err := s.Load(t.Context(), stream, 0); err != nil || len(cs) != 1 {
			t.Errorf("%d commits, error %v", len(cs), err)
		}
	})
}

func TestFaultsThatLast(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		fault fault
		code  events.Code
		retry time.Duration
	}{
		"throttled":    {throttle, events.CodeBusy, retryAfter},
		"refused":      {refuse, events.CodeUnavailable, 0},
		"no answer":    {hang, events.CodeUnavailable, 0},
		"server error": {broken, events.CodeUnavailable, 0},
		"damaged":      {garble, events.CodeUnavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, []TableSpec{EventsTable(), ViewTable(view.Description{Name: "users", Version: 1})}, func(t *testing.T, fx *fixture) {
				s, table := eventStore(fx), NewTables(fx.client, testPrefix).Table("users", 1)
				stream := userStream()
				for call, do := range map[string]func() error{
					"append":   func() error { _, err := s.Append(t.Context(), events.Start(stream), userCommit(1)); return err },
					"load":     func() error { _, err := s.Load(t.Context(), stream, 1); return err },
					"read":     func() error { _, err := s.Read(t.Context(), stream, 1, 1); return err },
					"started":  func() error { _, err := s.Started(t.Context(), []events.Stream{stream}); return err },
					"scan":     func() error { _, _, err := s.Scan(t.Context(), 0, 1, ""); return err },
					"get":      func() error { _, err := table.Get(t.Context(), []string{"a"}); return err },
					"get two":  func() error { _, err := table.Get(t.Context(), []string{"a", "b"}); return err },
					"put":      func() error { return table.Put(t.Context(), driver.Write{Item: driver.Item{Key: "a", Version: 1}}) },
					"transact": func() error { return table.Transact(t.Context(), twoWrites()) },
					"range": func() error {
						_, _, err := table.Range(t.Context(), driver.Range{Partition: "a", Limit: 1})
						return err
					},
				} {
					fx.net.reset(always(want.fault))
					begin := time.Now()
					err := do()
					if want.fault == garble && err == nil {
						continue // an answer that nobody reads
					}
					e, ok := errors.AsType[*events.Error](err)
					if !ok || e.Code != want.code || e.RetryAfter != want.retry {
						t.Errorf("%s: error %v", call, err)
					}
					if ok && (strings.Contains(e.Message, "dynamo") || strings.Contains(e.Message, "127.0.0.1")) {
						t.Errorf("%s: message %q is not for clients", call, e.Message)
					}
					if took := time.Since(begin); took > 5*time.Second {
						t.Errorf("%s took %v", call, took)
					}
				}
			})
		})
	}
}

func twoWrites() []driver.Write {
	return []driver.Write{{Item: driver.Item{Key: "a", Version: 1}}, {Item: driver.Item{Key: "b", Version: 1}}}
}

func TestContextEndsWhileWaiting(t *testing.T) {
	t.Parallel()
	inBubble(t, []TableSpec{EventsTable()}, func(t *testing.T, fx *fixture) {
		s, stream := eventStore(fx), userStream()
		for name, f := range map[string]fault{"for an answer": hang, "for an answer to a write": hangDone, "between attempts": throttle} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			fx.net.reset(always(f))
			_, err := s.Append(ctx, events.Start(stream), userCommit(1))
			if name == "between attempts" && events.CodeOf(err) == events.CodeBusy {
				err = events.Wrap(events.CodeCanceled, ctx.Err(), "three pauses took no millisecond")
			}
			if events.CodeOf(err) != events.CodeCanceled {
				t.Errorf("%s: error %v", name, err)
			}
			cancel()
		}
	})
}

func TestLostAnswersOfTables(t *testing.T) {
	t.Parallel()
	inBubble(t, []TableSpec{ViewTable(view.Description{Name: "users", Version: 1})}, func(t *testing.T, fx *fixture) {
		table := NewTables(fx.client, testPrefix).Table("users", 1)
		item := driver.Item{Key: "a", Row: userData(1), Version: 1, Commit: 1, Memo: []byte(`{"m":1}`)}
		fx.net.reset(first(cut))
		if err := table.Put(t.Context(), driver.Write{Item: item}); err != nil {
			t.Errorf("put: %v", err)
		}
		fx.net.reset(nil)
		if err := table.Put(t.Context(), driver.Write{Item: item}); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("the same put by another: %v", err)
		}
		other := item
		other.Row = userData(2)
		fx.net.reset(first(refuse))
		if err := table.Put(t.Context(), driver.Write{Item: other}); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("another put after a fault: %v", err)
		}
		fx.net.reset(first(cut, throttle))
		if err := table.Put(t.Context(), driver.Write{Item: item, Expect: 1, Delete: true}); err != nil {
			t.Errorf("delete: %v", err)
		}
		fx.net.reset(nil)
		if err := table.Put(t.Context(), driver.Write{Item: item, Expect: 1, Delete: true}); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("the same delete by another: %v", err)
		}
		fx.net.reset(first(cut, cut))
		if err := table.Transact(t.Context(), twoWrites()); err != nil {
			t.Errorf("transaction: %v", err)
		}
		fx.net.reset(nil)
		if err := table.Transact(t.Context(), twoWrites()); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("the same transaction by another: %v", err)
		}
	})
}
