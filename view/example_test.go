package view_test

import (
	"context"
	"fmt"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/view"
	"daybook/view/viewtest"
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

// Projecting a commit and asking for what it made.
func ExampleProjector_Project() {
	ctx := context.Background()
	codec, store, users := newCodec(), &eventstest.Memory{}, newUsers()
	tables := viewtest.NewMemory(users)
	projector, err := view.NewProjector(store, codec, tables, []view.View{users}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	event, _ := codec.Encode("user-created", userCreated{Name: "Ann", Email: "ann@example.com"})
	commit, _ := store.Append(ctx, events.Start("user/7"), events.Commit{ID: "c1", Events: []events.Event{event}})

	report := projector.Project(ctx, []follow.Delivery{{Stream: commit.Stream, Number: commit.Number, Commit: &commit, Sequence: "1"}})
	fmt.Println("written:", report.Written, "to retry:", len(report.Retry))

	queries, err := view.NewQueries(store, codec, tables, []view.View{users}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := queries.List(ctx, "users", map[string][]string{"name.prefix": {"An"}, "active": {"true"}})
	fmt.Println(string(page.Items[0]), err)
	// Output:
	// written: 1 to retry: 0
	// {"id":"7","name":"Ann","email":"ann@example.com","active":true,"version":1} <nil>
}

// A consistency token makes a query see at least the command it came from.
func ExampleQueries_Get() {
	ctx := context.Background()
	codec, store, users := newCodec(), &eventstest.Memory{}, newUsers()
	queries, err := view.NewQueries(store, codec, viewtest.NewMemory(users), []view.View{users}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	event, _ := codec.Encode("user-created", userCreated{Name: "Ann", Email: "ann@example.com"})
	_, _ = store.Append(ctx, events.Start("user/7"), events.Commit{ID: "c1", Events: []events.Event{event}})

	_, err = queries.Get(ctx, "users", "7", nil)
	fmt.Println("not projected yet:", events.CodeOf(err))
	row, err := queries.Get(ctx, "users", "7", []events.Token{{Stream: "user/7", Version: 1}})
	fmt.Println(string(row.JSON), err)
	// Output:
	// not projected yet: not-found
	// {"id":"7","name":"Ann","email":"ann@example.com","active":true,"version":1} <nil>
}
