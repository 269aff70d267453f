package functions

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"daybook"
	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/api"
	"daybook/dynamo"
	"daybook/events"
	"daybook/functions/apigateway"
	"daybook/functions/names"
	"daybook/messaging"
	"daybook/view/projection"
	"daybook/view/query"
)

// Handler is a Lambda handler of bytes; aws-lambda-go starts it as it is. It is
// safe for concurrent use.
type Handler interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// NewCommand returns the command function: API Gateway events of requests below
// /commands, and batches of queued commands. It needs the events and the claims
// table; the prefix of the query tables names the deployment in its metrics. With
// the requests table and both queues, requests can ask for their commands to be
// queued. Errors are faults of the declarations and of the configuration.
func NewCommand(app daybook.App, c Config) (Handler, error) {
	log, metrics, spans := c.logger(names.Command), newMetrics(app, c), c.spans(names.Command)
	client := c.client(spans)
	sealing, err := c.Sealing(app, client)
	if err != nil {
		return nil, err
	}
	store := sealing.Store(dynamo.NewEventStore(client, c.EventsTable, dynamo.WithClaims(c.ClaimsTable)))
	handler, err := aggregate.NewHandler(store, app.Aggregates, &aggregate.Options{Tenants: app.Tenancy.On(), Now: c.Now, Begin: beginCommand(spans), Observe: c.observe(log, metrics)})
	if err != nil {
		return nil, err
	}
	options := &api.Options{Now: c.Now, Logger: log, Title: app.Title(), Tenants: app.Tenancy.On(), Limit: limitOf(app.Tenancy)}
	function := commandHandler{queue: noQueue{}, metrics: metrics}
	switch settings := []string{c.RequestsTable, c.CommandQueue, c.DeadQueue}; {
	case !slices.Contains(settings, ""):
		statuses := dynamo.NewRequests(client, c.RequestsTable)
		queue := func(url string) async.Queue {
			return sealing.Queue(messaging.NewQueue(url, c.messaging(c.QueueEndpoint)))
		}
		commands, dead := queue(c.CommandQueue), queue(c.DeadQueue)
		options.Sender = sender{async.NewSender(handler, commands, statuses), metrics}
		queued := &queueHandler{worker: async.NewWorker(handler, statuses, dead, nil), sealing: sealing, log: log, metrics: metrics}
		function.queue = batchHandler[messaging.SQSMessage]{log: log, spans: spans, name: "queue batch", source: "queue's", decode: messaging.DecodeEvent, handle: queued.handle}
	case strings.Join(settings, "") != "":
		return nil, errors.New("asynchronous commands need the requests table, the command queue and the dead-letter queue: not all are set")
	}
	function.http = c.overHTTP(app, requestSpans(spans, api.NewCommands(handler, options)), log)
	return function, nil
}

// NewQuery returns the query function: API Gateway events of everything that
// reads. It needs the events table and the prefix of the query tables; with the
// requests table it tells the status of queued commands. Errors are faults of the
// declarations.
func NewQuery(app daybook.App, c Config) (Handler, error) {
	log, spans := c.logger(names.Query), c.spans(names.Query)
	client := c.client(spans)
	sealing, err := c.Sealing(app, client)
	if err != nil {
		return nil, err
	}
	store := sealing.Store(dynamo.NewEventStore(client, c.EventsTable))
	codec, err := aggregate.Codec(app.Aggregates)
	if err != nil {
		return nil, err
	}
	queries, err := query.New(store, codec, sealing.Tables(dynamo.NewTables(client, c.ViewPrefix)), app.Views,
		&query.Options{Routed: true, Tenants: app.Tenancy.On(), Now: c.Now})
	if err != nil {
		return nil, err
	}
	options := &api.Options{Now: c.Now, Logger: log, Title: app.Title(), Tenants: app.Tenancy.On(), Limit: limitOf(app.Tenancy), Security: c.Security, Processes: app.Processes, Pages: c.Pages}
	if c.RequestsTable != "" {
		options.Statuses = dynamo.NewRequests(client, c.RequestsTable)
	}
	queried := api.NewQueries(queries, store, app.Aggregates, app.Views, options)
	return c.overHTTP(app, requestSpans(spans, historyByItsRoute(queried)), log), nil
}

// NewProjector returns the projector function: batches of the events table's
// stream, with partial batch failures. It needs the events table and the prefix
// of the query tables. Errors are faults of the declarations.
func NewProjector(app daybook.App, c Config) (Handler, error) {
	spans := c.spans(names.Projector)
	client := c.client(spans)
	sealing, err := c.Sealing(app, client)
	if err != nil {
		return nil, err
	}
	store := sealing.Store(dynamo.NewEventStore(client, c.EventsTable))
	codec, err := aggregate.Codec(app.Aggregates)
	if err != nil {
		return nil, err
	}
	projector, err := projection.New(store, codec, sealing.Tables(dynamo.NewTables(client, c.ViewPrefix)), app.Views,
		&projection.Options{Routed: true, Now: c.Now})
	if err != nil {
		return nil, err
	}
	p := &projections{config: c, sealing: sealing, projector: projector, log: c.logger(names.Projector), metrics: newMetrics(app, c)}
	return ofStream(p.log, spans, "projector batch", p.handle), nil
}

// observe logs and measures each command: its name and stream, never its payload.
func (c Config) observe(log *slog.Logger, m *metrics) func(context.Context, aggregate.Observation) {
	return func(ctx context.Context, o aggregate.Observation) {
		m.command(o)
		endCommand(ctx, o)
		level, panicked := slog.LevelInfo, c.panicIn(o.Err)
		if panicked != nil {
			level = slog.LevelError
		}
		about := []any{"command", o.Command, "commandId", o.CommandID, "stream", o.Stream,
			"code", events.CodeOf(o.Err), "replayed", o.Replayed, "conflicts", o.Conflicts, "loads", o.Loads}
		if tenant := o.Stream.Tenant(); tenant != "" {
			about = append(about, "tenant", tenant)
		}
		log.Log(ctx, level, "command", append(about, append(traced(o.Trace), panicked...)...)...)
	}
}

// isolated returns the tenant of a verified claim, and none where Lambda isolates tenants
// and the execution environment is another's.
func isolated(ctx context.Context, claimed string) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok && lc.TenantID != "" && lc.TenantID != claimed {
		return ""
	}
	return claimed
}

// overHTTP serves API Gateway events with h.
func (c Config) overHTTP(app daybook.App, h http.Handler, log *slog.Logger) Handler {
	return apigateway.New(h, apigateway.Options{
		Prefix:      c.PathPrefix,
		TenantClaim: app.Tenancy.Claim,
		Log:         log,
		Context: func(ctx context.Context, caller apigateway.Caller) context.Context {
			ctx = withRoute(api.WithActor(ctx, caller.Actor), caller.Route)
			ctx = api.WithGrants(ctx, api.Grants{Scopes: strings.Fields(caller.Scope), IAM: caller.IAM, Route: caller.Route})
			tenant := isolated(ctx, caller.Tenant)
			ctx = withTenant(api.WithTenant(ctx, tenant), tenant)
			return api.WithRequestID(withRequestID(ctx, caller.RequestID), caller.RequestID)
		},
		Fault: func(w http.ResponseWriter, r *http.Request, status int) {
			switch status {
			case http.StatusRequestEntityTooLarge:
				api.WriteProblem(w, r, events.Errorf(events.CodeTooLarge,
					"the answer would have more than %d bytes: ask for less with limit", apigateway.MaxAnswer))
			case http.StatusBadRequest:
				api.WriteProblem(w, r, events.Errorf(events.CodeMalformed, "the request must be UTF-8, and its path percent-encoded"))
			default:
				api.WriteProblem(w, r, events.Errorf(events.CodeInternal, "something went wrong"))
			}
		},
	})
}
