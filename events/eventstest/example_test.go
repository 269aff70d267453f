package eventstest_test

import (
	"context"
	"fmt"

	"daybook/events"
	"daybook/events/eventstest"
)

// A test counts calls and makes them fail by Memory's hooks.
func ExampleMemory() {
	calls := map[string]int{}
	store := &eventstest.Memory{
		Before: func(method string, _ events.Stream) error {
			calls[method]++
			if method == "Append" && calls[method] == 1 {
				return events.Errorf(events.CodeBusy, "the database is busy")
			}
			return nil
		},
	}
	commit := events.Commit{ID: "c1", Commands: []events.Command{{ID: "k1", Version: 1}}, Events: []events.Event{{Name: "user-created", Schema: 1, Data: []byte(`{}`)}}}
	for range 2 {
		c, err := store.Append(context.Background(), events.Start("user/7"), commit)
		fmt.Println(c.Number, err)
	}
	fmt.Println(calls)
	// Output:
	// 0 busy: the database is busy
	// 1 <nil>
	// map[Append:2]
}
