package daybook_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Decisions have one layout (number and title, status and date, decision, reasons)
// and stand in the list.
func TestDecisionsHaveOneLayout(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("docs/adr/[0-9]*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	list, err := os.ReadFile("docs/adr/README.md")
	if err != nil {
		t.Fatal(err)
	}
	layout := regexp.MustCompile(`^# (\d+)\. \S.*\n\nStatus: (accepted|superseded by \d+), \d{4}-\d\d-\d\d\n\n## Decision\n(?s:.*)\n## Why\n`)
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := layout.FindSubmatch(text)
		if m == nil {
			t.Errorf("%s: want a title with the number, a line such as \"Status: accepted, 2026-11-29\", then the sections Decision and Why", file)
			continue
		}
		number, name := fmt.Sprintf("%04d-", i+1), filepath.Base(file)
		if string(m[1]) != fmt.Sprint(i+1) || !strings.HasPrefix(name, number) {
			t.Errorf("%s has number %s; want %d, the next", file, m[1], i+1)
		}
		if !strings.Contains(string(list), "("+name+")") {
			t.Errorf("docs/adr/README.md does not list %s", name)
		}
	}
}
