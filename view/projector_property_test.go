package view_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/view"
	"daybook/view/projection"
	"daybook/view/viewtest"
)

// newShelves contributes each product to several rows, some of them hidden, and
// some with keys that DynamoDB can't hold as they are.
func newShelves() *view.KeyedView[categoryRow, productMemo] {
	return newKeyed("shelves", shelvesOf).Hide(twoProducts)
}

func shelvesOf(m productMemo) []string {
	if m.Category == "" {
		return nil
	}
	stock := ""
	if m.Stock > 0 {
		stock = fmt.Sprintf("stock-%d", m.Stock)
	}
	return []string{"all", m.Category, stock, "all"}
}

func twoProducts(r categoryRow) bool { return r.Products == 2 }

// newSpread are the shelves in parts.
func newSpread() *view.KeyedView[categoryRow, productMemo] {
	return newUnindexed("spread", shelvesOf).Hide(twoProducts).Spread(3, addUp)
}

func addUp(a, b categoryRow) categoryRow {
	return categoryRow{a.Products + b.Products, a.Units + b.Units}
}

// propertyViews are the views of the property test.
func propertyViews() []view.View {
	return []view.View{newUsers(), newUsers2(), newCategories(), newShelves(), newSpread(), newRoster()}
}

// newUsers2 hides rows.
func newUsers2() view.View {
	return view.New[userRow]("shown", "user").
		On(func(_ userRow, e userCreated, _ view.Meta) userRow {
			return userRow{Name: e.Name, Email: e.Email, Active: true}
		}).
		On(func(r userRow, e userToggled, m view.Meta) userRow {
			r.Active = e.Active
			r.Name = fmt.Sprintf("%s/%s/%d", r.Name, m.ID(), m.Version)
			return r
		}).
		Hide(func(r userRow) bool { return !r.Active }).
		Index("by-email", view.By("email").Then("name")).
		Version(3)
}

func randomEvents(t *rapid.T, aggregate string) []events.Data {
	names := rapid.SampledFrom([]string{"a", "b", "c", "@", "\x00\x1b\n\u0085", strings.Repeat("é", 513)})
	one := rapid.Custom(func(t *rapid.T) events.Data {
		name := names.Draw(t, "name")
		switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
		case aggregate == "user" && kind == 0:
			return created(name)
		case aggregate == "user" && kind == 1:
			return renamed(name)
		case aggregate == "user" && kind == 2:
			return userToggled{name != "a"}
		case aggregate == "user":
			return noted()
		case kind <= 1:
			return added(name, int64(rapid.IntRange(0, 2).Draw(t, "stock")))
		case kind == 2:
			return moved(name)
		}
		return retired()
	})
	return rapid.SliceOfN(one, 1, 8).Draw(t, "events")
}

// TestAnyDeliveryGivesTheSameTables: records shuffled, doubled, dropped before
// the last of their stream, and split at random between batches and projectors,
// with random faults of store and tables, give the tables that whole streams
// make in order.
func TestAnyDeliveryGivesTheSameTables(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		views := propertyViews()
		b := &bench{t: t, codec: newCodec(), store: &eventstest.Memory{}, tables: viewtest.NewMemory(views...)}
		streams := map[events.Stream][]events.Commit{}
		var ds []follow.Delivery
		for i := range rapid.IntRange(1, 12).Draw(rt, "streams") {
			aggregate := rapid.SampledFrom([]string{"user", "product"}).Draw(rt, "aggregate")
			stream := events.StreamOf(aggregate, fmt.Sprint(i))
			for _, d := range b.append(stream, randomEvents(rt, aggregate)...) {
				streams[stream] = append(streams[stream], *d.Commit)
				ds = append(ds, d)
			}
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		random := rand.New(rand.NewPCG(seed, 1))
		ds = disturb(random, ds, streams)
		b.inject(seed, rapid.IntRange(0, 30).Draw(rt, "percent of faults"))
		projectors := rapid.IntRange(1, 3).Draw(rt, "projectors")
		synctest.Test(t, func(*testing.T) { b.projectAll(rt, random, views, ds, projectors, false) })
		for _, v := range views {
			sameTables(rt, b, v, streams)
		}
	})
}

// disturb drops, doubles, empties and shuffles deliveries; the last of each
// stream stays.
func disturb(random *rand.Rand, ds []follow.Delivery, streams map[events.Stream][]events.Commit) []follow.Delivery {
	var out []follow.Delivery
	for _, d := range ds {
		last := int(d.Number) == len(streams[d.Stream])
		if !last && random.IntN(6) == 0 {
			continue
		}
		if random.IntN(6) == 0 {
			d.Commit = nil
		}
		out = append(out, d)
		for random.IntN(4) == 0 {
			out = append(out, d)
		}
	}
	random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// inject makes a part of all calls fail for transient reasons, before or after
// they wrote.
func (b *bench) inject(seed uint64, percent int) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 2))
	fail := func() error {
		mu.Lock()
		defer mu.Unlock()
		if random.IntN(100) >= percent {
			return nil
		}
		codes := []events.Code{events.CodeUnavailable, events.CodeBusy, events.CodeThrottled, events.CodeConflict}
		return events.Errorf(codes[random.IntN(len(codes))], "injected")
	}
	b.tables.Before = func(viewtest.Call) error { return fail() }
	b.tables.After = func(viewtest.Call) error { return fail() }
	b.store.Before = func(string, events.Stream) error { return fail() }
}

// projectAll splits deliveries between projectors and batches, and delivers
// again what a batch could not do.
func (b *bench) projectAll(t *rapid.T, random *rand.Rand, views []view.View, ds []follow.Delivery, projectors int, mayPark bool) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range projectors {
		mine := ds[len(ds)*i/projectors : len(ds)*(i+1)/projectors]
		seed := random.Uint64()
		wg.Go(func() {
			p, err := projection.New(b.store, b.codec, b.tables, views, nil)
			if err == nil {
				err = deliver(p, rand.New(rand.NewPCG(seed, 3)), mine, mayPark)
			}
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
}

func deliver(p *projection.Projector, random *rand.Rand, queue []follow.Delivery, mayPark bool) error {
	for rounds := 0; len(queue) > 0; rounds++ {
		if rounds > 10_000 {
			return fmt.Errorf("the projector does not get on")
		}
		n := 1 + random.IntN(min(len(queue), 9))
		batch := queue[:n]
		r := p.Project(context.Background(), batch)
		if len(r.Faults) > 0 && !mayPark {
			return fmt.Errorf("faults: %+v", r.Faults)
		}
		if len(r.Retry) > n || (r.Err == nil) != (r.Retry == nil) {
			return fmt.Errorf("retry of %d in a batch of %d, %v", len(r.Retry), n, r.Err)
		}
		queue = slices.Concat(batch[n-len(r.Retry):], queue[n:])
	}
	return nil
}
