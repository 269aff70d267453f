package query_test

import (
	"context"
	"fmt"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/view"
	"daybook/view/query"
	"daybook/view/viewtest"
)

type created struct {
	Name string `json:"name"`
}

func (created) EventName() string { return "user-created" }

type user struct {
	Name string `json:"name"`
}

// users has a row for each user, and all of them by name.
func users() view.View {
	return view.New[user]("users", "user").
		On(func(_ user, e created, _ view.Meta) user { return user(e) }).
		Index("all", view.All().Then("name"))
}

// A consistency token makes a query see at least the command it came from.
func ExampleQueries_Get() {
	ctx := context.Background()
	store, views := &eventstest.Memory{}, []view.View{users()}
	codec, _ := events.NewCodec(events.Type{Name: "user-created"})
	queries, err := query.New(store, codec, viewtest.NewMemory(views...), views, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	event, _ := codec.Encode("user-created", created{Name: "Ann"})
	_, _ = store.Append(ctx, events.Start("user/7"), events.Commit{ID: "c1", Events: []events.Event{event}})

	_, err = queries.Get(ctx, "", "users", "7", nil)
	fmt.Println("not projected yet:", events.CodeOf(err))
	row, err := queries.Get(ctx, "", "users", "7", []events.Token{{Stream: "user/7", Version: 1}})
	fmt.Println(string(row.JSON), err)
	// Output:
	// not projected yet: not-found
	// {"id":"7","name":"Ann","version":1} <nil>
}
