package shapes

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"daybook/view"
)

// Check compares the views, in all their declared versions, with the files
// schema/views/<view>.v<N>.json in fsys, at any depth. It returns the names of
// the files that are missing, and an error of one line for each view that differs
// from its file.
func Check(fsys fs.FS, views []view.View) (missing []string, err error) {
	files := map[string]string{} // paths by name
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix("/"+path.Dir(p), "/schema/views") {
			files[path.Base(p)] = p
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for shape files: %w", err)
	}
	newest := map[string]int{}
	for _, v := range views {
		newest[v.Describe().Name] = v.Describe().Version
	}
	var errs []error
	for _, v := range view.Versions(views) {
		declared := view.ShapeOf(v)
		name := declared.FileName()
		if files[name] == "" {
			missing = append(missing, name)
			continue
		}
		if err := compare(fsys, files[name], declared, declared.Version == newest[declared.View]); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", files[name], err))
		}
	}
	slices.Sort(missing)
	return missing, errors.Join(errs...)
}

func compare(fsys fs.FS, file string, declared view.Shape, newest bool) error {
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		return err
	}
	stored, err := view.ParseShape(text)
	if err != nil {
		return err
	}
	difference := stored.Explain(declared, newest)
	if difference == "" {
		return nil
	}
	if added := newIndexes(stored, declared); added > 1 {
		difference += fmt.Sprintf(" (CloudFormation can't add %d indexes to an existing table at once, either: a new version's table has all of them from the start)", added)
	}
	return errors.New(difference)
}

// newIndexes counts the indexes that are declared and not stored.
func newIndexes(stored, declared view.Shape) (n int) {
	for name := range declared.Indexes {
		if _, ok := stored.Indexes[name]; !ok {
			n++
		}
	}
	return n
}
