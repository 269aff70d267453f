package aggregate_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
)

// world is a store with faults and processes that handle commands on it. A
// process may die at any step: another takes its place and knows nothing.
type world struct {
	t         *rapid.T
	faults    *faults
	store     *eventstest.Memory
	opts      *aggregate.Options
	processes []*aggregate.Handler
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, faults: &faults{random: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2)), rate: rapid.Float64Range(0, 0.4).Draw(t, "faults")}}
	w.store = &eventstest.Memory{Before: w.faults.before, After: w.faults.after}
	w.opts = &aggregate.Options{
		Attempts:      50,
		SnapshotBytes: rapid.SampledFrom([]int{-1, 1, 500, 4096}).Draw(t, "snapshot bytes"),
		CacheBytes:    rapid.SampledFrom([]int{-1, 3000, 1 << 20}).Draw(t, "cache bytes"),
	}
	for range rapid.IntRange(1, 3).Draw(t, "processes") {
		w.processes = append(w.processes, w.process())
	}
	return w
}

func (w *world) process() *aggregate.Handler {
	h, err := aggregate.NewHandler(w.store, []aggregate.Aggregate{members(), counter()}, w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// send sends a command, again and to any process, until it has an answer that
// is certain.
func (w *world) send(r *rand.Rand, c aggregate.Command) (aggregate.Result, error) {
	for {
		i := r.IntN(len(w.processes))
		h := w.processes[i]
		if r.IntN(8) == 0 {
			h = w.process() // one that has just started
		}
		var res aggregate.Result
		var err error
		if r.IntN(3) == 0 {
			o := h.HandleBatch(w.t.Context(), []aggregate.Command{cmd("earn", "noise", "", `{"by":1}`), c})[1]
			res, err = o.Result, o.Err
		} else {
			res, err = h.Handle(w.t.Context(), c)
		}
		if code := events.CodeOf(err); code != events.CodeUnavailable && code != events.CodeBusy {
			return res, err
		}
	}
}

// verify compares held values with the streams.
func (w *world) verify() {
	w.faults.mu.Lock()
	w.faults.rate = 0
	w.faults.mu.Unlock()
	_, err := events.VerifyClaims(w.t.Context(), w.store, 3, func(f events.ClaimFault) error {
		w.t.Errorf("%+v", f)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) commits(stream events.Stream) []events.Commit {
	cs, err := w.store.Load(w.t.Context(), stream, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return cs
}

var names = []string{"ann", "bob", "cat", "dan"}

// checkInBubble checks a property with a clock of its own: waits take no time.
func checkInBubble(t *testing.T, property func(t *rapid.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { rapid.Check(undated{t}, property) })
}

// undated is a test without a deadline, which is not on the bubble's clock.
type undated struct{ rapid.TB }

// One command after the other, whatever is lost and whichever process handles
// it, is answered as a map of values would answer.
func TestClaimsAreAMap(t *testing.T) {
	t.Parallel()
	checkInBubble(t, func(t *rapid.T) {
		w := newWorld(t)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 3))
		badges := map[string]string{} // by member
		for n := range rapid.IntRange(1, 60).Draw(t, "commands") {
			id, value := names[r.IntN(len(names))], fmt.Sprint("b", r.IntN(5))
			owner := ""
			for m, b := range badges {
				if b == value {
					owner = m
				}
			}
			taken := owner != "" && owner != id
			has, joined := badges[id]
			name := []string{"join", "join-once", "change-badge", "change-badge", "leave"}[r.IntN(5)]
			c, want := cmd(name, id, fmt.Sprint("c", n), `{"badge":%q}`, value), events.Code("")
			switch name {
			case "join", "join-once":
				if joined {
					want = "joined"
				} else if taken {
					want = events.CodeAlreadyTaken
				} else {
					badges[id] = value
				}
			case "change-badge":
				if !joined {
					want = "not-joined"
				} else if taken {
					want = events.CodeAlreadyTaken
				} else if value != has {
					badges[id] = value
				}
			case "leave":
				c.Payload = nil
				if !joined {
					want = "not-joined"
				}
				delete(badges, id)
			}
			if _, err := w.send(r, c); events.CodeOf(err) != want {
				t.Fatalf("%s of %s by %s: %v, want %q; badges %v", name, value, id, err, want, badges)
			}
		}
		w.verify()
		for id, value := range badges {
			h, err := w.store.Holders(t.Context(), []string{events.Claim{Name: "badge", Value: value}.Key("")})
			if err != nil || h[0].Stream != memberStream(id) {
				t.Errorf("%s is held by %+v, want %s (error %v)", value, h, id, err)
			}
		}
	})
}

// Commands side by side: at any time a value has one holder, and at the end the
// store and the streams agree.
func TestClaimsSideBySide(t *testing.T) {
	t.Parallel()
	checkInBubble(t, func(t *rapid.T) {
		w := newWorld(t)
		lanes := rapid.IntRange(2, 4).Draw(t, "lanes")
		commands := rapid.IntRange(1, 15).Draw(t, "commands")
		seed := rapid.Uint64().Draw(t, "order")
		var wg sync.WaitGroup
		for lane := range lanes {
			r := rand.New(rand.NewPCG(seed, uint64(lane)))
			wg.Go(func() {
				for n := range commands {
					id, value := names[r.IntN(len(names))], fmt.Sprint("b", r.IntN(4))
					name := []string{"join", "join-once", "change-badge", "leave", "swap-badges"}[r.IntN(5)]
					c := cmd(name, id, fmt.Sprint("c", lane, "-", n), `{"badge":%q}`, value)
					switch name {
					case "leave":
						c.Payload = nil
					case "swap-badges":
						c.Payload = fmt.Appendf(nil, `{"to":[%q],"each":0}`, names[r.IntN(len(names))])
					}
					if _, err := w.send(r, c); !expected(err, events.CodeAlreadyTaken, "joined", "not-joined") {
						t.Errorf("%s: %v", c.Name, err)
					}
				}
			})
		}
		wg.Wait()
		w.verify()
	})
}

func expected(err error, codes ...events.Code) bool {
	if err == nil {
		return true
	}
	for _, c := range codes {
		if events.CodeOf(err) == c {
			return true
		}
	}
	return false
}

// Coins that members give each other, side by side and repeated: none is lost or
// made, each command counts once, every answer to it is the same, and what is
// written to several streams is on all of them.
func TestSeveralStreamsExactlyOnce(t *testing.T) {
	t.Parallel()
	checkInBubble(t, func(t *rapid.T) {
		w := newWorld(t)
		for _, id := range names {
			if _, err := w.send(rand.New(rand.NewPCG(1, 1)), cmd("earn", id, "start-"+id, `{"by":10}`)); err != nil {
				t.Fatal(err)
			}
		}
		lanes := rapid.IntRange(1, 4).Draw(t, "lanes")
		commands := rapid.SliceOfN(rapid.IntRange(0, 30), 1, 40).Draw(t, "commands")
		seed := rapid.Uint64().Draw(t, "order")
		answers := newAnswers()
		var wg sync.WaitGroup
		for lane := range lanes {
			r := rand.New(rand.NewPCG(seed, uint64(lane)))
			wg.Go(func() {
				for i := lane; i < len(commands); i += lanes {
					c := gift(commands[i])
					res, err := w.send(r, c)
					res.Others = nil // a later version may come with a repeat
					if err == nil || events.CodeOf(err) != "too-few-coins" {
						answers.note(c.CommandID, res, err)
					}
				}
			})
		}
		wg.Wait()
		w.verify()
		for _, e := range answers.errs {
			t.Error(e)
		}
		w.checkCoins(answers)
	})
}

// gift is command n of the test: the same n is the same command.
func gift(n int) aggregate.Command {
	r := rand.New(rand.NewPCG(uint64(n), 9))
	order := r.Perm(len(names))
	name := []string{"give", "give-once"}[n%2]
	to := fmt.Sprintf("%q", names[order[1]])
	if r.IntN(2) == 0 {
		to += fmt.Sprintf(",%q", names[order[2]])
	}
	return cmd(name, names[order[0]], fmt.Sprint("gift-", n), `{"to":[%s],"each":%d}`, to, 1+r.IntN(4))
}

func (w *world) checkCoins(answers *answers) {
	var sum int64
	parts := map[string]int{} // of each command: the streams it is on
	version := map[string]int64{}
	for _, id := range names {
		before := int64(0)
		for _, c := range w.commits(memberStream(id)) {
			for _, command := range c.Commands {
				parts[command.ID]++
				if gifted := command.ID; len(gifted) > 5 && gifted[:5] == "gift-" {
					var n int
					if _, err := fmt.Sscanf(gifted, "gift-%d", &n); err == nil && gift(n).ID == id {
						version[gifted] = command.Version
					}
				}
			}
			for _, e := range c.Events {
				v, err := events.Decode[coins](e)
				if err != nil {
					w.t.Fatal(err)
				}
				if before += v.By; before < 0 {
					w.t.Errorf("%s has %d coins", id, before)
				}
				sum += v.By
			}
		}
	}
	if sum != int64(10*len(names)) {
		w.t.Errorf("%d coins are there", sum)
	}
	for id, r := range answers.by {
		var n int
		if _, err := fmt.Sscanf(id, "gift-%d", &n); err != nil {
			continue
		}
		c := gift(n)
		want := 2
		if got := string(c.Payload); len(got) > 0 && countOf(got, '"') == 8 {
			want = 3
		}
		if parts[id] != want || version[id] != r.Version {
			w.t.Errorf("%s is on %d streams, want %d; answered version %d, stored %d", id, parts[id], want, r.Version, version[id])
		}
	}
}

func countOf(s string, b byte) (n int) {
	for i := range len(s) {
		if s[i] == b {
			n++
		}
	}
	return n
}

// A stream that is only read is guarded: two members who may go into debt for as
// much as the other has never have less than nothing together.
func TestGuardedStreams(t *testing.T) {
	t.Parallel()
	checkInBubble(t, func(t *rapid.T) {
		w := newWorld(t)
		one := rand.New(rand.NewPCG(1, 1))
		for _, id := range names[:2] {
			if _, err := w.send(one, cmd("earn", id, "start-"+id, `{"by":5}`)); err != nil {
				t.Fatal(err)
			}
		}
		seed := rapid.Uint64().Draw(t, "order")
		var wg sync.WaitGroup
		for lane := range 4 {
			r := rand.New(rand.NewPCG(seed, uint64(lane)))
			wg.Go(func() {
				for n := range 6 {
					i := r.IntN(2)
					c := cmd("spend", names[i], fmt.Sprint("s", lane, n), `{"with":%q,"by":%d}`, names[1-i], 1+r.IntN(3))
					if _, err := w.send(r, c); !expected(err, "too-few-coins") {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		w.verify()
		var sum int64
		for _, id := range names[:2] {
			for _, c := range w.commits(memberStream(id)) {
				for _, e := range c.Events {
					v, _ := events.Decode[coins](e)
					sum += v.By
				}
			}
		}
		if sum < 0 {
			t.Errorf("together they have %d coins", sum)
		}
	})
}

// A once-only command counts once however long ago it was, and whichever
// stream it comes for again.
func TestOnceOnlyExactlyOnce(t *testing.T) {
	t.Parallel()
	checkInBubble(t, func(t *rapid.T) {
		w := newWorld(t)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 5))
		want := map[string]int64{}
		first := map[string]string{} // by command id: where it was accepted
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			id := names[r.IntN(2)]
			if r.IntN(5) == 0 { // enough others for the stream to forget
				batch := make([]aggregate.Command, 150)
				for i := range batch {
					batch[i] = cmd("earn", id, "", `{"by":0}`)
				}
				w.processes[0].HandleBatch(t.Context(), batch)
			}
			n := r.IntN(6)
			commandID := fmt.Sprint("once-", n)
			res, err := w.send(r, cmd("earn-once", id, commandID, `{"by":%d}`, n))
			at, spent := first[commandID]
			switch {
			case n == 0: // nothing to do, so nothing is remembered
				if err != nil {
					t.Errorf("a no-op: %v", err)
				}
			case !spent:
				first[commandID] = id
				want[id] += int64(n)
				if err != nil {
					t.Errorf("the first: %v", err)
				}
			case at != id:
				if events.CodeOf(err) != events.CodeKeyReused {
					t.Errorf("on another stream: %+v %v", res, err)
				}
			case err != nil || !res.Replayed:
				t.Errorf("a repeat: %+v %v", res, err)
			}
		}
		w.verify()
		for _, id := range names[:2] {
			var sum int64
			for _, c := range w.commits(memberStream(id)) {
				for _, e := range c.Events {
					v, _ := events.Decode[coins](e)
					sum += v.By
				}
			}
			if sum != want[id] {
				t.Errorf("%s has %d coins, want %d", id, sum, want[id])
			}
		}
	})
}
