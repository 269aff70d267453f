package stack_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"daybook/infra/settings"
	"daybook/infra/stack"
)

// template is a synthesized CloudFormation template.
type template struct {
	Name     string            `json:"-"`
	Settings settings.Settings `json:"-"`
	Schema   stack.Schema      `json:"-"`
	Raw      string            `json:"-"`
	Manifest string            `json:"-"`

	Resources map[string]resource       `json:"Resources"`
	Outputs   map[string]map[string]any `json:"Outputs"`
}

type resource struct {
	Type                string `json:"Type"`
	Properties          object `json:"Properties"`
	DeletionPolicy      string `json:"DeletionPolicy"`
	UpdateReplacePolicy string `json:"UpdateReplacePolicy"`
}

type object = map[string]any

// ids are the logical ids of the resources of a type, sorted.
func (tpl *template) ids(kind string) []string {
	var all []string
	for id, r := range tpl.Resources {
		if r.Type == kind {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// only is the one resource of a type.
func (tpl *template) only(t *testing.T, kind string) resource {
	t.Helper()
	ids := tpl.ids(kind)
	if len(ids) != 1 {
		t.Fatalf("there are %d resources of type %s, want 1", len(ids), kind)
	}
	return tpl.Resources[ids[0]]
}

// named is the resource of a type whose property has the value.
func (tpl *template) named(t *testing.T, kind, property, value string) resource {
	t.Helper()
	for _, id := range tpl.ids(kind) {
		if tpl.text(tpl.Resources[id].Properties[property]) == value {
			return tpl.Resources[id]
		}
	}
	t.Fatalf("there is no %s with %s = %s", kind, property, value)
	return resource{}
}

// handles are the properties that a resource is called by in text.
var handles = []string{"TableName", "FunctionName", "LogGroupName", "QueueName", "RoleName", "AlarmName"}

// text writes a value as a reader would: joined, and with references to
// resources by their names, "<daybook-dev-events>.Arn".
func (tpl *template) text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any:
		if len(v) == 1 {
			for f, arg := range v {
				return tpl.function(f, arg)
			}
		}
	case []any:
		var parts []string
		for _, p := range v {
			parts = append(parts, tpl.text(p))
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(v)
}

// function evaluates an intrinsic function as far as the template knows.
func (tpl *template) function(name string, arg any) string {
	switch name {
	case "Ref":
		return tpl.handle(arg.(string))
	case "Fn::GetAtt":
		parts := arg.([]any)
		return tpl.handle(parts[0].(string)) + "." + parts[1].(string)
	case "Fn::Join":
		parts := arg.([]any)
		var all []string
		for _, p := range parts[1].([]any) {
			all = append(all, tpl.text(p))
		}
		return strings.Join(all, parts[0].(string))
	}
	return fmt.Sprintf("%s(%v)", name, arg)
}

func (tpl *template) handle(id string) string {
	r, ok := tpl.Resources[id]
	if !ok {
		return "<" + id + ">" // a pseudo parameter
	}
	if r.Type == "AWS::Lambda::Alias" {
		return tpl.text(r.Properties["FunctionName"]) // callers of the alias call the function
	}
	for _, h := range handles {
		if s, ok := r.Properties[h].(string); ok {
			return "<" + s + ">"
		}
	}
	return "<" + r.Type + ">"
}

// texts writes one value or a list of them as a list.
func (tpl *template) texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		return []string{tpl.text(v)}
	}
	var all []string
	for _, x := range list {
		all = append(all, tpl.text(x))
	}
	return all
}

// at follows names and indexes into a value, nil where there is nothing.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			o, _ := v.(object)
			v = o[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// same compares a value with what it should be, as text.
func same(t *testing.T, tpl *template, what string, got any, want string) {
	t.Helper()
	if s := tpl.text(got); s != want {
		t.Errorf("%s = %s, want %s", what, s, want)
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
