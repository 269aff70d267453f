package cost

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/functions/names"
	"daybook/view"
	"daybook/workload"
)

// Measurements is what an application's declared examples consumed.
type Measurements struct {
	Commands []Command `json:"commands"` // in the order of declaration
	Queries  []Query   `json:"queries"`  // a row by its key, and a page by each index
	// ControlReads are the read units of a batch of the projector, whatever is in it.
	ControlReads float64 `json:"controlReads"`
	// ViewBytes are stored of a view's rows, checkpoints and index entries per stream
	// that it follows.
	ViewBytes map[string]float64 `json:"viewBytes"`
	// Unmeasured are commands and queries that no example led to, with the reason.
	Unmeasured map[string]string `json:"unmeasured,omitempty"`

	tables map[string]string // of views, by view
}

// controlTable holds the record that says which tables of a view are live.
const controlTable = names.ControlTable

// Command is what one command consumed, in the mean of some streams.
type Command struct {
	Name      string  `json:"command"`
	Aggregate string  `json:"aggregate"`
	Creates   bool    `json:"creates,omitzero"`  // it starts a stream
	Internal  bool    `json:"internal,omitzero"` // process managers send it, not callers of the API
	Warm      Usage   `json:"warm"`              // of an instance that knows the stream
	Cold      Usage   `json:"cold"`              // of an instance that does not
	Views     Usage   `json:"views"`             // of the projector, for the command's commit
	Reactors  Usage   `json:"reactors"`          // of process managers and outboxes
	Bytes     float64 `json:"bytes"`             // stored in the events table and that of claims
	Sends     float64 `json:"sends,omitzero"`    // commands that process managers sent, timers that they set,
	Timers    float64 `json:"timers,omitzero"`   // and integration events that outboxes published
	Publishes float64 `json:"publishes,omitzero"`
}

// Query is what one query consumed.
type Query struct {
	View  string  `json:"view"`
	Index string  `json:"index,omitzero"` // "" for a row by its key
	Rows  int     `json:"rows"`           // that were answered
	Read  float64 `json:"read"`
}

// Samples and lengths of what is measured.
const (
	samples  = 2  // streams of each command
	behind   = 25 // commits of a stream that a cold command loads, where one can be repeated
	pageRows = 20 // of a page of a list
)

// Measure measures the examples of all declared commands and queries of an
// application. It takes about a second.
func Measure(ctx context.Context, app daybook.App) (m Measurements, err error) {
	i, err := Open(ctx, app)
	if err != nil {
		return m, err
	}
	defer func() { _ = i.Close() }() // it is in memory
	plans, err := workload.Find(ctx, app.Commands(), i.Handle)
	if err != nil {
		return m, err
	}
	m = Measurements{ViewBytes: map[string]float64{}, Unmeasured: map[string]string{}, tables: map[string]string{}}
	for name, err := range plans.Refused {
		m.Unmeasured["command "+name] = err.Error()
	}
	if _, _, err := i.follow(ctx); err != nil { // what was tried
		return m, err
	}
	for _, plan := range plans.All() {
		c, err := i.command(ctx, plans, plan)
		if err != nil {
			return m, fmt.Errorf("measure command %s: %w", plan.Command.Name, err)
		}
		m.Commands = append(m.Commands, c)
	}
	empty, err := i.Used(func() error { return i.project(ctx, nil) })
	if err != nil {
		return m, err
	}
	m.ControlReads = empty.Total().Read
	if err := i.measureQueries(ctx, &m); err != nil {
		return m, err
	}
	return m, i.measureSizes(ctx, &m)
}

// command measures one command.
func (i *Installation) command(ctx context.Context, plans *workload.Plans, plan workload.Plan) (Command, error) {
	d := plan.Command
	c := Command{Name: d.Name, Aggregate: d.Aggregate, Creates: len(plan.Before) == 0, Internal: d.Internal, Warm: Usage{}, Cold: Usage{}, Views: Usage{}, Reactors: Usage{}}
	for n := range samples {
		for _, cold := range []bool{false, true} {
			if err := i.sample(ctx, plans, plan, fmt.Sprintf("%s-%d-%t", d.Name, n, cold), cold, &c); err != nil {
				return c, err
			}
		}
	}
	for _, u := range []*Usage{&c.Warm, &c.Cold, &c.Views, &c.Reactors} {
		n := 1.0 / samples
		if u == &c.Views || u == &c.Reactors {
			n /= 2 // cold and warm alike
		}
		*u = u.times(n)
	}
	for _, n := range []*float64{&c.Bytes, &c.Sends, &c.Timers, &c.Publishes} {
		*n /= 2 * samples
	}
	return c, nil
}

// sample measures a command on one stream and adds to c.
func (i *Installation) sample(ctx context.Context, plans *workload.Plans, plan workload.Plan, id string, cold bool, c *Command) error {
	before := slices.Clone(plan.Before)
	if cold && plan.Repeats {
		before = append(before, slices.Repeat([]string{plan.Command.Name}, behind)...)
	}
	for _, name := range before {
		if err := i.example(ctx, plans, name, id); err != nil {
			return err
		}
	}
	if _, _, err := i.follow(ctx); err != nil {
		return err
	}
	if cold {
		if err := i.Cool(); err != nil {
			return err
		}
	}
	bytes, err := i.eventBytes(ctx)
	if err != nil {
		return err
	}
	used, err := i.Used(func() error { return i.example(ctx, plans, plan.Command.Name, id) })
	if err != nil {
		return err
	}
	if cold {
		c.Cold.add(used)
	} else {
		c.Warm.add(used)
	}
	after, err := i.eventBytes(ctx)
	if err != nil {
		return err
	}
	i.effects.reset()
	views, reactors, err := i.follow(ctx)
	if err != nil {
		return err
	}
	c.Views.add(views)
	c.Reactors.add(reactors)
	c.Bytes += after - bytes
	for to, n := range map[*float64]*atomic.Int64{&c.Sends: &i.effects.commands, &c.Timers: &i.effects.timers, &c.Publishes: &i.effects.published} {
		*to += float64(n.Load())
	}
	return nil
}

// example sends an example of a command.
func (i *Installation) example(ctx context.Context, plans *workload.Plans, name, id string) error {
	payload, err := plans.Payload(name)
	if err != nil {
		return err
	}
	_, err = i.Handle(ctx, aggregate.Command{Name: name, ID: id, Payload: payload, CommandID: fmt.Sprintf("%s-%d", id, i.sent), Actor: "00000000-0000-0000-0000-000000000000"})
	i.sent++
	return err
}

// eventBytes is the size of the events table and of the claims.
func (i *Installation) eventBytes(ctx context.Context) (float64, error) {
	sum := 0.0
	for _, spec := range []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ClaimsTable()} {
		size, err := i.size(ctx, spec)
		if err != nil {
			return 0, err
		}
		sum += size
	}
	return sum, nil
}

// size is that of a table with its indexes, in bytes.
func (i *Installation) size(ctx context.Context, spec dynamo.TableSpec) (float64, error) {
	out, err := i.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(dynamo.TableName(i.prefix(), spec))})
	if err != nil {
		return 0, err
	}
	sum := aws.ToInt64(out.Table.TableSizeBytes)
	for _, x := range out.Table.GlobalSecondaryIndexes {
		sum += aws.ToInt64(x.IndexSizeBytes)
	}
	return float64(sum), nil
}

// measureSizes divides the sizes of the views by the streams that feed them.
func (i *Installation) measureSizes(ctx context.Context, m *Measurements) error {
	for _, v := range i.app.Views {
		d := v.Describe()
		size, err := i.size(ctx, dynamo.ViewTable(d))
		if err != nil {
			return err
		}
		streams := 0
		for stream := range i.store.streams {
			if slices.Contains(d.Aggregates, stream.Aggregate()) {
				streams++
			}
		}
		m.ViewBytes[d.Name] = size / float64(max(1, streams))
		m.tables[d.Name] = dynamo.ViewTable(d).Name
	}
	return nil
}

// measureQueries reads a row of each view by its key, and a page by each index.
func (i *Installation) measureQueries(ctx context.Context, m *Measurements) error {
	for _, v := range i.app.Views {
		d := v.Describe()
		row, err := i.anyRow(ctx, d)
		if err != nil {
			return err
		}
		if row == nil {
			m.Unmeasured["queries of "+d.Name] = "no example led to a row of it"
			continue
		}
		one, err := i.Used(func() error {
			_, err := i.queries.Get(ctx, "", d.Name, fmt.Sprint(row["id"]), nil)
			return err
		})
		if err != nil {
			return fmt.Errorf("measure a row of %s: %w", d.Name, err)
		}
		m.Queries = append(m.Queries, Query{View: d.Name, Rows: 1, Read: one.Total().Read})
		for _, x := range d.Indexes {
			q := Query{View: d.Name, Index: x.Name}
			params := map[string][]string{"limit": {fmt.Sprint(pageRows)}, "sort": {x.Sort}}
			if x.Partition != "" {
				params[x.Partition] = []string{fmt.Sprint(row[x.Partition])}
			}
			page, err := i.Used(func() error {
				p, err := i.queries.List(ctx, "", d.Name, params)
				q.Rows = len(p.Items)
				return err
			})
			if err != nil {
				return fmt.Errorf("measure a page of %s by %s: %w", d.Name, x.Name, err)
			}
			q.Read = page.Total().Read
			m.Queries = append(m.Queries, q)
		}
	}
	return nil
}

// anyRow is a row of a view as queries answer it, nil when there is none.
func (i *Installation) anyRow(ctx context.Context, d view.Description) (map[string]any, error) {
	page, _, err := i.views.Table(d.Name, d.Version).Scan(ctx, 0, 1, "")
	if err != nil {
		return nil, err
	}
	for _, scanned := range page {
		if scanned.Item.Row == nil {
			continue // a checkpoint, or a row that the view hides
		}
		// The row's key is behind what a view puts before it in its table.
		for key, more := scanned.Item.Key, true; more; _, key, more = strings.Cut(key, "/") {
			if row, err := i.queries.Get(ctx, "", d.Name, key, nil); err == nil {
				return members(row.JSON)
			}
		}
	}
	return nil, nil
}

func members(row []byte) (all map[string]any, err error) {
	err = json.Unmarshal(row, &all)
	return all, err
}
