package clients

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocsShowWhatRuns: each line of a sample in docs/clients.md stands in the
// program that .ci/slow runs, and each version is the one of the script.
func TestDocsShowWhatRuns(t *testing.T) {
	t.Parallel()
	docs := read(t, "../../docs/clients.md")
	sections := strings.Split(docs, "\n## ")
	programs := map[string]string{
		"oapi-codegen": "oapi-codegen", "ogen": "ogen", "openapi-generator, Go": "openapi-generator-go",
		"openapi-generator, Java": "openapi-generator-java", "openapi-python-client": "openapi-python-client",
		"openapi-typescript": "openapi-typescript", "hey-api": "hey-api",
	}
	lines := 0
	for _, section := range sections[1:] {
		title, body, _ := strings.Cut(section, "\n")
		program, ok := programs[title]
		if !ok {
			continue
		}
		delete(programs, title)
		source := strings.Join(strings.Fields(read(t, filepath.Join("testdata", program, "*"))), " ")
		for _, block := range regexp.MustCompile("(?s)```(go|java|python|ts)\n(.*?)```").FindAllStringSubmatch(body, -1) {
			for line := range strings.Lines(block[2]) {
				lines++
				if !strings.Contains(source, strings.Join(strings.Fields(line), " ")) {
					t.Errorf("%s: no program has the line %q", title, line)
				}
			}
		}
	}
	if len(programs) > 0 || lines < 20 {
		t.Errorf("looked at %d lines; no section for %v", lines, programs)
	}
	for generator, script := range map[string]string{
		"oapi-codegen": "oapi-codegen", "ogen": "ogen", "openapi-generator": "openapi-generator",
		"openapi-python-client": "openapi-python-client", "openapi-typescript": "openapi-typescript", "@hey-api/openapi-ts": "hey-api",
	} {
		version := regexp.MustCompile(`(?m)^version=v?(.+)$`).FindStringSubmatch(read(t, script+".sh"))
		row := regexp.MustCompile(`(?m)^\| \[` + regexp.QuoteMeta(generator) + `\].*\| ([0-9.]+) \|`).FindStringSubmatch(docs)
		if version == nil || row == nil || version[1] != row[1] {
			t.Errorf("%s: the script runs %v, the docs say %v", generator, version, row)
		}
	}
}

// read returns the contents of all files that match.
func read(t *testing.T, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v %v", pattern, names, err)
	}
	var all strings.Builder
	for _, name := range names {
		contents, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(contents)
	}
	return all.String()
}
