package aggregate_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"daybook/aggregate"
	"daybook/events"
)

// Batches side by side, with repeats within and between them, on several streams
// and over several at once, whatever is lost and whichever process dies: each
// command counts once, every answer to it is the same, and commands of a batch on
// one stream take effect in its order.
func TestBatchesExactlyOnce(t *testing.T) {
	t.Parallel()
	checkInBubble(t, func(t *rapid.T) {
		w := newWorld(t)
		for _, id := range names {
			if _, err := w.send(rand.New(rand.NewPCG(1, 1)), cmd("earn", id, "start-"+id, `{"by":1000}`)); err != nil {
				t.Fatal(err)
			}
		}
		lanes := rapid.IntRange(1, 3).Draw(t, "lanes")
		seed := rapid.Uint64().Draw(t, "order")
		answers := newAnswers()
		var wg sync.WaitGroup
		for lane := range lanes {
			r := rand.New(rand.NewPCG(seed, uint64(lane)))
			wg.Go(func() {
				for range 1 + r.IntN(4) {
					batch := make([]aggregate.Command, 1+r.IntN(40))
					for i := range batch {
						batch[i] = batched(r.IntN(60)) // lanes send the same ones
					}
					w.sendBatch(r, batch, answers)
				}
			})
		}
		wg.Wait()
		w.verify()
		for _, e := range answers.errs {
			t.Error(e)
		}
		w.checkBatched(answers)
	})
}

// batched is command n of the test: the same n is the same command. It earns n+1
// coins, or gives one to the next member.
func batched(n int) aggregate.Command {
	id := fmt.Sprint("batched-", n)
	switch member := names[n%len(names)]; n % 5 {
	case 0:
		return cmd("give", member, id, `{"to":[%q],"each":1}`, names[(n+1)%len(names)])
	case 1:
		return cmd("earn-once", member, id, `{"by":%d}`, n+1)
	default:
		return cmd("earn", member, id, `{"by":%d}`, n+1)
	}
}

// sendBatch sends a batch, again and to any process, until every command of it has
// an answer that is certain.
func (w *world) sendBatch(r *rand.Rand, batch []aggregate.Command, answers *answers) {
	for len(batch) > 0 {
		h := w.processes[r.IntN(len(w.processes))]
		if r.IntN(4) == 0 {
			h = w.process() // one that has just started
		}
		var again []aggregate.Command
		before, failed := map[events.Stream]int64{}, false
		for i, o := range h.HandleBatch(w.t.Context(), batch) {
			if code := events.CodeOf(o.Err); code == events.CodeUnavailable || code == events.CodeBusy {
				again, failed = append(again, batch[i]), true
				continue
			}
			o.Result.Others = nil // a later version may come with a repeat
			answers.note(batch[i].CommandID, o.Result, o.Err)
			if o.Err == nil && !o.Result.Replayed && !failed {
				if o.Result.Version <= before[o.Result.Stream] {
					w.t.Errorf("%s came to version %d, and one before it in the batch to %d", batch[i].CommandID, o.Result.Version, before[o.Result.Stream])
				}
				before[o.Result.Stream] = o.Result.Version
			}
		}
		batch = again
	}
}

// checkBatched compares the answers with what the streams hold.
func (w *world) checkBatched(answers *answers) {
	version, has, want := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for i, id := range names {
		want[id] += 1000
		for _, c := range w.commits(memberStream(id)) {
			for _, e := range c.Events {
				v, err := events.Decode[coins](e)
				if err != nil {
					w.t.Fatal(err)
				}
				has[id] += v.By
			}
			for _, command := range c.Commands {
				var n int
				if _, err := fmt.Sscanf(command.ID, "batched-%d", &n); err != nil || batched(n).ID != id {
					continue // the first coins, or what another gave
				}
				if version[command.ID] != 0 {
					w.t.Errorf("%s is in the stream twice", command.ID)
				}
				version[command.ID] = command.Version
				if batched(n).Name == "give" {
					want[id]--
					want[names[(i+1)%len(names)]]++
				} else {
					want[id] += int64(n + 1)
				}
			}
		}
	}
	for _, id := range names {
		if has[id] != want[id] {
			w.t.Errorf("%s has %d coins, want %d", id, has[id], want[id])
		}
	}
	for id, r := range answers.by {
		if version[id] != r.Version || r.Version == 0 {
			w.t.Errorf("%s was answered version %d, the stream has it at %d", id, r.Version, version[id])
		}
	}
	if len(version) != len(answers.by) {
		w.t.Errorf("%d commands are in the streams, %d were answered", len(version), len(answers.by))
	}
}
