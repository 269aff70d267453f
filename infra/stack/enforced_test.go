package stack_test

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awsevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"daybook/aggregate"
	"daybook/domain"
	"daybook/dynamo"
	"daybook/functions"
	"daybook/localstack/embedded"
	"daybook/view"
)

// guard lets a function's requests through to DynamoDB as far as the role in the
// template allows them, as IAM does.
type guard struct {
	http.RoundTripper
	function string
	grants   map[string]bool // "dynamodb:Query <daybook-dev-events>.Arn"

	mu   sync.Mutex
	used map[string]bool
	bad  []string
}

func newGuard(tpl *template, function string, next http.RoundTripper) *guard {
	g := &guard{RoundTripper: next, function: function, grants: make(map[string]bool), used: make(map[string]bool)}
	for _, s := range tpl.statements() {
		if s.role != tpl.roleOf(function) || s.effect != "Allow" {
			continue
		}
		for _, a := range s.actions {
			for _, r := range s.resources {
				if strings.HasPrefix(a, "dynamodb:") && !strings.Contains(r, ".StreamArn") {
					g.grants[a+" "+r] = true
				}
			}
		}
	}
	return g
}

// request is what DynamoDB's operations name their tables by.
type request struct {
	TableName     string         `json:"TableName"`
	IndexName     string         `json:"IndexName"`
	RequestItems  map[string]any `json:"RequestItems"`
	TransactItems []map[string]struct {
		TableName string `json:"TableName"`
	} `json:"TransactItems"`
}

// needs are the permissions that DynamoDB asks for a request.
func needs(operation string, r request) (all []string) {
	resource := func(table string) string {
		if view, _, later := strings.Cut(table, "-g"); later {
			return "<" + view + ">.Arn-g*"
		}
		return "<" + table + ">.Arn"
	}
	switch {
	case len(r.TransactItems) > 0:
		for _, item := range r.TransactItems {
			for kind, part := range item {
				action := map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}[kind]
				all = append(all, "dynamodb:"+action+" "+resource(part.TableName))
			}
		}
	case len(r.RequestItems) > 0:
		for table := range r.RequestItems {
			all = append(all, "dynamodb:"+operation+" "+resource(table))
		}
	case r.IndexName != "":
		all = append(all, "dynamodb:"+operation+" "+resource(r.TableName)+"/index/"+r.IndexName)
	default:
		all = append(all, "dynamodb:"+operation+" "+resource(r.TableName))
	}
	return all
}

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var named request
	if err := json.Unmarshal(body, &named); err != nil {
		return nil, err
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, need := range needs(operation, named) {
		g.used[need] = true
		if !g.grants[need] {
			g.bad = append(g.bad, need)
			return nil, fmt.Errorf("the %s function may not %s", g.function, need)
		}
	}
	return g.RoundTripper.RoundTrip(r)
}

// The functions do their work with what the template grants them, and are
// granted nothing that their work does not use.
func TestPermissionsAreEnoughAndUsed(t *testing.T) {
	t.Parallel()
	tpl := variant(t, "http-iam")
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	config := functions.Config{
		EventsTable: "daybook-dev-events", ClaimsTable: "daybook-dev-claims", ViewPrefix: "daybook-dev", Region: "us-east-1", Endpoint: "http://embedded",
		Credentials: dynamo.StaticCredentials("a", "b"), LogTo: io.Discard,
	}
	client := dynamo.New(dynamo.Options{Region: config.Region, Endpoint: config.Endpoint, Credentials: config.Credentials, Transport: db.RoundTripper()})
	specs := []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.ControlTable()}
	for _, v := range domain.Views() {
		specs = append(specs, dynamo.ViewTable(v.Describe()))
	}
	if err := dynamo.Create(t.Context(), client, "daybook-dev", specs...); err != nil {
		t.Fatal(err)
	}
	w := &work{t: t, handlers: make(map[string]functions.Handler), next: 1}
	guards := make(map[string]*guard)
	for name, construct := range map[string]func(functions.Config) (functions.Handler, error){
		"command": functions.NewCommand, "query": functions.NewQuery, "projector": functions.NewProjector,
	} {
		c := config
		guards[name] = newGuard(tpl, name, db.RoundTripper())
		c.Transport = guards[name]
		if w.handlers[name], err = construct(c); err != nil {
			t.Fatal(err)
		}
	}
	w.shop()
	rebuild(t, client)
	c := config
	c.Transport = guards["query"]
	if w.handlers["query"], err = functions.NewQuery(c); err != nil { // an instance that starts after the switch
		t.Fatal(err)
	}
	w.read()
	w.send("rename-user", `{"id":"7","payload":{"name":"Ada"}}`, "user/7", 3)
	w.send("move-product-category", `{"id":"1","payload":{"category":"food"}}`, "product/1", 3)
	w.send("cancel-order", `{"id":"5","payload":{"reason":"mind changed"}}`, "order/5", 2)
	for name, g := range guards {
		for _, need := range g.bad {
			t.Errorf("%s may not %s", name, need)
		}
		for _, grant := range sorted(g.grants) {
			if !g.used[grant] && !spare(grant) {
				t.Errorf("%s is granted %s and does not use it", name, grant)
			}
		}
	}
}

// spare are grants that the work here does not come to.
func spare(grant string) bool {
	action, _, _ := strings.Cut(grant, " ")
	return slices.Contains([]string{
		"dynamodb:BatchGetItem", // several keys at once: a large batch, a query of several keys
		"dynamodb:GetItem",      // one key: a row not seen yet, or once more after a conflict
		"dynamodb:DeleteItem",   // a row that its view drops, which no view of the sample does; a claim given back
		// a stream that a decision over several looks at and leaves as it is
		"dynamodb:ConditionCheckItem",
	}, action)
}

// work drives the functions with the events of API Gateway and of the stream.
type work struct {
	t        *testing.T
	handlers map[string]functions.Handler
	next     int
}

// shop is the sample business at work: every view written, every index read.
func (w *work) shop() {
	w.send("create-user", `{"id":"7","payload":{"name":"Ada","email":"ada@example.com"}}`, "user/7", 1)
	w.send("rename-user", `{"id":"7","payload":{"name":"Ada L"}}`, "user/7", 2)
	w.send("add-product", `{"id":"1","payload":{"name":"Tea","category":"food","price":450,"currency":"EUR","stock":9}}`, "product/1", 1)
	w.send("move-product-category", `{"id":"1","payload":{"category":"drinks"}}`, "product/1", 2)
	w.send("place-order", `{"id":"5","payload":{"customer":"7","currency":"EUR","lines":[{"product":"1","quantity":1,"price":450}]}}`, "order/5", 1)
	w.read()
}

// rebuild rebuilds every view and switches to it, as an operator.
func rebuild(t *testing.T, client *dynamodb.Client) {
	t.Helper()
	codec, err := aggregate.Codec(domain.Aggregates())
	if err != nil {
		t.Fatal(err)
	}
	store := dynamo.NewEventStore(client, "daybook-dev-events").StrongScan()
	r, err := view.NewRebuilder(store, codec, dynamo.NewTables(client, "daybook-dev"), domain.Views(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range domain.Views() {
		p, err := r.Run(t.Context(), v.Describe().Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Switch(t.Context(), p.Target, &view.SwitchOptions{Delay: time.Nanosecond}); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *work) read() {
	for _, path := range []string{
		"/users/7?after=user/7@2", "/users?email=ada@example.com", "/users?active=true&sort=name", "/users?sort=name",
		"/products/1", "/products?category=drinks&sort=price", "/products?category=drinks&sort=name",
		"/categories/drinks", "/categories?sort=-products",
		"/orders/5", "/orders?customer=7&sort=-placedAt", "/orders?status=placed&sort=-placedAt",
		"/sales?day=2026-01-01&sort=revenue", "/sales?category=drinks&sort=day",
		"/streams/user/7", "/health", "/openapi.json",
	} {
		path, query, _ := strings.Cut(path, "?")
		w.http("query", "GET", path, query, "")
	}
}

// send sends a command and projects its commit.
func (w *work) send(command, body, stream string, commit int) {
	w.t.Helper()
	w.http("command", "POST", "/commands/"+command, "", body)
	record := fmt.Sprintf(`{"Records":[{"eventID":"%[3]d","eventName":"INSERT","eventSource":"aws:dynamodb","dynamodb":{"Keys":{"stream":{"S":%[1]q},"commit":{"N":"%[2]d"}},"SequenceNumber":"%[3]d00"}}]}`, stream, commit, w.next)
	w.next++
	out, err := w.handlers["projector"].Invoke(w.t.Context(), []byte(record))
	if err != nil || !bytes.Contains(out, []byte(`"batchItemFailures":[]`)) {
		w.t.Errorf("project %s: %s, %v", record, out, err)
	}
}

func (w *work) http(function, method, path, query, body string) {
	w.t.Helper()
	event, err := json.Marshal(awsevents.APIGatewayV2HTTPRequest{
		Version: "2.0", RawPath: path, RawQueryString: query, Body: body, Headers: map[string]string{"content-type": "application/json"},
		RequestContext: awsevents.APIGatewayV2HTTPRequestContext{
			Stage: "$default", HTTP: awsevents.APIGatewayV2HTTPRequestContextHTTPDescription{Method: method},
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.handlers[function].Invoke(w.t.Context(), event)
	if err != nil || !bytes.Contains(out, []byte(`"statusCode":20`)) {
		w.t.Errorf("%s %s?%s: %s, %v", method, path, query, out, err)
	}
}
