package aggregate_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
)

// With lost, refused, repeated and concurrent requests, a command whose id was
// accepted is in the stream exactly once, and every answer to it is the same.
func TestEveryCommandExactlyOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		faults := &faults{random: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), rate: rapid.Float64Range(0, 0.3).Draw(t, "faults")}
		store := &eventstest.Memory{Before: faults.before, After: faults.after}
		var hs []*aggregate.Handler
		for range rapid.IntRange(1, 3).Draw(t, "processes") {
			h, err := aggregate.NewHandler(store, []aggregate.Aggregate{counter()}, &aggregate.Options{
				SnapshotBytes: rapid.IntRange(100, 3000).Draw(t, "snapshot bytes"),
				CacheBytes:    rapid.SampledFrom([]int{-1, 2000, 1 << 20}).Draw(t, "cache bytes"),
			})
			if err != nil {
				t.Fatal(err)
			}
			hs = append(hs, h)
		}
		answers := newAnswers()
		commands := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 80).Draw(t, "commands")
		lanes := rapid.IntRange(1, 4).Draw(t, "lanes")
		var wg sync.WaitGroup
		for lane := range lanes {
			wg.Go(func() {
				for i := lane; i < len(commands); i += lanes {
					n := commands[i]
					c := add("1", int64(n+1), fmt.Sprint("c", n))
					if n == 0 {
						c = begin("1", "c0")
					}
					r, err := hs[i%len(hs)].Handle(t.Context(), c)
					answers.note(c.CommandID, r, err)
				}
			})
		}
		wg.Wait()
		faults.rate = 0
		answers.check(t, store)
	})
}

type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	rate   float64
}

func (f *faults) roll() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.random.Float64() < f.rate {
		return events.Errorf(events.CodeUnavailable, "a fault of the test")
	}
	return nil
}

func (f *faults) before(string, events.Stream) error { return f.roll() }
func (f *faults) after(events.Commit) error          { return f.roll() }

type answers struct {
	mu   sync.Mutex
	by   map[string]aggregate.Result
	errs []string
}

func newAnswers() *answers { return &answers{by: map[string]aggregate.Result{}} }

func (a *answers) note(id string, r aggregate.Result, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil:
		if code := events.CodeOf(err); code != events.CodeUnavailable && code != "counter-started" && code != "counter-not-started" {
			a.errs = append(a.errs, err.Error())
		}
	default:
		r.Replayed = false
		if before, ok := a.by[id]; ok && !reflect.DeepEqual(before, r) {
			a.errs = append(a.errs, fmt.Sprintf("%s was answered %+v and %+v", id, before, r))
		}
		a.by[id] = r
	}
}

func (a *answers) check(t *rapid.T, store events.Store) {
	for _, e := range a.errs {
		t.Error(e)
	}
	commits, err := store.Load(t.Context(), "counter/1", 0)
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]int64{}
	version := int64(0)
	for i, c := range commits {
		if c.Number != int64(i+1) || c.Version != version+int64(len(c.Events)) {
			t.Fatalf("commit %d: number %d, version %d after %d", i+1, c.Number, c.Version, version)
		}
		version = c.Version
		for _, command := range c.Commands {
			if _, twice := stored[command.ID]; twice {
				t.Errorf("%s is in the stream twice", command.ID)
			}
			stored[command.ID] = command.Version
		}
	}
	for id, r := range a.by {
		if stored[id] != r.Version {
			t.Errorf("%s was answered version %d, the stream has it at %d", id, r.Version, stored[id])
		}
	}
}
