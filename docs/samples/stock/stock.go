package stock

import (
	"daybook/aggregate"
	"daybook/events"
)

// Product is one product in stock.
var Product = aggregate.New[State]("product").
	Event(func(_ State, e Added) State { return State{true, e.Stock} }).
	Event(func(s State, e StockMovedOut) State { s.Stock -= e.Quantity; return s }).
	Event(func(s State, e StockMovedIn) State { s.Stock += e.Quantity; return s }).
	//sample:begin across
	Across(moveStockStreams, moveStock)

//sample:end

//sample:begin decision

func moveStockStreams(c MoveStock) []events.Stream {
	return []events.Stream{events.StreamOf("product", c.To)}
}

func moveStock(s State, c MoveStock, o *aggregate.Others) aggregate.Decision {
	other := events.StreamOf("product", c.To)
	if to := o.State[State](other); !to.Exists {
		return aggregate.Reject("target-not-found", "there is no product to move the units to")
	}
	if s.Stock < c.Quantity {
		return aggregate.Reject("out-of-stock", "not enough units are in stock")
	}
	return aggregate.Emit(StockMovedOut{c.To, c.Quantity}).
		On(other, aggregate.Emit(StockMovedIn{o.Meta().ID, c.Quantity}))
}

//sample:end

// State is what deciding about a product needs.
type State struct {
	Exists bool  `json:"exists,omitzero"`
	Stock  int64 `json:"stock,omitzero"`
}

// MoveStock moves units to another product.
type MoveStock struct {
	To       string `json:"to" rule:"format=id"`
	Quantity int64  `json:"quantity" rule:"min=1,max=1000000"`
}

func (MoveStock) CommandName() string { return "move-stock" }

// The events of a product.
type (
	Added struct {
		Stock int64 `json:"stock"`
	}
	StockMovedOut struct {
		To       string `json:"to"`
		Quantity int64  `json:"quantity"`
	}
	StockMovedIn struct {
		From     string `json:"from"`
		Quantity int64  `json:"quantity"`
	}
)

func (Added) EventName() string         { return "product-added" }
func (StockMovedOut) EventName() string { return "product-stock-moved-out" }
func (StockMovedIn) EventName() string  { return "product-stock-moved-in" }
