package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
)

// The counter is the aggregate of these tests: it can be started and added to.
type (
	count struct {
		Started bool  `json:"started,omitzero"`
		Sum     int64 `json:"sum,omitzero"`
		Padding string
	}
	started struct{}
	added   struct {
		By   int64  `json:"by"`
		Note string `json:"note,omitzero"`
	}
	start      struct{}
	undeclared struct{}
	change     struct {
		By   int64  `json:"by"`
		Note string `json:"note,omitzero"`
	}
)

func (started) EventName() string      { return "counter-started" }
func (added) EventName() string        { return "counter-added" }
func (start) CommandName() string      { return "start-counter" }
func (undeclared) CommandName() string { return "undeclared" }
func (change) CommandName() string     { return "add" }

func counter() *aggregate.Definition[count] {
	return aggregate.New[count]("counter").
		Event(func(s count, _ started) count { s.Started = true; return s }).
		Event(func(s count, e added) count { s.Sum += e.By; return s }).
		Command(func(s count, _ start) aggregate.Decision {
			if s.Started {
				return aggregate.Reject("counter-started", "the counter runs already")
			}
			return aggregate.Emit(started{})
		}, aggregate.Creates()).
		Command(func(s count, c change) aggregate.Decision {
			switch {
			case !s.Started:
				return aggregate.Reject("counter-not-started", "the counter does not run")
			case c.By == 0:
				return aggregate.Nothing()
			case c.By < 0:
				panic("a defect of the domain")
			}
			return aggregate.Emit(added(c))
		}).
		Command(func(count, undeclared) aggregate.Decision { return aggregate.Emit(unheard{}) })
}

// calls counts what a handler asks of its store.
type calls struct {
	mu sync.Mutex
	by map[string]int
}

func (c *calls) count(method string, _ events.Stream) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]int{}
	}
	c.by[method]++
	return nil
}

func (c *calls) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, m := range []string{"Load", "Append", "AppendAll", "Read", "Started", "Spent", "Scan", "Commits"} {
		if c.by[m] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", m, c.by[m]))
		}
	}
	c.by = nil
	return strings.Join(parts, ", ")
}

func handler(t *testing.T, store events.Store, opts *aggregate.Options) *aggregate.Handler {
	t.Helper()
	h, err := aggregate.NewHandler(store, []aggregate.Aggregate{counter()}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func add(id string, by int64, commandID string) aggregate.Command {
	return aggregate.Command{Name: "add", ID: id, Payload: fmt.Appendf(nil, `{"by":%d}`, by), CommandID: commandID}
}

func begin(id, commandID string) aggregate.Command {
	return aggregate.Command{Name: "start-counter", ID: id, CommandID: commandID}
}

func must(t *testing.T, h *aggregate.Handler, c aggregate.Command) aggregate.Result {
	t.Helper()
	r, err := h.Handle(t.Context(), c)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return r
}

func wantCode(t *testing.T, err error, code events.Code) *events.Error {
	t.Helper()
	e, ok := errors.AsType[*events.Error](err)
	if !ok || e.Code != code {
		t.Fatalf("want code %q, got %v", code, err)
	}
	return e
}

func TestRequestsOfTheStore(t *testing.T) {
	t.Parallel()
	var n calls
	store := &eventstest.Memory{Before: n.count}
	h := handler(t, store, nil)
	other, third := handler(t, store, nil), handler(t, store, nil)
	steps := []struct {
		name string
		do   func() error
		want string
	}{
		{"a create with a new id needs no read", func() error {
			_, err := h.Handle(t.Context(), aggregate.Command{Name: "start-counter"})
			return err
		}, "Append 1"},
		{"a create with a given id needs no read", func() error { _, err := h.Handle(t.Context(), begin("1", "a")); return err }, "Append 1"},
		{"its repeat elsewhere is found by its conflict", func() error { _, err := other.Handle(t.Context(), begin("1", "a")); return err }, "Append 1"},
		{"a warm command reads nothing", func() error { _, err := h.Handle(t.Context(), add("1", 1, "b")); return err }, "Append 1"},
		{"a rejection on warm state is confirmed", func() error {
			_, err := h.Handle(t.Context(), begin("1", "c"))
			wantCode(t, err, "counter-started")
			return nil
		}, "Read 1"},
		{"a no-op on warm state is confirmed", func() error { _, err := h.Handle(t.Context(), add("1", 0, "d")); return err }, "Read 1"},
		{"a repeat on warm state needs nothing", func() error { _, err := h.Handle(t.Context(), add("1", 1, "b")); return err }, ""},
		{"a create of what exists reads once, after its conflict", func() error {
			_, err := other.Handle(t.Context(), begin("1", "c"))
			wantCode(t, err, "counter-started")
			return nil
		}, "Load 1, Append 1"},
		{"a repeat on cold state reads once", func() error { _, err := third.Handle(t.Context(), add("1", 1, "b")); return err }, "Load 1"},
		{"another process writes", func() error { _, err := other.Handle(t.Context(), add("1", 5, "e")); return err }, "Append 1"},
		{"one commit behind costs one more append and no read", func() error { _, err := h.Handle(t.Context(), add("1", 1, "f")); return err }, "Append 2"},
		{"a repeat of another process's command is found by its conflict", func() error { _, err := other.Handle(t.Context(), add("1", 1, "f")); return err }, "Append 1"},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if got := n.take(); got != s.want {
			t.Errorf("%s: asked the store for %q, want %q", s.name, got, s.want)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	h := handler(t, &eventstest.Memory{}, nil)
	r := must(t, h, begin("7", "c1"))
	if !r.Started || r.Version != 1 || r.Token() != "counter/7@1" || r.CommandID != "c1" || r.Replayed {
		t.Errorf("create answered %+v", r)
	}
	if r := must(t, h, add("7", 2, "c2")); r.Started || r.Version != 2 {
		t.Errorf("add answered %+v", r)
	}
	if r := must(t, h, begin("7", "c1")); !r.Started || r.Version != 1 || !r.Replayed {
		t.Errorf("the repeated create answered %+v", r)
	}
	_, err := h.Handle(t.Context(), add("7", 3, "c2"))
	wantCode(t, err, events.CodeKeyReused)
	spaced := aggregate.Command{Name: "add", ID: "7", Payload: []byte(` { "note":"", "by" : 2 } `), CommandID: "c3"}
	must(t, h, spaced)
	spaced.Payload = []byte(`{"by":2,"note":""}`)
	if r := must(t, h, spaced); !r.Replayed {
		t.Error("white space and order of members made another command")
	}
	_, err = h.Handle(t.Context(), aggregate.Command{Name: "add", ID: "7", Payload: []byte(`{"by":9007199254740993}`), CommandID: "c4"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Handle(t.Context(), aggregate.Command{Name: "add", ID: "7", Payload: []byte(`{"by":9007199254740992}`), CommandID: "c4"})
	wantCode(t, err, events.CodeKeyReused)
}

func TestMalformedCommands(t *testing.T) {
	t.Parallel()
	var n calls
	h := handler(t, &eventstest.Memory{Before: n.count}, nil)
	long := strings.Repeat("x", events.MaxIDLength+1)
	negative := int64(-1)
	for name, c := range map[string]aggregate.Command{
		"no id where none can be derived": {Name: "add"},
		"a long id":                       {Name: "add", ID: long},
		"a control character in the id":   {Name: "add", ID: "a\nb"},
		"a long command id":               {Name: "add", ID: "1", CommandID: long},
		"an unknown field":                {Name: "add", ID: "1", Payload: []byte(`{"by":1,"x":2}`)},
		"a payload that is no JSON":       {Name: "add", ID: "1", Payload: []byte(`{`)},
		"a negative expected version":     {Name: "add", ID: "1", Payload: []byte(`{"by":1}`), ExpectedVersion: &negative},
	} {
		_, err := h.Handle(t.Context(), c)
		if events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := h.Handle(t.Context(), aggregate.Command{Name: "nothing-of-the-kind"})
	wantCode(t, err, events.CodeUnknownCommand)
	if got := n.take(); got != "" {
		t.Errorf("malformed commands reached the store: %s", got)
	}
}

func TestExpectedVersion(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h, other := handler(t, store, nil), handler(t, store, nil)
	expect := func(c aggregate.Command, v int64) aggregate.Command { c.ExpectedVersion = &v; return c }
	if _, err := h.Handle(t.Context(), expect(add("1", 1, ""), 3)); events.CodeOf(err) != events.CodeVersionConflict {
		t.Errorf("a stream that does not exist is at version 3: %v", err)
	}
	must(t, h, expect(begin("1", "a"), 0))
	must(t, h, expect(add("1", 1, "b"), 1))
	must(t, other, add("1", 1, "c"))
	// h is one commit behind: what it believes must not decide.
	must(t, h, expect(add("1", 1, "d"), 3))
	_, err := h.Handle(t.Context(), expect(add("1", 1, "e"), 3))
	if e := wantCode(t, err, events.CodeVersionConflict); e.Version != 4 {
		t.Errorf("the conflict says version %d, want 4", e.Version)
	}
	if r := must(t, h, expect(add("1", 1, "d"), 3)); !r.Replayed || r.Version != 4 {
		t.Errorf("a repeat with its old expected version answered %+v", r)
	}
}

func TestDefectsOfTheDomain(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h := handler(t, store, nil)
	must(t, h, begin("1", ""))
	_, err := h.Handle(t.Context(), add("1", -1, ""))
	wantCode(t, err, events.CodeInternal)
	if p, ok := errors.AsType[*events.Panic](err); !ok || p.Value != "a defect of the domain" || strings.Contains(err.Error(), "defect") {
		t.Errorf("a panic became %v", err)
	}
	_, err = h.Handle(t.Context(), aggregate.Command{Name: "undeclared", ID: "1"})
	wantCode(t, err, events.CodeInternal)
	if r := must(t, h, add("1", 1, "")); r.Version != 2 {
		t.Errorf("after defects the stream went on at version %d", r.Version)
	}
}

func TestDerivedID(t *testing.T) {
	t.Parallel()
	h := handler(t, &eventstest.Memory{}, nil)
	create := aggregate.Command{Name: "start-counter", CommandID: "once"}
	first, again := must(t, h, create), must(t, h, create)
	if first.Stream != again.Stream || !again.Replayed || again.Version != 1 {
		t.Errorf("the retried create answered %+v after %+v", again, first)
	}
	if other := must(t, h, aggregate.Command{Name: "start-counter"}); other.Stream == first.Stream {
		t.Error("two creates made one stream")
	}
}

func TestConcurrentCommandsOnOneStream(t *testing.T) {
	t.Parallel()
	const commands, processes = 64, 4
	store := &eventstest.Memory{}
	var hs []*aggregate.Handler
	for range processes {
		hs = append(hs, handler(t, store, &aggregate.Options{Attempts: 100}))
	}
	must(t, hs[0], begin("1", "start"))
	send := func() (versions []int64) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range commands {
			wg.Go(func() {
				r, err := hs[i%processes].Handle(t.Context(), add("1", int64(i+1), fmt.Sprintf("command-%d", i)))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				versions = append(versions, int64(i)<<32|r.Version)
				mu.Unlock()
			})
		}
		wg.Wait()
		slices.Sort(versions)
		return versions
	}
	first := send()
	if again := send(); !slices.Equal(first, again) {
		t.Errorf("sent again, the commands were answered %v, at first %v", again, first)
	}
	commits, err := store.Load(t.Context(), "counter/1", 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for i, c := range commits {
		if c.Number != int64(i+1) {
			t.Fatalf("commit %d has number %d", i+1, c.Number)
		}
		for _, command := range c.Commands {
			seen[command.ID]++
		}
	}
	if last := commits[len(commits)-1]; last.Version != commands+1 || len(seen) != commands+1 {
		t.Errorf("%d commands made version %d of %d different commands", commands, last.Version, len(seen))
	}
}

func TestBusyAfterBoundedAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n calls
		store := &rival{Store: &eventstest.Memory{Before: n.count}}
		h := handler(t, store, &aggregate.Options{Attempts: 4})
		_, err := h.Handle(t.Context(), begin("1", "a"))
		if e := wantCode(t, err, events.CodeBusy); e.RetryAfter <= 0 {
			t.Error("busy without a time to retry after")
		}
		if store.appends != 4 {
			t.Errorf("tried %d times, want 4", store.appends)
		}
	})
}

// rival is a store in which another always writes first.
type rival struct {
	events.Store
	appends int
}

func (r *rival) Append(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
	r.appends++
	theirs := events.Commit{ID: fmt.Sprint("rival-", r.appends), Time: c.Time, Events: []events.Event{{Name: "counter-added", Schema: 1, Data: []byte(`{"by":1}`)}}}
	if _, err := r.Store.Append(ctx, at, theirs); err != nil {
		return events.Commit{}, err
	}
	return r.Store.Append(ctx, at, c)
}

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lose := 1
		store := &eventstest.Memory{After: func(events.Commit) error {
			if lose--; lose >= 0 {
				return events.Errorf(events.CodeUnavailable, "the store did not answer")
			}
			return nil
		}}
		h := handler(t, store, nil)
		_, err := h.Handle(t.Context(), begin("1", "a"))
		wantCode(t, err, events.CodeUnavailable)
		if r := must(t, h, begin("1", "a")); r.Version != 1 || !r.Replayed {
			t.Errorf("the retry after a lost answer: %+v", r)
		}
		commits, _ := store.Load(t.Context(), "counter/1", 0)
		if len(commits) != 1 {
			t.Errorf("one command made %d commits", len(commits))
		}
	})
}

func TestUnavailableStoreIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := false
		store := &eventstest.Memory{Before: func(method string, _ events.Stream) error {
			if down && method == "Append" {
				return events.Errorf(events.CodeUnavailable, "the store did not answer")
			}
			return nil
		}}
		h := handler(t, store, nil)
		must(t, h, begin("1", "a"))
		down = true
		_, err := h.Handle(t.Context(), add("1", 1, "b"))
		wantCode(t, err, events.CodeUnavailable)
		down = false
		if r := must(t, h, add("1", 1, "b")); r.Version != 2 {
			t.Errorf("when the store was back: %+v", r)
		}
	})
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := handler(t, &eventstest.Memory{}, nil)
	_, err := h.Handle(ctx, begin("1", "a"))
	wantCode(t, err, events.CodeCanceled)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestTimeNeverGoesBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	store := &eventstest.Memory{}
	h := handler(t, store, &aggregate.Options{Now: func() time.Time { return now }})
	must(t, h, begin("1", "a"))
	now = now.Add(-time.Hour)
	must(t, h, add("1", 1, "b"))
	commits, _ := store.Load(t.Context(), "counter/1", 0)
	if commits[1].Time.Before(commits[0].Time) {
		t.Errorf("commit 2 is from %v, before commit 1 from %v", commits[1].Time, commits[0].Time)
	}
}

// unheard is an event of no aggregate.
type unheard struct{}

func (unheard) EventName() string { return "unheard" }
