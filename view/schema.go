package view

import (
	"encoding/json/jsontext"
	"encoding/json/v2"

	"daybook/events/schema"
)

// rowSchema writes the JSON Schema of a row as queries answer it: that of the Go
// type with the members every answered row has.
func rowSchema(own *schema.Schema, kind Kind) jsontext.Value {
	var row objectSchema
	if err := json.Unmarshal(own.JSON(), &row); err != nil {
		return nil // package schema writes objects for structs
	}
	if row.Properties == nil {
		row.Properties = map[string]jsontext.Value{}
	}
	row.Properties[fieldID] = jsontext.Value(`{"type":"string"}`)
	row.Required = append([]string{fieldID}, row.Required...)
	if kind == KindRows {
		row.Properties[fieldVersion] = jsontext.Value(`{"type":"integer"}`)
		row.Required = append(row.Required, fieldVersion)
	}
	written, err := json.Marshal(row, json.Deterministic(true))
	if err != nil {
		return nil // strings and JSON
	}
	return written
}

type objectSchema struct {
	Properties map[string]jsontext.Value `json:"properties"`
	Required   []string                  `json:"required"`
	Rest       jsontext.Value            `json:",embed"`
}
