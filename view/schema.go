package view

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"

	"daybook/events/schema"
	"daybook/view/internal/definition"
)

// rowSchema writes the JSON Schema of a row as queries answer it: that of the Go
// type with the members every answered row has.
func rowSchema(own *schema.Schema, versioned bool) jsontext.Value {
	var row objectSchema
	if err := json.Unmarshal(own.AnswerJSON(), &row); err != nil {
		return nil // package schema writes objects for structs
	}
	if row.Properties == nil {
		row.Properties = map[string]jsontext.Value{}
	}
	row.Properties[definition.FieldID] = jsontext.Value(`{"type":"string"}`)
	row.Required = append([]string{definition.FieldID}, row.Required...)
	added := `"id":"7"`
	if versioned {
		row.Properties[definition.FieldVersion] = jsontext.Value(`{"type":"integer","format":"int64","minimum":1}`)
		row.Required = append(row.Required, definition.FieldVersion)
		added += `,"version":1`
	}
	for i, example := range row.Examples {
		row.Examples[i] = withMembers(example, added)
	}
	written, err := json.Marshal(row, json.Deterministic(true))
	if err != nil {
		return nil // strings and JSON
	}
	return written
}

// withMembers is a JSON object with more members in front of its own.
func withMembers(object jsontext.Value, members string) jsontext.Value {
	rest := bytes.TrimSpace(bytes.TrimSpace(object)[1:])
	if len(rest) > 1 {
		members += ","
	}
	return append([]byte("{"+members), rest...)
}

type objectSchema struct {
	Properties map[string]jsontext.Value `json:"properties"`
	Required   []string                  `json:"required"`
	Examples   []jsontext.Value          `json:"examples,omitempty"`
	Rest       jsontext.Value            `json:",embed"`
}
