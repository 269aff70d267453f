package functions_test

import (
	"strings"
	"testing"

	"daybook/dynamo"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/viewtest"
)

// A view whose declaration changed without a new version answers 503, and nothing
// wrong; the words are in the log. Other views are projected and answer.
func TestViewThatDoesNotFitItsTable(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	call(t, r.command, "POST", "/commands/create-member", "", ada)
	r.project(t, "member/7", 1)
	client := dynamo.New(dynamo.Options{Region: "eu-west-1", Endpoint: "http://embedded", Credentials: dynamo.StaticCredentials("a", "b"), Transport: r.transport})
	viewtest.FilledBy(t, dynamo.NewTables(client, "test"), driver.Target{View: "members", Version: 2, Generation: 1}, func(s *view.Shape) {
		delete(s.Row, "active")
		delete(s.Indexes, "by-name")
	})
	for _, path := range []string{"/members/7", "/members"} {
		a := call(t, r.query, "GET", path, "", "")
		if a.StatusCode != 503 || !strings.Contains(a.Body, `"code":"unavailable"`) || a.Headers["retry-after"] == "" || strings.Contains(a.Body, "by-name") {
			t.Errorf("%s: %+v", path, a)
		}
	}
	const words = "the rows of members v2 have no field active; the table of members v2 has no index by-name: raise Version(3), keep v2 as it was in Previous, and run the subcommand rebuild members; or take the change back"
	if !strings.Contains(r.log.String(), words) {
		t.Errorf("the log does not say it: %s", r.log.String())
	}
	if a := call(t, r.query, "GET", "/areas", "", ""); a.StatusCode != 200 {
		t.Errorf("another view: %+v", a)
	}
	if a := call(t, r.query, "GET", "/openapi.json", "", ""); a.StatusCode != 200 {
		t.Errorf("the description: %d", a.StatusCode)
	}
	r.log.Reset()
	r.metrics.Reset()
	call(t, r.command, "POST", "/commands/add-course", "", `{"id":"p","payload":{"name":"Pen","area":"pens","fee":1,"currency":"EUR","seats":0}}`)
	r.project(t, "course/p", 1)
	if log := r.log.String(); !strings.Contains(log, `"msg":"view not projected","function":"projector","view":"members","table":"v2","error":"the rows of members v2 have no field active;`) {
		t.Errorf("the projector's log: %s", log)
	}
	if !strings.Contains(r.metrics.String(), `"views-mismatched":1`) {
		t.Errorf("metrics: %s", r.metrics.String())
	}
	if a := call(t, r.query, "GET", "/courses/p", "", ""); a.StatusCode != 200 {
		t.Errorf("a view that fits is not projected: %+v", a)
	}
}

// project lets the projector look at a commit.
func (r *rig) project(t *testing.T, stream string, number int) {
	t.Helper()
	out, err := r.projector.Invoke(t.Context(), []byte(`{"Records":[`+keys(stream, number, "100")+`]}`))
	if err != nil || string(out) != `{"batchItemFailures":[]}` {
		t.Fatalf("%s, %v", out, err)
	}
}
