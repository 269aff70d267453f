package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOursAgainstOurs plays all cases on two engines of ours: they set up, get
// answers, do not depend on what differs by nature, and make none fail inside.
func TestOursAgainstOurs(t *testing.T) {
	t.Parallel()
	var engines [2]engine
	for i := range engines {
		e, err := serveOurs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := e.stop(); err != nil {
				t.Error(err)
			}
		})
		engines[i] = e
	}
	seen := map[string]bool{}
	cases := allCases()
	if len(cases) < 150 {
		t.Errorf("%d cases", len(cases))
	}
	for _, c := range cases {
		if seen[c.name] {
			t.Errorf("two cases are called %s", c.name)
		}
		seen[c.name] = true
		p := [2]*player{{engine: engines[0], prefix: "cmp-"}, {engine: engines[1], prefix: "cmp-"}}
		left, errLeft := p[0].play(t.Context(), c)
		right, errRight := p[1].play(t.Context(), c)
		if errLeft != nil || errRight != nil {
			t.Errorf("%s: %v %v", c.name, errLeft, errRight)
			continue
		}
		if lines := compare(c, p[0].table(c), left, right); len(lines) > 0 {
			t.Errorf("%s: %s", c.name, strings.Join(lines, "\n"))
		}
		for i, a := range left {
			if a.lost != nil || a.status >= http.StatusInternalServerError {
				t.Errorf("%s step %d: %v %d %s", c.name, i+1, a.lost, a.status, a.message)
			}
		}
	}
}

// TestAllowFiles: each line names a case (or a pattern of some) and a reason.
func TestAllowFiles(t *testing.T) {
	t.Parallel()
	var names []string
	for _, c := range allCases() {
		names = append(names, c.name)
	}
	files, err := filepath.Glob("allow/*.txt")
	if err != nil || len(files) != 2 {
		t.Fatalf("allow files %v %v", files, err)
	}
	for _, file := range files {
		list, err := readAllowances(file)
		if err != nil {
			t.Fatal(err)
		}
		patterns := map[string]bool{}
		for _, a := range list {
			if patterns[a.pattern] {
				t.Errorf("%s: %s twice", file, a.pattern)
			}
			patterns[a.pattern] = true
			only, found := allowances{a}, false
			for _, name := range names {
				found = found || only.find(name) != nil
			}
			if !found {
				t.Errorf("%s: no case is called %s", file, a.pattern)
			}
		}
	}
}

func TestParseAllowances(t *testing.T) {
	t.Parallel()
	list, err := parseAllowances(strings.NewReader("# comment\n\na/b: ours: AWS: so\na/*: absent: none\n"))
	if err != nil || len(list) != 2 {
		t.Fatalf("%v %v", list, err)
	}
	if a := list.find("a/b"); a == nil || a.verdict != ours || a.reason != "AWS: so" {
		t.Errorf("a/b: %+v", a)
	}
	if a := list.find("a/c"); a == nil || a.verdict != absent {
		t.Errorf("a/c: %+v", a)
	}
	if a := list.find("b"); a != nil {
		t.Errorf("b: %+v", a)
	}
	for _, bad := range []string{"a: ours", "a: theirs: no", "a/*: ours: too broad", "a[: absent: no pattern"} {
		if _, err := parseAllowances(strings.NewReader(bad)); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	allow := allowances{
		{pattern: "known", verdict: ours, reason: "r"},
		{pattern: "gone", verdict: both, reason: "r"},
	}
	var out strings.Builder
	r := &report{out: &out, allow: allow}
	r.add(testCase{name: "same"}, nil)
	r.add(testCase{name: "known"}, []string{"status"})
	r.add(testCase{name: "gone"}, nil)
	r.add(testCase{name: "new"}, []string{"body"})
	err := r.finish("x", true)
	if !errors.Is(err, errDifferent) || !strings.HasSuffix(err.Error(), ": new, gone") {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(out.String(), "DIFFERS new\n  body\n") || !strings.Contains(out.String(), "UNUSED  gone") ||
		!strings.Contains(out.String(), "2 cases the same, 1 explained, 2 failed") {
		t.Error(out.String())
	}
	fine := &report{out: io.Discard, allow: allow[:1], verbose: true}
	fine.add(testCase{name: "known"}, []string{"status"})
	if err := fine.finish("x", true); err != nil {
		t.Error(err)
	}
}

func TestCompareAnswers(t *testing.T) {
	t.Parallel()
	ok := func(body string) answer { return read(200, []byte(body)) }
	bad := func(kind, message string) answer {
		return read(400, []byte(`{"__type":"com.amazonaws.dynamodb.v20120810#`+kind+`","message":"`+message+`"}`))
	}
	for _, test := range []struct {
		name        string
		step        step
		left, right answer
		want        int
	}{
		{"sets have no order", step{}, ok(`{"Item":{"a":{"SS":["x","y"]}}}`), ok(`{"Item":{"a":{"SS":["y","x"]}}}`), 0},
		{"lists have", step{}, ok(`{"a":{"L":["x","y"]}}`), ok(`{"a":{"L":["y","x"]}}`), 1},
		{"items have", step{}, ok(`{"Items":[1,2]}`), ok(`{"Items":[2,1]}`), 1},
		{"but for a scan", step{unordered: true}, ok(`{"Items":[1,2],"Responses":{"t":[1,2]}}`), ok(`{"Items":[2,1],"Responses":{"t":[2,1]}}`), 0},
		{"volatile", step{}, ok(`{"TableId":"1","X":{"TableArn":"1"}}`), ok(`{"TableId":"2","X":{"TableArn":"2"}}`), 0},
		{"table names", step{}, ok(`{"TableName":"T1"}`), ok(`{"TableName":"T1"}`), 0},
		{"status", step{}, ok(`{}`), bad("A", "m"), 2},
		{"message", step{}, bad("A", "m"), bad("A", "n"), 1},
		{"message not asked", step{onlyKind: true}, bad("A", "m"), bad("A", "n"), 0},
		{"prefix of newer regions", step{}, bad("A", "m"), bad("A", "1 validation error detected: m"), 0},
		{"reasons", step{}, read(400, []byte(`{"__type":"x#T","Message":"m","R":[{"Message":"1"}]}`)), read(400, []byte(`{"__type":"x#T","message":"m","R":[{"Message":"2"}]}`)), 1},
		{"no answer", step{}, ok(`{}`), answer{lost: io.EOF}, 1},
		{"no JSON", step{}, ok(`{}`), ok(`<html>`), 1},
		{"error without an object", step{}, ok(`{}`), read(500, []byte(`[]`)), 1},
	} {
		if lines := compareAnswers(test.step, "T1", test.left, test.right); len(lines) != test.want {
			t.Errorf("%s: %q", test.name, lines)
		}
	}
}

// TestRunRemote runs the command against a server that answers all alike.
func TestRunRemote(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"x#UnknownOperationException"}`)
	}))
	defer server.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "stub.txt"), []byte("protocol/*: absent: a stub\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	args := []string{"-engine", "stub", "-endpoint", server.URL, "-allow", dir, "-only", "protocol/", "-v"}
	if err := run(t.Context(), args, &out); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := run(t.Context(), append(args, "-allow", t.TempDir()), &out); !errors.Is(err, errDifferent) {
		t.Errorf("without an allow file: %v", err)
	}
	for _, bad := range [][]string{nil, {"-engine", "x"}, {"-engine", "x", "-endpoint", "y", "-exec", "z"}, {"-nonsense"}} {
		if err := run(t.Context(), bad, io.Discard); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
	if err := run(t.Context(), []string{"-engine", "x", "-exec", "/nonexistent/engine"}, io.Discard); err == nil {
		t.Error("no error for a command that does not exist")
	}
}

// TestProcessThatEnds: a command that ends at once is an error, not a wait.
func TestProcessThatEnds(t *testing.T) {
	t.Parallel()
	if _, err := startProcess(t.Context(), "true {port}"); err == nil || !strings.Contains(err.Error(), "ended at its start") {
		t.Errorf("error %v", err)
	}
	if _, err := startProcess(context.Background(), " "); err == nil {
		t.Error("no error for no command")
	}
}
