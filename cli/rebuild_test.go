package cli

import (
	"bytes"
	"daybook/inspect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/internal/testdomain"
	"daybook/view/admin"
	"daybook/view/driver"
)

// TestRebuild goes the operator's way: rebuild, look, verify, switch, switch
// back, and drop.
func TestRebuild(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(20)
	tables := func() string { return s.want(exitOK, "views", "courses").lines()[0][7] }
	if got := tables(); got != "v1*" {
		t.Errorf("tables %q", got)
	}
	s.want(exitFailed, "rebuild", "-join", "courses")
	line := decode[rebuildLine](t, s.want(exitOK, "rebuild", "courses", "-json", "-segments", "4", "-parallel", "2"))[0]
	if line.View != "courses" || line.Table != "v1-g2" || line.Projected < 20 || line.Written != 20 || line.Commits < 20 {
		t.Errorf("got %+v", line)
	}
	if got := tables(); got != "v1*, v1-g2" {
		t.Errorf("tables %q", got)
	}
	if r := s.want(exitFailed, "rebuild", "courses"); !strings.Contains(r.errors, "built already") {
		t.Errorf("got %q", r.errors)
	}
	s.send("extend-course", "p2", `{"quantity":5}`)
	s.project()
	s.want(exitOK, "verify", "courses", "-table", "v1-g2", "-patience", "0s")
	s.want(exitOK, "verify", "-patience", "0s")
	if r := s.want(exitUsage, "switch", "courses"); !strings.Contains(r.errors, "school-test-courses-v1-g2") {
		t.Errorf("got %q", r.errors)
	}
	begun := time.Now()
	at := decode[switchLine](t, s.want(exitOK, "switch", "courses", "-yes", "-json"))[0]
	if at.Table != "v1-g2" || at.At.Sub(begun) <= admin.RouteAge {
		t.Errorf("got %+v at %v", at, begun)
	}
	views, text := decode[viewLine](t, s.want(exitOK, "views", "courses", "-json"))[0], tables()
	if len(views.Tables) != 2 || views.Tables[1].From.IsZero() {
		t.Errorf("announced: %+v", views.Tables)
	}
	if time.Now().Before(at.At) && (!views.Tables[0].Answers || views.Tables[1].Answers || text != "v1*, v1-g2 from "+at.At.UTC().Format(time.TimeOnly)) {
		t.Errorf("announced: %q, %+v", text, views.Tables)
	}
	for code, args := range map[int][][]string{
		exitFailed: {{"drop", "courses", "v1-g2", "-yes"}, {"drop", "courses", "v1", "-yes"}, {"switch", "courses", "v9", "-yes"}, {"verify", "courses", "-table", "v9"}},
		exitUsage: {
			{"rebuild"}, {"rebuild", "planets"}, {"rebuild", "courses", "-segments", "0"}, {"switch"}, {"switch", "courses", "2"},
			{"switch", "courses", "v1", "-back"}, {"drop", "courses"}, {"drop", "courses", "v1"}, {"verify", "-table", "v1"},
			{"parked", "courses", "-table", "x"}, {"redrive", "planets", "-table", "v1"},
		},
	} {
		for _, a := range args {
			s.want(code, a...)
		}
	}
}

// switchNow lets another table of courses answer, without the wait that an
// installation with queries needs.
func (s *site) switchNow(table string) {
	s.t.Helper()
	to, err := driver.ParseTarget("courses", table)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := admin.NewRebuilder(s.store.StrongScan(), s.codec, s.tables, testdomain.Views(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := r.Switch(s.t.Context(), to, &admin.SwitchOptions{Delay: time.Nanosecond, AllowFaults: true}); err != nil {
		s.t.Fatal(err)
	}
}

// TestLooksAtTheTableThatAnswers: views, lag, verify, parked and redrive are about
// the table that answers queries, whatever was switched.
func TestLooksAtTheTableThatAnswers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(20)
	s.want(exitOK, "rebuild", "courses")
	s.damage(damage{table: "courses-v1", key: "p3"}) // the first table lacks a row
	look := func(table string, rows int64, code int) {
		t.Helper()
		l := decode[viewLine](t, s.want(exitOK, "views", "-exact", "courses", "-json"))[0]
		if l.Table != "school-test-courses-"+table || l.Items != rows || l.Exact.Rows != rows || l.Exact.Behind != 20-rows {
			t.Errorf("views: %+v %+v, want %s with %d rows", l, l.Exact, table, rows)
		}
		if lag := decode[inspect.Lag](t, s.want(code, "lag", "courses", "-max", "0s", "-json"))[0]; lag.Behind != 20-rows {
			t.Errorf("lag: %+v, want %d behind", lag, 20-rows)
		}
		if r := s.want(code, "verify", "courses", "-patience", "0s"); !strings.Contains(r.out, "courses "+table+": ") ||
			code == exitOK != strings.Contains(r.out, "20 rows of 20 streams compared, all as the events say") {
			t.Errorf("verify: %s", r.out)
		}
	}
	look("v1", 19, exitFound)
	s.switchNow("v1-g2")
	look("v1-g2", 20, exitOK)
	if all := decode[viewLine](t, s.want(exitOK, "views", "courses", "-json"))[0].Tables; !all[0].Before || all[0].Answers || all[1].Before {
		t.Errorf("after the switch: %+v", all)
	}
	s.damage(damage{table: "courses-v1-g2", key: "p4", change: setTo("fee", &types.AttributeValueMemberN{Value: "0"})})
	if r := s.want(exitFound, "verify", "courses", "-patience", "0s"); !strings.Contains(r.out, "row p4") {
		t.Errorf("verify: %s", r.out)
	}
	s.switchNow("v1")
	s.want(exitOK, "redrive", "courses", "course/p3") // into the table that answers
	look("v1", 20, exitOK)
}

// TestDrop drops what is not in use, without the wait that an installation with
// queries needs.
func TestDrop(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(3)
	s.want(exitOK, "rebuild", "courses")
	var out, errors bytes.Buffer
	a := &app{of: testdomain.App(), stdin: strings.NewReader(""), stdout: &out, stderr: &errors, dropDelay: time.Nanosecond}
	args := []string{"daybook", "-stage", testStage, "-endpoint", s.endpoint, "drop", "courses", "v1-g2", "-yes"}
	if err := a.root().Run(t.Context(), args); err != nil {
		t.Fatalf("%v, %s", err, &errors)
	}
	if got := s.want(exitOK, "views", "courses").lines()[0][7]; got != "v1*" {
		t.Errorf("tables %q", got)
	}
	if line := decode[rebuildLine](t, s.want(exitOK, "rebuild", "courses", "-json"))[0]; line.Table != "v1-g3" {
		t.Errorf("got %+v", line)
	}
}
