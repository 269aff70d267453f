package functions_test

import (
	"encoding/json/jsontext"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestConcurrentInvocations: one process serves 64 invocations at once, as Lambda
// Managed Instances have it: commands on streams of their own and on one that all
// want, queries, and batches of the change stream. The race detector sees what the
// invocations share.
func TestConcurrentInvocations(t *testing.T) {
	t.Parallel()
	const invocations, rounds = 64, 2
	r := newRig(t)
	call(t, r.command, "POST", "/commands/add-course", "", `{"id":"hot","payload":{"name":"P","area":"c","fee":1,"currency":"EUR","seats":1}}`)
	var wg sync.WaitGroup
	for i := range invocations {
		wg.Go(func() {
			for round := range rounds {
				id := fmt.Sprintf("%d-%d", i, round)
				create := fmt.Sprintf(`{"id":%q,"payload":{"name":"Ada","email":"ada%s@example.com"}}`, id, id)
				if a := call(t, r.command, "POST", "/commands/create-member", "", create); a.StatusCode != 201 {
					t.Errorf("create %s: %+v", id, a)
				}
				retried(t, func() answer {
					return callWith(t, r.command, "POST", "/commands/extend-course", "", `{"id":"hot","payload":{"quantity":1}}`, map[string]string{"idempotency-key": id})
				})
				batch := `{"Records":[` + keys("member/"+id, 1, "100") + "," + keys("course/hot", 1, "101") + `]}`
				if out, err := r.projector.Invoke(t.Context(), []byte(batch)); err != nil || string(out) != `{"batchItemFailures":[]}` {
					t.Errorf("project %s: %s, %v", id, out, err)
				}
				if a := call(t, r.query, "GET", "/members/"+id, "after=member/"+id+"@1", ""); a.StatusCode != 200 {
					t.Errorf("query %s: %+v", id, a)
				}
			}
		})
	}
	wg.Wait()
	last := fmt.Sprintf("course/hot@%d", 1+invocations*rounds)
	if a := call(t, r.query, "GET", "/courses/hot", "after="+last, ""); !strings.Contains(a.Body, fmt.Sprintf(`"seats":%d,`, 1+invocations*rounds)) {
		t.Errorf("each restock counts once: %+v", a)
	}
	for _, written := range []string{r.log.String(), r.metrics.String()} {
		for line := range strings.Lines(written) {
			if v := jsontext.Value(line); !v.IsValid() {
				t.Fatalf("a torn line: %q", line)
			}
		}
	}
}

// retried repeats a command while it is answered "busy", as Retry-After asks: 64
// writers of one stream are more than one command's attempts.
func retried(t *testing.T, send func() answer) {
	t.Helper()
	for range 100 {
		switch a := send(); a.StatusCode {
		case 503:
			continue
		case 200:
			return
		default:
			t.Errorf("got %+v", a)
			return
		}
	}
	t.Error("busy a hundred times")
}
