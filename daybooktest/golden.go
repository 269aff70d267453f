package daybooktest

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/view"
	"daybook/view/viewtest"
)

// Golden keeps all events and the shapes of all views of an application as they
// were stored: it fails for an event or a view without its golden files, and for
// one that is declared otherwise than they say, with what to do next. See
// eventstest.Golden and viewtest.Golden.
//
// The files of an event are in folder schema beside its Go type, those of a view in
// schema/views beside the Go type of its rows. With go test -update those that are
// missing are written, and none is overwritten. The test package declares the flag:
//
//	var _ = flag.Bool("update", false, "write missing golden files")
func Golden(t testing.TB, aggregates []aggregate.Aggregate, views []view.View) {
	t.Helper()
	m, err := findModule()
	if err != nil {
		t.Fatal(err)
	}
	m.golden(t, aggregates, views)
}

func (m module) golden(t testing.TB, aggregates []aggregate.Aggregate, views []view.View) {
	t.Helper()
	types, shapes := map[string][]events.Type{}, map[string][]view.View{}
	for _, a := range aggregates {
		for _, e := range a.Events() {
			if dir, err := m.folder(e.Go); err != nil {
				t.Error(fmt.Errorf("event %s: %w", e.Name, err))
			} else {
				types[dir] = append(types[dir], e)
			}
		}
	}
	for _, v := range views {
		if dir, err := m.folder(v.Describe().Row); err != nil {
			t.Error(fmt.Errorf("view %s: %w", v.Describe().Name, err))
		} else {
			shapes[dir] = append(shapes[dir], v)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(types)) {
		eventstest.Golden(t, filepath.Join(dir, "schema"), types[dir]...)
	}
	for _, dir := range slices.Sorted(maps.Keys(shapes)) {
		viewtest.Golden(t, filepath.Join(dir, "schema", "views"), shapes[dir]...)
	}
}

// module is the module that a test runs in.
type module struct{ path, root string }

// findModule looks for go.mod in the working directory and those above.
func findModule() (module, error) {
	dir, err := os.Getwd()
	if err != nil {
		return module{}, err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			for line := range strings.Lines(string(text)) {
				if f := strings.Fields(line); len(f) >= 2 && f[0] == "module" {
					return module{strings.Trim(f[1], `"`), dir}, nil
				}
			}
			return module{}, fmt.Errorf("%s names no module", filepath.Join(dir, "go.mod"))
		}
		if filepath.Dir(dir) == dir {
			return module{}, errors.New("no go.mod in the working directory or above")
		}
		dir = filepath.Dir(dir)
	}
}

// folder is where a type of the module is declared.
func (m module) folder(t reflect.Type) (string, error) {
	if t == nil {
		return "", errors.New("its Go type is unknown: its declaration is invalid")
	}
	path := strings.TrimSuffix(t.PkgPath(), "_test")
	inside, ok := strings.CutPrefix(path+"/", m.path+"/")
	if !ok {
		return "", fmt.Errorf("its Go type %v is not declared in module %s, which would keep its golden files: declare it there", t, m.path)
	}
	return filepath.Join(m.root, filepath.FromSlash(inside)), nil
}
