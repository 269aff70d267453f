package product_test

import (
	"testing"
	"time"

	"daybook/aggregate/aggregatetest"
	"daybook/domain/product"
	"daybook/events"
)

func lamp(stock int64) product.Added {
	return product.Added{Name: "Lamp", Category: "home", Price: 1990, Currency: "EUR", Stock: stock}
}

func given(t *testing.T, past ...events.Data) *aggregatetest.Scenario[product.State] {
	t.Helper()
	return aggregatetest.Given(t, product.Product, past...)
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	add := product.Add{Name: "Lamp", Category: "home", Price: 1990, Currency: "EUR", Stock: 5}
	given(t).When(add).Then(lamp(5))
	given(t, lamp(5)).When(add).ThenRejected("product-already-exists")
	add.Currency = "XXY"
	given(t).When(add).ThenMalformed("/payload/currency")
	given(t).When(product.Add{Name: "Lamp", Category: "home", Price: -1, Currency: "EUR"}).ThenMalformed("/payload/price")

	given(t, lamp(5)).When(product.ChangePrice{Price: 5}).Then(product.PriceChanged{Price: 5})
	given(t, lamp(5)).When(product.ChangePrice{Price: 1990}).Then()
	given(t).When(product.ChangePrice{Price: 5}).ThenRejected("product-not-found")
	given(t, lamp(5)).When(product.MoveCategory{Category: "office"}).Then(product.CategoryMoved{Category: "office"})
	given(t, lamp(5), product.Retired{}).When(product.MoveCategory{Category: "office"}).ThenRejected("product-retired")
	given(t, lamp(5)).When(product.Retire{}).Then(product.Retired{})
	given(t, lamp(5), product.Retired{}).When(product.Retire{}).Then()
}

func TestStock(t *testing.T) {
	t.Parallel()
	reserved := product.StockReserved{Order: "o1", Quantity: 3}
	given(t, lamp(5)).When(product.ReserveStock{Order: "o1", Quantity: 3}).Then(reserved).
		ThenState(product.State{Exists: true, Category: "home", Price: 1990, Currency: "EUR", Stock: 2, Reserved: map[string]int64{"o1": 3}})
	given(t, lamp(5), reserved).When(product.ReserveStock{Order: "o1", Quantity: 3}).Then()
	given(t, lamp(5), reserved).When(product.ReserveStock{Order: "o1", Quantity: 2}).ThenRejected("already-reserved")
	given(t, lamp(5), reserved).When(product.ReserveStock{Order: "o2", Quantity: 3}).ThenRejected("out-of-stock")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) // of the scenario
	released := product.StockReleased{Order: "o1", Quantity: 3, At: now}
	given(t, lamp(5), reserved).When(product.ReleaseStock{Order: "o1"}).Then(released)
	given(t, lamp(5), reserved, product.Retired{}).When(product.ReleaseStock{Order: "o1"}).Then(released)
	given(t, lamp(5)).When(product.ReleaseStock{Order: "o1"}).Then(product.StockReleased{Order: "o1", At: now})
	nothing := product.StockReleased{Order: "o1", At: now}
	given(t, lamp(5), nothing).When(product.ReleaseStock{Order: "o1"}).Then()
	given(t, lamp(5), nothing).When(product.ReserveStock{Order: "o1", Quantity: 1}).ThenRejected("order-ended")
	settled := product.StockSettled{Order: "o1", Quantity: 3, At: now}
	given(t, lamp(5), reserved).When(product.SettleStock{Order: "o1"}).Then(settled).
		ThenState(product.State{Exists: true, Category: "home", Price: 1990, Currency: "EUR", Stock: 2, Reserved: map[string]int64{}})
	given(t, lamp(5)).When(product.SettleStock{Order: "o1"}).Then(product.StockSettled{Order: "o1", At: now})
	given(t, lamp(5), nothing).When(product.SettleStock{Order: "o1"}).Then()
	given(t).When(product.SettleStock{Order: "o1"}).ThenRejected("product-not-found")
	given(t, lamp(5), product.Retired{}).When(product.ReserveStock{Order: "o1", Quantity: 1}).ThenRejected("product-retired")
	given(t, lamp(5)).When(product.ReserveStock{Order: "o1", Quantity: 1, Currency: "USD"}).ThenRejected("currency-mismatch")
	given(t, lamp(5)).When(product.ReserveStock{Order: "o1", Quantity: 1, Currency: "EUR"}).Then(product.StockReserved{Order: "o1", Quantity: 1})
	given(t, lamp(5)).When(product.Restock{Quantity: 2}).Then(product.Restocked{Quantity: 2})
	given(t, lamp(product.MaxStock)).When(product.Restock{Quantity: 1}).ThenRejected("stock-too-large")
	given(t).When(product.Restock{Quantity: 1}).ThenRejected("product-not-found")
}

// TestLateReservation: a reservation comes in time or not at all, and what ended
// long ago is forgotten.
func TestLateReservation(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) // of the scenario
	reserve := func(until time.Time) product.ReserveStock {
		return product.ReserveStock{Order: "o1", Quantity: 1, Until: &until}
	}
	given(t, lamp(5)).When(reserve(now)).Then(product.StockReserved{Order: "o1", Quantity: 1})
	given(t, lamp(5)).When(reserve(now.Add(-time.Millisecond))).ThenRejected("too-late")
	given(t, lamp(5), product.StockReserved{Order: "o1", Quantity: 1}).When(reserve(now.Add(-time.Hour))).Then()

	ended := func(order string, at time.Time) product.StockReleased {
		return product.StockReleased{Order: order, At: at}
	}
	remembered := product.State{Exists: true, Category: "home", Price: 1990, Currency: "EUR", Stock: 5,
		Ended: map[string]time.Time{"9250b9912ee91d6b": now.Add(-time.Hour), "de2d91dc0a258041": now}} // digests of o2 and o3
	given(t, lamp(5), ended("o1", now.Add(-time.Hour-time.Millisecond)), ended("o2", now.Add(-time.Hour))).
		When(product.ReleaseStock{Order: "o3"}).Then(ended("o3", now)).ThenState(remembered)
}

// TestOrderBeforeProduct: an order that ended before the product was added reserves
// nothing of it, and others do.
func TestOrderBeforeProduct(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) // of the scenario
	ended := product.StockReleased{Order: "o1", At: now}
	given(t).When(product.ReleaseStock{Order: "o1"}).Then(ended)
	given(t, ended).When(product.ReleaseStock{Order: "o1"}).Then()
	given(t, ended).When(product.ReserveStock{Order: "o1", Quantity: 1}).ThenRejected("order-ended")
	given(t, ended).When(product.ReserveStock{Order: "o2", Quantity: 1}).ThenRejected("product-not-found")
	given(t, ended).When(product.Restock{Quantity: 1}).ThenRejected("product-not-found")
	given(t, ended).When(product.Add{Name: "Lamp", Category: "home", Price: 1990, Currency: "EUR", Stock: 5}).Then(lamp(5)).
		ThenState(product.State{Exists: true, Category: "home", Price: 1990, Currency: "EUR", Stock: 5,
			Ended: map[string]time.Time{"2352da7280f1decc": now}}) // digest of o1
	given(t, ended, lamp(5)).When(product.ReserveStock{Order: "o1", Quantity: 1}).ThenRejected("order-ended")
	given(t, ended, lamp(5)).When(product.ReserveStock{Order: "o2", Quantity: 1}).Then(product.StockReserved{Order: "o2", Quantity: 1})
}

func TestMoveStock(t *testing.T) {
	t.Parallel()
	move := product.MoveStock{To: "2", Quantity: 3}
	with := func(stock int64, other ...events.Data) *aggregatetest.Scenario[product.State] {
		return given(t, lamp(stock)).Stream("product/2", product.Product, other...)
	}
	with(5, lamp(1)).When(move).Then(product.StockMovedOut{To: "2", Quantity: 3}).
		ThenOn("product/2", product.StockMovedIn{From: "1", Quantity: 3}).
		ThenState(product.State{Exists: true, Category: "home", Price: 1990, Currency: "EUR", Stock: 2})
	with(2, lamp(1)).When(move).ThenRejected("out-of-stock")
	with(5).When(move).ThenRejected("target-not-found")
	with(5, lamp(1), product.Retired{}).When(move).ThenRejected("target-retired")
	with(5, lamp(product.MaxStock-2)).When(move).ThenRejected("stock-too-large")
	given(t).Stream("product/2", product.Product, lamp(1)).When(move).ThenRejected("product-not-found")
	given(t, lamp(5), product.Retired{}).Stream("product/2", product.Product, lamp(1)).When(move).ThenRejected("product-retired")
	given(t, lamp(5)).When(product.MoveStock{To: "1", Quantity: 1}).ThenRejected("same-product")
}
