package console

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"daybook/events"
	"daybook/explain"
	"daybook/inspect"
	"daybook/view/driver"
)

// What one page holds at most.
const (
	pageLimit   = 50
	parkedShown = 100
	looked      = 100     // streams whose followers are asked
	budgetOfRow = 200_000 // commits that comparing a keyed row may read
)

// application is the application, and what this console may do.
type application struct {
	inspect.Application
	Stage  string `json:"stage"`
	Prefix string `json:"prefix"`
	Write  bool   `json:"write"`
	// Tenants says that streams have tenants, and that rows and commands need one.
	Tenants bool `json:"tenants,omitzero"`
}

func (c *Console) app(r *http.Request) (any, error) {
	a, err := c.inspect.Describe(r.Context())
	return application{a, c.o.Stage, c.o.Prefix, c.o.Write, c.o.App.Tenancy.On()}, err
}

func (c *Console) pulse(r *http.Request) (any, error) {
	after, err := integer(r, "after", 0)
	if err != nil {
		return nil, err
	}
	return c.live.pulse(after, pageLimit)
}

// follower is how a view, a process manager or an outbox is doing.
type follower struct {
	Name    string  `json:"name"`
	Kind    string  `json:"kind"` // view, manager or outbox
	Behind  int64   `json:"behind"`
	Seconds float64 `json:"seconds"`
	Parked  int     `json:"parked"`
	More    bool    `json:"more,omitzero"` // there are more parked streams
	Applied bool    `json:"applied"`       // of followed: it has the commit
}

// health says how the followers are doing with the newest streams, and what is parked
// and queued.
type health struct {
	Looked    int            `json:"looked"` // streams
	Followers []follower     `json:"followers"`
	Queue     *inspect.Depth `json:"queue,omitzero"`
}

func (c *Console) health(r *http.Request) (any, error) {
	newest, _ := c.live.newest(func(events.Stream) bool { return true }, nil, looked)
	newest = newest[:min(len(newest), looked)]
	heads := make([]inspect.Head, len(newest))
	for i, s := range newest {
		heads[i] = inspect.Head{Stream: s.Stream, Commit: s.Commits}
	}
	lags, err := c.inspect.LagOf(r.Context(), heads)
	if err != nil {
		return nil, err
	}
	h := health{Looked: len(heads)}
	for _, l := range lags {
		f := c.followerOf(l)
		page, err := c.inspect.Parked(r.Context(), inspect.ParkedQuery{Names: []string{f.Name}, Limit: parkedShown})
		if err != nil {
			return nil, err
		}
		f.Parked, f.More = len(page.Parked), page.Next != nil
		h.Followers = append(h.Followers, f)
	}
	if c.o.Queue != nil {
		if d, err := c.o.Queue.Depth(r.Context()); err == nil { // asynchronous commands are optional
			h.Queue = &d
		}
	}
	return h, nil
}

func (c *Console) followerOf(l inspect.Lag) follower {
	f := follower{Name: l.View, Kind: "view", Behind: l.Behind, Seconds: l.Seconds, Parked: int(l.Parked)}
	if l.View != "" {
		return f
	}
	f.Name, f.Kind = l.Process, c.o.App.Process(l.Process).Describe().Kind.String()
	return f
}

// followed says which followers have a stream's version, given as a token.
func (c *Console) followed(r *http.Request) (any, error) {
	token, err := events.ParseStoredToken(r.FormValue("token"))
	if err != nil {
		return nil, err
	}
	page, err := c.inspect.Stream(r.Context(), token.Stream, inspect.StreamQuery{From: token.Version, Limit: 1})
	if err != nil {
		return nil, err
	}
	lags, err := c.inspect.LagOf(r.Context(), []inspect.Head{{Stream: token.Stream, Commit: page.Commits[0].Number}})
	if err != nil {
		return nil, err
	}
	h := health{Looked: 1}
	for _, l := range lags {
		if l.Streams > 0 {
			f := c.followerOf(l)
			f.Applied = l.Behind == 0 && l.Parked == 0
			h.Followers = append(h.Followers, f)
		}
	}
	return h, nil
}

// streamsPage is a page of streams.
type streamsPage struct {
	Streams []inspect.StreamInfo `json:"streams"`
	Next    string               `json:"next,omitzero"`
	known
}

func (c *Console) streams(r *http.Request) (any, error) {
	aggregate, prefix, tenant := r.FormValue("aggregate"), r.FormValue("prefix"), c.tenant(r)
	var after *inspect.StreamPlace
	if text := r.FormValue("cursor"); text != "" {
		p, err := parsePlace(text)
		if err != nil {
			return nil, err
		}
		after = &p
	}
	found, k := c.live.newest(func(s events.Stream) bool {
		return (tenant == "" || s.Tenant() == tenant) && (aggregate == "" || s.Aggregate() == aggregate) && strings.HasPrefix(s.ID(), prefix)
	}, after, pageLimit)
	page := streamsPage{Streams: found, known: k}
	if len(found) > pageLimit {
		page.Streams = found[:pageLimit]
		last := page.Streams[pageLimit-1]
		page.Next = cursorOf(inspect.StreamPlace{Time: last.Time, Stream: last.Stream})
	}
	if !k.Complete && after == nil && prefix != "" {
		page.Streams = append(c.named(r, tenant, aggregate, prefix, found), page.Streams...)
	}
	return page, nil
}

// named finds the streams that a whole id names, which the list may lack.
func (c *Console) named(r *http.Request, tenant, aggregate, id string, found []inspect.StreamInfo) (more []inspect.StreamInfo) {
	for _, a := range c.o.App.Aggregates {
		stream := events.StreamOf(a.Name(), id).In(tenant)
		if aggregate != "" && a.Name() != aggregate || slices.ContainsFunc(found, func(s inspect.StreamInfo) bool { return s.Stream == stream }) {
			continue
		}
		page, err := c.inspect.Stream(r.Context(), stream, inspect.StreamQuery{Limit: 1})
		if err != nil {
			continue // no such stream
		}
		last := page.Commits[0]
		more = append(more, inspect.StreamInfo{Stream: stream, Version: page.Version, Commits: last.Number, Time: last.Time, Event: last.Events[len(last.Events)-1].Name, Actor: last.Actor})
	}
	return more
}

// stream is a part of a stream, with the states between: the newest, one in front of a
// version, or one around a version or a time.
func (c *Console) stream(r *http.Request) (any, error) {
	name, err := events.ParseStored(r.FormValue("stream"))
	if err != nil {
		return nil, err
	}
	q := inspect.StreamQuery{Limit: pageLimit, States: true}
	if q.Before, err = integer(r, "before", 0); err != nil {
		return nil, err
	}
	at, err := integer(r, "at", 0)
	if err != nil {
		return nil, err
	}
	if text := r.FormValue("time"); text != "" {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return nil, events.Malformed("time", "is a time such as 2006-01-02T15:04:05Z")
		}
		if at, err = c.inspect.VersionAt(r.Context(), name, t); err != nil {
			return nil, err
		}
	}
	if at == 0 {
		return c.inspect.Stream(r.Context(), name, q)
	}
	q.From = max(1, at-pageLimit/2)
	return c.inspect.Stream(r.Context(), name, q)
}

func (c *Console) moment(r *http.Request) (any, error) {
	name, err := events.ParseStored(r.FormValue("stream"))
	if err != nil {
		return nil, err
	}
	version, err := integer(r, "version", 1<<62)
	if err != nil {
		return nil, err
	}
	return c.inspect.Moment(r.Context(), name, inspect.At{Version: version})
}

// viewLine is a view with its tables.
type viewLine struct {
	View   string          `json:"view"`
	Kind   string          `json:"kind"`
	Table  string          `json:"table"` // the one that answers
	Items  int64           `json:"items"`
	Bytes  int64           `json:"bytes"`
	Parked int             `json:"parked"`
	Tables []inspect.Table `json:"tables"`
}

type viewsPage struct {
	Views []viewLine `json:"views"`
}

func (c *Console) views(r *http.Request) (any, error) {
	only := r.FormValue("view")
	rebuilder, err := c.rebuilder()
	if err != nil {
		return nil, err
	}
	tables, err := c.inspect.Tables(r.Context(), rebuilder)
	if err != nil {
		return nil, err
	}
	page := viewsPage{}
	for _, v := range c.o.App.Views {
		d := v.Describe()
		if only != "" && d.Name != only {
			continue
		}
		l := viewLine{View: d.Name, Kind: d.Kind.String(), Tables: tables[d.Name]}
		for _, t := range l.Tables {
			if !t.Answers {
				continue
			}
			l.Table = t.Table
			if target, err := driver.ParseTarget(d.Name, t.Table); err == nil && c.o.Measure != nil {
				l.Items, l.Bytes, _ = c.o.Measure(r.Context(), target) // 0 where the caller may not look
			}
		}
		parked, err := c.inspect.Parked(r.Context(), inspect.ParkedQuery{Names: []string{d.Name}, Limit: parkedShown})
		if err != nil {
			return nil, err
		}
		l.Parked = len(parked.Parked)
		page.Views = append(page.Views, l)
	}
	if only != "" && len(page.Views) == 0 {
		return nil, events.Errorf(events.CodeUnknownView, "there is no view %q", only)
	}
	return page, nil
}

func (c *Console) rows(r *http.Request) (any, error) {
	return c.inspect.Rows(r.Context(), c.tenant(r), r.PathValue("view"), r.URL.Query())
}

func (c *Console) row(r *http.Request) (any, error) {
	return c.inspect.Row(r.Context(), c.tenant(r), r.FormValue("view"), r.FormValue("key"))
}

func (c *Console) verifyRow(r *http.Request) (any, error) {
	return c.inspect.VerifyRow(r.Context(), c.tenant(r), r.FormValue("view"), r.FormValue("key"), budgetOfRow)
}

// explain tells the chain of causes and effects of a stream, a commit, a row, a claimed
// value or an id.
func (c *Console) explain(r *http.Request) (any, error) {
	of, tenant := r.FormValue("of"), c.tenant(r)
	if scope, rest, named := strings.Cut(of, ":"); named && strings.Contains(rest, "/") && events.ValidateTenant("tenant", scope) == nil {
		tenant = "" // a full name, as the pages link to, counts
	}
	return explain.Explain(r.Context(), c.inspect, of, &explain.Options{Tenant: tenant})
}

// parkedPage is a page of parked streams of one follower.
type parkedPage struct {
	Parked []inspect.ParkedStream `json:"parked"`
	Next   events.Stream          `json:"next,omitzero"`
}

func (c *Console) parked(r *http.Request) (any, error) {
	name := r.FormValue("name")
	q := inspect.ParkedQuery{Names: []string{name}, Limit: pageLimit}
	if after := r.FormValue("after"); after != "" {
		q.After = &inspect.ParkedPlace{Name: name, Stream: events.Stream(after)}
	}
	page, err := c.inspect.Parked(r.Context(), q)
	out := parkedPage{Parked: page.Parked}
	if page.Next != nil {
		out.Next = page.Next.Stream
	}
	return out, err
}

// ledgerPages bounds the pages of the ledger that are read for one page of instances:
// it holds those of all process managers and outboxes, in no order.
const ledgerPages = 8

func (c *Console) instances(r *http.Request) (any, error) {
	q := inspect.ProcessesQuery{Name: r.FormValue("process"), Stream: events.Stream(r.FormValue("stream")), Cursor: r.FormValue("cursor"), Limit: pageLimit, Times: true}
	page, err := c.inspect.Processes(r.Context(), q)
	for n := 1; err == nil && n < ledgerPages && page.Next != "" && len(page.Instances) < pageLimit/2; n++ {
		var more inspect.ProcessesPage
		q.Cursor = page.Next
		more, err = c.inspect.Processes(r.Context(), q)
		page.Instances, page.Next = append(page.Instances, more.Instances...), more.Next
	}
	return page, err
}

func (c *Console) letters(r *http.Request) (any, error) {
	return c.inspect.DeadLetters(r.Context(), pageLimit)
}
