package api

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/events"
	"daybook/events/schema"
	"daybook/view"
)

// Examples of the description. They are made from the declared types and from this
// package's own answers, so that none of them can differ from its schema unnoticed.

// example is an example among several of one body.
type example struct {
	Summary string         `json:"summary"`
	Value   jsontext.Value `json:"value"`
}

const (
	exampleCommandID = "2f6c1d0e-5b7a-4c57-9c3e-0c1d7f1c9a10"
	exampleRequestID = "9b0f8d52-4f6e-4a7e-8f2b-6d5c3e1a7b44"
)

// exampleMoment is when the events of the examples were accepted.
func exampleMoment() time.Time { return time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC) }

// exampleOf writes a value as an example; nil, which is left out, for one that
// can't be written.
func exampleOf(v any) jsontext.Value {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil
	}
	return b
}

// withExample adds an example to the schema of an object that is not empty.
func withExample(schema, example jsontext.Value) jsontext.Value {
	if example == nil {
		return schema
	}
	members := strings.TrimSuffix(string(schema), "}")
	return jsontext.Value(members + `,"examples":[` + string(example) + `]}`)
}

// exampleRow is the example row of a view, by member; nil where the schema has none.
func exampleRow(v view.Description) (row jsontext.Value, members map[string]jsontext.Value) {
	var known struct {
		Examples []jsontext.Value `json:"examples"`
	}
	if err := json.Unmarshal(v.Schema(), &known); err != nil || len(known.Examples) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(known.Examples[0], &members); err != nil {
		return nil, nil
	}
	return known.Examples[0], members
}

// examplePage is a page with the example row.
func examplePage(v view.Description) jsontext.Value {
	row, _ := exampleRow(v)
	if row == nil {
		return nil
	}
	return jsontext.Value(`{"items":[` + string(row) + `]}`)
}

// exampleFilter is the example of a filter on a field, taken from the example row;
// nil where neither has one.
func exampleFilter(row map[string]jsontext.Value, f view.FieldDescription, op string) jsontext.Value {
	value := row[f.Name]
	if value == nil || value.Kind() == 'n' {
		value = map[string]jsontext.Value{
			"string": jsontext.Value(`"text"`), "time": exampleOf(exampleMoment()), "boolean": jsontext.Value("true"),
			"integer": jsontext.Value("1"), "number": jsontext.Value("1"),
		}[f.Type]
	}
	switch {
	case op == "exists":
		return jsontext.Value("true")
	case value == nil:
		return nil
	case op == "in":
		return jsontext.Value("[" + string(value) + "]")
	case op == "prefix":
		return examplePrefix(value)
	}
	return value
}

// examplePrefix is the first character of a text.
func examplePrefix(value jsontext.Value) jsontext.Value {
	var whole string
	if err := json.Unmarshal(value, &whole); err != nil || whole == "" {
		return value
	}
	_, size := utf8.DecodeRuneInString(whole)
	return text(whole[:size])
}

// exampleEntrance is the answer to GET /, with one view and one command.
func exampleEntrance(o Options, commands []aggregate.Description, views []view.Description) jsontext.Value {
	var names []string
	if len(views) > 0 {
		names = []string{views[0].Name}
	}
	return exampleOf(entranceOf(o, commands[:min(len(commands), 1)], names))
}

// exampleResult is the result of a command on the first stream of an aggregate.
func exampleResult(of string, version int64) aggregate.Result {
	return aggregate.Result{Stream: events.StreamOf(of, "7"), Version: version, CommandID: exampleCommandID, Started: version == 1}
}

// exampleAccepted is the answer to a command of an aggregate.
func exampleAccepted(of string, version int64) jsontext.Value {
	return exampleOf(acceptedOf(exampleResult(of, version)))
}

// exampleResults are those of the example of a batch: the first command is accepted,
// the second, where there is one, is rejected.
func exampleResults(commands []aggregate.Description) jsontext.Value {
	var results []any
	if len(commands) > 0 {
		a := acceptedOf(exampleResult(commands[0].Aggregate, 1))
		results = append(results, batchAccepted{http.StatusCreated, a.ID, a.Version, a.CommandID, a.Token, a.Others, false})
	}
	if len(commands) > 1 {
		results = append(results, batchFailed{rejected.status, problemOf(exampleRejection(), "")})
	}
	return exampleOf(results)
}

func exampleQueuedResults() jsontext.Value {
	return exampleOf([]queuedResult{{
		Status: http.StatusAccepted, CommandID: exampleCommandID, ID: "7", Location: "commands/" + exampleCommandID,
	}})
}

// exampleStatus is the status of a command that was queued and then accepted.
func exampleStatus() jsontext.Value {
	return exampleOf(statusAnswer(&async.Status{
		CommandID: exampleCommandID, State: async.StateAccepted, Since: exampleMoment(),
		Stream: exampleResult("user", 1).Stream, Result: exampleResult("user", 1),
	}))
}

func exampleQueued() jsontext.Value {
	return exampleOf(queuedAnswer{CommandID: exampleCommandID, ID: "7", Status: "../commands/" + exampleCommandID})
}

// exampleHistory is a page with the first declared event whose type has an example.
func exampleHistory(declared []events.Type) jsontext.Value {
	for _, t := range declared {
		if t.Go == nil {
			continue
		}
		s, err := schema.OfType(t.Go)
		if err != nil {
			continue
		}
		if data, ok := s.Example(); ok {
			return exampleOf(history{Events: []pastEvent{{
				Version: 1, Name: t.Name, Schema: t.Schema(), Data: data, Time: exampleMoment(),
				Actor: "ann", CommandID: exampleCommandID, Correlation: exampleRequestID,
			}}})
		}
	}
	return nil
}

// exampleProblems are the problems that a status can have, by code. A conflict of
// versions has two: 412 is for a condition that came in a header.
func exampleProblems(kinds map[events.Code]kind, status int) map[string]example {
	all := map[string]example{}
	for code, k := range kinds {
		asked := status == http.StatusPreconditionFailed && code == events.CodeVersionConflict
		if k.status != status && !asked {
			continue
		}
		e := &events.Error{Code: code, Message: k.example}
		switch code {
		case events.CodeVersionConflict:
			e.Version = 3
		case events.CodeMalformed:
			e.Fields = []events.Field{{Path: "/payload", Message: "is required"}}
		}
		all[string(code)] = example{Summary: k.title, Value: problemExample(&failure{error: e, status: status})}
	}
	if status == rejected.status {
		all["rejection"] = example{Summary: rejected.title + "; the code is the domain's own", Value: problemExample(exampleRejection())}
	}
	return all
}

func exampleRejection() error {
	return &events.Error{Code: "already-closed", Message: rejected.example, Rejected: true}
}

func problemExample(err error) jsontext.Value { return problemOf(err, exampleRequestID).marshal() }

// eventTypes are the events of all aggregates.
func (o *openAPI) eventTypes() (all []events.Type) {
	for _, a := range o.aggregates {
		all = slices.Concat(all, a.Events())
	}
	return all
}
