package product

import (
	"daybook/events"
	"daybook/view"
)

// Categories is the keyed view "categories": how many products a category has
// on sale, and how many units of them are in stock.
var Categories = view.NewKeyed[Category, Part]("categories", "product").
	On(func(_ Part, e Added, _ view.Meta) Part {
		return Part{Category: e.Category, Units: e.Stock}
	}).
	On(func(p Part, e CategoryMoved, _ view.Meta) Part { p.Category = e.Category; return p }).
	On(func(p Part, e Restocked, _ view.Meta) Part { p.Units = events.Add(p.Units, e.Quantity); return p }).
	On(func(p Part, e StockReserved, _ view.Meta) Part {
		p.Units = events.Subtract(p.Units, e.Quantity)
		return p
	}).
	On(func(p Part, e StockReleased, _ view.Meta) Part { p.Units = events.Add(p.Units, e.Quantity); return p }).
	On(func(p Part, e StockMovedOut, _ view.Meta) Part {
		p.Units = events.Subtract(p.Units, e.Quantity)
		return p
	}).
	On(func(p Part, e StockMovedIn, _ view.Meta) Part { p.Units = events.Add(p.Units, e.Quantity); return p }).
	On(func(p Part, _ Retired, _ view.Meta) Part { p.Retired = true; return p }).
	Keys(func(p Part) []string {
		if p.Category == "" || p.Retired {
			return nil
		}
		return []string{p.Category}
	}).
	Put(func(c Category, _ string, p Part) Category {
		return Category{c.Products + 1, events.Add(c.Units, p.Units)}
	}).
	Take(func(c Category, _ string, p Part) Category {
		return Category{c.Products - 1, events.Subtract(c.Units, p.Units)}
	}).
	Hide(func(c Category) bool { return c.Products == 0 }).
	Index("by-products", view.All().Then("products"))

// Category is one category with products on sale. Its id is its name.
type Category struct {
	Products int64 `json:"products"`
	Units    int64 `json:"units"`
}

// Part is what one product contributes to its category.
type Part struct {
	Category string `json:"category,omitzero"`
	Units    int64  `json:"units,omitzero"`
	Retired  bool   `json:"retired,omitzero"`
}
