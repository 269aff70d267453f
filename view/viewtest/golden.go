package viewtest

import (
	"encoding/json/jsontext"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"daybook/view"
)

// Golden keeps the shapes of views as they were declared. dir, schema/views beside
// the declarations, holds a file <view>.v<N>.json for each declared version. It
// fails when a file is missing, when a version is declared otherwise than its file
// says, and for a file of no declared view or of a version that is still to come.
//
// With go test -update, files that are missing are written. Those that are there
// are never overwritten: raise the view's version, or delete the file of a version
// that was never deployed. The test package declares the flag:
//
//	var _ = flag.Bool("update", false, "write missing golden files")
func Golden(t testing.TB, dir string, views ...view.View) {
	t.Helper()
	f := flag.Lookup("update")
	for _, err := range checkGolden(dir, f != nil && f.Value.String() == "true", views) {
		t.Error(err)
	}
}

var errNoFile = errors.New("the shape file is missing; go test -update writes it")

// checkGolden does what Golden says and returns what is wrong.
func checkGolden(dir string, update bool, views []view.View) (errs []error) {
	newest := map[string]int{}
	for _, v := range views {
		newest[v.Describe().Name] = v.Describe().Version
	}
	for _, v := range view.Versions(views) {
		declared := view.ShapeOf(v)
		path := filepath.Join(dir, declared.FileName())
		text, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && update:
			err = writeShape(path, declared)
		case errors.Is(err, fs.ErrNotExist):
			err = errNoFile
		case err == nil:
			err = compareShape(text, declared, declared.Version == newest[declared.View])
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	return append(errs, strangers(dir, newest)...)
}

func compareShape(text []byte, declared view.Shape, newest bool) error {
	stored, err := view.ParseShape(text)
	if err != nil {
		return err
	}
	if difference := stored.Explain(declared, newest); difference != "" {
		return errors.New(difference + "; or delete the file, if this version was never deployed")
	}
	return nil
}

func writeShape(path string, s view.Shape) error {
	text := s.JSON()
	if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// strangers reports files of no declared view, and of versions above the newest.
// Those of lower versions stay: a number is not used again.
func strangers(dir string, newest map[string]int) (errs []error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return []error{err}
	}
	slices.Sort(files)
	for _, f := range files {
		name, version, _ := strings.Cut(strings.TrimSuffix(filepath.Base(f), ".json"), ".v")
		n, err := strconv.Atoi(version)
		switch {
		case err != nil || newest[name] == 0:
			errs = append(errs, fmt.Errorf("%s: no view of this name is declared", f))
		case n > newest[name]:
			errs = append(errs, fmt.Errorf("%s: the newest declared version is %d", f, newest[name]))
		}
	}
	return errs
}
