package api

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"daybook/aggregate"
	"daybook/events"
	"daybook/nearest"
	"daybook/view"
	"daybook/view/query"
)

// Querier answers queries of views; *query.Queries does. Every query is one of a
// tenant, "" in an application without tenants. Its errors are *events.Error.
type Querier interface {
	// Get returns the row of key, as of the given tokens at least. With not-found,
	// Parked of the row says that it may be missing because a stream is parked.
	Get(ctx context.Context, tenant, view, key string, after []events.Token) (view.Row, error)
	// At returns the row of key as it was at a moment; Parked as with Get.
	At(ctx context.Context, tenant, view, key string, at query.Moment) (view.Row, error)
	// List returns the rows that the parameters of a request's query ask for;
	// each value of after is one token.
	List(ctx context.Context, tenant, view string, params map[string][]string) (query.Page, error)
	// Describe describes the views as they answer now: it changes when queries
	// are switched to another version of a view.
	Describe(ctx context.Context) ([]view.Description, error)
}

// History is the part of an events.Store that reads a stream's events.
type History interface {
	Read(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error)
}

// queries is the read side of the API.
type queries struct {
	opts    Options
	querier Querier
	history History
	views   map[string]bool
	openAPI *openAPI
	// asyncAPI describes the integration events when first asked for; nil without
	// outboxes.
	asyncAPI func() (*description, error)
}

// NewQueries returns the handler of everything that reads: views, histories,
// the OpenAPI description and liveness. The aggregates are there to be
// described; that is done when the description is asked for.
func NewQueries(querier Querier, history History, aggregates []aggregate.Aggregate, views []view.View, o *Options) http.Handler {
	opts := o.withDefaults()
	q := &queries{opts: opts, querier: querier, history: history, views: map[string]bool{}}
	for _, v := range views {
		q.views[v.Describe().Name] = true
	}
	if len(opts.outboxes()) > 0 {
		q.asyncAPI = sync.OnceValues(func() (*description, error) { return describeMessages(opts) })
	}
	q.openAPI = &openAPI{opts: opts, aggregates: aggregates}
	return &server{opts: opts, find: q.find}
}

// reading are the methods of all paths that read.
const reading = "GET, HEAD"

func (q *queries) find(method string, path []string) (endpoint, error) {
	e, allow, err := q.target(path)
	reads := method == http.MethodGet || method == http.MethodHead
	switch {
	case err != nil && (allow == "" || reads):
		return nil, err
	case e == nil || !reads:
		return nil, methodNotAllowed(method, allow)
	}
	return e, nil
}

// target returns the endpoint of a path and the methods it allows, those also with
// an error about an id or a key: no other method would make it right.
func (q *queries) target(path []string) (e endpoint, allow string, err error) {
	if len(path) == 1 && path[0] == "" {
		return q.root, reading, nil
	}
	if slices.Contains(path, "") {
		return nil, "", emptySegment(path)
	}
	switch first := path[0]; first {
	case "health":
		e = health
	case "openapi.json":
		e = q.described
	case "asyncapi.json":
		if q.asyncAPI == nil {
			return nil, "", notFound()
		}
		e = q.messages
	case "streams":
		if len(path) < 3 {
			return nil, "", notFound()
		}
		id, err := rest(path[2:])
		return q.stream(path[1], id), reading, err
	case "commands":
		if q.opts.Statuses != nil && len(path) >= 2 {
			id, err := rest(path[1:])
			return q.status(id), reading + ", " + http.MethodPost, err
		}
		if len(path) <= 2 {
			return nil, http.MethodPost, nil
		}
		return nil, "", notFound()
	default:
		return q.rows(path)
	}
	if len(path) > 1 {
		return nil, "", notFound()
	}
	return e, reading, nil
}

func (q *queries) rows(path []string) (endpoint, string, error) {
	switch {
	case !q.views[path[0]]:
		return nil, "", events.Errorf(events.CodeUnknownView, "there is no view %q%s", clip(path[0], maxName), nearest.Hint(path[0], q.names()))
	case len(path) == 1:
		return q.list(path[0]), reading, nil
	}
	key, err := rest(path[1:])
	return q.row(path[0], key), reading, err
}

// rest is the id or key that ends a path, as EncodeSegment wrote it or plain. A
// plain id may hold slashes, and an HTTP API of API Gateway has decoded %2F before
// it hands a path over; a view's and an aggregate's name have none, so the rest of
// the path is the id.
func rest(path []string) (string, error) {
	return DecodeSegment("path", strings.Join(path, "/"))
}

// emptySegment is the error about a path with an empty segment: below a view, a
// stream or a command it may be meant for an id.
func emptySegment(path []string) error {
	if path[0] == "" || len(path) == 2 {
		return notFound()
	}
	return events.Errorf(events.CodeNotFound, "no such path; an id with a slash at an end, or with two in a row, is written ~ and its base64url")
}

// names are the names that can begin a path.
func (q *queries) names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, fixed := range []string{"commands", "health", "openapi.json", "asyncapi.json", "streams"} {
			if (fixed != "asyncapi.json" || q.asyncAPI != nil) && !yield(fixed) {
				return
			}
		}
		maps.Keys(q.views)(yield)
	}
}

// healthy is the answer to GET /health.
const healthy = `{"status":"ok"}`

// health says that the process answers.
func health(*http.Request) (*answer, error) {
	return &answer{status: http.StatusOK, contentType: "application/json", body: []byte(healthy)}, nil
}
