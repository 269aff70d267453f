package mcp

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"slices"
	"strconv"
	"time"

	"daybook/events"
	"daybook/explain"
	"daybook/inspect"
)

// Bounds of what the tools read, in commits: there is no index by time, so that some
// questions read the events table.
const (
	searchBudget = 20_000
	lagBudget    = 50_000
	verifyBudget = 20_000
	maxNodes     = 200
)

// Schemas of arguments that several tools have.
const (
	streamSchema = `{"type":"string","description":"aggregate/id, such as order/7"}`
	viewSchema   = `{"type":"string","description":"the name of a view"}`
	cursorSchema = `{"type":"string","description":"next of the page before"}`
	namesSchema  = `{"type":"array","items":{"type":"string"},"description":"names of views, process managers and outboxes; all by default"}`
)

func limitSchema(most, normally int) string {
	return fmt.Sprintf(`{"type":"integer","minimum":1,"maximum":%d,"default":%d}`, most, normally)
}

// limited is the size of a page.
func limited(limit, most, normally int) (int, error) {
	if limit == 0 {
		return normally, nil
	}
	if limit < 1 || limit > most {
		return 0, events.Errorf(events.CodeMalformed, "limit is from 1 to %d, not %d", most, limit)
	}
	return limit, nil
}

// calling makes the call of a tool of a function of its arguments. Arguments that are
// unknown, or of another type, are refused.
func calling[A any](f func(ctx context.Context, a A) (any, error)) func(context.Context, jsontext.Value) (any, error) {
	return func(ctx context.Context, text jsontext.Value) (any, error) {
		var a A
		if err := json.Unmarshal(text, &a, json.RejectUnknownMembers(true)); err != nil {
			return nil, fmt.Errorf("the arguments can't be read: %w", err)
		}
		return f(ctx, a)
	}
}

// reader has the tools that read.
type reader struct {
	*inspect.Installation
	tenant string
}

// stored is the name of the tenant's stream that an agent names, with or without the
// tenant.
func (r reader) stored(s events.Stream) (events.Stream, error) {
	return inspect.StreamNamed(r.App(), string(s), r.tenant)
}

func readTools(i *inspect.Installation, tenant string) []tool {
	r := reader{i, tenant}
	return []tool{
		{name: "describe", title: "Describe the application",
			description: "Without name: aggregates with their commands and events, views with fields and indexes, process managers and outboxes, and which events feed what. With the name of a command: the JSON Schema of its payload and an example. With that of a view: the JSON Schema of a row and the operators of each field.",
			properties:  []property{{"name", `{"type":"string","description":"a command, an aggregate, a view, a process manager or an outbox"}`, false}},
			call:        calling(r.describe)},
		{name: "list_streams", title: "List streams",
			description: "Streams, those with the newest commits first. partial says that streams may be missing, since not the whole table was read.",
			properties: []property{
				{"aggregate", `{"type":"string","description":"its name; all aggregates by default"}`, false},
				{"prefix", `{"type":"string","description":"that the ids begin with"}`, false},
				{"limit", limitSchema(100, 20), false}, {"cursor", cursorSchema, false}},
			call: calling(r.streams)},
		{name: "show_stream", title: "Show a stream",
			description: "Commits of a stream with their events, oldest first; the newest ones by default. older is the before of the page before this one, newer the from of the next.",
			properties: []property{
				{"stream", streamSchema, true},
				{"from", `{` + integerSchema + `,"description":"begin with the commit that has this version"}`, false},
				{"before", `{` + integerSchema + `,"description":"end in front of the commit that has this version"}`, false},
				{"states", `{"type":"boolean","default":false,"description":"with the state before and after each event"}`, false},
				{"limit", limitSchema(100, 20), false}},
			call: calling(r.stream)},
		{name: "show_moment", title: "Show a stream's state at a version or a time",
			description: "The state of the aggregate and the rows of the views that have one row per stream, as they were, made from the events.",
			properties: []property{
				{"stream", streamSchema, true},
				{"version", `{` + integerSchema + `}`, false},
				{"time", `{"type":"string","format":"date-time"}`, false}},
			call: calling(r.moment)},
		{name: "show_changes", title: "Show what changed between two versions",
			description: "The fields of the state, and of the rows of the views that have one row per stream, that differ between two versions of a stream.",
			properties: []property{
				{"stream", streamSchema, true},
				{"from", `{` + integerSchema + `,"description":"version; 0 is before the first event"}`, true},
				{"to", `{` + integerSchema + `,"description":"version"}`, true}},
			call: calling(r.changes)},
		{name: "query_view", title: "Query a view",
			description: "Rows of a view, as the API answers them. What neither the key nor an index serves is refused with the list of indexes.",
			properties: []property{
				{"view", viewSchema, true},
				{"filter", `{"type":"object","additionalProperties":{"type":["string","integer","number","boolean"]},"description":"by field, or field.operator: {\"category\":\"home\",\"price.gte\":1000}. Operators: eq, ne, lt, lte, gt, gte, prefix, in (joined by commas), exists"}`, false},
				{"sort", `{"type":"string","description":"a field; - in front for descending"}`, false},
				{"limit", limitSchema(100, 20), false}, {"cursor", cursorSchema, false}},
			call: calling(r.rows)},
		{name: "get_row", title: "Get one row",
			description: "One row of a view by its key. parked says that it may be behind.",
			properties:  []property{{"view", viewSchema, true}, {"key", `{"type":"string"}`, true}},
			call:        calling(r.row)},
		{name: "verify_row", title: "Compare a row with the events",
			description: "Whether a row is what the events make it, with the differences.",
			properties:  []property{{"view", viewSchema, true}, {"key", `{"type":"string"}`, true}},
			call:        calling(r.verify)},
		{name: "explain", title: "Explain what became of something",
			description: "The chain of causes and effects: command, commit, rows, commands of process managers, timers, integration events. causes says why it is stuck, and what to do.",
			properties:  []property{{"token", `{"type":"string","description":"a consistency token (order/7@3), a stream (order/7), a row (orders/7), a claimed value (user-email=a@b.c), a timer (process manager, stream and name, separated by spaces), or the id of a command, a commit, a timer or an integration event"}`, true}},
			call: calling(func(ctx context.Context, a struct {
				Token string `json:"token"`
			}) (any, error) {
				return explain.Explain(ctx, i, a.Token, &explain.Options{Tenant: tenant, TenantSource: inspect.TenantFlag, Nodes: maxNodes})
			})},
		{name: "lag", title: "Measure lag",
			description: "How far views, process managers and outboxes are behind the events. partial says that not the whole table was read.",
			properties:  []property{{"names", namesSchema, false}},
			call: calling(func(ctx context.Context, a struct {
				Names []string `json:"names"`
			}) (any, error) {
				return r.Lag(ctx, inspect.LagQuery{Names: a.Names, Budget: lagBudget})
			})},
		{name: "parked", title: "List parked streams",
			description: "Streams that a view, a process manager or an outbox can't follow, with the error. Others are not held up.",
			properties:  []property{{"names", namesSchema, false}, {"limit", limitSchema(100, 20), false}, {"cursor", cursorSchema, false}},
			call:        calling(r.parked)},
		{name: "dead_letters", title: "List dead letters",
			description: "Queued commands that were given up, with the error. To look at one hides it from others for a moment.",
			properties:  []property{{"limit", limitSchema(100, 20), false}},
			call: calling(func(ctx context.Context, a struct {
				Limit int `json:"limit"`
			}) (any, error) {
				limit, err := limited(a.Limit, 100, 20)
				if err != nil {
					return nil, err
				}
				return r.DeadLetters(ctx, limit)
			})},
		{name: "processes", title: "List running processes",
			description: "How far process managers and outboxes are with streams: memory, timers that are set, rejected commands; with stream also when timers are due. A page may be empty and have a next.",
			properties: []property{
				{"name", `{"type":"string","description":"of a process manager or an outbox"}`, false}, {"stream", streamSchema, false},
				{"limit", limitSchema(100, 20), false}, {"cursor", cursorSchema, false}},
			call: calling(r.processes)},
		{name: "command_status", title: "Tell the outcome of a queued command",
			description: "pending, accepted, rejected or failed. Known for a day.",
			properties:  []property{{"commandId", `{"type":"string"}`, true}},
			call: calling(func(ctx context.Context, a struct {
				CommandID string `json:"commandId"`
			}) (any, error) {
				return r.Status(ctx, tenant, a.CommandID)
			})},
	}
}

func (r reader) streams(ctx context.Context, a struct {
	Aggregate string `json:"aggregate"`
	Prefix    string `json:"prefix"`
	Limit     int    `json:"limit"`
	Cursor    string `json:"cursor"`
}) (any, error) {
	limit, err := limited(a.Limit, 100, 20)
	if err != nil {
		return nil, err
	}
	q := inspect.StreamsQuery{Tenant: r.tenant, Aggregate: a.Aggregate, Prefix: a.Prefix, Limit: limit, Budget: searchBudget}
	if q.Before, err = cursorOf[inspect.StreamPlace](a.Cursor); err != nil {
		return nil, err
	}
	page, err := r.Streams(ctx, q)
	if err != nil {
		return nil, err
	}
	return struct {
		Streams []inspect.StreamInfo `json:"streams"`
		Next    string               `json:"next,omitzero"`
		Partial bool                 `json:"partial,omitzero"`
	}{page.Streams, cursorTo(page.Next), page.Partial}, nil
}

func (r reader) stream(ctx context.Context, a struct {
	Stream events.Stream `json:"stream"`
	From   integer       `json:"from"`
	Before integer       `json:"before"`
	States bool          `json:"states"`
	Limit  int           `json:"limit"`
}) (any, error) {
	limit, err := limited(a.Limit, 100, 20)
	if err != nil {
		return nil, err
	}
	stream, err := r.stored(a.Stream)
	if err != nil {
		return nil, err
	}
	return r.Stream(ctx, stream, inspect.StreamQuery{From: int64(a.From), Before: int64(a.Before), Limit: limit, States: a.States})
}

func (r reader) moment(ctx context.Context, a struct {
	Stream  events.Stream `json:"stream"`
	Version *integer      `json:"version"`
	Time    time.Time     `json:"time"`
}) (any, error) {
	stream, err := r.stored(a.Stream)
	if err != nil {
		return nil, err
	}
	at := inspect.At{Time: a.Time}
	switch {
	case (a.Version == nil) == a.Time.IsZero():
		return nil, events.Errorf(events.CodeMalformed, "give either version or time")
	case a.Version != nil:
		at.Version = int64(*a.Version)
	}
	return r.Moment(ctx, stream, at)
}

func (r reader) changes(ctx context.Context, a struct {
	Stream events.Stream `json:"stream"`
	From   integer       `json:"from"`
	To     integer       `json:"to"`
}) (any, error) {
	stream, err := r.stored(a.Stream)
	if err != nil {
		return nil, err
	}
	if a.To < a.From {
		return nil, events.Errorf(events.CodeMalformed, "to is not below from")
	}
	all, reached, err := r.Diff(ctx, stream, int64(a.From), int64(a.To))
	if err != nil {
		return nil, err
	}
	return struct {
		Stream      events.Stream        `json:"stream"`
		From        int64                `json:"from"`
		To          int64                `json:"to"` // that was reached
		Differences []inspect.Difference `json:"differences"`
	}{a.Stream, int64(a.From), reached, all}, nil
}

func (r reader) rows(ctx context.Context, a struct {
	View   string                    `json:"view"`
	Filter map[string]jsontext.Value `json:"filter"`
	Sort   string                    `json:"sort"`
	Limit  int                       `json:"limit"`
	Cursor string                    `json:"cursor"`
}) (any, error) {
	limit, err := limited(a.Limit, 100, 20)
	if err != nil {
		return nil, err
	}
	params := map[string][]string{"limit": {strconv.Itoa(limit)}}
	for name, value := range a.Filter {
		switch value.Kind() {
		case '"':
			var text string
			if err := json.Unmarshal(value, &text); err != nil {
				return nil, err
			}
			params[name] = []string{text}
		case '0', 't', 'f':
			if n := rounded(value); n != "" {
				return nil, mayBeRounded("filter "+name, n)
			}
			params[name] = []string{string(value)}
		default:
			return nil, events.Errorf(events.CodeMalformed, "filter %s is a text, a number, true or false", name)
		}
	}
	for name, value := range map[string]string{"sort": a.Sort, "cursor": a.Cursor} {
		if value != "" {
			params[name] = []string{value}
		}
	}
	return r.Rows(ctx, r.tenant, a.View, params)
}

func mayBeRounded(what, number string) error {
	return events.Errorf(events.CodeMalformed, "%s: %s may have been rounded on its way; write it as text", what, number)
}

type rowOf struct {
	View string `json:"view"`
	Key  string `json:"key"`
}

func (r reader) row(ctx context.Context, a rowOf) (any, error) {
	return r.Row(ctx, r.tenant, a.View, a.Key)
}

func (r reader) verify(ctx context.Context, a rowOf) (any, error) {
	return r.VerifyRow(ctx, r.tenant, a.View, a.Key, verifyBudget)
}

func (r reader) parked(ctx context.Context, a struct {
	Names  []string `json:"names"`
	Limit  int      `json:"limit"`
	Cursor string   `json:"cursor"`
}) (any, error) {
	limit, err := limited(a.Limit, 100, 20)
	if err != nil {
		return nil, err
	}
	q := inspect.ParkedQuery{Tenant: r.tenant, Names: a.Names, Limit: limit}
	if q.After, err = cursorOf[inspect.ParkedPlace](a.Cursor); err != nil {
		return nil, err
	}
	page, err := r.Parked(ctx, q)
	if err != nil {
		return nil, err
	}
	return struct {
		Parked []inspect.ParkedStream `json:"parked"`
		Next   string                 `json:"next,omitzero"`
	}{page.Parked, cursorTo(page.Next)}, nil
}

func (r reader) processes(ctx context.Context, a struct {
	Name   string        `json:"name"`
	Stream events.Stream `json:"stream"`
	Limit  int           `json:"limit"`
	Cursor string        `json:"cursor"`
}) (any, error) {
	limit, err := limited(a.Limit, 100, 20)
	if err != nil {
		return nil, err
	}
	if a.Stream != "" {
		if a.Stream, err = r.stored(a.Stream); err != nil {
			return nil, err
		}
	}
	page, err := r.Processes(ctx, inspect.ProcessesQuery{Name: a.Name, Stream: a.Stream, Limit: limit, Cursor: a.Cursor, Times: a.Stream != ""})
	page.Instances = slices.DeleteFunc(page.Instances, func(i inspect.Instance) bool { return i.Stream.Tenant() != r.tenant })
	return page, err
}

// cursorOf reads a place in a list; nil for "".
func cursorOf[P any](cursor string) (*P, error) {
	if cursor == "" {
		return nil, nil
	}
	p := new(P)
	if err := json.Unmarshal([]byte(cursor), p, json.RejectUnknownMembers(true)); err != nil {
		return nil, events.Errorf(events.CodeMalformed, "cursor is the next of a page before, unchanged")
	}
	return p, nil
}

// cursorTo writes a place in a list, "" for none.
func cursorTo[P any](p *P) string {
	if p == nil {
		return ""
	}
	text, err := json.Marshal(p)
	if err != nil {
		return "" // texts and times
	}
	return string(text)
}
