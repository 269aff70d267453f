package rebuild

import (
	"daybook/domain/product"
	"daybook/view"
)

// productsV1 is the view at its first version.
var productsV1 = view.New[rowV1]("products", "product").
	On(func(_ rowV1, e product.Added, _ view.Meta) rowV1 { return rowV1{e.Name} })

type rowV1 struct {
	Name string `json:"name"`
}
