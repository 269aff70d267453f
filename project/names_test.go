package project

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bank is a project with an aggregate that is declared and not compiled, and a
// process manager.
func bank(t *testing.T) Project {
	t.Helper()
	p := Project{Dir: t.TempDir(), Module: "example.com/bank"}
	for path, text := range map[string]string{
		"go.mod":                  "module example.com/bank\n",
		"domain/giftmail/mail.go": "package giftmail\n\nvar Mail = process.New[M](\"gift-mail\", \"account\").On(f)\n",
		"domain/account/a.go": `package account

var Account = aggregate.New[State]("account")

type Opened struct {
	Name   string            ` + "`json:\"fullName\"`" + `
	Limit  int64             ` + "`json:\"limit,omitzero\"`" + `
	Labels map[string]string ` + "`json:\"labels\"`" + `
	Text   string            ` + "`json:\"text,string\"`" + `
}

func (Opened) EventName() string { return "account-opened" }

type Closed struct{}

func (Closed) EventName() string { return "account-closed" }

var Rows = 1
`,
		register: "package domain\n\nvar a = []aggregate.Aggregate{}\nvar v = []view.View{}\nvar p = []process.Reactor{}\n",
	} {
		if _, err := p.write([]file{{path, []byte(text)}}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// A name is refused before anything is written, and the message says why.
func TestNamesThatAreRefused(t *testing.T) {
	t.Parallel()
	p := bank(t)
	aggregate := func(name string) func(context.Context) (Report, error) {
		return func(ctx context.Context) (Report, error) { return p.NewAggregate(ctx, name) }
	}
	view := func(name, of string) func(context.Context) (Report, error) {
		return func(ctx context.Context) (Report, error) { return p.NewView(ctx, name, of) }
	}
	process := func(name, of string) func(context.Context) (Report, error) {
		return func(ctx context.Context) (Report, error) { return p.NewProcess(ctx, name, of) }
	}
	before := tree(t, p.Dir)
	for _, c := range []struct {
		generate func(context.Context) (Report, error)
		want     string
	}{
		{aggregate(""), "name the aggregate"},
		{aggregate("GiftCard"), "beginning with a letter: gift-card"},
		{aggregate("gift_card"), "beginning with a letter: gift-card"},
		{aggregate("3d"), "beginning with a letter"},
		{aggregate("type"), "keyword of Go"},
		{aggregate("error"), "choose a longer name"},
		{aggregate("view"), "choose a longer name"},
		{aggregate("internal"), "choose a longer name"},
		{aggregate("commands"), "choose a longer name"},
		{aggregate("state"), "a Go type State of its own"},
		{aggregate("accounts"), "a list of them is a view: "},
		{aggregate("gift-mail"), `domain/giftmail is the folder of process "gift-mail"`},
		{view("commands", ""), "the name is reserved"},
		{view("gift-mail", ""), "domain/giftmail declares a process of this name"},
		{view("rows", ""), "domain/account declares Rows already"},
		{view("accounts", "acount"), `there is no aggregate "acount" in domain; there are account`},
		{process("account", ""), `domain/account is the folder of aggregate "account"`},
		{process("memory", ""), "a Go type Memory of its own"},
		{process("func", ""), "keyword of Go"},
	} {
		r, err := c.generate(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one line with %q", err, c.want)
		}
		if len(r.Written)+len(r.Changed) > 0 {
			t.Errorf("%v: written %v", err, r)
		}
	}
	if after := tree(t, p.Dir); after != before {
		t.Errorf("the files are\n%s\nand were\n%s", after, before)
	}
}

// A file of the user's in the way is kept, and nothing else is written.
func TestNothingIsOverwritten(t *testing.T) {
	t.Parallel()
	p := bank(t)
	if _, err := p.write([]file{{"domain/invoice/events.go", []byte("package invoice\n")}}); err != nil {
		t.Fatal(err)
	}
	before := tree(t, p.Dir)
	_, err := p.NewAggregate(t.Context(), "invoice")
	if err == nil || !strings.Contains(err.Error(), "domain/invoice/events.go exists") {
		t.Error(err)
	}
	if after := tree(t, p.Dir); after != before {
		t.Errorf("the files are\n%s\nand were\n%s", after, before)
	}
}

// A row begins with the fields of the first event that have a plain type and name.
func TestFieldsOfARow(t *testing.T) {
	t.Parallel()
	all, err := bank(t).folders()
	if err != nil {
		t.Fatal(err)
	}
	d, in, err := aggregateOf(all, "view", "")
	if err != nil || d.Var != "Account" || len(in.events) != 2 {
		t.Fatalf("%v %v %v", d, in, err)
	}
	w, err := nameOf("view", "open-accounts")
	if err != nil {
		t.Fatal(err)
	}
	f := followerOf(w, Project{}, in, d)
	if len(f.Row) != 2 || f.Row[0].JSON != "fullName" || f.Row[1].Tag != "`json:\"limit\"`" || f.Index.Kebab() != "full-name" || len(f.Events) != 1 {
		t.Errorf("%+v", f)
	}
	files, err := rendered("view", map[string]string{"view.go": "v.go", "view_test.go": "v_test.go"}, f)
	if err != nil || !strings.Contains(string(files[0].data), `Index("by-full-name", view.All().Then("fullName"))`) {
		t.Errorf("%v\n%s", err, files)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	p := bank(t)
	if found, err := Find(filepath.Join(p.Dir, "domain", "account")); err != nil || found.Module != p.Module {
		t.Errorf("%v, %v", found, err)
	}
	if err := os.Remove(filepath.Join(p.Dir, register)); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(p.Dir); !errors.Is(err, ErrNoProject) || !strings.Contains(err.Error(), "has no domain/register.go") {
		t.Error(err)
	}
	if _, err := Find("/"); !errors.Is(err, ErrNoProject) {
		t.Error(err)
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Options{
		"-module is missing":                    {Name: "bank"},
		"-module: malformed import path":        {Module: "exam ple", Name: "bank"},
		"packages of this path are Daybook's":   {Module: "daybook/bank", Name: "bank"},
		"-name is missing":                      {Module: "example.com/bank"},
		"-name: App.Name \"my-bank\"":           {Module: "example.com/bank", Name: "my-bank"},
		"-sample shoop: there is one sample":    {Module: "example.com/bank", Name: "bank", Sample: "shoop"},
		"Go's standard library has packages of": {Module: "net/bank", Name: "bank"},
		"is not a checkout of Daybook":          {Module: "example.com/bank", Name: "bank", Daybook: t.TempDir()},
	} {
		o.Dir, o.From = filepath.Join(t.TempDir(), "bank"), "."
		if _, err := Init(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
		if _, err := os.Stat(o.Dir); err == nil {
			t.Errorf("%+v: the directory was made", o)
		}
	}
}

// tree is all files below a directory, with their content, but for the named ones.
func tree(t *testing.T, dir string, but ...string) string {
	t.Helper()
	var b strings.Builder
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || slices.Contains(but, path) {
			return err
		}
		data, err := fs.ReadFile(root, path)
		b.WriteString("== " + path + "\n" + string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
