package samples

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the root of the repository.
const root = "../.."

var (
	named = regexp.MustCompile(`^<!-- sample: (docs/samples/\S+\.go)#(\S+) -->$`)
	fence = regexp.MustCompile("^```go\\b")
)

// block is a fenced block of Go in a page.
type block struct {
	page       string
	line       int
	file, part string // "" for a block without a name
	text       string
}

// blocksOf reads the fenced blocks of Go in a page. A block may be indented, as in
// a list.
func blocksOf(page, text string) (blocks []block) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		if !fence.MatchString(strings.TrimSpace(lines[i])) {
			continue
		}
		b := block{page: page, line: i + 1}
		if i > 0 {
			if m := named.FindStringSubmatch(strings.TrimSpace(lines[i-1])); m != nil {
				b.file, b.part = m[1], m[2]
			}
		}
		var body []string
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
			body = append(body, lines[i])
		}
		b.text = dedent(body)
		blocks = append(blocks, b)
	}
	return blocks
}

// partOf is a part of a file.
func partOf(text, part string) (string, error) {
	var body []string
	inside, found := false, false
	for _, line := range strings.Split(text, "\n") {
		switch strings.TrimSpace(line) {
		case "//sample:begin " + part:
			if found {
				return "", fmt.Errorf("there are two parts %s", part)
			}
			inside, found = true, true
		case "//sample:end":
			inside = false
		default:
			if inside {
				body = append(body, line)
			}
		}
	}
	if !found || inside {
		return "", fmt.Errorf("there is no part %s with an end", part)
	}
	return dedent(body), nil
}

// dedent takes away the white space that all lines begin with, and empty lines at
// the ends.
func dedent(lines []string) string {
	prefix, first := "", true
	for _, line := range lines {
		space := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		switch {
		case space == line: // an empty line
		case first:
			prefix, first = space, false
		default:
			for !strings.HasPrefix(space, prefix) {
				prefix = prefix[:len(prefix)-1]
			}
		}
	}
	var all []string
	for _, line := range lines {
		all = append(all, strings.TrimRight(strings.TrimPrefix(line, prefix), " \t"))
	}
	return strings.Trim(strings.Join(all, "\n"), "\n")
}

// TestSamplesAreCompiled: each block of Go in the pages is what a compiled file
// says, and each part of those files is in a page.
func TestSamplesAreCompiled(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(page) == "clients.md" {
			continue // calls of generated clients: localstack/clients compares and .ci/slow runs them
		}
		for _, b := range blocksOf(page, string(text)) {
			where := fmt.Sprintf("%s:%d", strings.TrimPrefix(b.page, root+"/"), b.line)
			if b.file == "" {
				t.Errorf("%s: nothing compiles this block: put it into a file of docs/samples and name it in the line before, as docs/samples/doc.go says", where)
				continue
			}
			file, err := os.ReadFile(filepath.Join(root, b.file))
			if err != nil {
				t.Errorf("%s: %v", where, err)
				continue
			}
			part, err := partOf(string(file), b.part)
			if err != nil {
				t.Errorf("%s: %s: %v", where, b.file, err)
				continue
			}
			shown[b.file+"#"+b.part] = true
			if part != b.text {
				t.Errorf("%s shows\n%s\nbut %s compiles\n%s", where, b.text, b.file, part)
			}
		}
	}
	for part := range parts(t) {
		if !shown[part] {
			t.Errorf("no page shows %s", part)
		}
	}
}

// parts are the parts of all files below this folder.
func parts(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if part, ok := strings.CutPrefix(strings.TrimSpace(line), "//sample:begin "); ok {
				all["docs/samples/"+filepath.ToSlash(path)+"#"+part] = true
			}
		}
	}
	return all
}

// TestBlocks: what the test above reads of a page and of a file.
func TestBlocks(t *testing.T) {
	t.Parallel()
	page := "text\n\n<!-- sample: docs/samples/a/a.go#x -->\n```go\nvar A = f(\n\t1)\n```\n1. In a list:\n   ```go\n   a()\n\n   b()\n   ```\n```sh\ngo test\n```\n"
	blocks := blocksOf("p", page)
	if len(blocks) != 2 || blocks[0] != (block{"p", 4, "docs/samples/a/a.go", "x", "var A = f(\n\t1)"}) || blocks[1] != (block{page: "p", line: 9, text: "a()\n\nb()"}) {
		t.Errorf("got %+v", blocks)
	}
	file := "package a\n\n//sample:begin x\nvar A = f(\n\t1)\n\n//sample:end\nfunc f() {\n\t//sample:begin y\n\ta()\n\n\tb()\n\t//sample:end\n}\n"
	for part, want := range map[string]string{"x": "var A = f(\n\t1)", "y": "a()\n\nb()"} {
		if got, err := partOf(file, part); err != nil || got != want {
			t.Errorf("%s is %q, %v", part, got, err)
		}
	}
	for _, broken := range []string{file + "//sample:begin x\n//sample:end\n", "//sample:begin x\n"} {
		if _, err := partOf(broken, "x"); err == nil {
			t.Errorf("%q is taken", broken)
		}
	}
}
