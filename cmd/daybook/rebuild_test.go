package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
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
	at := decode[switchLine](t, s.want(exitOK, "switch", "products", "-yes", "-json"))[0]
	if at.Table != "v1-g2" || time.Until(at.At) < time.Second {
		t.Errorf("got %+v", at)
	}
	views := decode[viewLine](t, s.want(exitOK, "views", "products", "-json"))[0]
	if len(views.Tables) != 2 || !views.Tables[0].Answers || views.Tables[1].Answers || views.Tables[1].From.IsZero() {
		t.Errorf("announced: %+v", views.Tables)
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

// TestDrop drops what is not in use, without the wait that an installation with
// queries needs.
func TestDrop(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.shop(3)
	s.want(exitOK, "rebuild", "products")
	var out, errors bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errors, dropDelay: time.Nanosecond}
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
