package fulfilment_test

import (
	"context"
	"encoding/csv"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/domain/fulfilment"
	"daybook/domain/order"
	"daybook/domain/product"
	"daybook/domain/user"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/process"
	"daybook/process/processtest"
)

// TestStockIsNeverLost places orders, cancels and completes some, and has
// the process manager handle their events in a hostile world: records come
// late, twice and in any order, to four instances at once; instances die at a
// random moment, before or after a call to the outside took effect, or take it
// for dead and it takes effect much later; the batch comes again to a new one;
// timers fire, some twice; goods come in, so that what was refused is accepted a
// moment later. In the end no unit of stock is lost, none was ever promised
// twice, and every order has its end.
//
// The baskets are those of a real shop where DAYBOOK_CATALOGUE names the folder
// of its orders.csv, and else are made up.
func TestStockIsNeverLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7)
	baskets, orders := loadBaskets(t)
	w.stockUp(baskets, orders)
	for i := range orders {
		w.now.Add(int64(time.Second))
		id := fmt.Sprintf("o%05d", i)
		w.command("place-order", id, order.Place{Customer: "ann", Currency: "BRL", Lines: baskets[i%len(baskets)]})
		w.disturb(i, baskets)
		if i%5 == 0 {
			w.deliver(20)
			w.fire()
			w.wake(false)
		}
		if i%500 == 499 { // a while in which everything dies at once
			w.outage = true
			w.deliver(20)
			w.now.Add(int64(2 * fulfilment.Patience))
			w.fire()
			w.outage = false
		}
	}
	for range 10_000 { // until nothing is left to be delivered or to fire
		w.now.Add(int64(20 * time.Second))
		w.fire()
		w.wake(true)
		if w.settle(); len(w.timers) == 0 {
			break
		}
	}
	w.check(orders)
}

// world is a shop with all that can go wrong around it.
type world struct {
	t       *testing.T
	random  *rand.Rand // of the test's goroutine only
	now     atomic.Int64
	store   *tap
	ledger  *processtest.Memory
	codec   *events.Codec
	clean   *aggregate.Handler // of a client, which nothing happens to
	stock   map[string]int64   // that came in
	kills   atomic.Int64
	handled atomic.Int64
	outage  bool // instances die at once
	slow    bool // instances hang with their first command

	mu     sync.Mutex
	timers map[string]process.Timer
	queue  []follow.Delivery // what the stream has yet to deliver
	late   []func()          // calls that hang
}

// tap is a store that tells what was stored.
type tap struct {
	events.Store
	stored func(...events.Commit)
}

func (s *tap) Append(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
	c, err := s.Store.Append(ctx, at, c)
	if err == nil {
		s.stored(c)
	}
	return c, err
}

func (s *tap) AppendAll(ctx context.Context, as []events.Append) ([]events.Commit, error) {
	cs, err := s.Store.AppendAll(ctx, as)
	if err == nil {
		s.stored(cs...)
	}
	return cs, err
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{
		t: t, random: rand.New(rand.NewPCG(seed, seed)), ledger: &processtest.Memory{},
		stock: map[string]int64{}, timers: map[string]process.Timer{},
	}
	w.now.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	w.store = &tap{&eventstest.Memory{}, func(cs ...events.Commit) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, c := range cs {
			w.queue = append(w.queue, follow.Delivery{Stream: c.Stream, Number: c.Number, Commit: &c, Sequence: strconv.Itoa(len(w.queue))})
		}
	}}
	var err error
	if w.codec, err = aggregate.Codec(aggregates()); err != nil {
		t.Fatal(err)
	}
	w.clean = w.handler(w.store, "client")
	w.command("create-user", "ann", user.Create{Name: "Ann", Email: "ann@example.com"})
	return w
}

func aggregates() []aggregate.Aggregate {
	return []aggregate.Aggregate{user.User, product.Product, order.Order}
}

func (w *world) time() time.Time { return time.Unix(0, w.now.Load()).UTC() }

// handler returns a handler without a memory of what others of its kind did.
func (w *world) handler(store events.Store, name string) *aggregate.Handler {
	var n atomic.Int64
	h, err := aggregate.NewHandler(store, aggregates(), &aggregate.Options{
		Now: w.time, NewID: func() string { return fmt.Sprintf("%s-%d", name, n.Add(1)) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// command sends a client's command, which must be accepted or rejected.
func (w *world) command(name, id string, payload any) (accepted bool) {
	w.t.Helper()
	data, err := json.Marshal(payload)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.clean.Handle(w.t.Context(), aggregate.Command{Name: name, ID: id, Payload: data})
	if e, ok := errorOf(err); err != nil && !(ok && e.Rejected) {
		w.t.Fatalf("%s %s: %v", name, id, err)
	}
	return err == nil
}

// stockUp adds the products of the baskets, so few units of each that some of
// what is ordered is short.
func (w *world) stockUp(baskets [][]order.Line, orders int) {
	ordered := map[string]int64{}
	for i := range orders {
		for _, l := range baskets[i%len(baskets)] {
			ordered[l.Product] += l.Quantity
		}
	}
	for _, id := range slices.Sorted(maps.Keys(ordered)) {
		w.stock[id] = ordered[id] * 3 / 4
		w.command("add-product", id, product.Add{Name: "P", Category: "c", Price: 1, Currency: "BRL", Stock: w.stock[id]})
	}
}

// restock adds a unit to each product that a customer asked for.
func (w *world) restock(asked []order.Line) {
	for _, l := range asked {
		w.command("restock-product", l.Product, product.Restock{Quantity: 1})
		w.stock[l.Product]++
	}
}

// disturb cancels, completes or rejects an earlier order now and then.
func (w *world) disturb(i int, baskets [][]order.Line) {
	id := fmt.Sprintf("o%05d", max(0, i-w.random.IntN(200)))
	switch w.random.IntN(10) {
	case 0:
		w.command("cancel-order", id, order.Cancel{Reason: "mind changed"})
	case 1:
		w.command("complete-order", id, order.Complete{})
	case 3:
		w.restock(baskets[max(0, i-w.random.IntN(100))%len(baskets)])
	case 2:
		w.command("reject-order", id, order.Reject{Reason: "the customer is unknown"})
	}
}

// deliver hands out batches to four instances at once, and reports whether there
// was anything to hand out.
func (w *world) deliver(most int) bool {
	var batches [4][]follow.Delivery
	w.mu.Lock()
	from := len(w.queue)
	for b := range batches {
		for range w.random.IntN(most) {
			if len(w.queue) == 0 {
				break
			}
			i := w.random.IntN(min(len(w.queue), 3*most)) // reordered
			if w.random.IntN(100) == 0 {
				i = w.random.IntN(len(w.queue))
			}
			batches[b] = append(batches[b], w.queue[i])
			if w.random.IntN(10) > 0 { // or it comes again
				w.queue = slices.Delete(w.queue, i, i+1)
			}
		}
	}
	seeds := [len(batches)]uint64{w.random.Uint64(), w.random.Uint64(), w.random.Uint64(), w.random.Uint64()}
	w.mu.Unlock()
	var wg sync.WaitGroup
	for b, batch := range batches {
		wg.Go(func() { w.instance(batch, rand.New(rand.NewPCG(seeds[b], 0))) })
	}
	wg.Wait()
	return from > 0
}

// settle delivers until there is nothing left to deliver.
func (w *world) settle() {
	for range 10_000 {
		if !w.deliver(200) {
			return
		}
	}
	w.t.Fatal("there is always something left to deliver")
}

// instance handles a batch, as one that was just started; what it did not get
// done comes again.
func (w *world) instance(batch []follow.Delivery, random *rand.Rand) {
	if len(batch) == 0 {
		return
	}
	life := &life{}
	switch {
	case w.slow:
		life.left.Store(1) // the timer is set
	case w.outage:
		life.left.Store(int64(random.IntN(4)))
	case random.IntN(3) > 0:
		life.left.Store(int64(random.IntN(12 * len(batch))))
	default:
		life.left.Store(1 << 40)
	}
	if life.end = ending(random.IntN(3)); w.slow {
		life.end = belated
	}
	life.hang = w.hang
	name := fmt.Sprintf("i%x", random.Uint64())
	runner, err := process.NewRunner(mortal{w.store, life}, w.codec, mortalLedger{w.ledger, life}, []process.Reactor{fulfilment.Fulfilment},
		process.Effects{Commands: mortalCommands{commands{w.handler(mortal{w.store, life}, name)}, life, commands{w.clean}}, Timers: timers{w, life}},
		&process.Options{Now: w.time, Attempts: 1 << 30})
	if err != nil {
		w.t.Error(err)
		return
	}
	report := runner.Handle(w.t.Context(), batch)
	for _, f := range report.Faults {
		w.t.Errorf("parked: %+v", f)
	}
	w.handled.Add(int64(report.Handled))
	again := batch[len(batch)-len(report.Retry):]
	if life.dead() {
		w.kills.Add(1)
		again = batch
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(slices.Clone(again), w.queue...)
}

// fire sends the commands of timers that are due, some of them twice.
func (w *world) fire() {
	w.mu.Lock()
	var due []process.Timer
	for name, timer := range w.timers {
		if !timer.At.After(w.time()) {
			due = append(due, timer)
			if w.random.IntN(10) > 0 {
				delete(w.timers, name)
			}
		}
	}
	w.mu.Unlock()
	for _, timer := range due {
		if err := (commands{w.clean}).Handle(w.t.Context(), timer.Command); err != nil {
			if e, ok := errorOf(err); !ok || !e.Rejected {
				w.t.Errorf("timer: %v", err)
			}
		}
	}
}

// hang has a call take effect later.
func (w *world) hang(call func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.late = append(w.late, call)
}

// wake lets calls take effect that have hung, the most of them.
func (w *world) wake(all bool) {
	w.mu.Lock()
	var now []func()
	w.late = slices.DeleteFunc(w.late, func(call func()) bool {
		if all || w.random.IntN(40) == 0 {
			now = append(now, call)
			return true
		}
		return false
	})
	w.mu.Unlock()
	for _, call := range now {
		call()
	}
}

// check adds up what the events say.
func (w *world) check(orders int) {
	open := map[string]map[string]int64{} // by order and product
	for id, units := range w.stock {
		var came, left int64
		for _, e := range w.history("product", id) {
			switch e.Name {
			case "product-added":
				came = decodeAs[product.Added](w.t, e.Data).Stock
				left = came
			case "product-restocked":
				q := decodeAs[product.Restocked](w.t, e.Data).Quantity
				came, left = came+q, left+q
			case "product-stock-reserved":
				r := decodeAs[product.StockReserved](w.t, e.Data)
				left -= r.Quantity
				if open[r.Order] == nil {
					open[r.Order] = map[string]int64{}
				}
				if open[r.Order][id] != 0 {
					w.t.Errorf("order %s reserves product %s twice", r.Order, id)
				}
				open[r.Order][id] = r.Quantity
			case "product-stock-released":
				r := decodeAs[product.StockReleased](w.t, e.Data)
				left += r.Quantity
				if open[r.Order][id] != r.Quantity {
					w.t.Errorf("order %s releases %d of product %s and had %d", r.Order, r.Quantity, id, open[r.Order][id])
				}
				delete(open[r.Order], id)
			}
			if left < 0 {
				w.t.Fatalf("product %s has %d units", id, left)
			}
		}
		if came != units {
			w.t.Errorf("%d units of product %s came in, and %d were sent", came, id, units)
		}
	}
	ends, late := map[string]int{}, 0
	for i := range orders {
		id := fmt.Sprintf("o%05d", i)
		history := w.history("order", id)
		end := history[len(history)-1].Name
		ends[end]++
		if end == "order-rejected" && decodeAs[order.RejectedEvent](w.t, history[len(history)-1].Data).Reason == "not confirmed in time" {
			late++
		}
		want := map[string]int64{}
		if end == "order-confirmed" || end == "order-completed" {
			for _, l := range decodeAs[order.PlacedEvent](w.t, history[0].Data).Lines {
				want[l.Product] += l.Quantity
			}
		}
		if !maps.Equal(want, open[id]) {
			w.t.Errorf("order %s ended with %s and keeps %v, want %v", id, end, open[id], want)
		}
	}
	w.t.Logf("orders ended with %v, %d rejected by time; %d commits handled, %d instances died", ends, late, w.handled.Load(), w.kills.Load())
	for _, end := range []string{"order-confirmed", "order-rejected", "order-cancelled", "order-completed"} {
		if ends[end] < orders/100 {
			w.t.Errorf("only %d orders ended with %s", ends[end], end)
		}
	}
	if late == 0 {
		w.t.Error("no order was rejected by time")
	}
	if ends["order-placed"] > 0 || w.kills.Load() < int64(orders/100) {
		w.t.Errorf("%d orders have no end; %d instances died", ends["order-placed"], w.kills.Load())
	}
}

// left is how many units of a product can be reserved.
func (w *world) left(id string) (units int64) {
	for _, e := range w.history("product", id) {
		switch e.Name {
		case "product-added":
			units = decodeAs[product.Added](w.t, e.Data).Stock
		case "product-restocked":
			units += decodeAs[product.Restocked](w.t, e.Data).Quantity
		case "product-stock-reserved":
			units -= decodeAs[product.StockReserved](w.t, e.Data).Quantity
		case "product-stock-released":
			units += decodeAs[product.StockReleased](w.t, e.Data).Quantity
		}
	}
	return units
}

func (w *world) history(aggregate, id string) (all []events.Event) {
	commits, err := w.store.Read(w.t.Context(), events.StreamOf(aggregate, id), 1, 1<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range commits {
		all = append(all, c.Events...)
	}
	return all
}

func decodeAs[T any](t *testing.T, data jsontext.Value) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// loadBaskets returns the lines of the orders of a real shop, or made-up ones.
func loadBaskets(t *testing.T) (baskets [][]order.Line, orders int) {
	t.Helper()
	dir := os.Getenv("DAYBOOK_CATALOGUE")
	if dir == "" {
		random := rand.New(rand.NewPCG(1, 1))
		for range 4000 {
			var lines []order.Line
			for range 1 + random.IntN(8)/6 + random.IntN(20)/19 {
				hot := random.IntN(3000) >> random.IntN(8) // some products are ordered often
				lines = append(lines, order.Line{Product: fmt.Sprintf("p%d", hot), Quantity: int64(1 + random.IntN(3)/2), Price: 100})
			}
			baskets = append(baskets, lines)
		}
		return baskets, 2000
	}
	f, err := os.Open(filepath.Join(dir, "orders.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for _, row := range rows[1:] {
		if row[0] != last {
			baskets, last = append(baskets, nil), row[0]
		}
		quantity, err := strconv.ParseInt(row[3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		at := &baskets[len(baskets)-1]
		*at = append(*at, order.Line{Product: row[2], Quantity: quantity, Price: 100})
	}
	return baskets, 10_000
}
