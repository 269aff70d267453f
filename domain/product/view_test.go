package product_test

import (
	"testing"

	"daybook/aggregate"
	"daybook/domain/product"
	"daybook/events"
	"daybook/view"
	"daybook/view/viewtest"
)

func rows(t *testing.T, v view.View, streams map[events.Stream][]events.Data) *viewtest.Rows {
	t.Helper()
	codec, err := aggregate.Codec([]aggregate.Aggregate{product.Product})
	if err != nil {
		t.Fatal(err)
	}
	var commits []events.Commit
	for stream, story := range streams {
		commits = append(commits, viewtest.Commits(t, codec, stream, story...)...)
	}
	return viewtest.Given(t, codec, v, commits...)
}

func TestProducts(t *testing.T) {
	t.Parallel()
	story := []events.Data{
		lamp(5),
		product.PriceChanged{Price: 1000},
		product.CategoryMoved{Category: "office"},
		product.StockReserved{Order: "o1", Quantity: 4},
		product.StockReleased{Order: "o1", Quantity: 4},
		product.Restocked{Quantity: 2},
		product.StockMovedOut{To: "q", Quantity: 3},
		product.StockMovedIn{From: "q", Quantity: 1},
		product.Retired{},
	}
	for n, want := range map[int]string{
		1: `{"id":"p","name":"Lamp","category":"home","price":1990,"currency":"EUR","stock":5,"version":1}`,
		4: `{"id":"p","name":"Lamp","category":"office","price":1000,"currency":"EUR","stock":1,"version":4}`,
		6: `{"id":"p","name":"Lamp","category":"office","price":1000,"currency":"EUR","stock":7,"version":6}`,
		8: `{"id":"p","name":"Lamp","category":"office","price":1000,"currency":"EUR","stock":5,"version":8}`,
		9: "",
	} {
		if got := rows(t, product.Products, map[events.Stream][]events.Data{"product/p": story[:n]}).Row("p"); got != want {
			t.Errorf("after %d events: %s, want %s", n, got, want)
		}
	}
}

// TestProductNotAdded: an order may end before its product is added.
func TestProductNotAdded(t *testing.T) {
	t.Parallel()
	story := []events.Data{product.StockReleased{Order: "o1"}, lamp(5)}
	for n, want := range map[int]string{1: "", 2: `{"id":"p","name":"Lamp","category":"home","price":1990,"currency":"EUR","stock":5,"version":2}`} {
		if got := rows(t, product.Products, map[events.Stream][]events.Data{"product/p": story[:n]}).Row("p"); got != want {
			t.Errorf("after %d events: %s, want %s", n, got, want)
		}
	}
}

func TestCategories(t *testing.T) {
	t.Parallel()
	got := rows(t, product.Categories, map[events.Stream][]events.Data{
		"product/a": {lamp(5), product.StockReserved{Order: "o", Quantity: 2}},
		"product/b": {lamp(10), product.CategoryMoved{Category: "office"}},
		"product/c": {lamp(100), product.Retired{}},
		"product/g": {product.StockReleased{Order: "o"}},
		"product/d": {lamp(1), product.Restocked{Quantity: 1}},
		"product/e": {lamp(9), product.StockMovedOut{To: "f", Quantity: 2}},
		"product/f": {lamp(0), product.StockMovedIn{From: "e", Quantity: 2}},
	})
	for key, want := range map[string]string{
		"home":   `{"id":"home","products":4,"units":14}`,
		"office": `{"id":"office","products":1,"units":10}`,
		"garden": "",
	} {
		if row := got.Row(key); row != want {
			t.Errorf("%s: %s, want %s", key, row, want)
		}
	}
}
