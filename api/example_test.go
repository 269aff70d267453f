package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"daybook/aggregate"
	"daybook/api"
	"daybook/events/eventstest"
	"daybook/internal/testdomain"
	"daybook/view/query"
	"daybook/view/viewtest"
)

func Example() {
	store := new(eventstest.Memory)
	handler, err := aggregate.NewHandler(store, testdomain.Aggregates(), nil)
	if err != nil {
		panic(err)
	}
	codec, err := aggregate.Codec(testdomain.Aggregates())
	if err != nil {
		panic(err)
	}
	queries, err := query.New(store, codec, viewtest.NewMemory(testdomain.Views()...), testdomain.Views(), &query.Options{Routed: true})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/commands/", api.NewCommands(handler, nil))
	mux.Handle("/", api.NewQueries(queries, store, testdomain.Aggregates(), testdomain.Views(), nil))

	send := func(method, target, body string) {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "signup-42")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Header().Get("ETag"), " ", w.Body)
	}
	send("POST", "/commands/create-member", `{"id":"7","payload":{"name":"Ada","email":"ada@example.com"}}`)
	send("GET", "/members/7?after=member/7@1", "")
	// Output:
	// 201 "1" {"id":"7","version":1,"commandId":"signup-42","token":"member/7@1"}
	// 200 "1" {"id":"7","name":"Ada","email":"ada@example.com","active":true,"version":1}
}
