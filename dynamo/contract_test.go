package dynamo

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/internal/testdomain"
)

// commandCosts is a command path over a metered store: the handlers share a store as
// instances of a function do.
type commandCosts struct {
	t     *testing.T
	store *EventStore
}

func newCommandCosts(t *testing.T) *commandCosts {
	store, _ := newStore(t)
	return &commandCosts{t, store}
}

func (c *commandCosts) handler() *aggregate.Handler {
	c.t.Helper()
	h, err := aggregate.NewHandler(c.store, testdomain.Aggregates(), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return h
}

// of handles a command and returns what it cost.
func (c *commandCosts) of(h *aggregate.Handler, command aggregate.Command) (Usage, aggregate.Result) {
	c.t.Helper()
	ctx, meter := WithMeter(c.t.Context())
	r, err := h.Handle(ctx, command)
	if err != nil {
		c.t.Fatalf("%s: %v", command.Name, err)
	}
	return meter.Usage(), r
}

func (c *commandCosts) want(what string, got, most Usage) {
	c.t.Helper()
	if got.WriteUnits > most.WriteUnits || got.ReadUnits > most.ReadUnits || got.Requests > most.Requests || got.Requests == 0 && most.Requests > 0 {
		c.t.Errorf("%s: cost %+v, at most %+v", what, got, most)
	}
}

func createMember(id string) aggregate.Command {
	return aggregate.Command{
		Name: "create-member", ID: id, CommandID: "0b5c7b2e-7c4e-4a55-9a43-1f4e5d0c7a01-create-" + id, Actor: "arn:aws:iam::123456789012:user/ann",
		Payload: fmt.Appendf(nil, `{"name":"Sao Bernardo Do Campo","email":"06b8999e2fba1a1fbc88172c%08s@example.com"}`, id),
	}
}

func renameMember(id string, n int) aggregate.Command {
	return aggregate.Command{
		Name: "rename-member", ID: id, CommandID: fmt.Sprintf("0b5c7b2e-7c4e-4a55-9a43-%012d", n), Actor: "arn:aws:iam::123456789012:user/ann",
		Payload: fmt.Appendf(nil, `{"name":"Name nr %d"}`, n),
	}
}

// The cost contract of the design: a promise to users.
func TestCostContract(t *testing.T) {
	t.Parallel()
	c := newCommandCosts(t)
	warm := c.handler()
	create, _ := c.of(warm, aggregate.Command{Name: "add-course", Payload: []byte(`{"name":"Chess","area":"home","fee":1990,"currency":"EUR","seats":5}`)})
	c.want("a create whose id is generated", create, Usage{Requests: 1, WriteUnits: 1})
	claiming, _ := c.of(warm, aggregate.Command{Name: "create-member", Payload: createMember("").Payload})
	c.want("a create whose id is generated, with one claim", claiming, Usage{Requests: 1, WriteUnits: 4})
	course := aggregate.Command{Name: "add-course", ID: "1", CommandID: "add-1", Payload: []byte(`{"name":"Chess","area":"home","fee":1990,"currency":"EUR","seats":5}`)}
	given, _ := c.of(warm, course)
	c.want("a create with a given id", given, Usage{Requests: 1, WriteUnits: 1})
	// The refused put brings the commit; it is billed and not reported.
	again, r := c.of(c.handler(), course)
	if c.want("its repeat on a cold stream", again, Usage{Requests: 1}); !r.Replayed {
		t.Error("the repeated create was not recognised")
	}
	given, _ = c.of(warm, createMember("7"))
	c.want("a create with a given id and one claim", given, Usage{Requests: 1, WriteUnits: 4})
	for n := range 19 {
		got, _ := c.of(warm, renameMember("7", n))
		most := Usage{Requests: 1, WriteUnits: 1}
		c.want("a warm command", got, most)
	}

	h, err := aggregate.NewHandler(c.store, testdomain.Aggregates(), &aggregate.Options{Tenants: true})
	if err != nil {
		t.Fatal(err)
	}
	first := course
	first.Tenant = strings.Repeat("a", events.MaxTenantLength)
	given, _ = c.of(h, first)
	c.want("a tenant's create with a given id", given, Usage{Requests: 1, WriteUnits: 1})
	member := createMember("7")
	member.Tenant = "acme"
	given, _ = c.of(h, member)
	c.want("a tenant's create with a given id and one claim", given, Usage{Requests: 1, WriteUnits: 4})
	for n := range 3 {
		renamed := renameMember("7", n)
		renamed.Tenant = "acme"
		got, _ := c.of(h, renamed)
		c.want("a tenant's warm command", got, Usage{Requests: 1, WriteUnits: 1})
	}

	traced, _ := c.of(warm, aggregate.Command{
		Name: "add-course", Payload: []byte(`{"name":"Chess","area":"home","fee":1990,"currency":"EUR","seats":5}`),
		Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	})
	c.want("a create with a trace context", traced, Usage{Requests: 1, WriteUnits: 1})

	cold, r := c.of(c.handler(), renameMember("7", 100))
	if r.Version != 21 {
		t.Fatalf("the cold command made version %d", r.Version)
	}
	c.want("a cold command on a stream of 20 commits", cold, Usage{Requests: 2, ReadUnits: 2, WriteUnits: 1})

	behind, r := c.of(warm, renameMember("7", 101))
	if r.Version != 22 {
		t.Fatalf("the command that was behind made version %d", r.Version)
	}
	// DynamoDB bills the refused put and does not report it: one unit more.
	c.want("a command one commit behind", behind, Usage{Requests: 2, WriteUnits: 1})

	repeat, r := c.of(warm, renameMember("7", 5))
	if !r.Replayed {
		t.Fatal("the repeat was not recognised")
	}
	c.want("a repeat on a warm stream", repeat, Usage{})
	repeat, _ = c.of(c.handler(), renameMember("7", 5))
	c.want("a repeat on a cold stream", repeat, Usage{Requests: 1, ReadUnits: 2})
}

func TestTenSmallEventsCostOneWriteUnit(t *testing.T) {
	t.Parallel()
	c := newCommandCosts(t)
	h := c.handler()
	c.of(h, createMember("7"))
	var batch []aggregate.Command
	for n := range 10 {
		batch = append(batch, aggregate.Command{Name: "rename-member", ID: "7", CommandID: fmt.Sprint("c-", n), Payload: fmt.Appendf(nil, `{"name":"Name number %d"}`, n)})
	}
	ctx, meter := WithMeter(t.Context())
	for _, o := range h.HandleBatch(ctx, batch) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	c.want("ten small events in one commit", meter.Usage(), Usage{Requests: 1, WriteUnits: 1})
}

// long is the length of the long stream in commits.
const long = 10_000 / slowdown

// Snapshots keep the cost of a load where it is, however long the stream grows:
// of one with a few dozen commands a day, and of one that is never quiet, where
// the snapshot that ends a block of commits may add a read unit.
func TestLoadCostDoesNotGrowWithTheStream(t *testing.T) {
	t.Parallel()
	t.Run("ordinary", func(t *testing.T) {
		t.Parallel()
		loadCosts(t, long, 15*time.Minute, 0)
	})
	t.Run("busy", func(t *testing.T) {
		t.Parallel()
		loadCosts(t, long/5, time.Millisecond, 1)
	})
}

func loadCosts(t *testing.T, long int, step time.Duration, more float64) {
	c := newCommandCosts(t)
	at := now
	h, err := aggregate.NewHandler(c.store, testdomain.Aggregates(), &aggregate.Options{Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	c.of(h, createMember("7"))
	var written Usage
	dearest := map[int]Usage{} // by length of the stream
	for n := range long {
		at = at.Add(step)
		got, _ := c.of(h, renameMember("7", n))
		written.WriteUnits += got.WriteUnits
		for _, length := range []int{100, long} {
			if n >= length-60 && n < length {
				dearest[length] = larger(dearest[length], c.load("member/7"))
			}
		}
	}
	t.Logf("a load cost up to %+v at 100 commits, up to %+v at %d", dearest[100], dearest[long], long)
	if dearest[100].ReadUnits == 0 || dearest[long].ReadUnits > dearest[100].ReadUnits+more || dearest[long].Requests > dearest[100].Requests {
		t.Error("a load of the long stream costs more")
	}
	if dearest[long].ReadUnits > 3 || dearest[long].Requests > 1 {
		t.Errorf("a load cost up to %+v", dearest[long])
	}
	// A snapshot rides along every 4 KB and commandCosts what it adds.
	if mean := written.WriteUnits / float64(long); mean > 1.25 {
		t.Errorf("a command cost %.2f write units in the mean, snapshots included", mean)
	}
}

func (c *commandCosts) load(stream events.Stream) Usage {
	c.t.Helper()
	ctx, meter := WithMeter(context.WithoutCancel(c.t.Context()))
	if _, err := c.store.Load(ctx, stream, 1); err != nil {
		c.t.Fatal(err)
	}
	return meter.Usage()
}

func larger(a, b Usage) Usage {
	return Usage{Requests: max(a.Requests, b.Requests), ReadUnits: max(a.ReadUnits, b.ReadUnits), WriteUnits: max(a.WriteUnits, b.WriteUnits)}
}
