package view

import (
	"encoding/json/jsontext"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"daybook/events/schema"
	"daybook/view/internal/definition"
)

// declareRow reads the schema and the fields of a row type.
func declareRow[Row any](d *definition.Definition) {
	t := reflect.TypeFor[Row]()
	if t.Kind() != reflect.Struct || schema.WritesJSON(t) {
		d.Fail("a row is a struct without a JSON encoding of its own, not %s", t)
		return
	}
	whole(d, "row", t)
	d.RowType = t
	// A cold start must not pay for a schema that only the API's description needs.
	own := sync.OnceValues(schema.Of[Row])
	d.Checks = append(d.Checks, func() error {
		if _, err := own(); err != nil {
			return fmt.Errorf("rows have no schema: %w", err)
		}
		return nil
	})
	d.Schema = sync.OnceValue(func() jsontext.Value {
		own, err := own()
		if err != nil {
			return nil
		}
		return rowSchema(own, !d.Keyed)
	})
	d.Fields = structFields(t)
	for _, f := range d.Fields {
		if f.Name == definition.FieldID || f.Name == definition.FieldVersion {
			d.Fail("a row must not declare %q: every answered row has it", f.Name)
		}
	}
}

// whole checks, when the declaration is checked, that JSON keeps what is stored
// between batches.
func whole(d *definition.Definition, what string, t reflect.Type) {
	d.Checks = append(d.Checks, func() error {
		if path := schema.LostField(t); path != "" {
			return fmt.Errorf("%s %s: field %s is not stored, so it would be lost between batches", what, t, path)
		}
		return nil
	})
}

// structFields lists the members of a struct's JSON, in their order. Package
// schema has checked it: every field has a plain name, and types that write
// JSON of their own are not there.
func structFields(t reflect.Type) []definition.Field {
	var fields []definition.Field
	for sf := range t.Fields() {
		tag, tagged := sf.Tag.Lookup("json")
		if sf.Anonymous && !tagged {
			fields = append(fields, structFields(sf.Type)...)
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		f := definition.Field{Name: name, Omitted: options != ""} // omitzero or omitempty
		ft := sf.Type
		if ft.Kind() == reflect.Pointer {
			ft, f.Nullable = ft.Elem(), true
		}
		f.Kind, f.Bits = definition.KindOf(ft)
		fields = append(fields, f)
	}
	return fields
}
