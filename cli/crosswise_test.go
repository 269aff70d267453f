package cli

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/urfave/cli/v3"

	"daybook/aggregate"
	"daybook/api"
	"daybook/dynamo"
	"daybook/events"
	"daybook/functions"
	"daybook/functions/names"
	"daybook/internal/testdomain"
	"daybook/localstack/gateway"
)

// Tenant acme holds data; tenant globex asks for them in every way that the API's
// description and the command line have, with every id, key, token, cursor, command id
// and stream of acme. It asks the same of a world in which acme holds nothing. If both
// worlds answer the same, then no answer tells anything of acme. Nothing of acme's may
// change.

const (
	victim   = "acme"
	attacker = "globex"
	secret   = "TOPSECRET" // in acme's data, and in no request of globex
)

// world is an installation behind a gateway.
type world struct {
	*site
	doors []*gateway.Gateway // an HTTP API and a REST API
	// meddle changes an event on its way into a function; nil leaves it.
	meddle func(event []byte) []byte
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{site: newTenantSite(t)}
	prefix := "school-" + testStage
	app := testdomain.App()
	app.Tenancy = w.tenancy
	queues := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &w.endpoint, Credentials: dynamo.StaticCredentials("a", "b"), HTTPClient: &http.Client{Transport: w.transport}})
	address := func(name string) string {
		name = names.Join(prefix, name)
		out, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"}})
		if err != nil {
			t.Fatal(err)
		}
		return *out.QueueUrl
	}
	c := functions.Config{
		EventsTable: prefix + "-events", ClaimsTable: prefix + "-claims", RequestsTable: prefix + "-requests", ViewPrefix: prefix,
		CommandQueue: address(names.CommandQueue), DeadQueue: address(names.DeadQueue), Region: "us-east-1", Endpoint: w.endpoint, QueueEndpoint: w.endpoint,
		Transport: w.transport, Messaging: w.transport, Credentials: dynamo.StaticCredentials("a", "b"), LogTo: io.Discard, LogLevel: slog.LevelError + 1,
	}
	command, err := functions.NewCommand(app, c)
	if err != nil {
		t.Fatal(err)
	}
	query, err := functions.NewQuery(app, c)
	if err != nil {
		t.Fatal(err)
	}
	through := func(f functions.Handler) gateway.Function {
		return func(ctx context.Context, event []byte) ([]byte, error) {
			if w.meddle != nil {
				event = w.meddle(event)
			}
			return f.Invoke(ctx, event)
		}
	}
	for _, format := range []gateway.Format{gateway.HTTPAPI, gateway.RESTAPI} {
		w.doors = append(w.doors, gateway.New(gateway.Options{Command: through(command), Query: through(query), Format: format, TenantClaim: w.tenancy.Claim, Log: slog.New(slog.DiscardHandler)}))
	}
	return w
}

// newTenantSite is an installation of an application with tenants.
func newTenantSite(t *testing.T) *site {
	t.Helper()
	s := newSiteInMemory(t)
	s.tenancy = tenants
	var err error
	if s.handler, err = aggregate.NewHandler(s.store, testdomain.Aggregates(), &aggregate.Options{Tenants: true}); err != nil {
		t.Fatal(err)
	}
	return s
}

// request is one request of a tenant.
type request struct {
	method, target string // percent-encoded, without the stage
	header         http.Header
	body           string
	rest           bool // by the REST API
}

func (r request) String() string {
	return fmt.Sprintf("%s %s %v %s (REST %t)", r.method, r.target, r.header, r.body, r.rest)
}

// answer is what a client sees, in one text.
func (w *world) answer(tenant string, r request) string {
	door := w.doors[0]
	if r.rest {
		door = w.doors[1]
	}
	path, rawQuery, _ := strings.Cut(r.target, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return "no path" // no client can send it
	}
	request := &http.Request{
		Method: r.method, URL: &url.URL{Path: door.Prefix() + plain, RawPath: door.Prefix() + path, RawQuery: rawQuery}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Host: "api", RemoteAddr: "192.0.2.1:1", Body: io.NopCloser(strings.NewReader(r.body)),
	}
	if tenant != "" {
		request.Header.Set(names.TenantHeader, tenant)
	}
	maps.Copy(request.Header, r.header)
	recorder := httptest.NewRecorder()
	door.ServeHTTP(recorder, request.WithContext(w.t.Context()))
	var text strings.Builder
	fmt.Fprintln(&text, recorder.Code)
	_ = recorder.Result().Header.Write(&text)
	text.WriteString("\r\n" + recorder.Body.String())
	if id := recorder.Header().Get("X-Request-Id"); id != "" {
		return strings.ReplaceAll(text.String(), id, "…")
	}
	return text.String()
}

// different matches what differs between any two answers: ids of requests, times, and in
// an export where snapshots are, which depends on what else an instance keeps warm.
var different = regexp.MustCompile(`,"snapshot(Distance)?":[^\n]*|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?|Date: [^\r\n]*`)

func normal(answer string) string { return different.ReplaceAllString(answer, "…") }

// settle makes acme's data, or checks that they can be made.
func (w *world) settle() (cursors []string) {
	w.t.Helper()
	for i, c := range []struct{ command, body string }{
		{"create-member", `{"id":"zacme-1","payload":{"name":"` + secret + ` one","email":"ann@zacme.example"}}`},
		{"create-member", `{"id":"zacme-2","payload":{"name":"` + secret + ` two","email":"al@zacme.example"}}`},
		{"add-course", `{"id":"zacme-c","payload":{"name":"` + secret + ` course","area":"zacme-area","fee":77,"currency":"EUR","seats":9}}`},
		{"place-booking", `{"id":"zacme-b","payload":{"member":"zacme-1","currency":"EUR","lines":[{"course":"zacme-c","quantity":2,"fee":77}]}}`},
		{"rename-member", `{"id":"zacme-2","payload":{"name":"` + secret + ` three"}}`},
	} {
		answer := w.answer(victim, request{method: "POST", target: "/commands/" + c.command, body: c.body, header: http.Header{"Idempotency-Key": {fmt.Sprint("zacme-key-", i)}}})
		if !strings.HasPrefix(answer, "20") {
			w.t.Fatalf("%s: %s", c.body, answer)
		}
	}
	queued := w.answer(victim, request{method: "POST", target: "/commands/rename-member", body: `{"id":"zacme-1","payload":{"name":"` + secret + `"}}`,
		header: http.Header{"Idempotency-Key": {"zacme-queued"}, "Prefer": {"respond-async"}}})
	if !strings.HasPrefix(queued, "202") {
		w.t.Fatal(queued)
	}
	w.raw(victim+":course/zacme-parked", events.Event{Name: "course-added", Schema: 1, Data: []byte(`{"name":5}`)})
	w.project()
	for _, list := range []string{"/members?limit=1&sort=name", "/courses?area=zacme-area&limit=1", "/members?limit=1&sort=name&email=ann%40zacme.example", "/areas?limit=1&sort=courses"} {
		_, text, _ := strings.Cut(w.answer(victim, request{method: "GET", target: list}), "\r\n\r\n")
		var page struct {
			Next string `json:"next"`
		}
		if json.Unmarshal([]byte(text), &page) == nil && page.Next != "" {
			cursors = append(cursors, page.Next)
		}
	}
	if len(cursors) == 0 {
		w.t.Fatal("acme has no cursor")
	}
	return cursors
}

// stolen are all texts that name something of acme's.
func stolen(cursors []string) []string {
	values := []string{
		"zacme-1", "zacme-2", "zacme-c", "zacme-b", "zacme-parked", "zacme-area", "ann@zacme.example", // ids, partitions, claimed values
		"zacme-key-0", "zacme-key-3", "zacme-queued", // command ids
		"member/zacme-1", "member/zacme-1@1", "course/zacme-c@1", "course/zacme-parked@1", "booking/zacme-b@1", "member/zacme-2@2", // streams and tokens
	}
	for _, v := range slices.Clone(values) { // as they are stored
		values = append(values, victim+":"+v)
	}
	return append(append(values, "@tenant/acme/zacme-1", "@@tenant/acme/zacme-1", "@stream/acme:member/zacme-1", "@parked/acme:course/zacme-parked", "tenant/acme/zacme-1",
		"acme:=zacme-area", "acme:member-email=ann@zacme.example", "acme:once:zacme-key-0", "acme", "acme:"), cursors...)
}

// probes are the requests that an API's description allows, with each stolen value in
// each place, in each way to write it.
func (w *world) probes(values []string) []request {
	w.t.Helper()
	_, text, _ := strings.Cut(w.answer("", request{method: "GET", target: "/openapi.json"}), "\r\n\r\n")
	var doc struct {
		Paths      map[string]map[string]operation `json:"paths"`
		Components struct {
			Parameters map[string]parameter `json:"parameters"`
		} `json:"components"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || len(doc.Paths) == 0 {
		w.t.Fatalf("%v: %s", err, text)
	}
	var all []request
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			o := doc.Paths[path][method]
			for i, p := range o.Parameters {
				if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
					o.Parameters[i] = doc.Components.Parameters[name]
				}
			}
			all = append(all, o.probes(strings.ToUpper(method), path, values)...)
		}
	}
	slices.SortStableFunc(all, func(a, b request) int { return strings.Compare(a.method, b.method) }) // reading first
	return all
}

// operation is a method of a path.
type operation struct {
	Parameters []parameter `json:"parameters"`
	Body       struct {
		Content map[string]struct {
			Example jsontext.Value `json:"example"`
		} `json:"content"`
	} `json:"requestBody"`
}

type parameter struct {
	Ref  string `json:"$ref"`
	Name string `json:"name"`
	In   string `json:"in"`
}

// segments are the ways to write a value as a part of a path.
func segments(value string) []string {
	each := ""
	for _, b := range []byte(value) {
		each += fmt.Sprintf("%%%02x", b)
	}
	return []string{url.PathEscape(value), api.EncodeSegment(value), each, url.PathEscape(url.PathEscape(value)), strings.ReplaceAll(url.PathEscape(value), "%2F", "/")}
}

// probes puts each value into each parameter and each text of the body.
func (o operation) probes(method, path string, values []string) (all []request) {
	fill := func(name, segment string) string {
		target := path
		for _, p := range o.Parameters {
			switch {
			case p.In != "path":
			case p.Name == name:
				target = strings.Replace(target, "{"+p.Name+"}", segment, 1)
			case p.Name == "aggregate":
				target = strings.Replace(target, "{"+p.Name+"}", "member", 1)
			default:
				target = strings.Replace(target, "{"+p.Name+"}", "zacme-1", 1)
			}
		}
		return target
	}
	body := string(o.Body.Content["application/json"].Example)
	all = append(all, request{method: method, target: fill("", ""), body: body})
	for n, value := range values {
		for _, p := range o.Parameters {
			switch p.In {
			case "path":
				for i, segment := range segments(value) { // by either kind of API in turn
					all = append(all, request{method: method, target: fill(p.Name, segment), rest: (i+n)%2 == 1})
				}
			case "query":
				if filter(p.Name) && n%15 != 0 {
					continue // too many to try each of
				}
				all = append(all, request{method: method, target: fill("", "") + "?" + url.QueryEscape(p.Name) + "=" + url.QueryEscape(value)})
			case "header":
				if p.Name != "Idempotency-Key" && n%15 != 0 {
					continue
				}
				all = append(all, request{method: method, target: fill("", ""), body: body, header: http.Header{p.Name: {value}}})
				if strings.HasPrefix(p.Name, "If-") {
					all = append(all, request{method: method, target: fill("", ""), body: body, header: http.Header{p.Name: {`"` + value + `"`}}})
				}
			}
		}
		if n%2 == 1 && n > 15 {
			continue // writes take the longest
		}
		for _, filled := range bodies(body, value) {
			all = append(all, request{method: method, target: fill("", ""), body: filled})
		}
	}
	return all
}

// filter reports whether a parameter of a list is a filter by a field other than the id.
func filter(name string) bool {
	return !slices.Contains([]string{"id", "id.prefix", "id.in", "sort", "limit", "cursor", "after", "at", "from", "email", "area", "member"}, name)
}

// bodies are a body with a value in place of each of its texts.
func bodies(body, value string) (all []string) {
	quoted, err := jsontext.AppendQuote(nil, value)
	if body == "" || err != nil {
		return nil
	}
	d := jsontext.NewDecoder(strings.NewReader(body))
	for {
		kind, n := d.StackIndex(d.StackDepth())
		isName := kind == jsontext.KindBeginObject && n%2 == 0
		token, err := d.ReadToken()
		if err != nil {
			return all
		}
		if token.Kind() == jsontext.KindString && !isName {
			end := d.InputOffset()
			text := token.String()
			start := end - int64(len(text)) - 2
			all = append(all, body[:start]+string(quoted)+body[end:])
		}
	}
}

// attack sends requests to both worlds and returns what is wrong with the answers.
func attack(with, without *world, requests []request) (faults []string) {
	for i, r := range requests {
		if r.method == http.MethodPost { // stored in both worlds under the same id
			r.header = maps.Clone(r.header)
			if r.header == nil {
				r.header = http.Header{}
			}
			if r.header["Idempotency-Key"] == nil && r.target != "/commands" {
				r.header["Idempotency-Key"] = []string{fmt.Sprint("probe-", i)}
			}
		}
		a, b := with.answer(attacker, r), without.answer(attacker, r)
		switch {
		case strings.Contains(a, secret):
			faults = append(faults, fmt.Sprintf("%s shows acme's data: %s", r, a))
		case a != b && normal(a) != normal(b):
			faults = append(faults, fmt.Sprintf("%s tells of acme's data:\n%s\nbut without them\n%s", r, a, b))
		}
	}
	return faults
}

// others is what the tables hold that is not the attacker's.
func (w *world) others() map[string]string {
	all := w.items()
	maps.DeleteFunc(all, func(name, _ string) bool { return ownerOf(name) == attacker })
	return all
}

// ownerOf is the tenant of an item of items.
func ownerOf(name string) string {
	table, key, _ := strings.Cut(name, " ")
	key, _, _ = strings.Cut(key, "\n")
	return dynamo.TenantOf(strings.TrimPrefix(table, "school-"+testStage+"-"), key)
}

// items is what the tables hold, by the table and the key.
func (w *world) items() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	tables, err := w.client.ListTables(w.t.Context(), &dynamodb.ListTablesInput{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, table := range tables.TableNames {
		short := strings.TrimPrefix(table, "school-"+testStage+"-")
		if short == names.ControlTable || short == "queue" {
			continue
		}
		shape, err := w.client.DescribeTable(w.t.Context(), describeInput(table))
		if err != nil {
			w.t.Fatal(err)
		}
		page, err := w.client.Scan(w.t.Context(), &dynamodb.ScanInput{TableName: &table})
		if err != nil || len(page.LastEvaluatedKey) > 0 {
			w.t.Fatal(err)
		}
		for _, item := range page.Items {
			text, err := json.Marshal(item, json.Deterministic(true))
			if err != nil {
				w.t.Fatal(err)
			}
			var keys []string
			for _, k := range shape.Table.KeySchema {
				keys = append(keys, attributeTexts(item[*k.AttributeName])...)
			}
			all[table+" "+strings.Join(keys, "\n")] = string(text)
		}
	}
	return all
}

// claims are tokens whose claim is odd, and none of which is acme's.
func oddClaims() []string {
	return []string{
		`["acme"]`, `{"acme":"acme"}`, `[acme]`, `"[acme]"`, `"[acme globex]"`, `"acme "`, `" acme"`, `"acme,globex"`, `"acme:"`, `"acme:member"`, `"acme/"`, `"../acme"`,
		`"@tenant/acme"`, `"acme\u0000"`, `"\u0061cme\u200b"`, `"ACME"`, `"acm\u0065\n"`, `""`, `null`, `true`, `7`, `"` + strings.Repeat("a", 65) + `"`, `"acm%65"`, `"-acme"`, `"äcme"`,
	}
}

// TestCrosswise: see above.
func TestCrosswise(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		with, without := newWorld(t), newWorld(t)
		values := stolen(with.settle())
		before := with.others()
		if len(before) < 15 {
			t.Fatalf("acme holds %d items only", len(before))
		}
		probes := with.probes(values)
		faults := attack(with, without, probes)
		with.project()
		without.project()
		reading := slices.IndexFunc(probes, func(r request) bool { return r.method != "GET" })
		faults = append(faults, attack(with, without, probes[:min(reading, 500)])...)
		faults = append(faults, oddTokens(with, without)...)
		faults = append(faults, commandLines(with, without, values)...)
		if after := with.others(); !maps.Equal(before, after) {
			for name := range after {
				if before[name] != after[name] {
					faults = append(faults, "acme's item "+name+" was "+before[name]+" and is "+after[name])
				}
			}
			faults = append(faults, fmt.Sprintf("acme held %d items and holds %d", len(before), len(after)))
		}
		for _, f := range faults[:min(len(faults), 10)] {
			t.Error(f)
		}
		if len(faults) > 0 || len(probes) < 1000 {
			t.Errorf("%d faults with %d requests", len(faults), len(probes))
		}
		t.Logf("%d requests", len(probes))
	})
}

// oddTokens sends requests with claims in odd forms, which may be of no tenant or of one
// that nobody knows.
func oddTokens(with, without *world) (faults []string) {
	reading := []request{{method: "GET", target: "/members/zacme-1"}, {method: "GET", target: "/streams/member/zacme-1"}, {method: "GET", target: "/members?sort=name", rest: true}, {method: "GET", target: "/commands/zacme-queued"}}
	for _, claim := range oddClaims() {
		odd := func(event []byte) []byte {
			return bytes.ReplaceAll(event, []byte(`"org":"odd"`), []byte(`"org":`+claim))
		}
		with.meddle, without.meddle = odd, odd
		for _, r := range reading {
			a, b := with.answer("odd", r), without.answer("odd", r)
			if strings.Contains(a, secret) || normal(a) != normal(b) {
				faults = append(faults, fmt.Sprintf("claim %s, %s: %s\nbut without acme's data\n%s", claim, r, a, b))
			}
		}
	}
	with.meddle, without.meddle = nil, nil
	return faults
}

// TestCrosswiseSeesALeak: one route that serves another tenant's rows, and one that
// writes there, turn the test red.
func TestCrosswiseSeesALeak(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		with, without := newWorld(t), newWorld(t)
		values := stolen(with.settle())
		before := with.others()
		leak := func(event []byte) []byte {
			if !bytes.Contains(event, []byte("/members/zacme-1")) && !bytes.Contains(event, []byte("/commands/rename-member")) {
				return event
			}
			return bytes.ReplaceAll(event, []byte(`"org":"globex"`), []byte(`"org":"acme"`))
		}
		with.meddle, without.meddle = leak, leak
		row := attack(with, without, []request{{method: "GET", target: "/members/zacme-1"}})
		write := attack(with, without, []request{{method: "POST", target: "/commands/rename-member", body: `{"id":"zacme-1","payload":{"name":"x"}}`}})
		if len(row) != 1 || !strings.Contains(row[0], "shows acme's data") || len(write) != 1 || maps.Equal(before, with.others()) {
			t.Errorf("a leak was not seen: %q, %q", row, write)
		}
		if len(values) == 0 {
			t.Error("nothing was stolen")
		}
	})
}

// allTenants are the subcommands that are about all tenants, or about none, and why.
var allTenants = map[string]string{
	"commands": "the declarations", "schema": "the declarations", "cost": "the declarations", "init": "a new project", "new": "source files", "simulate": "installations of its own", "bench": "an installation of its own",
	"views": "tables", "lag": "followers of all tenants", "verify": "tables of all tenants", "rehearse": "tables of all tenants", "parked": "operators repair for all tenants", "rebuild": "tables", "switch": "tables", "drop": "tables",
	"claims": "the claims table", "dead": "the queue of all tenants", "console": "pages with a tenant of their own", "mcp": "tools with a tenant of their own", "import": "writes what a file says",
}

// commandLines runs each subcommand that is about one tenant, with each stolen value in
// each place, in both worlds.
func commandLines(with, without *world, values []string) (faults []string) {
	a := &app{of: testdomain.App()}
	for _, c := range subcommands(a) {
		if allTenants[c.Name] != "" {
			continue
		}
		for _, line := range linesOf(c, values) {
			line = append(line, "-tenant", attacker)
			x, y := with.do(line...), without.do(line...)
			x.out, y.out, x.errors, y.errors = sorted(normal(x.out)), sorted(normal(y.out)), normal(x.errors), normal(y.errors)
			if x != y || strings.Contains(x.out+x.errors, secret) {
				faults = append(faults, fmt.Sprintf("%q: %+v\nbut without acme's data\n%+v", line, x, y))
			}
		}
	}
	return faults
}

// sorted sorts lines: a change stream has several shards, in no order.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// linesOf are command lines of a subcommand, or of those below it.
func linesOf(c *cli.Command, values []string) (all [][]string) {
	if len(c.Commands) > 0 {
		for _, sub := range c.Commands {
			for _, line := range linesOf(sub, values) {
				all = append(all, append([]string{c.Name}, line...))
			}
		}
		return all
	}
	base, flags := []string{c.Name}, []string{}
	switch c.Name {
	case "send":
		base = append(base, "rename-member", "-payload", `{"name":"x"}`)
	case "tail":
		base = append(base, "-for", "1s", "-since", "1h")
	case "redrive":
		base = append(base, "courses")
	case "delete":
		base = append(base, "-dry-run")
	}
	for _, f := range c.Flags {
		if _, ok := f.(*cli.StringFlag); ok && !slices.Contains([]string{"o", "api", "token", "payload", "values", "confirm", "for", "since"}, f.Names()[0]) {
			flags = append(flags, "-"+f.Names()[0])
		}
	}
	all = append(all, base)
	for n, value := range values {
		if n%3 != 0 && c.Name != "show" && c.Name != "explain" && c.Name != "status" {
			continue // too many to try each of
		}
		if c.Name != "send" {
			all = append(all, append(slices.Clone(base), value))
		}
		for _, flag := range flags {
			line := append(slices.Clone(base), flag, value)
			if c.Name == "send" && flag != "-id" {
				line = append(line, "-id", "zacme-1")
			}
			all = append(all, line)
		}
	}
	return all
}
