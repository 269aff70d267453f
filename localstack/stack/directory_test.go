package stack

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"daybook/localstack/embedded"
)

// put makes a file with its directories.
func put(t *testing.T, text string, path ...string) {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// files are the paths below a directory.
func files(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return paths
}

func TestReset(t *testing.T) {
	t.Parallel()
	const log = "log-00000000000000000001"
	for name, test := range map[string]struct {
		prepare func(t *testing.T, dir string)
		deleted bool
		fails   bool
	}{
		"nothing there": {func(*testing.T, string) {}, false, false},
		"empty":         {func(t *testing.T, dir string) { _ = os.MkdirAll(dir, 0o777) }, false, false},
		"all that a stack keeps": {func(t *testing.T, dir string) {
			put(t, "daybook and more", dir, databaseDir, log)
			put(t, "", dir, databaseDir, "lock")
			put(t, "day", dir, databaseDir, "snapshot-00000000000000000002.tmp")
			put(t, "7", dir, checkpointsFile)
			put(t, "7", dir, processCheckpointsFile+".new")
			put(t, "{}", dir, onFailureDir, "aws", "lambda", "x.json")
			put(t, "{}", dir, outboxFile)
		}, true, false},
		"a foreign file beside": {func(t *testing.T, dir string) {
			put(t, "daybook", dir, databaseDir, log)
			put(t, "years of work", dir, "thesis.doc")
		}, false, true},
		"a foreign file in the database": {func(t *testing.T, dir string) {
			put(t, "daybook", dir, databaseDir, log)
			put(t, "years of work", dir, databaseDir, "thesis.doc")
		}, false, true},
		"another program's log": {func(t *testing.T, dir string) { put(t, "SQLite format 3", dir, databaseDir, log) }, false, true},
		"a directory in the database": {func(t *testing.T, dir string) {
			put(t, "daybook", dir, databaseDir, log, "x")
		}, false, true},
		"no database": {func(t *testing.T, dir string) { put(t, "{}", dir, outboxFile) }, false, true},
		"a file":      {func(t *testing.T, dir string) { put(t, "{}", dir) }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			test.prepare(t, dir)
			before := files(t, dir)
			deleted, err := Reset(dir)
			if deleted != test.deleted || (err != nil) != test.fails {
				t.Errorf("deleted %v, %v", deleted, err)
			}
			if after := files(t, dir); !deleted && len(after) != len(before) {
				t.Errorf("left is %q of %q", after, before)
			} else if _, err := os.Stat(dir); deleted && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("left is %q, %v", after, err)
			}
		})
	}
}

// TestResetOfDataInUse: nothing is deleted while a database is open.
func TestResetOfDataInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, "7", dir, checkpointsFile)
	db, err := embedded.Open(t.Context(), embedded.Options{Dir: filepath.Join(dir, databaseDir)})
	if err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	if deleted, err := Reset(dir); deleted || err == nil || len(files(t, dir)) != len(before) {
		t.Errorf("deleted %v, %v; left is %q of %q", deleted, err, files(t, dir), before)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if deleted, err := Reset(dir); !deleted || err != nil {
		t.Errorf("deleted %v, %v", deleted, err)
	}
}
