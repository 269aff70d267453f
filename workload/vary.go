package workload

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"strings"
	"unicode/utf8"
)

// variety is how many values a varied member takes, unless each must be its own:
// enough that a change changes something, few enough that rows share values of an
// index, as those of a business do.
const variety = 10

// schema is what varying needs of a JSON Schema.
type schema struct {
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	Type       any                `json:"type"`
	Format     string             `json:"format"`
	Enum       []any              `json:"enum"`
	MaxLength  int                `json:"maxLength"`
	Maximum    *float64           `json:"maximum"`
}

// variation says how the members of an example are varied.
type variation struct {
	number int                                // of the payload
	unique bool                               // texts are the payload's own
	known  func(aggregate string) (id string) // a stream that exists; "" for none
}

// payload varies an example by its schema. A member that is named like an aggregate
// is taken for the id of one.
func (v variation) payload(of, example jsontext.Value) (jsontext.Value, error) {
	var s schema
	var value any
	if err := json.Unmarshal(of, &s); err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	if err := json.Unmarshal(example, &value); err != nil {
		return nil, fmt.Errorf("read the example: %w", err)
	}
	return json.Marshal(v.value(&s, "", value), json.Deterministic(true))
}

func (v variation) value(s *schema, name string, example any) any {
	if s == nil || s.Enum != nil {
		return example
	}
	switch example := example.(type) {
	case map[string]any:
		for member, of := range example {
			example[member] = v.value(s.Properties[member], member, of)
		}
	case []any:
		for i := range example {
			example[i] = v.value(s.Items, name, example[i])
		}
	case string:
		return v.text(s, name, example)
	case float64:
		varied := example + float64(v.number%variety)
		if s.Maximum == nil || varied <= *s.Maximum {
			return varied
		}
	}
	return example
}

func (v variation) text(s *schema, name, example string) string {
	if id := v.known(name); id != "" {
		return id
	}
	number := v.number
	if !v.unique && s.Format != "email" {
		number %= variety
	}
	varied := fmt.Sprintf("%s-%d", example, number)
	switch s.Format {
	case "":
	case "email":
		local, domain, _ := strings.Cut(example, "@")
		varied = fmt.Sprintf("%s-%d@%s", local, number, domain)
	default:
		return example // a date, a UUID: another text would not be one
	}
	if s.MaxLength > 0 && utf8.RuneCountInString(varied) > s.MaxLength {
		return example
	}
	return varied
}
