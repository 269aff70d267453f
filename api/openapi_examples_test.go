package api_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// illustrated looks at the examples of a description. It counts its findings by
// the kind of place, so that a test can't pass without examples.
type illustrated struct {
	*contract
	t     *testing.T
	count map[string]int
}

// walk validates each example below a value by the schema beside it.
func (d *illustrated) walk(value any, at []string) {
	switch v := value.(type) {
	case map[string]any:
		d.media(v, at)
		d.schema(v, at)
		for name, member := range v {
			if name != "examples" && name != "example" {
				d.walk(member, append(slices.Clip(at), name))
			}
		}
	case []any:
		for i, element := range v {
			d.walk(element, append(slices.Clip(at), strconv.Itoa(i)))
		}
	}
}

// media validates the examples of a body.
func (d *illustrated) media(v map[string]any, at []string) {
	if v["schema"] == nil {
		return
	}
	var all []any
	if v["example"] != nil {
		all = append(all, v["example"])
	}
	if named, ok := v["examples"].(map[string]any); ok {
		for _, e := range named {
			all = append(all, e.(map[string]any)["value"])
		}
	}
	for _, e := range all {
		d.count["bodies"]++
		if err := d.schemaOf(d.t, append(slices.Clip(at), "schema")).Validate(e); err != nil {
			d.t.Errorf("%s: %v: %v", strings.Join(at, " "), e, err)
		}
	}
}

// schema validates the examples of a schema.
func (d *illustrated) schema(v map[string]any, at []string) {
	list, _ := v["examples"].([]any)
	for _, e := range list {
		d.count["schemas"]++
		if err := d.schemaOf(d.t, at).Validate(e); err != nil {
			d.t.Errorf("%s: %v: %v", strings.Join(at, " "), e, err)
		}
	}
}

// illustrate reads the description that the tests share.
func illustrate(t *testing.T) *illustrated {
	t.Helper()
	return &illustrated{contract: newContract(t, describedAPI(t)), t: t, count: map[string]int{}}
}

// TestOpenAPIExamplesAreValid holds every example of the description to its schema.
func TestOpenAPIExamplesAreValid(t *testing.T) {
	t.Parallel()
	d := illustrate(t)
	d.walk(d.doc, nil)
	if d.count["bodies"] < 50 || d.count["schemas"] < 100 {
		t.Errorf("looked at %v", d.count)
	}
}

// TestOpenAPIIllustratesEverything: each body that goes in or comes out has an
// example, each filter a value, and each code of a problem a problem.
func TestOpenAPIIllustratesEverything(t *testing.T) {
	t.Parallel()
	d := illustrate(t)
	codes := map[string]bool{}
	for path, item := range d.doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			at := method + " " + path
			d.bodies(at, op.(map[string]any), path == "/openapi.json" || path == "/asyncapi.json")
			d.filters(at, op.(map[string]any))
		}
	}
	responses, _ := d.at("components", "responses")
	for status, r := range responses.(map[string]any) {
		media := r.(map[string]any)["content"].(map[string]any)["application/problem+json"].(map[string]any)
		for name, e := range media["examples"].(map[string]any) {
			value := e.(map[string]any)["value"].(map[string]any)
			if got := fmt.Sprint(value["status"]); got != status && status != "missing-row" {
				t.Errorf("response %s: example %s has status %s", status, name, got)
			}
			codes[name] = true
		}
	}
	described, _ := d.at("components", "schemas", "problem", "properties", "code", "description")
	list := strings.TrimSuffix(strings.TrimPrefix(described.(string), "Stable. "), ", or a domain rejection's own.")
	for code := range strings.SplitSeq(list, ", ") {
		if !codes[code] {
			t.Errorf("no example of problem %s", code)
		}
	}
	if !codes["rejection"] || len(codes) < 15 {
		t.Errorf("problems: %v", codes)
	}
}

// bodies checks the request's and the successful answers' bodies.
func (d *illustrated) bodies(at string, op map[string]any, free bool) {
	missing := func(body any) bool {
		media, _ := body.(map[string]any)["application/json"].(map[string]any)
		return media != nil && media["example"] == nil
	}
	if body, ok := op["requestBody"].(map[string]any); ok && missing(body["content"]) {
		d.t.Errorf("%s: no example of the request", at)
	}
	for status, r := range op["responses"].(map[string]any) {
		if content := r.(map[string]any)["content"]; content != nil && missing(content) && !free {
			d.t.Errorf("%s: no example of answer %s", at, status)
		}
	}
}

// filters checks the parameters of a list that are filters.
func (d *illustrated) filters(at string, op map[string]any) {
	if !strings.HasPrefix(fmt.Sprint(op["operationId"]), "list-") {
		return
	}
	for _, p := range op["parameters"].([]any) {
		name, _ := p.(map[string]any)["name"].(string)
		schema, _ := p.(map[string]any)["schema"].(map[string]any)
		if name == "" || slices.Contains([]string{"sort", "limit", "cursor"}, name) {
			continue
		}
		if schema["examples"] == nil {
			d.t.Errorf("%s: filter %s has no example", at, name)
		}
	}
}
