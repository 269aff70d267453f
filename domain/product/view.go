package product

import "daybook/view"

// Products is the view "products": one row a product.
var Products = view.New[Row]("products", "product").
	On(func(_ Row, e Added, _ view.Meta) Row {
		return Row{Name: e.Name, Category: e.Category, Price: e.Price, Currency: e.Currency, Stock: e.Stock}
	}).
	On(func(r Row, e PriceChanged, _ view.Meta) Row { r.Price = e.Price; return r }).
	On(func(r Row, e CategoryMoved, _ view.Meta) Row { r.Category = e.Category; return r }).
	On(func(r Row, e Restocked, _ view.Meta) Row { r.Stock += e.Quantity; return r }).
	On(func(r Row, e StockReserved, _ view.Meta) Row { r.Stock -= e.Quantity; return r }).
	On(func(r Row, e StockReleased, _ view.Meta) Row { r.Stock += e.Quantity; return r }).
	On(func(r Row, e StockMovedOut, _ view.Meta) Row { r.Stock -= e.Quantity; return r }).
	On(func(r Row, e StockMovedIn, _ view.Meta) Row { r.Stock += e.Quantity; return r }).
	On(func(r Row, _ Retired, _ view.Meta) Row { r.Retired = true; return r }).
	Hide(func(r Row) bool { return r.Retired || r.Currency == "" }). // "": not added yet
	Index("by-price", view.By("category").Then("price")).
	Index("by-name", view.By("category").Then("name"))

// Row is one product on sale. Its id and version come with it.
type Row struct {
	Name     string `json:"name" example:"Desk lamp"`
	Category string `json:"category" example:"home"`
	Price    int64  `json:"price" example:"3990"` // minor units
	Currency string `json:"currency" example:"EUR"`
	Stock    int64  `json:"stock" example:"25"` // units not reserved
	Retired  bool   `json:"retired,omitzero"`   // hides the row
}
