package viewtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daybook/view"
)

func TestGoldenShapes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "schema", "views")
	check := func(want string, update bool, views ...view.View) {
		t.Helper()
		var all []string
		for _, err := range checkGolden(dir, update, views) {
			all = append(all, err.Error())
		}
		if got := strings.Join(all, "\n"); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	first := suiteView("things", 1)
	check("things.v1.json: the shape file is missing", false, first)
	check("", true, first)
	check("", false, first)
	changed := func() *view.RowView[suiteRow] {
		return view.New[suiteRow]("things", "thing").On(func(r suiteRow, _ suiteEvent, _ view.Meta) suiteRow { return r })
	}
	check("which is not declared: raise Version(2)", false, changed())
	check("or delete the file, if this version was never deployed", true, changed()) // not overwritten
	check("things.v2.json: the shape file is missing", false, changed().Version(2).Previous(first))
	check("", true, changed().Version(2).Previous(first))
	check("", false, changed().Version(2)) // the first was dropped
	check("things.v2.json: the newest declared version is 1", false, first)
	if err := os.WriteFile(filepath.Join(dir, "gone.v1.json"), []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	check("gone.v1.json: no view of this name is declared", false, changed().Version(2).Previous(first))
}
