// Command document prints the OpenAPI description of the sample business as a
// deployment answers it: linters and generators of clients read it.
//
//	go run ./localstack/clients/document -authorization jwt
//
// -authorization is none, iam or jwt, as the deployment's setting.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"time"

	"daybook/aggregate/async"
	"daybook/api"
	"daybook/domain"
	"daybook/view"
)

func main() {
	kind := flag.String("authorization", "none", "what the gateway asks of callers: `none, iam or jwt`")
	flag.Parse()
	security, ok := map[string]api.Security{
		"none": {},
		"iam":  {SigV4: true},
		"jwt": {
			Issuer: "https://id.example.com", WriteScope: "daybook/write",
			ReadScope: "daybook/read", HistoryScope: "daybook/history",
		},
	}[*kind]
	if !ok {
		fmt.Fprintf(os.Stderr, "document: -authorization is none, iam or jwt, not %q\n", *kind)
		os.Exit(2)
	}
	h := api.NewQueries(declared{}, nil, domain.App().Aggregates, domain.App().Views, &api.Options{Security: security, Statuses: unasked{}, Processes: domain.App().Processes})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/openapi.json", nil))
	if w.Code != 200 {
		fmt.Fprintf(os.Stderr, "document: %d %s\n", w.Code, w.Body)
		os.Exit(1)
	}
	fmt.Printf("%s\n", w.Body)
}

// declared describes the views as they are declared; it answers no query.
type declared struct{ api.Querier }

func (declared) Describe(context.Context) ([]view.Description, error) {
	var all []view.Description
	for _, v := range domain.App().Views {
		all = append(all, v.Describe())
	}
	return all, nil
}

// unasked has the statuses of no commands: it stands for a deployment with a
// queue.
type unasked struct{}

func (unasked) Get(context.Context, time.Time, string, string) (*async.Status, error) {
	return nil, nil
}
