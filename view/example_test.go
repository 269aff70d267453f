package view_test

import (
	"fmt"

	"daybook/view"
)

// Created is an event: its type carries the name under which it is stored.
type Created struct {
	Name string `json:"name"`
}

func (Created) EventName() string { return "user-created" }

// A view with a row for each user.
func ExampleNew() {
	type Row struct {
		Name   string `json:"name"`
		Active bool   `json:"active"`
	}
	users := view.New[Row]("users", "user").
		On(func(_ Row, e Created, _ view.Meta) Row { return Row{Name: e.Name, Active: true} }).
		Index("active", view.By("active").Then("name")).
		Index("all", view.All().Then("name"))

	fmt.Println(users.Err())
	for _, index := range users.Describe().Indexes {
		fmt.Printf("%s: by %q, sorted by %s\n", index.Name, index.Partition, index.Sort)
	}
	// Output:
	// <nil>
	// active: by "active", sorted by name
	// all: by "", sorted by name
}

// Added is an event, and here also what the view remembers of a product.
type Added struct {
	Category string `json:"category"`
	Stock    int64  `json:"stock"`
}

func (Added) EventName() string { return "product-added" }

// A view that counts products and units by category: each product puts its part
// into the row of its category, and takes it out when it moves.
func ExampleNewKeyed() {
	type Row struct {
		Products int64 `json:"products"`
		Units    int64 `json:"units"`
	}
	categories := view.NewKeyed[Row, Added]("categories", "product").
		On(func(_ Added, e Added, _ view.Meta) Added { return e }).
		Keys(func(m Added) []string { return []string{m.Category} }).
		Put(func(r Row, _ string, m Added) Row { return Row{r.Products + 1, r.Units + m.Stock} }).
		Take(func(r Row, _ string, m Added) Row { return Row{r.Products - 1, r.Units - m.Stock} }).
		Index("all", view.All().Then("products"))

	fmt.Println(categories.Err(), categories.Describe().Kind)
	// Output: <nil> keyed
}
