package projection_test

import (
	"context"
	"fmt"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/view"
	"daybook/view/projection"
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

// Projecting a commit and asking for what it made.
func ExampleProjector_Project() {
	ctx := context.Background()
	store, views := &eventstest.Memory{}, []view.View{users()}
	codec, _ := events.NewCodec(events.Type{Name: "user-created"})
	tables := viewtest.NewMemory(views...)
	projector, err := projection.New(store, codec, tables, views, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	event, _ := codec.Encode("user-created", created{Name: "Ann"})
	commit, _ := store.Append(ctx, events.Start("user/7"), events.Commit{ID: "c1", Events: []events.Event{event}})

	report := projector.Project(ctx, []follow.Delivery{{Stream: commit.Stream, Number: commit.Number, Commit: &commit, Sequence: "1"}})
	fmt.Println("written:", report.Written, "to retry:", len(report.Retry))

	queries, err := query.New(store, codec, tables, views, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := queries.List(ctx, "", "users", map[string][]string{"name.prefix": {"An"}})
	fmt.Println(string(page.Items[0]), err)
	// Output:
	// written: 1 to retry: 0
	// {"id":"7","name":"Ann","version":1} <nil>
}
