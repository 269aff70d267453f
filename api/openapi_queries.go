package api

import (
	"encoding/json/jsontext"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"daybook/aggregate"
	"daybook/events"
	"daybook/view"
	"daybook/view/query"
)

func rowName(v view.Description) string { return "view." + v.Name }

func rowOperation(v view.Description) *operation {
	row, _ := exampleRow(v)
	parameters := []parameter{
		keySegmentParameter("key"), parameterRef("after"), parameterRef("If-Changed"),
	}
	if v.Kind == view.KindRows {
		parameters = append(parameters, parameterRef("at"))
	}
	responses := with(map[string]response{
		"200": {Description: "The row.", Headers: headerRefs("ETag", "X-Request-Id", "Daybook-Parked"), Content: jsonContent(schemaRef(rowName(v)), row)},
		"304": {Description: "The row is as the client has it.", Headers: headerRefs("ETag", "X-Request-Id", "Daybook-Parked")},
	}, http.StatusRequestEntityTooLarge)
	responses["404"] = responseRef(missingRow)
	return &operation{
		OperationID: "get-" + v.Name,
		Tags:        []string{"views"},
		Summary:     "One row of " + v.Name,
		Description: "The row as the view has it; with after, as of those versions at least.",
		Parameters:  parameters,
		Responses:   responses,
	}
}

func listOperation(v view.Description) *operation {
	page := closed(map[string]jsontext.Value{
		"items": jsontext.Value(`{"type":"array","items":` + string(schemaRef(rowName(v))) + `}`),
		"next":  jsontext.Value(`{"type":"string","description":"cursor of the next page."}`),
	}, "items")
	return &operation{
		OperationID: "list-" + v.Name,
		Tags:        []string{"views"},
		Summary:     "Rows of " + v.Name,
		Description: servedBy(v),
		Parameters:  listParameters(v),
		Responses: with(map[string]response{
			"200": {Description: "A page of rows.", Headers: headerRefs("X-Request-Id", "Daybook-Stale", "Daybook-Parked"), Content: jsonContent(page, examplePage(v))},
		}, http.StatusRequestEntityTooLarge),
	}
}

// servedBy says which queries the view's key and indexes serve.
func servedBy(v view.Description) string {
	b := "What neither the key nor an index serves is refused (no-index). By id."
	for _, ix := range v.Indexes {
		what := "all"
		if ix.Partition != "" {
			what = "by " + ix.Partition
		}
		b += fmt.Sprintf(" Index %s: %s, sorted by %s.", ix.Name, what, ix.Sort)
	}
	return b
}

// operatorNames says what an operator asks for.
var operatorNames = map[string]string{
	"eq": "equal to", "ne": "not equal to", "lt": "below", "lte": "at most", "gt": "above", "gte": "at least",
	"prefix": "beginning with", "in": "one of, joined by commas", "exists": "there (true) or not (false)",
}

func listParameters(v view.Description) []parameter {
	var ps []parameter
	_, row := exampleRow(v)
	for _, f := range v.Fields {
		for _, op := range f.Operators {
			p := filter(f, op)
			p.Schema = withExample(p.Schema, exampleFilter(row, f, op))
			ps = append(ps, p)
		}
	}
	sorts := map[string]bool{"id": true}
	for _, ix := range v.Indexes {
		sorts[ix.Sort] = true
	}
	var orders []string
	for _, s := range slices.Sorted(maps.Keys(sorts)) {
		orders = append(orders, s, "-"+s)
	}
	return append(ps,
		parameter{Name: "sort", In: "query", Description: "The order of the rows; - is descending.",
			Schema: jsontext.Value(`{"type":"string","enum":` + string(texts(orders)) + `}`)},
		parameter{Name: "limit", In: "query", Description: "The largest number of rows.", Schema: jsontext.Value(fmt.Sprintf(`{"type":"integer","minimum":1,"maximum":%d,"default":%d}`, query.MaxLimit, query.DefaultLimit))},
		parameter{Name: "cursor", In: "query", Description: "next of the page before.", Schema: textSchema},
		parameterRef("after"))
}

// filter is the parameter of one operator on one field.
func filter(f view.FieldDescription, op string) parameter {
	p := parameter{Name: f.Name + "." + op, In: "query", Description: f.Name + " is " + operatorNames[op] + "." + filterNote(f, op)}
	value := valueSchema(f)
	switch op {
	case "eq":
		if !slices.Contains([]string{"sort", "limit", "cursor", "after"}, f.Name) {
			p.Name = f.Name
		}
	case "in":
		explode := false
		p.Style, p.Explode = "form", &explode
		value = jsontext.Value(fmt.Sprintf(`{"type":"array","items":%s,"minItems":1,"maxItems":%d}`, value, query.MaxIn))
	case "exists":
		value = jsontext.Value(`{"type":"boolean"}`)
	}
	p.Schema = value
	return p
}

// filterNote says how the values of a field are compared, where that is not plain.
func filterNote(f view.FieldDescription, op string) string {
	switch {
	case op == "exists" && !f.Nullable:
		return " Every row has it."
	case op != "exists" && f.Form != "":
		return " Compared in the normal form " + f.Form + "."
	}
	return ""
}

func valueSchema(f view.FieldDescription) jsontext.Value {
	switch f.Type {
	case "integer", "number":
		return jsontext.Value(fmt.Sprintf(`{"type":"%s","minimum":%s,"maximum":%s}`, f.Type, f.Minimum, f.Maximum))
	case "boolean":
		return jsontext.Value(`{"type":"boolean"}`)
	case "time":
		return jsontext.Value(`{"type":"string","format":"date-time"}`)
	}
	return textSchema
}

func historyOperation(commands []aggregate.Description, views []view.Description, declared []events.Type) *operation {
	aggregates := map[string]bool{}
	for _, c := range commands {
		aggregates[c.Aggregate] = true
	}
	for _, v := range views {
		for _, a := range v.Aggregates {
			aggregates[a] = true
		}
	}
	name := textSchema
	if len(aggregates) > 0 {
		name = jsontext.Value(`{"type":"string","enum":` + string(texts(slices.Sorted(maps.Keys(aggregates)))) + `}`)
	}
	return &operation{
		OperationID: "get-stream",
		Tags:        []string{"streams"},
		Summary:     "The events of a stream, oldest first",
		Description: "Events as they were stored, in the schema version of that time.",
		Parameters: []parameter{
			{Name: "aggregate", In: "path", Required: true, Schema: name},
			idSegmentParameter("id"),
			{Name: "from", In: "query", Description: "The version of the first event.", Schema: jsontext.Value(fmt.Sprintf(`{"type":"integer","format":"int64","minimum":1,"maximum":%d,"default":1}`, maxVersion))},
			{Name: "limit", In: "query", Description: "The largest number of events.", Schema: jsontext.Value(fmt.Sprintf(`{"type":"integer","minimum":1,"maximum":%d,"default":%d}`, maxEvents, defaultEvents))},
		},
		Responses: with(map[string]response{
			"200": {Description: "A page of events.", Headers: headerRefs("X-Request-Id"), Content: jsonContent(schemaRef("history"), exampleHistory(declared))},
		}, http.StatusNotFound, http.StatusRequestEntityTooLarge),
	}
}

func rootOperation(example jsontext.Value) *operation {
	linkSchema := closed(map[string]jsontext.Value{
		"name": textSchema, "method": jsontext.Value(`{"type":"string","enum":["GET","POST"]}`),
		"href": jsontext.Value(`{"type":"string","format":"uri-reference","description":"Relative to this address."}`),
	}, "name", "method", "href")
	links := jsontext.Value(`{"type":"array","items":` + string(linkSchema) + `}`)
	return &operation{
		OperationID: "get-root", Tags: []string{"service"}, Summary: "What there is",
		Description: "The names of the views and commands, and where the description is.",
		Responses: with(map[string]response{"200": {
			Description: "Names and addresses.",
			Headers:     headerRefs("X-Request-Id"),
			Content: jsonContent(closed(map[string]jsontext.Value{
				"title": textSchema, "version": textSchema, "links": links, "views": links, "commands": links,
			}, "title", "version", "links", "views", "commands"), example),
		}}),
	}
}

func healthOperation() *operation {
	return &operation{
		OperationID: "get-health", Tags: []string{"service"}, Summary: "Whether the service answers",
		Description: "Reads nothing: it answers as long as the function runs.",
		Responses: withProblems(map[string]response{"200": {
			Description: "It does.",
			Headers:     headerRefs("X-Request-Id"),
			Content:     jsonContent(closed(map[string]jsontext.Value{"status": one("ok")}, "status"), jsontext.Value(healthy)),
		}}, http.StatusMethodNotAllowed),
	}
}

func descriptionOperation() *operation {
	return documentOperation("get-openapi", "This description", "Made from the declarations of the views that answer now, so it changes with them.", "OpenAPI 3.1.")
}

// documentOperation describes a path that answers a description of the API.
func documentOperation(id, summary, text, format string) *operation {
	return &operation{
		OperationID: id, Tags: []string{"service"}, Summary: summary, Description: text,
		Parameters: []parameter{parameterRef("If-Changed")},
		Responses: with(map[string]response{
			"200": {Description: format, Headers: headerRefs("ETag"), Content: jsonContent(jsontext.Value(`{"type":"object"}`), nil)},
			"304": {Description: "The description is as the client has it.", Headers: headerRefs("ETag")},
		}),
	}
}
