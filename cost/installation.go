package cost

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/follow"
	"daybook/functions"
	"daybook/functions/names"
	"daybook/localstack/embedded"
	"daybook/localstack/kms"
	"daybook/localstack/wire"
	"daybook/process"
	"daybook/sealed"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/projection"
	"daybook/view/query"
)

// stage is that of the installation that is measured.
const stage = "cost"

// Installation is an application on an embedded DynamoDB in memory, with a meter. It
// is used by one goroutine.
type Installation struct {
	app    daybook.App
	db     *embedded.DB
	meter  *meter
	tables []string // all, with the prefix

	client    *dynamo.Client
	store     *recordingStore
	kms       http.RoundTripper // to an embedded KMS; nil for an application without personal values
	sealing   sealed.With
	codec     *events.Codec
	views     driver.AdminTables
	handler   *aggregate.Handler
	projector *projection.Projector
	queries   *query.Queries
	runner    *process.Runner
	effects   *effects

	sent int // commands, so far
}

// Open makes the tables of an application in memory. Close it at the end.
func Open(ctx context.Context, app daybook.App) (*Installation, error) {
	if err := app.Check(); err != nil {
		return nil, fmt.Errorf("the application's declaration is invalid: %w", err)
	}
	db, err := embedded.Open(ctx, embedded.Options{})
	if err != nil {
		return nil, err
	}
	app.Tenancy = daybook.Tenancy{} // one tenant's units are those of an application without tenants
	i := &Installation{app: app, db: db, meter: &meter{next: db.RoundTripper(), indexes: Usage{}}}
	if err := i.open(ctx); err != nil {
		return nil, fmt.Errorf("open an installation in memory: %w", err)
	}
	return i, nil
}

// Close gives the memory back.
func (i *Installation) Close() error { return i.db.Close() }

func (i *Installation) prefix() string { return i.app.Prefix(stage) }

func (i *Installation) open(ctx context.Context) error {
	i.client = dynamo.New(dynamo.Options{Region: "us-east-1", Endpoint: "http://dynamodb.embedded", Credentials: dynamo.StaticCredentials("local", "local"), Transport: i.meter})
	specs := []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.ControlTable(), dynamo.RequestsTable(), dynamo.ProcessesTable()}
	if i.app.Personal() {
		server, err := kms.Open("", slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		i.kms, specs = wire.Transport(server), append(specs, dynamo.KeysTable())
	}
	for _, v := range view.Versions(i.app.Views) {
		specs = append(specs, dynamo.ViewTable(v.Describe()))
	}
	if err := dynamo.Create(ctx, i.client, i.prefix(), specs...); err != nil {
		return err
	}
	for _, spec := range specs {
		i.tables = append(i.tables, dynamo.TableName(i.prefix(), spec))
	}
	claims := dynamo.WithClaims(dynamo.TableName(i.prefix(), dynamo.ClaimsTable()))
	table := dynamo.TableName(i.prefix(), dynamo.EventsTable())
	i.store = &recordingStore{EventStore: dynamo.NewEventStore(i.client, table, claims), streams: map[events.Stream]bool{}}
	var err error
	if i.sealing, err = i.keys(); err != nil {
		return err
	}
	store := i.sealing.Store(i.store)
	if i.codec, err = aggregate.Codec(i.app.Aggregates); err != nil {
		return err
	}
	i.views = i.sealing.Tables(dynamo.NewTables(i.client, i.prefix()))
	if i.projector, err = projection.New(store, i.codec, i.views, i.app.Views, &projection.Options{Routed: true}); err != nil {
		return err
	}
	if i.queries, err = query.New(store, i.codec, i.views, i.app.Views, &query.Options{Routed: true}); err != nil {
		return err
	}
	i.effects = &effects{}
	ledger := i.sealing.Ledger(dynamo.NewProcesses(i.client, dynamo.TableName(i.prefix(), dynamo.ProcessesTable())))
	i.runner, err = process.NewRunner(store, i.codec, ledger, i.app.Processes,
		process.Effects{Commands: i.effects, Timers: i.effects, Publisher: i.effects}, &process.Options{Source: i.prefix()})
	if err != nil {
		return err
	}
	if err := i.project(ctx, nil); err != nil { // which records the views' shapes
		return err
	}
	return i.Cool()
}

// keys are the keys of personal values as an instance has them that knows none yet.
func (i *Installation) keys() (sealed.With, error) {
	if i.kms == nil {
		return sealed.With{}, nil
	}
	return functions.Config{
		Region: "us-east-1", Credentials: dynamo.StaticCredentials("local", "local"), Messaging: i.kms, KMSEndpoint: "http://kms.embedded",
		KeysTable: dynamo.TableName(i.prefix(), dynamo.KeysTable()), WrappingKey: names.WrappingKey(i.prefix()),
	}.Sealing(i.app, i.client)
}

// Cool makes the next command one of an instance that knows no stream, and no key.
func (i *Installation) Cool() error {
	sealing, err := i.keys()
	if err != nil {
		return err
	}
	i.handler, err = aggregate.NewHandler(sealing.Store(i.store), i.app.Aggregates, nil)
	return err
}

// Handle handles a command, as the command function does.
func (i *Installation) Handle(ctx context.Context, c aggregate.Command) (aggregate.Result, error) {
	return i.handler.Handle(ctx, c)
}

// Used is what f consumed. It is safe to nest.
func (i *Installation) Used(f func() error) (Usage, error) {
	before := i.meter.read(i.db, i.tables)
	err := f()
	return i.meter.read(i.db, i.tables).since(before, names.Join(i.prefix(), "")), err
}

// project posts new commits to the views, as the projector function does with one
// batch.
func (i *Installation) project(ctx context.Context, batch []follow.Delivery) error {
	return followed("view", i.projector.Project(ctx, i.sealing.Commits(ctx, batch)).Report)
}

// react hands new commits to process managers and outboxes. Their commands are not
// handled but taken for accepted: each has a cost of its own.
func (i *Installation) react(ctx context.Context, batch []follow.Delivery) error {
	return followed("process", i.runner.Handle(ctx, i.sealing.Commits(ctx, batch)).Report)
}

// followed is the first error of a batch. A parked stream is one: its cost is unknown.
func followed(kind string, r follow.Report) error {
	if r.Err != nil || len(r.Faults) == 0 {
		return r.Err
	}
	f := r.Faults[0]
	return fmt.Errorf("%s %s can't follow %s at commit %d: %s", kind, f.Consumer, f.Stream, f.Commit, f.Text)
}

// Follow brings views and reactors up to date: what each view consumed, and the
// reactors together.
func (i *Installation) Follow(ctx context.Context) (views map[string]Usage, reactors Usage, err error) {
	all, reactors, err := i.follow(ctx)
	if err != nil {
		return nil, nil, err
	}
	views = map[string]Usage{}
	for _, v := range i.app.Views {
		views[v.Describe().Name] = Usage{}
	}
	for place, units := range all {
		if of := i.viewOf(place.Table); of != "" {
			views[of][place] = units
		}
	}
	return views, reactors, nil
}

// follow is Follow, with the usage of all views and of the batch together.
func (i *Installation) follow(ctx context.Context) (views, reactors Usage, err error) {
	batch := i.store.take()
	if views, err = i.Used(func() error { return i.project(ctx, batch) }); err != nil {
		return nil, nil, err
	}
	reactors = Usage{}
	if len(i.app.Processes) > 0 {
		reactors, err = i.Used(func() error { return i.react(ctx, batch) })
	}
	return views, reactors, err
}

// viewOf is the view that a table belongs to, "" for none.
func (i *Installation) viewOf(table string) string {
	for _, v := range view.Versions(i.app.Views) {
		if d := v.Describe(); dynamo.ViewTable(d).Name == table {
			return d.Name
		}
	}
	return ""
}

// effects count what reactors do, and do nothing. They are safe for concurrent use.
type effects struct {
	commands, timers, published atomic.Int64
}

// reset begins to count anew.
func (e *effects) reset() {
	for _, n := range []*atomic.Int64{&e.commands, &e.timers, &e.published} {
		n.Store(0)
	}
}

// Handle implements process.Commands.
func (e *effects) Handle(context.Context, process.Request) error { e.commands.Add(1); return nil }

// Set implements process.Timers.
func (e *effects) Set(context.Context, process.Timer) error { e.timers.Add(1); return nil }

// Cancel implements process.Timers.
func (e *effects) Cancel(context.Context, string) error { return nil }

// Publish implements process.Publisher.
func (e *effects) Publish(_ context.Context, es []process.CloudEvent) error {
	e.published.Add(int64(len(es)))
	return nil
}
