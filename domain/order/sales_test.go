package order_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daybook/aggregate"
	"daybook/domain/order"
	"daybook/events"
	"daybook/view"
	"daybook/view/projection"
	"daybook/view/viewtest"
)

func orderCodec(t testing.TB) *events.Codec {
	t.Helper()
	codec, err := aggregate.Codec([]aggregate.Aggregate{order.Order})
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

func placedWith(currency string, lines ...order.Line) events.Data {
	return order.PlacedEvent{Customer: "ann", Currency: currency, Lines: lines}
}

func line(category string, quantity, price int64) order.Line {
	return order.Line{Product: "p", Quantity: quantity, Price: price, Category: category}
}

func TestSales(t *testing.T) {
	t.Parallel()
	codec := orderCodec(t)
	streams := map[events.Stream][]events.Data{
		"order/1": {placedWith("EUR", line("books", 2, 1000), line("toys", 1, 500), line("books", 1, 300)), order.ConfirmedEvent{}},
		"order/2": {placedWith("EUR", line("books", 1, 50), line("", 7, 1))},
		"order/3": {placedWith("USD", line("books", 1, 50), line("a:b\nc", 1, 2))},
		"order/4": {placedWith("EUR", line("books", 100, 100)), order.RejectedEvent{Reason: "short"}},
		"order/5": {placedWith("EUR", line("garden", 1, 1)), order.ConfirmedEvent{}, order.CancelledEvent{Reason: "late"}},
	}
	var commits []events.Commit
	for stream, story := range streams {
		commits = append(commits, viewtest.Commits(t, codec, stream, story...)...)
	}
	got := viewtest.Given(t, codec, order.Sales, commits...)
	for key, want := range map[string]string{
		"2026-01-01:EUR:books":  `{"id":"2026-01-01:EUR:books","day":"2026-01-01","category":"books","currency":"EUR","orders":2,"units":4,"revenue":2350}`,
		"2026-01-01:EUR:toys":   `{"id":"2026-01-01:EUR:toys","day":"2026-01-01","category":"toys","currency":"EUR","orders":1,"units":1,"revenue":500}`,
		"2026-01-01:EUR:":       `{"id":"2026-01-01:EUR:","day":"2026-01-01","category":"","currency":"EUR","orders":1,"units":7,"revenue":7}`,
		"2026-01-01:USD:books":  `{"id":"2026-01-01:USD:books","day":"2026-01-01","category":"books","currency":"USD","orders":1,"units":1,"revenue":50}`,
		"2026-01-01:USD:a:b\nc": `{"id":"2026-01-01:USD:a:b\nc","day":"2026-01-01","category":"a:b\nc","currency":"USD","orders":1,"units":1,"revenue":2}`,
		"2026-01-01:EUR:garden": "",
	} {
		if row := got.Row(key); row != want {
			t.Errorf("%s: %s, want %s", key, row, want)
		}
	}
	if keys := got.Keys(); len(keys) != 5 {
		t.Errorf("got %q", keys)
	}
}

// TestSalesBeyondInt64: orders that are accepted each may be more together. Then
// one is refused, with the reason, in place of a negative revenue.
func TestSalesBeyondInt64(t *testing.T) {
	t.Parallel()
	codec := orderCodec(t)
	fold, err := projection.NewFold(order.Sales, codec)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		err = fold.Add(viewtest.Commits(t, codec, events.StreamOf("order", fmt.Sprint(i)), placedWith("EUR", line("books", 1_000_000, 1_000_000_000_000))))
		if fits := i < 9; (err == nil) != fits {
			t.Fatalf("order %d: %v", i, err)
		}
	}
	if text := events.FaultText(err); !strings.Contains(text, "Put panicked with integer overflow in an addition at ") || !strings.Contains(text, "/domain/order/sales.go:") {
		t.Error(text)
	}
	if row, _, err := fold.Row("", "2026-01-01:EUR:books"); err != nil || !strings.Contains(string(row.JSON), `"orders":9,"units":9000000,"revenue":9000000000000000000`) {
		t.Errorf("%s, %v", row.JSON, err)
	}
}

// TestSalesOfManyCategories: an order may have more of them than rows.
func TestSalesOfManyCategories(t *testing.T) {
	t.Parallel()
	codec := orderCodec(t)
	var lines []order.Line
	for i := range 100 {
		lines = append(lines, line(fmt.Sprintf("c%02d", i), 1, 10))
	}
	got := viewtest.Given(t, codec, order.Sales, viewtest.Commits(t, codec, "order/1", placedWith("EUR", append(lines, lines...)...))...)
	if keys := got.Keys(); len(keys) != view.MaxKeys {
		t.Errorf("%d rows", len(keys))
	}
	if row, _ := viewtest.Decode[order.Sale](got, "2026-01-01:EUR:"); row.Units != 2*(100-view.MaxKeys+1) {
		t.Errorf("the rest is %+v", row)
	}
}

// TestSalesAddUp: whatever happens to orders, the rows are the sums over those
// that stand.
func TestSalesAddUp(t *testing.T) {
	t.Parallel()
	codec := orderCodec(t)
	rapid.Check(t, func(rt *rapid.T) {
		var commits []events.Commit
		want := map[string]order.Sale{}
		for i := range rapid.IntRange(1, 12).Draw(rt, "orders") {
			currency := rapid.SampledFrom([]string{"EUR", "USD"}).Draw(rt, "currency")
			var lines []order.Line
			sums := map[string]order.Sale{}
			for range rapid.IntRange(1, 4).Draw(rt, "lines") {
				l := line(rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "category"), int64(rapid.IntRange(1, 3).Draw(rt, "quantity")), int64(rapid.IntRange(0, 9).Draw(rt, "price")))
				lines = append(lines, l)
				s := sums[l.Category]
				sums[l.Category] = order.Sale{Units: s.Units + l.Quantity, Revenue: s.Revenue + l.Quantity*l.Price}
			}
			story := []events.Data{placedWith(currency, lines...)}
			switch rapid.IntRange(0, 3).Draw(rt, "fate") {
			case 1:
				story = append(story, order.ConfirmedEvent{})
			case 2:
				story, sums = append(story, order.RejectedEvent{Reason: "x"}), nil
			case 3:
				story, sums = append(story, order.CancelledEvent{Reason: "x"}), nil
			}
			commits = append(commits, viewtest.Commits(t, codec, events.StreamOf("order", fmt.Sprint(i)), story...)...)
			for category, s := range sums {
				key := "2026-01-01:" + currency + ":" + category
				w := want[key]
				want[key] = order.Sale{Day: "2026-01-01", Category: category, Currency: currency, Orders: w.Orders + 1, Units: w.Units + s.Units, Revenue: w.Revenue + s.Revenue}
			}
		}
		got := viewtest.Given(t, codec, order.Sales, commits...)
		if len(got.Keys()) != len(want) {
			rt.Fatalf("rows %q, want %v", got.Keys(), want)
		}
		for key, sale := range want {
			if row := got.Row(key); !strings.HasSuffix(row, fmt.Sprintf(`"orders":%d,"units":%d,"revenue":%d}`, sale.Orders, sale.Units, sale.Revenue)) {
				rt.Fatalf("%s: %s, want %+v", key, row, sale)
			}
		}
	})
}
