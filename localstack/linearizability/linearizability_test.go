package linearizability

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"daybook/internal/testdomain"
	"daybook/localstack/stack"
	"daybook/localstack/stack/stacktest"
)

var histories = flag.Int("histories", 1, "how many histories each test makes and checks")

const (
	clients  = 4
	requests = 15 // of each client
	// checking bounds the search for an order. Histories of this size take milliseconds.
	checking = time.Minute
	// lasting bounds the making of one history.
	lasting = time.Minute
)

// makeHistory lets clients send requests about one member, and returns when all are
// answered.
func makeHistory(t *testing.T, member string, seed uint64, urls func() []string) *recorder {
	t.Helper()
	return record(t, member, []string{member}, seed, urls, chooseForOne)
}

// record lets clients send the requests that choose chooses, and then asks for the
// streams of the members. Seeds choose the requests; their times are the machine's.
func record(t *testing.T, name string, members []string, seed uint64, urls func() []string, choose func(*client, bool) input) *recorder {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lasting)
	defer cancel()
	r := newRecorder(t, name)
	var all sync.WaitGroup
	for n := range clients {
		c := &client{recorder: r, number: n, random: rand.New(rand.NewPCG(seed, uint64(n))), urls: urls, choose: choose}
		all.Go(func() { c.run(ctx, requests) })
	}
	all.Wait()
	if ctx.Err() != nil {
		t.Errorf("seed %d: the requests were not answered within %v", seed, lasting)
	}
	// What was acknowledged is in the streams at the end.
	last := &client{recorder: r, number: clients, random: rand.New(rand.NewPCG(seed, clients)), urls: urls}
	for _, member := range members {
		in, call := input{kind: history, member: member, expected: -1}, r.now()
		if out, _ := last.send(t.Context(), in); out.unknown {
			t.Errorf("seed %d: the stream of %s can't be read", seed, member)
		} else {
			r.record(clients, in, call, out, r.now())
		}
	}
	return r
}

// check fails the test if a history is not linearizable.
func check(t *testing.T, seed uint64, r *recorder, m porcupine.Model) {
	t.Helper()
	for _, err := range r.faults {
		t.Errorf("seed %d: %v", seed, err)
	}
	if len(r.operations) < clients*requests/2 {
		t.Errorf("seed %d: %d requests were answered, which is too few to say something", seed, len(r.operations))
	}
	if result := porcupine.CheckOperationsTimeout(m, r.operations, checking); result != porcupine.Ok {
		t.Errorf("seed %d: the history is not linearizable: %s\n%s", seed, result, describe(r.operations))
	}
}

func start(t *testing.T, o stack.Options) *stack.Stack {
	t.Helper()
	return stacktest.Start(t, testdomain.App(), o)
}

// startTwo starts two stacks on one database, which is the first one's.
func startTwo(t *testing.T, o stack.Options) []string {
	t.Helper()
	o.DynamoDBAddr = "127.0.0.1:0"
	first := start(t, o)
	second := start(t, stack.Options{Endpoint: first.DynamoDBURL()})
	return []string{first.URL(), second.URL()}
}

// TestLinearizable: concurrent commands on one stream, its history and its row in
// queries look as if one request was handled after the other. So do commands on several
// streams that take and release the same values.
func TestLinearizable(t *testing.T) {
	t.Parallel()
	for _, instances := range []int{1, 2} {
		for _, hostile := range []bool{false, true} {
			t.Run(fmt.Sprintf("instances=%d,hostile=%t", instances, hostile), func(t *testing.T) {
				t.Parallel()
				o := stack.Options{}
				if hostile {
					o.Hostile = stack.Hostile(uint64(instances))
				}
				var urls []string
				if instances == 2 {
					urls = startTwo(t, o)
				} else {
					urls = []string{start(t, o).URL()}
				}
				at := func() []string { return urls }
				t.Run("stream", func(t *testing.T) {
					t.Parallel()
					for n := range *histories {
						seed := uint64(n + 1)
						check(t, seed, makeHistory(t, fmt.Sprintf("m%d", n), seed, at), model())
					}
				})
				t.Run("claims", func(t *testing.T) {
					t.Parallel()
					for n := range *histories {
						seed := uint64(n + 1)
						check(t, seed, makeClaims(t, fmt.Sprintf("c%d", n), seed, at), claimsModel())
					}
				})
			})
		}
	}
}
