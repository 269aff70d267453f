package main

import (
	"errors"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the root of the module, from this package's directory.
const root = "../.."

// TestBugsApply: each bug can be planted into the product as it is, and changes files
// that are Go.
func TestBugsApply(t *testing.T) {
	t.Parallel()
	all, err := bugs()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("there are no bugs to plant")
	}
	for _, b := range all {
		files, err := b.changed(root)
		if err != nil {
			t.Errorf("%s: %v", b.name, err)
			continue
		}
		for name, text := range files {
			if _, err := parser.ParseFile(token.NewFileSet(), name, text, 0); err != nil {
				t.Errorf("%s: %v", b.name, err)
			}
		}
	}
}

// TestParse: descriptions that would plant nothing are refused.
func TestParse(t *testing.T) {
	t.Parallel()
	good := "About\nit.\nfind: simulate\nfind: test ./events Token\n-- a.go\n<<<<\nold\n====\nnew\n>>>>\n"
	b, err := parse("good", good)
	if err != nil || b.about != "About it." || len(b.finds) != 2 || b.finds[1] != (find{false, "./events", "Token"}) || len(b.edits) != 1 || b.edits[0] != (edit{"a.go", "old\n", "new\n"}) {
		t.Errorf("%+v, %v", b, err)
	}
	for _, bad := range []string{
		"", "About.\nfind: simulate\n", strings.Replace(good, "find: simulate", "find: luck", 1), strings.Replace(good, ">>>>\n", "", 1),
		strings.Replace(good, "====\n", "", 1), strings.Replace(good, "-- a.go\n", "", 1), good + "more\n",
	} {
		if b, err := parse("bad", bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, b)
		}
	}
}

// TestOldTextMustStandOnce: a bug that the product has outgrown is an error.
func TestOldTextMustStandOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("one\ntwo\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for old, ok := range map[string]bool{"one\n": true, "two\n": false, "three\n": false} {
		b := bug{name: "b", edits: []edit{{file: "a.go", old: old, new: "new\n"}}}
		files, err := b.changed(dir)
		if ok && (err != nil || files["a.go"] != "new\ntwo\ntwo\n") || !ok && !errors.Is(err, errNotOnce) {
			t.Errorf("%q: %q, %v", old, files, err)
		}
	}
}

// TestTable: the page has the table between its marks, and a row for each bug.
func TestTable(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(pageFile)))
	if err != nil {
		t.Fatal(err)
	}
	all, err := bugs()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := rowsOf(string(page))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(all) {
		t.Errorf("the table of %s has %d rows, and there are %d bugs: run go run ./simulation/planted -write", pageFile, len(rows), len(all))
	}
	for _, b := range all {
		if !strings.HasPrefix(rows[b.name], b.begin()) {
			t.Errorf("the table of %s does not tell of %s: run go run ./simulation/planted -write", pageFile, b.name)
		}
	}
	written, err := withRows(string(page), rows)
	if err != nil || written != string(page) {
		t.Errorf("the table of %s is not as it is written, %v", pageFile, err)
	}
}
