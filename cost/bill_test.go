package cost_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"daybook/cost"
)

// fake is a small application whose bill can be done by hand.
func fake() cost.Measurements {
	events, rows := cost.Place{Table: "events"}, cost.Place{Table: "users-v1"}
	return cost.Measurements{
		ControlReads: 1, ViewBytes: map[string]float64{},
		Commands: []cost.Command{
			{Name: "create", Aggregate: "user", Creates: true, Bytes: 1 << 10, Warm: cost.Usage{events: {Write: 1}}, Cold: cost.Usage{events: {Write: 1}}, Views: cost.Usage{rows: {Write: 2}}, Sends: 0.5},
			{Name: "rename", Aggregate: "user", Bytes: 1 << 10, Warm: cost.Usage{events: {Write: 1}}, Cold: cost.Usage{events: {Write: 1, Read: 2}}, Views: cost.Usage{rows: {Write: 2, Read: 1}}},
			{Name: "check", Aggregate: "user", Internal: true, Warm: cost.Usage{events: {Write: 1}}, Cold: cost.Usage{events: {Write: 1}}, Reactors: cost.Usage{{Table: "processes"}: {Write: 1}}, Publishes: 1, Timers: 1},
		},
		Queries: []cost.Query{{View: "users", Rows: 1, Read: 1}, {View: "users", Index: "by-name", Rows: 20, Read: 0.5}},
	}
}

func usEast(t *testing.T) cost.Prices {
	t.Helper()
	all, err := cost.KnownPrices()
	if err != nil {
		t.Fatal(err)
	}
	p, err := cost.InRegion(all, "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func amounts(b cost.Bill) map[string]float64 {
	all := map[string]float64{}
	for _, l := range b.Lines {
		all[l.Service+" "+l.What] += l.Amount
	}
	return all
}

func TestBillByHand(t *testing.T) {
	t.Parallel()
	m, a := fake(), cost.DefaultAssumptions()
	a.Async = 0.5
	counts, err := m.Spread(4e6, 10e6, 0.5, map[string]float64{"create": 1, "rename": 3})
	if err != nil {
		t.Fatal(err)
	}
	b := m.Bill(counts, a, usEast(t))
	got := amounts(b)
	// 1 M creates, 3 M renames, half of them cold; 0.5 M checks by a process manager.
	for what, want := range map[string]float64{
		"DynamoDB writes of events":                         4.5 * 0.625,
		"DynamoDB reads of events":                          3 * 0.5 * 2 * 0.125,
		"DynamoDB writes of users-v1":                       8 * 0.625,
		"DynamoDB writes of processes":                      0.5 * 0.625,
		"DynamoDB reads of control":                         0.45 * 0.125,
		"API Gateway requests of the HTTP API":              14 * 1.00,
		"Lambda invocations of command":                     (4 + 2) * 0.20, // half of them twice: queued, and handled
		"Lambda time of command":                            6e6 * 0.010 * 0.5 * 0.0000133334,
		"Lambda invocations of query":                       10 * 0.20,
		"Lambda invocations of projector":                   0.45 * 0.20,
		"Lambda invocations of process":                     0.05 * 0.20,
		"SQS queued commands":                               2 * 3 * 0.50,
		"DynamoDB status of queued commands":                2 * 2 * 0.625,
		"EventBridge integration events":                    0.5 * 1.00,
		"EventBridge Scheduler timers that go off, at most": 0.5 * 1.00,
		"DynamoDB tables and indexes stored":                4e6 * 1024 / (1 << 30) * 0.25,
		"DynamoDB recovery to a point in time":              4e6 * 1024 / (1 << 30) * 0.20,
		"CloudWatch logs taken in":                          (4.5e6*2 + 10e6) / (1 << 20) * 0.50,
	} {
		if math.Abs(got[what]-want) > 1e-9 {
			t.Errorf("%s costs %g, want %g", what, got[what], want)
		}
	}
	sum := 0.0
	for _, amount := range got {
		sum += amount
	}
	if math.Abs(sum-b.Total) > 1e-9 {
		t.Errorf("the total is %g, the lines' sum %g", b.Total, sum)
	}
	if b.Decided != (cost.Units{Write: 4e6, Read: 3e6}) {
		t.Errorf("the command function consumes %v", b.Decided)
	}
	if len(b.Commands) != 3 || b.Commands[1].Name != "rename" || b.Commands[1].Units != (cost.Units{Read: 6e6, Write: 9e6}) {
		t.Errorf("by command: %+v", b.Commands)
	}
}

func TestRESTAndFewerParts(t *testing.T) {
	t.Parallel()
	m, a := fake(), cost.DefaultAssumptions()
	a.REST, a.Recovery = true, false
	counts, err := m.Spread(1e6, 0, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := amounts(m.Bill(counts, a, usEast(t)))
	if got["API Gateway requests of the REST API"] != 3.50 || got["DynamoDB recovery to a point in time"] != 0 || got["SQS queued commands"] != 0 {
		t.Errorf("got %v", got)
	}
}

func TestWeightsNameWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"creat", "check", "users/by-nam"} {
		if _, err := fake().Spread(1, 1, 0, map[string]float64{name: 1}); err == nil || !strings.Contains(err.Error(), "users/by-name") {
			t.Errorf("weight %s: %v", name, err)
		}
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	trace, err := fake().ReadTrace(strings.NewReader(`
{"time":"2026-11-29T10:00:00Z","level":"INFO","msg":"command","function":"command","command":"rename","stream":"user/7","code":"","replayed":false,"loads":1}
{"msg":"command","command":"rename","code":"","loads":0}
{"msg":"command","command":"rename","code":"user-not-found","loads":1}
{"msg":"command","command":"create","code":"","replayed":true}
{"msg":"command","function":"process","command":"check","code":"too-late"}
{"msg":"command","command":"remane","code":""}
{"msg":"batch","function":"projector","records":10}
{"_aws":{},"write-units":3,"read-units":0.5}
{"_aws":{},"accepted":3}
START RequestId: 7
{"query":["not ours"]}
2026-11-29T10:00:00.000Z {"method":"GET","status":"200","route":"ANY /{proxy+}"}
{"method":"GET","status":404}
{"method":"POST","status":"201"}
{"command":"create","count":10,"cold":5}
{"query":"users/by-name","count":7}
{"query":"orders"}
`))
	if err != nil {
		t.Fatal(err)
	}
	if trace.Commands["rename"] != 2 || trace.Cold["rename"] != 0.5 || trace.Commands["create"] != 10 || trace.Cold["create"] != 0.5 {
		t.Errorf("commands %v, cold %v", trace.Commands, trace.Cold)
	}
	if trace.Queries[cost.QueryName{View: "users"}] != 0.5 || trace.Queries[cost.QueryName{View: "users", Index: "by-name"}] != 7.5 {
		t.Errorf("queries %v", trace.Queries)
	}
	if trace.Other != 2 || trace.Missed != 1 || trace.Skipped != 6 || trace.Lines != 12 || trace.Recorded != (cost.Units{Read: 0.5, Write: 3}) || trace.Unknown["remane"] != 1 || trace.Unknown["orders"] != 1 {
		t.Errorf("%+v", trace)
	}
	named, err := fake().ReadTrace(strings.NewReader(`
{"msg":"request","function":"query","method":"GET","path":"/users/7","status":200,"ms":3}
{"msg":"request","function":"query","method":"GET","path":"/users","status":200}
{"msg":"request","function":"query","method":"GET","path":"/users/8","status":404}
{"msg":"request","function":"query","method":"GET","path":"/openapi.json","status":200}
{"msg":"request","function":"command","method":"POST","path":"/commands/rename","status":200}
{"method":"GET","status":"200"}
`))
	if err != nil || named.Queries[cost.QueryName{View: "users"}] != 1 || named.Queries[cost.QueryName{View: "users", Index: "by-name"}] != 1 || named.Missed != 2 || named.Other != 0 {
		t.Errorf("requests that name their view, with the access log: %+v, %v", named, err)
	}
	month := trace.Counts.Times(30)
	if month.Commands["create"] != 300 || month.Cold["create"] != 0.5 || month.Other != 60 || month.Missed != 30 {
		t.Errorf("a month: %+v", month)
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	all, err := cost.KnownPrices()
	if err != nil || len(all) != 2 {
		t.Fatalf("%d regions, %v", len(all), err)
	}
	for _, p := range all {
		if p.Source == "" || p.Date < "2026" {
			t.Errorf("%s says neither from where nor from when its prices are", p.Region)
		}
	}
	for name, data := range map[string]string{
		"a price is missing": `[{"region":"x","date":"2026-11-29","writeUnits":1}]`,
		"unknown member":     `[{"region":"x","date":"2026-11-29","writeUnit":1}]`,
		"no date":            `[{"region":"x"}]`,
		"none":               `[]`,
		"no array":           `{}`,
	} {
		if _, err := cost.ParsePrices([]byte(data)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := cost.InRegion(all, "eu-north-1"); err == nil || !strings.Contains(err.Error(), "us-east-1, eu-central-1") {
		t.Errorf("an unknown region: %v", err)
	}
}

// docs/deploy.md explains the prices of us-east-1 that the table has.
func TestPricesInTheDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	p := usEast(t)
	for _, want := range []string{
		fmt.Sprintf("API Gateway, $%.2f and $%.2f a million", p.HTTPRequests, p.RESTRequests),
		fmt.Sprintf("Lambda, $%.2f a million, $%.10f a GB-s", p.LambdaRequests, p.LambdaSeconds),
		fmt.Sprintf("DynamoDB, $%g and $%g a million", p.WriteUnits, p.ReadUnits),
		fmt.Sprintf("CloudWatch, $%.2f a GB, $%.2f a metric", p.LogIngestion, p.Metrics),
		fmt.Sprintf("SQS FIFO, $%.2f a million", p.QueueRequests),
		fmt.Sprintf("EventBridge and Scheduler, $%.2f a million", p.BusEvents),
		fmt.Sprintf("storage ($%.2f a GB and month, $%.2f for point-in-time recovery)", p.TableStorage, p.TableRecovery),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/deploy.md does not say %q", want)
		}
	}
	if p.Timers != p.BusEvents {
		t.Error("docs/deploy.md has one price of EventBridge and Scheduler")
	}
}
