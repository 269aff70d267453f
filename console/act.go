package console

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"net/http"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/follow"
	"daybook/inspect"
	"daybook/process"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
	"daybook/view/projection"
)

// writing refuses what changes the installation, unless the console may.
func (c *Console) writing(f func(*http.Request) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		if err := c.mayWrite(); err != nil {
			return nil, err
		}
		return f(r)
	}
}

func (c *Console) mayWrite() error {
	if c.o.Write {
		return nil
	}
	return events.Errorf(events.CodeForbidden, "this console only reads: start it with -write")
}

// commandRequest asks for a command to be sent, or rehearsed.
type commandRequest struct {
	ID              string         `json:"id"`
	Payload         jsontext.Value `json:"payload"`
	CommandID       string         `json:"commandId"`
	ExpectedVersion *int64         `json:"expectedVersion"`
	DryRun          bool           `json:"dryRun"`
}

// accepted is the answer to a command that was sent.
type accepted struct {
	Stream   events.Stream `json:"stream"`
	Version  int64         `json:"version"`
	Token    string        `json:"token"`
	Started  bool          `json:"started"`
	Replayed bool          `json:"replayed"`
}

func (c *Console) command(r *http.Request) (any, error) {
	var q commandRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	command := aggregate.Command{
		Name: r.PathValue("command"), ID: q.ID, Payload: q.Payload, CommandID: q.CommandID, ExpectedVersion: q.ExpectedVersion, Actor: c.o.Actor, Tenant: c.tenant(r),
	}
	if q.DryRun {
		return c.inspect.DryRun(r.Context(), command)
	}
	if err := c.mayWrite(); err != nil {
		return nil, err
	}
	got, err := c.handler.Handle(r.Context(), command)
	if err != nil {
		return nil, err
	}
	return accepted{got.Stream, got.Version, got.Token(), got.Started, got.Replayed}, nil
}

// redriven is a stream that was redriven.
type redriven struct {
	Name   string        `json:"name"`
	Stream events.Stream `json:"stream"`
	Commit int64         `json:"commit"`
	Fault  string        `json:"fault,omitzero"` // why it is parked still
}

type redrivenPage struct {
	Redriven []redriven `json:"redriven"`
}

// redriveTime bounds a request that redrives all of a follower: it is done again for
// what is left.
const redriveTime = 45 * time.Second

// redrive applies what parked streams of a follower hold back: one stream, or all.
func (c *Console) redrive(r *http.Request) (any, error) {
	var q struct {
		Name   string        `json:"name"`
		Stream events.Stream `json:"stream"`
	}
	if err := read(r, &q); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), redriveTime)
	defer cancel()
	one, all, err := c.redriver(ctx, q.Name)
	if err != nil {
		return nil, err
	}
	page := redrivenPage{}
	tell := func(d follow.RedriveResult) {
		out := redriven{Name: d.Consumer, Stream: d.Stream, Commit: d.Commit}
		if d.Fault != nil {
			out.Fault = d.Fault.Text
		}
		page.Redriven = append(page.Redriven, out)
	}
	if q.Stream == "" {
		return &page, all(ctx, q.Name, tell)
	}
	got, err := one(ctx, q.Name, q.Stream)
	if err != nil {
		return nil, err
	}
	if tell(got); got.Fault != nil {
		return nil, events.Errorf(events.CodeConflict, "%s stays parked: %s", q.Stream, got.Fault.Text)
	}
	return page, nil
}

type (
	redriveOne func(ctx context.Context, name string, stream events.Stream) (follow.RedriveResult, error)
	redriveAll func(ctx context.Context, name string, done func(follow.RedriveResult)) error
)

// redriver returns what redrives a follower.
func (c *Console) redriver(ctx context.Context, name string) (redriveOne, redriveAll, error) {
	if v := c.o.App.View(name); v != nil {
		tables, views, err := admin.Pin(ctx, c.o.Sources.Tables, []view.View{v})
		if err != nil {
			return nil, nil, err
		}
		p, err := projection.New(c.o.Sources.Events, c.codec, tables, views, nil)
		if err != nil {
			return nil, nil, err
		}
		return p.Redrive, p.RedriveView, nil
	}
	effects, err := c.o.Effects(ctx, c.handler)
	if err != nil {
		return nil, nil, err
	}
	runner, err := process.NewRunner(c.o.Sources.Events, c.codec, c.o.Sources.Ledger, c.o.App.Processes, effects, &process.Options{Source: c.o.Prefix})
	if err != nil {
		return nil, nil, err
	}
	return runner.Redrive, runner.RedriveReactor, nil
}

// handledPage is what came of dead letters.
type handledPage struct {
	Letters []inspect.HandledLetter `json:"letters"`
}

func (c *Console) handleLetters(r *http.Request) (any, error) {
	var q struct {
		Action string   `json:"action"`
		IDs    []string `json:"ids"`
	}
	if err := read(r, &q); err != nil {
		return nil, err
	}
	if len(q.IDs) == 0 || len(q.IDs) > pageLimit {
		return nil, events.Malformed("/ids", fmt.Sprintf("names 1 to %d dead letters", pageLimit))
	}
	if err := c.inspect.CheckTenant(c.tenant(r)); err != nil {
		return nil, err
	}
	if c.o.Queue == nil {
		return nil, events.Errorf(events.CodeUnavailable, "this installation has no command queue")
	}
	act := c.o.Queue.Redrive
	switch q.Action {
	case "redrive":
	case "drop":
		act = c.o.Queue.Drop
	default:
		return nil, events.Malformed("/action", "is redrive or drop")
	}
	handled, err := act(r.Context(), c.tenant(r), q.IDs)
	return handledPage{handled}, err
}

// rebuilder rebuilds and switches tables of views.
func (c *Console) rebuilder() (*admin.Rebuilder, error) {
	return admin.NewRebuilder(c.o.Scanned, c.codec, c.o.Tables, c.o.App.Views, nil)
}

// rebuild begins to build a view's next table, or goes on with one that was begun, and
// answers while it is filled. How far it is, the list of tables says.
func (c *Console) rebuild(r *http.Request) (any, error) {
	var q struct {
		View string `json:"view"`
	}
	if err := read(r, &q); err != nil {
		return nil, err
	}
	rebuilder, err := c.rebuilder()
	if err != nil {
		return nil, err
	}
	state, err := rebuilder.Begin(r.Context(), q.View)
	if err != nil {
		return nil, err
	}
	if _, running := c.busy.LoadOrStore(q.View, true); !running {
		c.working.Go(func() {
			defer c.busy.Delete(q.View)
			_, _ = rebuilder.Run(c.ctx, q.View) // the state of the table says how far it came
		})
	}
	return map[string]string{"table": state.String()}, nil
}

// switchTable lets another table of a view answer queries.
func (c *Console) switchTable(r *http.Request) (any, error) {
	var q struct {
		View  string `json:"view"`
		Table string `json:"table"`
	}
	if err := read(r, &q); err != nil {
		return nil, err
	}
	t, err := driver.ParseTarget(q.View, q.Table)
	if err != nil {
		return nil, err
	}
	rebuilder, err := c.rebuilder()
	if err != nil {
		return nil, err
	}
	at, err := rebuilder.Switch(r.Context(), t, nil)
	return map[string]time.Time{"at": at}, err
}

// What a sample of a view is.
const (
	sampleShare = 0.05
	sampleTime  = 30 * time.Second
)

// verifySample compares a random twentieth of a view's table with the events. It
// reads much, so it is for who may write.
func (c *Console) verifySample(r *http.Request) (any, error) {
	var q struct {
		View string `json:"view"`
	}
	if err := read(r, &q); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), sampleTime)
	defer cancel()
	v := c.o.App.View(q.View)
	if v == nil {
		return nil, events.Errorf(events.CodeUnknownView, "there is no view %q", q.View)
	}
	tables, views, err := admin.Pin(ctx, c.o.Sources.Tables, []view.View{v})
	if err != nil {
		return nil, err
	}
	verifier, err := admin.NewVerifier(c.o.Scanned, c.codec, tables, views, &admin.VerifyOptions{Fraction: sampleShare, Seed: uint64(time.Now().UnixNano()), Findings: pageLimit})
	if err != nil {
		return nil, err
	}
	report, err := verifier.Verify(ctx)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, events.Errorf(events.CodeTooLarge, "a twentieth of the view can't be compared within %v: run verify on the command line", sampleTime)
	}
	return report, err
}
