package follow_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/parallel"
)

// counter is a consumer that counts events by name. It keeps how far it has come in
// memory; a table would do, with a condition on what was loaded.
type counter struct {
	mu     sync.Mutex
	counts map[string]int
	kept   map[events.Stream]place
}

// place is what the counter keeps of a stream.
type place struct {
	commit int64
	fault  *follow.Fault
}

type tally struct{ follow.Task }

func (c *counter) Lanes(s *follow.Stream) []*tally { return []*tally{c.lane(s)} }

func (c *counter) lane(s *follow.Stream) *tally {
	return &tally{s.Task(follow.Fault{Consumer: "counter"}, "the counter", nil)}
}

func (c *counter) Load(_ context.Context, lanes []*tally) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range lanes {
		l.Commit, l.Parked = c.kept[l.Name].commit, c.kept[l.Name].fault != nil
	}
	return nil
}

func (c *counter) Handle(ctx context.Context, l *tally) error {
	if stop := l.Stopped(); stop != nil {
		f := l.Fault(stop)
		c.mu.Lock()
		if old := c.kept[l.Name].fault; old != nil {
			f.Attempts += old.Attempts
		}
		c.mu.Unlock()
		l.Park(f)
		return c.Record(ctx, l, &f)
	}
	commit, err := l.At(ctx, l.Commit+1)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range commit.Events {
		if !e.Data.IsValid() {
			return events.Errorf(events.CodeInternal, "an event can't be read")
		}
		c.counts[e.Name]++
	}
	l.Commit = commit.Number
	c.kept[l.Name] = place{commit: l.Commit, fault: c.kept[l.Name].fault}
	return nil
}

func (c *counter) Record(_ context.Context, l *tally, f *follow.Fault) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[l.Name] = place{commit: l.Commit, fault: f}
	return nil
}

func (c *counter) Release(_ context.Context, l *tally) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[l.Name] = place{commit: l.Commit}
	return true, nil
}

// A third consumer of the change stream, beside views and process managers: it
// counts events, and prints how far it is behind.
func Example() {
	ctx, store, c := context.Background(), &eventstest.Memory{}, &counter{counts: map[string]int{}, kept: map[events.Stream]place{}}
	begun := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	options := follow.Options{
		Limit: parallel.New(4), Attempts: 8, Pause: time.Millisecond,
		Now: func() time.Time { return begun.Add(3 * time.Second) },
	}
	at := events.Start("door/1")
	var batch []follow.Delivery
	for _, name := range []string{"door-opened", "door-closed", "door-opened"} {
		stored, err := store.Append(ctx, at, events.Commit{ID: fmt.Sprint("commit-", len(batch)), Time: begun, Events: []events.Event{{Name: name, Schema: 1, Data: []byte(`{}`)}}})
		if err != nil {
			fmt.Println(err)
			return
		}
		at = events.After(&stored)
		batch = append(batch, follow.Delivery{Stream: stored.Stream, Number: stored.Number, Commit: &stored})
	}
	for _, records := range [][]follow.Delivery{batch[2:], batch} { // the first two come late
		run := follow.Begin(store, records, options)
		follow.Consume(ctx, run, c, run.Open())
		report := run.End()
		fmt.Println(c.counts, report.Gaps, "read,", report.Skipped, "skipped, lag", report.Lag)
	}
	// Output:
	// map[door-closed:1 door-opened:2] 2 read, 0 skipped, lag 3s
	// map[door-closed:1 door-opened:2] 0 read, 3 skipped, lag 3s
}
