package daybooktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/view"
)

// An account, and shapes that it may have the day after.
type (
	state  struct{}
	opened struct {
		Owner string `json:"owner"`
	}
	openedWider struct {
		Owner string `json:"owner"`
		Kind  string `json:"kind,omitzero"`
	}
	openedRenamed opened
	closed        struct{}
	row           struct {
		Owner string `json:"owner"`
	}
	rowWider struct {
		Owner string `json:"owner"`
		Kind  string `json:"kind,omitzero"`
	}
)

func (opened) EventName() string        { return "account-opened" }
func (openedWider) EventName() string   { return "account-opened" }
func (openedRenamed) EventName() string { return "account-begun" }
func (closed) EventName() string        { return "account-closed" }

// account declares the aggregate with an event of type E.
func account[E events.Data](upcasters ...events.Upcaster) *aggregate.Definition[state] {
	return aggregate.New[state]("account").Event(func(s state, _ E) state { return s }, upcasters...)
}

// accounts declares the view with rows of type R.
func accounts[R any]() *view.RowView[R] {
	return view.New[R]("accounts", "account").On(func(r R, _ opened, _ view.Meta) R { return r })
}

func indexed[R any]() *view.RowView[R] { return accounts[R]().Index("by-owner", view.By("owner")) }

// failures notes what a check reports.
type failures struct {
	testing.TB
	texts []string
}

func (f *failures) Helper()           {}
func (f *failures) Error(args ...any) { f.texts = append(f.texts, fmt.Sprint(args...)) }

func here(t *testing.T) module {
	return module{path: "daybook", root: t.TempDir()}
}

func (m module) check(a aggregate.Aggregate, v view.View) []string {
	f := &failures{}
	m.golden(f, []aggregate.Aggregate{a}, []view.View{v})
	return f.texts
}

// began writes the golden files of the first day.
func began(t *testing.T) module {
	t.Helper()
	m := here(t)
	for path, text := range map[string]string{
		"account-opened.v1.json": `{"data":{"owner":"Ann"},"shape":"{owner:string}"}`,
		"views/accounts.v1.json": string(view.ShapeOf(indexed[row]()).JSON()),
	} {
		path = filepath.Join(m.root, "daybooktest", "schema", path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if texts := m.check(account[opened](), indexed[row]()); len(texts) > 0 {
		t.Fatal(texts)
	}
	return m
}

// TestTrapsOfWhatIsStored: each change that would read or answer something else
// than before fails, with what to do next.
func TestTrapsOfWhatIsStored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		aggregate aggregate.Aggregate
		view      view.View
		want      []string // in one failure each
	}{
		"a field of an event": {account[openedWider](), indexed[row](), []string{
			"account-opened.v1.json: the Go type has changed\n  stored {owner:string}\n  now    {owner:string kind:string,omitzero}\nadd an upcaster to its declaration"}},
		"a renamed event": {account[openedRenamed](), indexed[row](), []string{
			"account-begun.v1.json: the golden file is missing; go test -update writes it",
			"account-opened.v1.json: no declared event has this name and schema version, so stored ones can't be read; declare it again"}},
		"an event without a golden file": {account[opened]().Event(func(s state, _ closed) state { return s }), indexed[row](), []string{
			"account-closed.v1.json: the golden file is missing; go test -update writes it"}},
		"a raised schema version": {account[openedWider](events.Upcast(func(old opened) openedWider { return openedWider{Owner: old.Owner} })), indexed[row](), []string{
			"account-opened.v1.json: old data become something else; go test -update writes what they become now",
			"account-opened.v2.json: the golden file is missing; go test -update writes it"}},
		"a new row field":          {account[opened](), indexed[rowWider](), []string{"the rows of accounts v1 have no field kind: raise Version(2)"}},
		"a new index":              {account[opened](), indexed[row]().Index("all", view.All()), []string{"the table of accounts v1 has no index all: raise Version(2)"}},
		"a removed index":          {account[opened](), accounts[row](), []string{"the table of accounts v1 has an index by-owner, which is not declared: raise Version(2)"}},
		"another event":            {account[opened](), indexed[row]().On(func(r row, _ closed, _ view.Meta) row { return r }), []string{"accounts v1 was filled without the events account-closed: raise Version(2)"}},
		"a view without its shape": {account[opened](), indexed[row]().Version(2), []string{"accounts.v2.json: the shape file is missing; go test -update writes it"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			texts := began(t).check(c.aggregate, c.view)
			if len(texts) != len(c.want) {
				t.Fatalf("got %q, want %d failures", texts, len(c.want))
			}
			for _, want := range c.want {
				if !strings.Contains(strings.Join(texts, "\n\n"), want) {
					t.Errorf("got %q, want %q", texts, want)
				}
			}
		})
	}
}

func TestGoldenWantsTypesOfTheModule(t *testing.T) {
	t.Parallel()
	m := module{path: "example.com/bank", root: t.TempDir()}
	texts := m.check(account[opened](), indexed[row]())
	want := "is not declared in module example.com/bank, which would keep its golden files"
	if len(texts) != 2 || !strings.Contains(texts[0], want) || !strings.Contains(texts[1], want) {
		t.Errorf("got %q", texts)
	}
	if texts := here(t).check(account[opened](), view.New[string]("accounts", "account")); len(texts) != 2 || !strings.Contains(texts[0], "declaration is invalid") {
		t.Errorf("a faulty view: %q", texts)
	}
}

func TestFindModule(t *testing.T) {
	t.Parallel()
	m, err := findModule()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(m.root, "daybooktest", "golden_test.go")); err != nil || m.path != "daybook" {
		t.Errorf("found %+v, %v", m, err)
	}
}

// Two aggregates of one name fail where a handler is made: at start and in a test.
func TestTwoAggregatesOfOneName(t *testing.T) {
	t.Parallel()
	_, err := aggregate.NewHandler(&eventstest.Memory{}, []aggregate.Aggregate{account[opened](), account[closed]()}, nil)
	if want := `aggregate "account" is declared twice: give one of them another name`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
