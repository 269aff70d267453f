package daybook

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"daybook/events/schema"
	"daybook/nearest"
	"daybook/process"
)

// checkSends reports commands that a manager sends and that no aggregate of the App
// declares, or whose payload the declared one's rules would refuse whatever it holds.
func (a App) checkSends(d process.Description) (errs []error) {
	declared, commands := map[string]reflect.Type{}, map[string]func() jsontext.Value{}
	for _, of := range a.Aggregates {
		if of == nil {
			continue
		}
		for _, c := range of.Describe() {
			declared[c.Name], commands[c.Name] = c.Go, c.Schema
		}
	}
	for _, c := range d.Sends {
		name, sent := c.CommandName(), reflect.TypeOf(c)
		to := declared[name]
		switch {
		case to == nil:
			errs = append(errs, fmt.Errorf("%s %q sends command %q, which no aggregate of the App declares; add its aggregate to Aggregates%s",
				d.Kind, d.Name, name, nearest.Hint(name, maps.Keys(declared))))
		case to != sent:
			if why := misfit(commands[name](), sent); why != "" {
				errs = append(errs, fmt.Errorf("%s %q sends command %q as %v, and its payload is %v: %s; send a %v", d.Kind, d.Name, name, sent, to, why, to))
			}
		}
	}
	return errs
}

// object is the part of a JSON Schema that says which members an object has.
type object struct {
	Properties map[string]struct {
		Type jsontext.Value `json:"type"`
	} `json:"properties"`
	Required []string `json:"required"`
}

// misfit says why values of a Go type can't be payloads by a JSON Schema, "" when
// they can: a member is unknown, missing or of another type.
func misfit(rules jsontext.Value, sent reflect.Type) string {
	s, err := schema.OfType(sent)
	if err != nil {
		return err.Error()
	}
	var want, got object
	if json.Unmarshal(rules, &want) != nil || json.Unmarshal(s.JSON(), &got) != nil {
		return "" // a declaration without a schema is reported by its aggregate
	}
	for _, name := range slices.Sorted(maps.Keys(got.Properties)) {
		known, ok := want.Properties[name]
		switch {
		case !ok:
			return fmt.Sprintf("it has no member %q", name)
		case string(known.Type) != string(got.Properties[name].Type):
			return fmt.Sprintf("its member %q is of type %s, not %s", name, known.Type, got.Properties[name].Type)
		}
	}
	for _, name := range want.Required {
		if _, ok := got.Properties[name]; !ok {
			return fmt.Sprintf("it needs the member %q", name)
		}
	}
	return ""
}
