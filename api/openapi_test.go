package api_test

import (
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"daybook/aggregate"
	"daybook/aggregate/async/asynctest"
	"daybook/api"
	"daybook/events"
	"daybook/internal/testdomain"
	"daybook/view"
	"daybook/view/query"
)

// contract is an API's description, as an independent validator reads it.
type contract struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
}

const contractURL = "https://api.example/openapi.json"

// newContract reads a description.
func newContract(t *testing.T, raw []byte) *contract {
	t.Helper()
	c := &contract{compiler: jsonschema.NewCompiler()}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	c.doc = doc.(map[string]any)
	if err := c.compiler.AddResource(contractURL, doc); err != nil {
		t.Fatal(err)
	}
	return c
}

// at returns the value at a JSON pointer, references followed.
func (c *contract) at(pointer ...string) (value any, path []string) {
	value = c.doc
	for _, name := range pointer {
		path = append(path, name)
		if m, ok := value.(map[string]any); ok {
			value = m[name]
		} else {
			return nil, path
		}
		if m, ok := value.(map[string]any); ok {
			if ref, ok := m["$ref"].(string); ok {
				value, path = c.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			}
		}
	}
	return value, path
}

// check validates an answer to method and path (a template of the description).
func (c *contract) check(method, path string, w *httptest.ResponseRecorder) error {
	status := fmt.Sprint(w.Code)
	r, at := c.at("paths", path, strings.ToLower(method), "responses", status)
	if r == nil {
		return fmt.Errorf("%s %s does not describe status %s", method, path, status)
	}
	described, _ := r.(map[string]any)["headers"].(map[string]any)
	for _, name := range []string{"Etag", "Location", "Preference-Applied", "Retry-After", "Daybook-Stale", "Daybook-Parked", "Idempotent-Replayed", "Allow", "X-Correlation-Id"} {
		if w.Header().Get(name) != "" && described[name] == nil && described[strings.Replace(name, "Etag", "ETag", 1)] == nil {
			return fmt.Errorf("%s %s %s does not describe header %s", method, path, status, name)
		}
	}
	content, _ := r.(map[string]any)["content"].(map[string]any)
	if len(content) == 0 && w.Body.Len() == 0 {
		return nil
	}
	media := w.Header().Get("Content-Type")
	if content[media] == nil {
		return fmt.Errorf("%s %s %s does not describe %q", method, path, status, media)
	}
	return c.validate(w.Body.String(), append(at, "content", media, "schema")...)
}

// validate validates a JSON text by the schema at a pointer.
func (c *contract) validate(raw string, pointer ...string) error {
	for i, name := range pointer {
		pointer[i] = strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
	}
	s, err := c.compiler.Compile(contractURL + "#/" + strings.ReplaceAll(strings.Join(pointer, "/"), "{", "%7B"))
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		return err
	}
	return s.Validate(value)
}

func describedAPI(t *testing.T) []byte {
	t.Helper()
	o := options(nil)
	o.Statuses = &asynctest.Statuses{}
	w := do(api.NewQueries(&querier{}, nil, testdomain.Aggregates(), testdomain.Views(), o), "GET", "/openapi.json", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// TestOpenAPIIsValid holds the description to the schema that the OpenAPI
// Initiative publishes, with every schema in it held to JSON Schema 2020-12.
func TestOpenAPIIsValid(t *testing.T) {
	t.Parallel()
	official, err := os.Open("testdata/openapi-3.1.json")
	if err != nil {
		t.Fatal(err)
	}
	defer official.Close()
	c := jsonschema.NewCompiler()
	doc, err := jsonschema.UnmarshalJSON(official)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("https://spec.openapis.org/oas/3.1/schema/2022-10-07", doc); err != nil {
		t.Fatal(err)
	}
	base, err := jsonschema.UnmarshalJSON(strings.NewReader(`{
		"$id": "https://api.example/base", "$schema": "https://json-schema.org/draft/2020-12/schema",
		"$ref": "https://spec.openapis.org/oas/3.1/schema/2022-10-07",
		"$defs": {"schema": {"$dynamicAnchor": "meta", "$ref": "https://json-schema.org/draft/2020-12/schema"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("https://api.example/base", base); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("https://api.example/base")
	if err != nil {
		t.Fatal(err)
	}
	good := string(describedAPI(t))
	secured := string(securedAPI(t))
	for name, test := range map[string]struct {
		raw   string
		valid bool
	}{
		"as described":      {good, true},
		"with security":     {secured, true},
		"a faulty scheme":   {strings.Replace(secured, `"openIdConnectUrl"`, `"url"`, 1), false},
		"a faulty schema":   {strings.Replace(good, `"type":"integer"`, `"type":"int"`, 1), false},
		"a faulty document": {strings.Replace(good, `"operationId"`, `"operation_id"`, 1), false},
	} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(test.raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(value); (err == nil) != test.valid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOpenAPIHoldsTogether checks what the official schema can't: references
// lead somewhere, operations have names of their own, and the parameters of a
// path are declared.
func TestOpenAPIHoldsTogether(t *testing.T) {
	t.Parallel()
	c := newContract(t, describedAPI(t))
	refs := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				refs++
				if target, _ := c.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...); target == nil {
					t.Errorf("%s resolves to nothing", ref)
				}
			}
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, element := range v {
				walk(element)
			}
		}
	}
	walk(c.doc)
	names := map[string]bool{}
	for path, item := range c.doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			name := op.(map[string]any)["operationId"].(string)
			if names[name] {
				t.Errorf("two operations %s", name)
			}
			names[name] = true
			c.checkParameters(t, path, method, op.(map[string]any))
		}
	}
	for _, want := range []string{"create-member", "place-booking", "send-commands", "list-members", "get-members", "list-areas", "get-bookings", "get-stream", "get-root", "get-health", "get-openapi"} {
		if !names[want] {
			t.Errorf("no operation %s", want)
		}
	}
	if refs < 50 {
		t.Errorf("looked at %d references", refs)
	}
}

func (c *contract) checkParameters(t *testing.T, path, method string, op map[string]any) {
	t.Helper()
	params, _ := op["parameters"].([]any)
	seen := map[string]bool{}
	for _, p := range params {
		m := p.(map[string]any)
		if ref, ok := m["$ref"].(string); ok {
			target, _ := c.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			m = target.(map[string]any)
		}
		key := fmt.Sprint(m["in"], " ", m["name"])
		if seen[key] {
			t.Errorf("%s %s: parameter %s twice", method, path, key)
		}
		seen[key] = true
		if m["in"] == "path" && !strings.Contains(path, "{"+m["name"].(string)+"}") {
			t.Errorf("%s %s: parameter %s is not in the path", method, path, key)
		}
	}
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok && !seen["path "+strings.TrimSuffix(name, "}")] {
			t.Errorf("%s %s: %s is not declared", method, path, part)
		}
	}
}

func TestOpenAPIDescribesFilters(t *testing.T) {
	t.Parallel()
	c := newContract(t, describedAPI(t))
	list, _ := c.at("paths", "/courses", "get")
	var names []string
	for _, p := range list.(map[string]any)["parameters"].([]any) {
		if name, ok := p.(map[string]any)["name"].(string); ok {
			names = append(names, name)
		}
	}
	for _, want := range []string{"area", "fee.gte", "name.prefix", "id.in", "seats.exists", "sort", "limit", "cursor"} {
		if !slices.Contains(names, want) {
			t.Errorf("no parameter %s among %v", want, names)
		}
	}
	if text := list.(map[string]any)["description"].(string); !strings.Contains(text, "by area, sorted by fee") {
		t.Errorf("indexes: %s", text)
	}
	members, _ := c.at("paths", "/members", "get")
	described := map[string]any{}
	for _, p := range members.(map[string]any)["parameters"].([]any) {
		if name, ok := p.(map[string]any)["name"].(string); ok {
			described[name] = p.(map[string]any)["description"]
		}
	}
	for name, want := range map[string]string{
		"email":         "email is equal to. Compared in the normal form lower.",
		"name":          "name is equal to.",
		"active.exists": "active is there (true) or not (false). Every row has it.",
	} {
		if described[name] != want {
			t.Errorf("parameter %s: %q, want %q", name, described[name], want)
		}
	}
}

func TestOpenAPIIsAlwaysTheSame(t *testing.T) {
	t.Parallel()
	if a, b := describedAPI(t), describedAPI(t); string(a) != string(b) {
		t.Error("two descriptions of the same declarations differ")
	}
	h := queries(&querier{}, nil)
	tag := do(h, "GET", "/openapi.json", "").Header().Get("ETag")
	if w := do(h, "GET", "/openapi.json", "", "If-None-Match: "+tag); w.Code != 304 || w.Body.Len() > 0 || w.Header().Get("ETag") != tag {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	o := options(nil)
	o.Title, o.Version = "Shop", "2.1"
	w := do(api.NewQueries(&querier{}, nil, testdomain.Aggregates(), testdomain.Views(), o), "GET", "/openapi.json", "", "If-None-Match: "+tag)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"info":{"title":"Shop","version":"2.1"`) {
		t.Errorf("got %d %.200s", w.Code, w.Body)
	}
}

// security asks for either kind of authorization.
var security = api.Security{
	SigV4: true, Issuer: "https://id.shop.example/",
	WriteScope: "shop/write", ReadScope: "shop/read", HistoryScope: "shop/history",
}

func securedAPI(t *testing.T) []byte {
	t.Helper()
	o := options(nil)
	o.Security = security
	return do(api.NewQueries(&querier{}, nil, testdomain.Aggregates(), testdomain.Views(), o), "GET", "/openapi.json", "").Body.Bytes()
}

// TestOpenAPISecurity: each operation names the scope it needs, and every scheme
// that it names is declared.
func TestOpenAPISecurity(t *testing.T) {
	t.Parallel()
	c := newContract(t, securedAPI(t))
	schemes, _ := c.at("components", "securitySchemes")
	for name, want := range map[string]map[string]string{
		"sigv4": {"type": "apiKey", "in": "header", "name": "Authorization"},
		"jwt":   {"type": "openIdConnect", "openIdConnectUrl": "https://id.shop.example/.well-known/openid-configuration"},
	} {
		got, _ := schemes.(map[string]any)[name].(map[string]any)
		for member, value := range want {
			if got[member] != value {
				t.Errorf("scheme %s has %s %v, want %s", name, member, got[member], value)
			}
		}
	}
	operations := 0
	for path, item := range c.doc["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			scope := "shop/read"
			switch {
			case path == "/commands/retire-course": // a command that needs one of its own, too
				scope = "shop/write courses:retire"
			case method == "post":
				scope = "shop/write"
			case strings.HasPrefix(path, "/streams/"):
				scope = "shop/history"
			}
			got := fmt.Sprint(operation.(map[string]any)["security"])
			if want := "[map[sigv4:[]] map[jwt:[" + scope + "]]]"; got != want {
				t.Errorf("%s %s: security %s, want %s", method, path, got, want)
			}
			operations++
		}
	}
	if operations < 20 {
		t.Errorf("looked at %d operations", operations)
	}
	open := newContract(t, describedAPI(t))
	if needs, ok := open.doc["security"].([]any); !ok || len(needs) > 0 {
		t.Errorf("an API that is open to all needs %v, want an empty list", open.doc["security"])
	}
	for path, item := range open.doc["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			if operation.(map[string]any)["security"] != nil {
				t.Errorf("%s %s of an API that is open to all describes security", method, path)
			}
		}
	}
}

// TestOpenAPIFollowsTheViews: a description is that of the versions that answer.
func TestOpenAPIFollowsTheViews(t *testing.T) {
	t.Parallel()
	q := &querier{}
	h := queries(q, nil)
	declared := do(h, "GET", "/openapi.json", "")
	q.described = []view.Description{testdomain.Views()[0].Describe()}
	q.described[0].Version++
	q.described[0].Indexes = nil
	switched := do(h, "GET", "/openapi.json", "", "If-None-Match: "+declared.Header().Get("ETag"))
	if switched.Code != 200 || strings.Contains(switched.Body.String(), "Index ") {
		t.Errorf("got %d %s", switched.Code, switched.Body)
	}
	q.described = nil
	if back := do(h, "GET", "/openapi.json", ""); back.Body.String() != declared.Body.String() {
		t.Error("switched back: another description")
	}
	q.err = events.Errorf(events.CodeUnavailable, "which table answers is not known")
	if w := do(h, "GET", "/openapi.json", ""); w.Code != 503 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestOpenAPIOfNothing(t *testing.T) {
	t.Parallel()
	w := do(api.NewQueries(&querier{described: []view.Description{}}, nil, nil, nil, options(nil)), "GET", "/openapi.json", "")
	var doc struct {
		Paths map[string]struct{} `json:"paths"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || len(doc.Paths) != 4 {
		t.Errorf("got %d %s: %v", w.Code, w.Body, err)
	}
}

// TestOpenAPIExamples: the examples of the description are what it describes.
func TestOpenAPIExamples(t *testing.T) {
	t.Parallel()
	c := newContract(t, describedAPI(t))
	seen := 0
	for name, schema := range c.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		examples, _ := schema.(map[string]any)["examples"].([]any)
		for _, e := range examples {
			example, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.validate(string(example), "components", "schemas", name); err != nil {
				t.Errorf("%s: %s: %v", name, example, err)
			}
			seen++
		}
	}
	for path, item := range c.doc["paths"].(map[string]any) {
		post, ok := item.(map[string]any)["post"].(map[string]any)
		if !ok {
			continue
		}
		body := post["requestBody"].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)
		example, err := json.Marshal(body["example"])
		if err != nil {
			t.Fatal(err)
		}
		if err := c.validate(string(example), "paths", path, "post", "requestBody", "content", "application/json", "schema"); err != nil {
			t.Errorf("%s: %s: %v", path, example, err)
		}
		seen++
	}
	public := 0
	for _, a := range testdomain.Aggregates() {
		public += len(aggregate.Public(a.Describe()))
	}
	if seen < 2*public {
		t.Errorf("looked at %d examples of %d commands", seen, public)
	}
}

// TestOpenAPIMethodNotAllowed: a method that a path does not have is answered as
// every operation of the path describes it, and so is a path that has none.
func TestOpenAPIMethodNotAllowed(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	c := newContract(t, do(s.handler, "GET", "/openapi.json", "").Body.Bytes())
	for path, item := range c.doc["paths"].(map[string]any) {
		target := strings.NewReplacer("{aggregate}", "member", "{id}", "7", "{key}", "7", "{commandId}", "c").Replace(path)
		w := do(s.handler, "PUT", target, "{}")
		wantProblem(t, w, 405, events.CodeMethodNotAllowed)
		for method := range item.(map[string]any) {
			if err := c.check(method, path, w); err != nil {
				t.Errorf("%s %s: %v", method, path, err)
			}
			if !strings.Contains(w.Header().Get("Allow"), strings.ToUpper(method)) {
				t.Errorf("%s: Allow is %q without %s", path, w.Header().Get("Allow"), method)
			}
		}
	}
}

// TestOpenAPIIsForGenerators: what generators of clients fail on, or leave
// operations out for without a word, is not there. localstack/clients runs them.
func TestOpenAPIIsForGenerators(t *testing.T) {
	t.Parallel()
	c := newContract(t, describedAPI(t))
	unions := 0
	var walk func(at string, v any)
	walk = func(at string, v any) {
		list, _ := v.([]any)
		for i, element := range list {
			walk(fmt.Sprint(at, "/", i), element)
		}
		m, _ := v.(map[string]any)
		for name, member := range m {
			if name != "examples" && name != "example" && name != "properties" {
				walk(at+"/"+name, member)
			}
		}
		properties, _ := m["properties"].(map[string]any)
		for name, member := range properties {
			walk(at+"/properties/"+name, member)
		}
		if m["const"] != nil || m["anyOf"] != nil {
			t.Errorf("%s has a const or an anyOf", at)
		}
		if _, isEnum := m["enum"]; isEnum && m["type"] == nil {
			t.Errorf("%s has an enum without a type", at)
		}
		if options, ok := m["oneOf"].([]any); ok {
			unions++
			c.checkUnion(t, at, m, options)
		}
	}
	walk("#", c.doc)
	if unions == 0 {
		t.Error("no oneOf was looked at: a batch has one")
	}
	license := c.doc["info"].(map[string]any)["license"].(map[string]any)
	if license["identifier"] == nil {
		t.Error("info.license has no identifier: openapi-generator 7.17 refuses it")
	}
}

// checkUnion checks that a oneOf is told apart by a member with a name of its own
// for each component.
func (c *contract) checkUnion(t *testing.T, at string, union map[string]any, options []any) {
	t.Helper()
	by, _ := union["discriminator"].(map[string]any)
	mapping, _ := by["mapping"].(map[string]any)
	if len(mapping) != len(options) {
		t.Errorf("%s: %d options, %d in the discriminator's mapping", at, len(options), len(mapping))
	}
	member, _ := by["propertyName"].(string)
	for value, ref := range mapping {
		if !slices.ContainsFunc(options, func(o any) bool { return o.(map[string]any)["$ref"] == ref }) {
			t.Errorf("%s: %s is mapped to %v, which is not an option", at, value, ref)
		}
		names, _ := c.at(append(strings.Split(strings.TrimPrefix(ref.(string), "#/"), "/"), "properties", member, "enum")...)
		if fmt.Sprint(names) != "["+value+"]" {
			t.Errorf("%s: %v has %s %v, want %s", at, ref, member, names, value)
		}
	}
}

// TestOpenAPIBounds: a bound that is enforced stands in the schema, and the schema
// refuses no more than the API.
func TestOpenAPIBounds(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	do(s.handler, "POST", "/commands/create-member", `{"id":"7","payload":{"name":"Ada","email":"ada@example.com"}}`)
	c := newContract(t, do(s.handler, "GET", "/openapi.json", "").Body.Bytes())
	from, _ := c.at("paths", "/streams/{aggregate}/{id}", "get")
	schemas := map[string][]string{
		"after": {"components", "parameters", "after", "schema"},
		"at":    {"components", "parameters", "at", "schema"},
	}
	for i, p := range from.(map[string]any)["parameters"].([]any) {
		if p.(map[string]any)["name"] == "from" {
			schema := p.(map[string]any)["schema"].(map[string]any)
			if fmt.Sprint(schema["maximum"]) != "9007199254740992" {
				t.Errorf("parameter %d, from, has maximum %v", i, schema["maximum"])
			}
		}
	}
	for _, tt := range []struct {
		name, value string
		valid       bool
	}{
		{"after", "member/7@1", true}, {"after", "member/7@1,member/7@1", true}, {"after", " member/7@1 , member/7@1", true},
		{"after", "", false}, {"after", "member/7", false}, {"after", "member/7@0", false}, {"after", "member/7@01", false},
		{"after", "Member/7@1", false}, {"after", "member/@1", false}, {"after", "member/7@1,", false}, {"after", "member/7@+1", false},
		{"at", "1", true}, {"at", "2999-01-31T12:00:00Z", true}, {"at", "2999-01-31T12:00:00.123+02:00", true},
		{"at", "", false}, {"at", "0", false}, {"at", "-1", false}, {"at", "01", false}, {"at", "1.0", false}, {"at", "2999-01-31", false},
		{"at", "2999-01-31T12:00:00", false}, {"at", "2999-01-31t12:00:00z", false}, {"at", "now", false},
	} {
		raw, err := json.Marshal(tt.value)
		if err != nil {
			t.Fatal(err)
		}
		schemaErr := c.validate(string(raw), slices.Clone(schemas[tt.name])...)
		w := do(s.handler, "GET", "/members/7?"+url.Values{tt.name: {tt.value}}.Encode(), "")
		if (schemaErr == nil) != tt.valid || (w.Code != 400) != tt.valid {
			t.Errorf("%s=%q: the schema says %v, the API %d %s; want valid %v", tt.name, tt.value, schemaErr, w.Code, w.Body, tt.valid)
		}
	}
}

// Whatever EncodeSegment writes is an id by the description.
func TestOpenAPISegments(t *testing.T) {
	t.Parallel()
	c := newContract(t, describedAPI(t))
	path := []string{"paths", "/streams/{aggregate}/{id}", "get", "parameters", "1", "schema"}
	for r := rune(' '); r < 0x250; r++ {
		if unicode.IsControl(r) {
			continue
		}
		id, err := url.PathUnescape(api.EncodeSegment("a" + string(r)))
		if err != nil {
			t.Fatal(err)
		}
		quoted, _ := json.Marshal(id)
		if err := c.validate(string(quoted), slices.Clone(path)...); err != nil {
			t.Errorf("%q, written %q: %v", r, id, err)
		}
		plain, _ := json.Marshal("a" + string(r))
		if refused := c.validate(string(plain), slices.Clone(path)...) != nil; r < 0x80 && refused != strings.HasPrefix(id, "~") {
			t.Errorf("%q as itself: refused %v, though written %q", r, refused, id)
		}
	}
}

// A request that the description calls valid is not malformed, and the other way
// round, wherever a schema can tell.
func TestOpenAPITellsTheMalformed(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	c := newContract(t, do(s.handler, "GET", "/openapi.json", "").Body.Bytes())
	parameter := func(path, name string) []string {
		list, _ := c.at("paths", path, "get", "parameters")
		for i, p := range list.([]any) {
			if p.(map[string]any)["name"] == name {
				return []string{"paths", path, "get", "parameters", strconv.Itoa(i), "schema"}
			}
		}
		t.Fatalf("GET %s has no parameter %s", path, name)
		return nil
	}
	header := func(name string) []string { return []string{"components", "parameters", name, "schema"} }
	body := func(r *http.Request, text string) { r.Body = io.NopCloser(strings.NewReader(text)) }
	create := func(headers ...string) func(string) *http.Request {
		return func(value string) *http.Request {
			r := httptest.NewRequest("POST", "/commands/create-member", nil)
			r.Header.Set("Content-Type", "application/json")
			body(r, `{"payload":{"name":"Ada","email":"`+strconv.Itoa(len(value))+headers[0]+`@example.com"}}`)
			r.Header.Set(headers[0], value)
			return r
		}
	}
	withID := func(value string) *http.Request {
		r := create("Content-Type")("application/json")
		id, _ := json.Marshal(value)
		body(r, `{"id":`+string(id)+`,"payload":{"name":"Ada","email":"ada@example.com"}}`)
		return r
	}
	get := func(before, after string) func(string) *http.Request {
		return func(value string) *http.Request {
			return httptest.NewRequest("GET", before+url.PathEscape(value)+after, nil)
		}
	}
	long := strings.Repeat("𝄞", 128)
	for _, tt := range []struct {
		name      string
		schema    []string
		number    bool
		request   func(string) *http.Request
		good, bad []string
	}{
		{"fee", parameter("/courses", "fee"), true, get("/courses?area=tools&fee=", ""),
			[]string{"0", "-9223372036854775808", "9223372036854775807"}, []string{"9223372036854775808", "-9223372036854775809", "1.5"}},
		{"fee.in", parameter("/courses", "fee.in"), true, get("/courses?area=tools&fee.in=", ""),
			[]string{"[0]", "[1,2]"}, []string{"[]", "[9223372036854775808]", "[" + strings.Repeat("1,", query.MaxIn) + "1]"}},
		{"id", []string{"paths", "/commands/create-member", "post", "requestBody", "content", "application/json", "schema", "properties", "id"}, false, withID,
			[]string{"7", "a/b", long}, []string{"", "a\nb", "\u0085", "\ufffd", long + "a"}},
		{"Idempotency-Key", header("Idempotency-Key"), false, create("Idempotency-Key"),
			[]string{"7", "a b", "ä"}, []string{"a,b", "a\tb", "\u0085", "\ufffd", long + "a"}},
		{"If-Match", header("If-Match"), false, create("If-Match"),
			[]string{`"2"`, `W/"2"`, `*`, `"1", "2"`, `"a",,W/"b"`, `"3.2"`}, []string{"2", `"2`, `"2""3"`, `w/"2"`, `"a b"`, `*,"2"`}},
		{"after", header("after"), false, get("/members?sort=name&after=", ""),
			[]string{"other/7@3", "other-1/a,b@2 ,\tx/y@999999999999999999", "a/" + long + "@1"},
			[]string{"other-/7@3", "other/7", "1a/7@3", "x/7@03", "x/7@9999999999999999999", strings.Repeat("a", 65) + "/7@1", "x/" + long + "a@1", "x/a\x1fb@1"}},
		{"stream", parameter("/streams/{aggregate}/{id}", "id"), false, get("/streams/member/", ""),
			[]string{"7", long, api.EncodeSegment("a/b"), api.EncodeSegment(strings.Repeat("\U0010ffff", 128))}, []string{"a\nb", "\u0085", "\ufffd", "\u00bc\x7f", "~", "~a", "~a b", long + "a"}},
		{"key", parameter("/members/{key}", "key"), false, get("/members/", ""),
			[]string{"7", "a b", api.EncodeSegment("a/b")}, []string{"\ufffd", "~", "~a~"}},
	} {
		for i, value := range append(slices.Clone(tt.good), tt.bad...) {
			raw := value
			if !tt.number {
				quoted, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				raw = string(quoted)
			}
			w := httptest.NewRecorder()
			s.handler.ServeHTTP(w, tt.request(strings.Trim(value, "[]")))
			schemaErr := c.validate(raw, slices.Clone(tt.schema)...)
			good := i < len(tt.good)
			refused := w.Code == 400 || !good && w.Code == 404 // an address of nothing
			if (schemaErr == nil) != good || refused == good {
				t.Errorf("%s %q: the schema says %v, the API %d %s; want valid %v", tt.name, value, schemaErr, w.Code, w.Body, good)
			}
		}
	}
}
