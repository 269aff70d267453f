package linearizability

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"daybook/localstack/stack"
)

// TestTwoStacksRaceOnOneStream: two stacks on one database, each of which has the
// stream in its memory, lose no command of the other. One stack alone never reaches
// the condition of the put, since its commands of one stream wait for one another.
func TestTwoStacksRaceOnOneStream(t *testing.T) {
	t.Parallel()
	urls := startTwo(t, stack.Options{})
	r := newRecorder(t, "contended")
	through := func(n int) *client {
		return &client{recorder: r, number: n, random: rand.New(rand.NewPCG(1, uint64(n))), urls: func() []string { return urls[n : n+1] }}
	}
	send := func(c *client, in input, want int64) {
		t.Helper()
		if out, _ := c.send(t.Context(), in); out.unknown || out.code != "" || want > 0 && out.version != want {
			t.Errorf("%+v: %+v, want version %d", in, out, want)
		}
	}
	first, second := through(0), through(1)

	// One after the other: each stack is behind when its turn comes.
	send(first, input{kind: create, member: r.name, id: "begin", name: "n", email: "begin@example.com", expected: -1}, 1)
	const turns = 5
	for n := range int64(turns) {
		send(second, input{kind: rename, member: r.name, id: fmt.Sprintf("second-%d", n), name: fmt.Sprintf("s%d", n), expected: -1}, 2*n+2)
		send(first, input{kind: rename, member: r.name, id: fmt.Sprintf("first-%d", n), name: fmt.Sprintf("f%d", n), expected: -1}, 2*n+3)
	}

	// Side by side.
	const renames = 20
	var all sync.WaitGroup
	for n, c := range []*client{first, second} {
		all.Go(func() {
			for i := range renames {
				send(c, input{kind: rename, member: r.name, id: fmt.Sprintf("race-%d-%d", n, i), name: fmt.Sprintf("r%d-%d", n, i), expected: -1}, 0)
			}
		})
	}
	all.Wait()

	out, _ := first.send(t.Context(), input{kind: history, member: r.name})
	times := map[string]int{}
	for _, e := range out.events {
		times[e.command]++
	}
	want := 1 + 2*turns + 2*renames
	if len(out.events) != want || len(times) != want {
		t.Errorf("the stream has %d events of %d commands; %d commands were acknowledged", len(out.events), len(times), want)
	}
}
