package product_test

import (
	"testing"

	"daybook/aggregate"
	"daybook/domain/product"
	"daybook/events"
	"daybook/view"
	"daybook/view/viewtest"
)

func rows(t *testing.T, v view.View, streams map[events.Stream][]viewtest.Event) *viewtest.Rows {
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
	story := []viewtest.Event{
		{Name: "product-added", Data: lamp(5)},
		{Name: "product-price-changed", Data: product.PriceChanged{Price: 1000}},
		{Name: "product-category-moved", Data: product.CategoryMoved{Category: "office"}},
		{Name: "product-stock-reserved", Data: product.StockReserved{Order: "o1", Quantity: 4}},
		{Name: "product-stock-released", Data: product.StockReleased{Order: "o1", Quantity: 4}},
		{Name: "product-restocked", Data: product.Restocked{Quantity: 2}},
		{Name: "product-stock-moved-out", Data: product.StockMovedOut{To: "q", Quantity: 3}},
		{Name: "product-stock-moved-in", Data: product.StockMovedIn{From: "q", Quantity: 1}},
		{Name: "product-retired", Data: product.Retired{}},
	}
	for n, want := range map[int]string{
		1: `{"id":"p","name":"Lamp","category":"home","price":1990,"currency":"EUR","stock":5,"version":1}`,
		4: `{"id":"p","name":"Lamp","category":"office","price":1000,"currency":"EUR","stock":1,"version":4}`,
		6: `{"id":"p","name":"Lamp","category":"office","price":1000,"currency":"EUR","stock":7,"version":6}`,
		8: `{"id":"p","name":"Lamp","category":"office","price":1000,"currency":"EUR","stock":5,"version":8}`,
		9: "",
	} {
		if got := rows(t, product.Products, map[events.Stream][]viewtest.Event{"product/p": story[:n]}).Row("p"); got != want {
			t.Errorf("after %d events: %s, want %s", n, got, want)
		}
	}
}

func TestCategories(t *testing.T) {
	t.Parallel()
	got := rows(t, product.Categories, map[events.Stream][]viewtest.Event{
		"product/a": {{Name: "product-added", Data: lamp(5)}, {Name: "product-stock-reserved", Data: product.StockReserved{Order: "o", Quantity: 2}}},
		"product/b": {{Name: "product-added", Data: lamp(10)}, {Name: "product-category-moved", Data: product.CategoryMoved{Category: "office"}}},
		"product/c": {{Name: "product-added", Data: lamp(100)}, {Name: "product-retired", Data: product.Retired{}}},
		"product/d": {{Name: "product-added", Data: lamp(1)}, {Name: "product-restocked", Data: product.Restocked{Quantity: 1}}},
		"product/e": {{Name: "product-added", Data: lamp(9)}, {Name: "product-stock-moved-out", Data: product.StockMovedOut{To: "f", Quantity: 2}}},
		"product/f": {{Name: "product-added", Data: lamp(0)}, {Name: "product-stock-moved-in", Data: product.StockMovedIn{From: "e", Quantity: 2}}},
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
