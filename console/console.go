package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/inspect"
	"daybook/process"
	"daybook/view/driver"
)

// Options say what a console is for. App, Sources and Changes are required.
type Options struct {
	App     daybook.App
	Sources inspect.Sources
	// Stage and Prefix name the installation for people.
	Stage, Prefix string
	// Write allows what changes the installation.
	Write bool
	// Actor is the actor of commands that are sent; "console" by default.
	Actor string
	// Token, when not empty, has to come with every request to the JSON API.
	Token string
	// Hosts are names by which the console may be called besides localhost and IP
	// addresses.
	Hosts []string
	// Scan bounds the commits that are read to list streams; 0 for all. Streams
	// beyond it are found by their whole id.
	Scan int

	// Changes hands over the commits that were stored since a time, and those that
	// are being stored, until ctx ends.
	Changes func(ctx context.Context, since time.Time, each func(c *events.Commit, stored time.Time)) error
	// Tables makes, fills and switches tables of views.
	Tables driver.AdminTables
	// Scanned is Sources.Events with a strongly consistent Scan, for rebuilds.
	Scanned events.Store
	// Measure says how large the table of a view is, in items and bytes.
	Measure func(ctx context.Context, t driver.Target) (items, size int64, err error)
	// Effects are what process managers and outboxes are redriven with.
	Effects func(ctx context.Context, h *aggregate.Handler) (process.Effects, error)
	// Queue is the command queue; nil for none.
	Queue Queue
	// Rehearsal is the rehearsal that its page shows; nil for none.
	Rehearsal func() Rehearsal
}

// Queue is the command queue of an installation. Its methods may be called
// concurrently.
type Queue interface {
	// Depth counts the messages: those that wait, those being handled, and dead
	// letters. The numbers are approximate.
	Depth(ctx context.Context) (inspect.Depth, error)
	// Redrive sends the dead letters of the given ids to the command queue again, and
	// returns what came of each after a short wait.
	// tenant is whose letters they are, "" without tenants.
	Redrive(ctx context.Context, tenant string, ids []string) ([]inspect.HandledLetter, error)
	// Drop deletes dead letters.
	Drop(ctx context.Context, tenant string, ids []string) ([]inspect.HandledLetter, error)
}

// Console serves the pages and the JSON API at /console. It is safe for concurrent
// use.
type Console struct {
	o       Options
	inspect *inspect.Installation
	codec   *events.Codec
	handler *aggregate.Handler
	live    *live
	guarded http.Handler

	ctx     context.Context // of what goes on between requests; ends with Close
	cancel  context.CancelFunc
	working sync.WaitGroup
	busy    sync.Map // rebuilds under way, by view
}

// warmBytes bounds the streams that a console's handler keeps warm: a person sends
// few commands.
const warmBytes = 1 << 20

// New returns a console. It sends nothing before the first request. Errors are faults
// of the application's declarations.
func New(o Options) (*Console, error) {
	if o.Changes == nil {
		return nil, errors.New("a console needs the changes of its installation")
	}
	o.Actor = cmp.Or(o.Actor, "console")
	i, err := inspect.Open(o.App, o.Sources)
	if err != nil {
		return nil, err
	}
	codec, err := aggregate.Codec(o.App.Aggregates)
	if err != nil {
		return nil, err
	}
	handler, err := aggregate.NewHandler(o.Sources.Events, o.App.Aggregates, &aggregate.Options{Tenants: o.App.Tenancy.On(), CacheBytes: warmBytes})
	if err != nil {
		return nil, err
	}
	c := &Console{o: o, inspect: i, codec: codec, handler: handler}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.live = newLive(c)
	c.guarded = c.guard(c.routes())
	return c, nil
}

// ServeHTTP answers requests of /console and below.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.guarded.ServeHTTP(w, r) }

// Close ends what goes on between requests: a rebuild is resumed by the next one.
func (c *Console) Close() {
	c.cancel()
	c.working.Wait()
}

// routes are the addresses of the console.
func (c *Console) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /console", http.RedirectHandler("/console/", http.StatusMovedPermanently))
	mux.Handle("/console/", pages())
	for path, f := range map[string]func(*http.Request) (any, error){
		"app": c.app, "pulse": c.pulse, "health": c.health, "followed": c.followed,
		"streams": c.streams, "stream": c.stream, "moment": c.moment,
		"views": c.views, "rows/{view}": c.rows, "row": c.row, "verify": c.verifyRow,
		"explain": c.explain, "parked": c.parked, "instances": c.instances, "letters": c.letters,
		"rehearsal": c.rehearsal,
	} {
		mux.Handle("GET /console/api/"+path, answer(f))
	}
	for path, f := range map[string]func(*http.Request) (any, error){
		"redrive": c.redrive, "letters": c.handleLetters, "rebuild": c.rebuild, "switch": c.switchTable, "sample": c.verifySample,
	} {
		mux.Handle("POST /console/api/"+path, answer(c.writing(f)))
	}
	mux.Handle("POST /console/api/commands/{command}", answer(c.command))
	mux.Handle("/console/api/", answer(func(r *http.Request) (any, error) {
		return nil, events.Errorf(events.CodeNotFound, "the console has no %s %s", r.Method, r.URL.Path)
	}))
	return mux
}
