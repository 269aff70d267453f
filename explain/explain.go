package explain

import (
	"cmp"
	"context"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/inspect"
)

// Options bound an explanation. The zero value of each is its default.
type Options struct {
	// Tenant is whose data is asked about; "" without tenants, or where the question
	// names one: "acme:order/7".
	Tenant string
	// TenantSource is what says Tenant, for the error of a question that names another;
	// default "the question".
	TenantSource string
	// Nodes bounds the nodes of an answer; default 300.
	Nodes int
	// Commits bounds the newest commits of a stream that an answer begins from, and
	// those that are read to find a command in its stream; default 20 and 1,000.
	Commits, Search int
	// Scan bounds the commits that are read to find an id that nothing else leads
	// to; default 10,000, negative for none.
	Scan int
	// Grace is how long what is still to come is not late; default 10 s. A timer
	// has a minute more.
	Grace time.Duration
}

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	d.Nodes, d.Commits, d.Search = cmp.Or(d.Nodes, 300), cmp.Or(d.Commits, 20), cmp.Or(d.Search, 1000)
	d.Scan, d.Grace = cmp.Or(d.Scan, 10_000), cmp.Or(d.Grace, 10*time.Second)
	return d
}

// Explain answers a question about one of
//
//	order/7@3            a commit, by the stream and a version of it: the
//	                     consistency token of the API
//	order/7              a stream: all that its newest commits belong to
//	orders/7             a row: a view and a key
//	user-email=a@b.c     a claimed value
//	desk order/7 pickup  a timer: process manager, stream, and the manager's name
//	any other text       the id of a command, a commit, a timer or an integration event
//
// In an application with tenants the first four may begin with one: "acme:order/7". The
// answer has full names.
//
// Codes: tenant-required for a question that names no tenant; malformed for one that
// names another than Options.Tenant; not-found when nothing is known of it; malformed for text that can't be
// one; and those of the stores.
func Explain(ctx context.Context, i *inspect.Installation, token string, opts *Options) (Explanation, error) {
	s := i.Sources()
	codec, err := aggregate.Codec(i.App().Aggregates)
	if err != nil {
		return Explanation{}, err
	}
	e := &explainer{
		i: i, s: s, codec: codec, opts: opts.withDefaults(), now: s.Now(), commits: map[commitKey]*Node{}, histories: map[events.Stream][]events.Commit{},
		out: Explanation{Asked: token, Roots: []*Node{}, Causes: []Cause{}},
	}
	if err := e.answer(ctx, token); err != nil {
		return Explanation{}, err
	}
	each(e.out.Roots, func(n *Node, _ int) {
		switch {
		case n.State.stops():
			e.out.Causes = append(e.out.Causes, Cause{n.Kind, n.Name, n.State, n.Code, n.Text, n.Next})
		case n.State == StateWaiting:
			e.out.Waiting++
		}
	})
	return e.out, nil
}

// explainer is an explanation under way.
type explainer struct {
	i     *inspect.Installation
	s     inspect.Sources
	codec *events.Codec
	opts  Options
	now   time.Time

	commits   map[commitKey]*Node // those that are in the tree
	nodes     int
	histories map[events.Stream][]events.Commit // whole, from the first commit on, as far as read

	out Explanation
}

type commitKey struct {
	stream events.Stream
	number int64
}

// room reports whether the answer takes another node, and counts it.
func (e *explainer) room() bool {
	if e.nodes >= e.opts.Nodes {
		e.out.Partial = true
		return false
	}
	e.nodes++
	return true
}

// late is the state of what should have followed a commit, and for how long.
func (e *explainer) late(c *events.Commit) (State, time.Duration) {
	age := e.now.Sub(c.Time)
	if age > e.opts.Grace {
		return StateLate, round(age)
	}
	return StateWaiting, round(age)
}

// history returns the commits of a stream from the first to the given one, or an
// earlier one when there are too many.
func (e *explainer) history(ctx context.Context, stream events.Stream, upTo int64) ([]events.Commit, error) {
	const most = 10_000
	all := e.histories[stream]
	for int64(len(all)) < min(upTo, most) {
		page, err := e.s.Events.Read(ctx, stream, int64(len(all))+1, readPage)
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); len(page) < readPage {
			break
		}
	}
	e.histories[stream] = all
	if int64(len(all)) < upTo {
		e.out.Partial = true
	}
	return all[:min(int64(len(all)), upTo)], nil
}

// readPage is how many commits are read at once.
const readPage = 100
