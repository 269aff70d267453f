package shapes_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"daybook/infra/shapes"
	"daybook/internal/testdomain"
	"daybook/view"
)

type row struct {
	Name  string `json:"name"`
	Total int64  `json:"total"`
}

type opened struct{}

func (opened) EventName() string { return "invoice-issued" }

func invoices() *view.RowView[row] {
	return view.New[row]("invoices", "invoice").On(func(r row, _ opened, _ view.Meta) row { return r })
}

func kept(views ...view.View) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, v := range view.Versions(views) {
		s := view.ShapeOf(v)
		fsys["invoice/schema/views/"+s.FileName()] = &fstest.MapFile{Data: s.JSON()}
		fsys["invoice/schema/"+s.FileName()] = &fstest.MapFile{Data: []byte("an event's")}
	}
	return fsys
}

func TestCheck(t *testing.T) {
	t.Parallel()
	before := kept(invoices().Index("by-name", view.By("name")))
	for name, test := range map[string]struct {
		declared view.View
		missing  []string
		want     []string // of the error; none for no error
	}{
		"as it was":  {invoices().Index("by-name", view.By("name")), nil, nil},
		"raised":     {invoices().Version(2).Previous(invoices().Index("by-name", view.By("name"))), []string{"invoices.v2.json"}, nil},
		"not raised": {invoices(), nil, []string{"invoice/schema/views/invoices.v1.json: the table of invoices v1 has an index by-name, which is not declared: raise Version(2)"}},
		"one index":  {invoices().Index("by-name", view.By("name")).Index("all", view.All()), nil, []string{"the table of invoices v1 has no index all: raise"}},
		"two indexes": {invoices().Index("by-name", view.By("name")).Index("all", view.All()).Index("by-total", view.By("total")), nil,
			[]string{"has no index all; ", "has no index by-total: raise", "CloudFormation can't add 2 indexes to an existing table at once"}},
		"previous changed": {invoices().Version(2).Previous(invoices()), []string{"invoices.v2.json"}, []string{"take the change of v1 in Previous back"}},
	} {
		missing, err := shapes.Check(before, []view.View{test.declared})
		if !slices.Equal(missing, test.missing) || (err != nil) != (test.want != nil) {
			t.Errorf("%s: %q, %v", name, missing, err)
		}
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
		if err != nil && name != "two indexes" && strings.Contains(err.Error(), "CloudFormation") {
			t.Errorf("%s: %v", name, err)
		}
	}
	before["invoice/schema/views/invoices.v1.json"] = &fstest.MapFile{Data: []byte(`{`)}
	if _, err := shapes.Check(before, []view.View{invoices()}); err == nil {
		t.Error("a damaged file passes")
	}
}

// The test domain's views have their files, and fit.
func TestViewsHaveTheirFiles(t *testing.T) {
	t.Parallel()
	if missing, err := shapes.Check(os.DirFS("../../internal/testdomain"), testdomain.Views()); err != nil || len(missing) > 0 {
		t.Errorf("%v, %v", missing, err)
	}
}
