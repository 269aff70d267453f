package stock_test

import (
	"testing"

	"daybook/aggregate/aggregatetest"
	"daybook/docs/samples/stock"
)

func TestMoveStock(t *testing.T) {
	t.Parallel()
	move := stock.MoveStock{To: "lamp", Quantity: 3}
	given := func() *aggregatetest.Scenario[stock.State] {
		return aggregatetest.Given(t, stock.Product, stock.Added{Stock: 5})
	}
	given().Stream("product/lamp", stock.Product, stock.Added{Stock: 1}).When(move).
		Then(stock.StockMovedOut{To: "lamp", Quantity: 3})
	given().When(move).ThenRejected("target-not-found")
}
