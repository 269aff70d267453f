package product_test

import (
	"flag"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/domain/product"
	"daybook/events/eventstest"
	"daybook/view/viewtest"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

var _ = flag.Bool("update", false, "write missing golden files")

// Stored events stay readable: schema/ holds one of each, of each version.
func TestStoredEvents(t *testing.T) {
	t.Parallel()
	codec, err := aggregate.Codec([]aggregate.Aggregate{product.Product})
	if err != nil {
		t.Fatal(err)
	}
	eventstest.Golden(t, "schema", codec,
		eventstest.Sample{Event: "product-added", Value: lamp(5)},
		eventstest.Sample{Event: "product-price-changed", Value: product.PriceChanged{Price: 1000}},
		eventstest.Sample{Event: "product-category-moved", Value: product.CategoryMoved{Category: "office"}},
		eventstest.Sample{Event: "product-restocked", Value: product.Restocked{Quantity: 2}},
		eventstest.Sample{Event: "product-stock-reserved", Value: product.StockReserved{Order: "o1", Quantity: 3}},
		eventstest.Sample{Event: "product-stock-released", Value: product.StockReleased{Order: "o1", Quantity: 3, At: noon}},
		eventstest.Sample{Event: "product-stock-settled", Value: product.StockSettled{Order: "o1", Quantity: 3, At: noon}},
		eventstest.Sample{Event: "product-stock-moved-out", Value: product.StockMovedOut{To: "p2", Quantity: 3}},
		eventstest.Sample{Event: "product-stock-moved-in", Value: product.StockMovedIn{From: "p1", Quantity: 3}},
		eventstest.Sample{Event: "product-retired", Value: product.Retired{}},
	)
}

// Views keep their shapes, version by version: schema/views holds them.
func TestShapesOfViews(t *testing.T) {
	t.Parallel()
	viewtest.Golden(t, "schema/views", product.Products, product.Categories)
}
