package rebuild

import (
	"daybook/domain/product"
	"daybook/view"
)

//sample:begin version

var Products = view.New[Row]("products", "product").
	On(added).
	Version(2).
	Previous(productsV1) // the declaration as it was, in a file of its own

//sample:end

// Row is one product, with a field that the first version lacks.
type Row struct {
	Name  string `json:"name"`
	Price int64  `json:"price"`
}

func added(_ Row, e product.Added, _ view.Meta) Row { return Row{e.Name, e.Price} }
