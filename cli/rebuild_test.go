package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/domain"
	"daybook/view"
)

// TestRebuild goes the operator's way: rebuild, look, verify, switch, switch
// back, and drop.
func TestRebuild(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.shop(20)
	tables := func() string { return s.want(exitOK, "views", "products").lines()[0][7] }
	if got := tables(); got != "v1*" {
		t.Errorf("tables %q", got)
	}
	s.want(exitFailed, "rebuild", "-join", "products")
	line := decode[rebuildLine](t, s.want(exitOK, "rebuild", "products", "-json", "-segments", "4", "-parallel", "2"))[0]
	if line.View != "products" || line.Table != "v1-g2" || line.Projected < 20 || line.Written != 20 || line.Commits < 20 {
		t.Errorf("got %+v", line)
	}
	if got := tables(); got != "v1*, v1-g2" {
		t.Errorf("tables %q", got)
	}
	if r := s.want(exitFailed, "rebuild", "products"); !strings.Contains(r.errors, "built already") {
		t.Errorf("got %q", r.errors)
	}
	s.send("restock-product", "p2", `{"quantity":5}`)
	s.project()
	s.want(exitOK, "verify", "products", "-table", "v1-g2", "-patience", "0s")
	s.want(exitOK, "verify", "-patience", "0s")
	if r := s.want(exitUsage, "switch", "products"); !strings.Contains(r.errors, "daybook-test-products-v1-g2") {
		t.Errorf("got %q", r.errors)
	}
	begun := time.Now()
	at := decode[switchLine](t, s.want(exitOK, "switch", "products", "-yes", "-json"))[0]
	if at.Table != "v1-g2" || at.At.Sub(begun) <= view.RouteAge {
		t.Errorf("got %+v at %v", at, begun)
	}
	views, text := decode[viewLine](t, s.want(exitOK, "views", "products", "-json"))[0], tables()
	if len(views.Tables) != 2 || views.Tables[1].From.IsZero() {
		t.Errorf("announced: %+v", views.Tables)
	}
	if time.Now().Before(at.At) && (!views.Tables[0].Answers || views.Tables[1].Answers || text != "v1*, v1-g2 from "+at.At.UTC().Format(time.TimeOnly)) {
		t.Errorf("announced: %q, %+v", text, views.Tables)
	}
	for code, args := range map[int][][]string{
		exitFailed: {{"drop", "products", "v1-g2", "-yes"}, {"drop", "products", "v1", "-yes"}, {"switch", "products", "v9", "-yes"}, {"verify", "products", "-table", "v9"}},
		exitUsage: {
			{"rebuild"}, {"rebuild", "planets"}, {"rebuild", "products", "-segments", "0"}, {"switch"}, {"switch", "products", "2"},
			{"switch", "products", "v1", "-back"}, {"drop", "products"}, {"drop", "products", "v1"}, {"verify", "-table", "v1"},
			{"parked", "products", "-table", "x"}, {"redrive", "planets", "-table", "v1"},
		},
	} {
		for _, a := range args {
			s.want(code, a...)
		}
	}
}

// switchNow lets another table of products answer, without the wait that an
// installation with queries needs.
func (s *site) switchNow(table string) {
	s.t.Helper()
	to, err := view.ParseTarget("products", table)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := view.NewRebuilder(s.store.StrongScan(), s.codec, s.tables, domain.Views(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := r.Switch(s.t.Context(), to, &view.SwitchOptions{Delay: time.Nanosecond, AllowFaults: true}); err != nil {
		s.t.Fatal(err)
	}
}

// TestLooksAtTheTableThatAnswers: views, lag, verify, parked and redrive are about
// the table that answers queries, whatever was switched.
func TestLooksAtTheTableThatAnswers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.shop(20)
	s.want(exitOK, "rebuild", "products")
	s.damage(damage{table: "products-v1", key: "p3"}) // the first table lacks a row
	look := func(table string, rows int64, code int) {
		t.Helper()
		l := decode[viewLine](t, s.want(exitOK, "views", "-exact", "products", "-json"))[0]
		if l.Table != "daybook-test-products-"+table || l.Items != rows || l.Exact.Rows != rows || l.Exact.Behind != 20-rows {
			t.Errorf("views: %+v %+v, want %s with %d rows", l, l.Exact, table, rows)
		}
		if lag := decode[lagLine](t, s.want(code, "lag", "products", "-max", "0s", "-json"))[0]; lag.Behind != 20-rows {
			t.Errorf("lag: %+v, want %d behind", lag, 20-rows)
		}
		if r := s.want(code, "verify", "products", "-patience", "0s"); !strings.Contains(r.out, "products "+table+": ") ||
			code == exitOK != strings.Contains(r.out, "20 rows of 20 streams compared, all as the events say") {
			t.Errorf("verify: %s", r.out)
		}
	}
	look("v1", 19, exitFound)
	s.switchNow("v1-g2")
	look("v1-g2", 20, exitOK)
	s.damage(damage{table: "products-v1-g2", key: "p4", change: setTo("price", &types.AttributeValueMemberN{Value: "0"})})
	if r := s.want(exitFound, "verify", "products", "-patience", "0s"); !strings.Contains(r.out, "row p4") {
		t.Errorf("verify: %s", r.out)
	}
	s.switchNow("v1")
	s.want(exitOK, "redrive", "products", "product/p3") // into the table that answers
	look("v1", 20, exitOK)
}

// TestDrop drops what is not in use, without the wait that an installation with
// queries needs.
func TestDrop(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.shop(3)
	s.want(exitOK, "rebuild", "products")
	var out, errors bytes.Buffer
	a := &app{of: domain.App(), stdin: strings.NewReader(""), stdout: &out, stderr: &errors, dropDelay: time.Nanosecond}
	args := []string{"daybook", "-stage", testStage, "-endpoint", s.endpoint, "drop", "products", "v1-g2", "-yes"}
	if err := a.root().Run(t.Context(), args); err != nil {
		t.Fatalf("%v, %s", err, &errors)
	}
	if got := s.want(exitOK, "views", "products").lines()[0][7]; got != "v1*" {
		t.Errorf("tables %q", got)
	}
	if line := decode[rebuildLine](t, s.want(exitOK, "rebuild", "products", "-json"))[0]; line.Table != "v1-g3" {
		t.Errorf("got %+v", line)
	}
}
