package cli

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/dynamo"
	"daybook/events"
	"daybook/internal/testdomain"
	"daybook/process"
)

// twoTenants is an installation of two tenants whose names and ids look like each other's.
func twoTenants(t *testing.T) *site {
	t.Helper()
	s := newSiteInMemory(t)
	s.tenancy = tenants
	for n := range 30 {
		s.raw("acme:member/long", created(fmt.Sprint("ann", n)))
	}
	s.raw("acme:member/7", created("al"), created("ali"))
	s.raw("acme2:member/7", created("carl"))
	s.raw("globex:member/acme:7", created("bob"))
	s.raw("globex:member/7", created("bill"))
	return s
}

// TestTenantUsage: each tenant's streams, commits, events and bytes, and a query for its
// requests.
func TestTenantUsage(t *testing.T) {
	t.Parallel()
	s := twoTenants(t)
	lines := decode[tenantLine](t, s.want(exitOK, "tenant", "usage", "-json"))
	var total int64
	for _, l := range lines {
		total += l.Bytes
	}
	short := func(l tenantLine) string { return fmt.Sprint(l.Tenant, " ", l.Streams, " ", l.Commits, " ", l.Events) }
	if got := fmt.Sprint(short(lines[0]), ", ", short(lines[1]), ", ", short(lines[2])); len(lines) != 3 || got != "acme 2 31 32, acme2 1 1 1, globex 2 2 2" {
		t.Errorf("usage %s", got)
	}
	info, err := s.client.DescribeTable(t.Context(), describeInput("school-test-events"))
	if err != nil || total != *info.Table.TableSizeBytes {
		t.Errorf("%d bytes in all, %v; the table has %v", total, err, info.Table)
	}
	one := s.want(exitOK, "tenant", "usage", "globex")
	if rows := one.lines(); len(rows) != 1 || rows[0][0] != "globex" || !strings.Contains(one.errors, `filter tenant = "globex"`) {
		t.Errorf("of one: %q %s", rows, one.errors)
	}
	if r := s.want(exitOK, "tenant", "list", "-scan", "1", "-parallel", "1"); strings.Contains(r.errors, "only a part") {
		t.Errorf("a page holds them all: %+v", r)
	}
	if r := s.want(exitOK, "tenant", "list", "-scan", "1", "-parallel", "1"); len(r.lines()) != 3 {
		t.Errorf("bounded: %+v", r)
	}
	if got := s.want(exitOK, "tenant", "list").lines(); len(got) != 3 || got[0][0] != "acme" || got[0][1] != "2" {
		t.Errorf("list %q", got)
	}
	if got, want := s.want(exitOK, "tenant", "export", "globex").out, s.want(exitOK, "export", "-tenant", "globex").out; got != want || strings.Count(got, "\n") != 2 {
		t.Errorf("export %s, want %s", got, want)
	}
	// All four take the tenant either way, or both when they agree.
	for _, args := range [][]string{{"tenant", "list"}, {"tenant", "usage"}, {"tenant", "export"}, {"tenant", "delete", "-dry-run"}} {
		with := func(more ...string) []string { return append(slices.Clone(args), more...) }
		want := s.want(exitOK, with("globex")...)
		if strings.Contains(want.out+want.errors, "acme2") || !strings.Contains(want.out+want.errors, "2") {
			t.Errorf("%q of one: %s%s", args, want.out, want.errors)
		}
		for _, by := range [][]string{with("-tenant", "globex"), with("globex", "-tenant", "globex")} {
			if got := s.want(exitOK, by...); got.out != want.out || args[1] != "export" && got.errors != want.errors {
				t.Errorf("%q: %s%s, want %s%s", by, got.out, got.errors, want.out, want.errors)
			}
		}
		if r := s.want(exitUsage, with("acme", "-tenant", "globex")...); !strings.Contains(r.errors, "the argument is tenant acme, and -tenant or DAYBOOK_TENANT says globex: leave out one of them") {
			t.Errorf("%q of two: %s", args, r.errors)
		}
		s.want(exitUsage, with("acme", "globex")...)
	}
	if r := s.want(exitOK, "tenant", "usage", "-tenant", "globex"); strings.Count(r.errors, `filter tenant = "globex"`) != 2 || strings.Contains(r.errors, "ispresent") {
		t.Errorf("queries of one: %s", r.errors)
	}
	for _, args := range [][]string{{"tenant"}, {"tenant", "export"}, {"tenant", "delete"}, {"tenant", "delete", "a b", "-confirm", "a b"}, {"tenant", "usage", "acme", "-tenant", "globex"}, {"tenant", "list", "a b"}, {"tenant", "list", "-scan", "-1"}} {
		s.want(exitUsage, args...)
	}
}

// TestTenantDelete: all of a tenant goes and nothing of the others, even where their names
// and ids look alike; nothing goes in a dry run, or without the name.
func TestTenantDelete(t *testing.T) {
	t.Parallel()
	s := twoTenants(t)
	before := s.want(exitOK, "export").out
	others := slices.DeleteFunc(strings.SplitAfter(before, "\n"), func(l string) bool { return strings.HasPrefix(l, `{"stream":"acme:`) })
	dry := s.want(exitOK, "tenant", "delete", "acme", "-dry-run")
	if got := dry.lines(); len(got) != 1 || got[0][0] != "school-test-events" || got[0][1] != "31" {
		t.Errorf("dry run %q", got)
	}
	for _, args := range [][]string{{"tenant", "delete", "acme"}, {"tenant", "delete", "acme", "-confirm", "globex"}} {
		s.want(exitUsage, args...)
	}
	if got := s.want(exitOK, "export").out; got != before {
		t.Fatal("something was deleted without a confirmation")
	}
	done := s.want(exitOK, "tenant", "delete", "acme", "-confirm", "acme", "-parallel", "1")
	if got := done.lines(); len(got) != 1 || got[0][1] != "31" || got[0][2] != "0" || !strings.Contains(done.errors, "deploy again before the name") {
		t.Errorf("deleted %q, %s", got, done.errors)
	}
	if got := s.want(exitOK, "export").out; got != strings.Join(others, "") {
		t.Errorf("left %s\nwant %s", got, strings.Join(others, ""))
	}
	if again := s.want(exitOK, "tenant", "delete", "acme", "-confirm", "acme"); again.out != "" {
		t.Errorf("again %s", again.out)
	}
}

func describeInput(table string) *dynamodb.DescribeTableInput {
	return &dynamodb.DescribeTableInput{TableName: &table}
}

// TestTenantDeleteEverywhere: streams, rows, checkpoints, claims, statuses, the memory of
// process managers and their timers of one tenant go, and each item of another stays; the
// other's data are as they were, and the deleted ones are found nowhere.
func TestTenantDeleteEverywhere(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.settle()
		for _, c := range []string{`{"id":"zacme-1","payload":{"name":"Bob","email":"ann@zacme.example"}}`, `{"id":"own","payload":{"name":"Bo","email":"bo@globex.example"}}`} {
			if got := w.answer(attacker, request{method: "POST", target: "/commands/create-member", body: c}); !strings.HasPrefix(got, "201") {
				t.Fatal(got)
			}
		}
		w.project()
		ledger := dynamo.NewProcesses(w.client, "school-test-processes")
		for _, stream := range []events.Stream{"acme:booking/zacme-b", "globex:booking/zacme-b"} {
			e := process.Entry{Key: process.Key{Reactor: "enrolment", Stream: stream}, Revision: 1, Commit: 1, Timers: map[string]string{"confirmation": "timer of " + string(stream)}}
			if err := ledger.Save(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		before := w.items()
		tables := map[string]bool{}
		for name := range before {
			if ownerOf(name) == victim {
				table, _, _ := strings.Cut(name, " ")
				tables[table] = true
			}
		}
		if len(tables) < 8 {
			t.Fatalf("acme has items in %v only", tables)
		}
		var out, errors bytes.Buffer
		timers := &cancelled{}
		of := testdomain.App()
		of.Tenancy = tenants
		a := &app{of: of, stdin: strings.NewReader(""), stdout: &out, stderr: &errors, transport: schedules{w.transport, timers}, timers: timers, publisher: timers}
		if code := a.run(t.Context(), []string{"tenant", "delete", "acme", "-confirm", "acme", "-stage", testStage, "-endpoint", w.endpoint, "-region", "us-east-1"}); code != exitOK {
			t.Fatalf("exit code %d: %s%s", code, out.String(), errors.String())
		}
		if got := fmt.Sprint(timers.names); got != "[of-acme timer of acme:booking/zacme-b]" {
			t.Errorf("cancelled %s", got)
		}
		after := w.items()
		for name, item := range before {
			deleted := ownerOf(name) == victim
			if now, there := after[name]; there == deleted || there && now != item {
				t.Errorf("%s: there %t afterwards, was %s, is %s", name, there, item, now)
			}
		}
		if got := w.answer(victim, request{method: "GET", target: "/members/zacme-1"}); !strings.HasPrefix(got, "404") {
			t.Errorf("acme's row: %s", got)
		}
		if got := w.answer(attacker, request{method: "GET", target: "/members?sort=name"}); strings.Count(got, `"id"`) != 2 {
			t.Errorf("globex's rows: %s", got)
		}
		w.want(exitOK, "claims")
	})
}

// schedules answers EventBridge Scheduler's lists with a timer of each tenant that no
// ledger knows.
type schedules struct {
	http.RoundTripper
	cancelled *cancelled
}

func (s schedules) RoundTrip(r *http.Request) (*http.Response, error) {
	path, ok := strings.CutPrefix(r.URL.Path, "/schedules")
	if !ok {
		return s.RoundTripper.RoundTrip(r)
	}
	body := `{"Schedules":[{"Name":"of-acme"},{"Name":"of-globex"}]}`
	if slices.Contains(s.cancelled.names, "of-acme") {
		body = `{"Schedules":[{"Name":"of-globex"}]}`
	}
	if tenant, ok := strings.CutPrefix(path, "/of-"); ok {
		m, err := async.Envelope{Command: aggregate.Command{Name: "rename-member", ID: "7", CommandID: "c", Tenant: tenant}}.Message(events.Stream(tenant + ":member/7"))
		if err != nil {
			return nil, err
		}
		input, err := jsontext.AppendQuote(nil, m.Body)
		if err != nil {
			return nil, err
		}
		body = `{"Description":"enrolment ` + tenant + `:booking/1 x","Target":{"Input":` + string(input) + `}}`
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// cancelled notes which timers are cancelled.
type cancelled struct{ names []string }

func (c *cancelled) Set(context.Context, process.Timer) error { return nil }
func (c *cancelled) Cancel(_ context.Context, name string) error {
	c.names = append(c.names, name)
	return nil
}
func (c *cancelled) Publish(context.Context, []process.CloudEvent) error { return nil }
