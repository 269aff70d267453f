package project

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A project is made with every generator, each of them twice, through the command
// line. It compiles, passes its tests, runs, answers as its README says, and
// synthesizes; another Daybook touches no file of it but go.mod.
func TestProject(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: compiles a project and the command line")
	}
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "bank")
	daybook := filepath.Join(t.TempDir(), "daybook")
	goIn(t, "..", "build", "-o", daybook, "./cmd/daybook")
	const shown = "GOTOOLCHAIN=auto go run ./cmd/daybook "
	typed := commands(t, "../README.md", shown+"init ")
	if len(typed) != 1 || !slices.Equal(commands(t, "../docs/domain.md", shown+"init "), typed) {
		t.Fatalf("README.md shows %q, and docs/domain.md something else", typed)
	}
	args := strings.Fields(strings.TrimPrefix(typed[0], shown))
	args[len(args)-1] = dir
	if said, _ := execute(t, "..", nil, daybook, args...); !strings.Contains(said, "go run ./localstack") {
		t.Errorf("init does not say what to do next: %s", said)
	}
	bank := filepath.Join(t.TempDir(), "bank")
	goIn(t, dir, "build", "-o", bank, "./cmd/bank")
	generated := 0
	for _, line := range commands(t, filepath.Join(dir, "README.md"), "go run ./cmd/bank new ") {
		args := strings.Fields(line)[3:]
		said, _ := execute(t, dir, nil, bank, args...)
		if !strings.Contains(said, "Next:") {
			t.Errorf("%s does not say what to do next: %s", line, said)
		}
		before := tree(t, dir)
		if again, _ := execute(t, dir, nil, bank, args...); !strings.Contains(again, "nothing was changed") {
			t.Errorf("%s the second time: %s", line, again)
		}
		if tree(t, dir) != before {
			t.Errorf("%s changes files the second time", line)
		}
		generated++
	}
	if generated != 3 {
		t.Fatalf("the README has %d lines with generators, want 3", generated)
	}
	const generates = "go run ./cmd/bank new "
	if readme, agents := commands(t, filepath.Join(dir, "README.md"), generates), commands(t, filepath.Join(dir, "AGENTS.md"), generates); !slices.Equal(readme, agents) {
		t.Errorf("AGENTS.md shows %q, README.md %q", agents, readme)
	}
	linksLead(t, dir, "llms.txt")
	linksLead(t, dir, "AGENTS.md")
	goIn(t, dir, "vet", "./...")
	if said := goIn(t, dir, "test", "./..."); strings.Count(said, "ok  \t") != 4 { // domain, account, invoice, dunning
		t.Errorf("go test: %s", said)
	}
	t.Run("on one machine", func(t *testing.T) { t.Parallel(); answers(t, dir, invoicesAnswer) })
	t.Run("on AWS", func(t *testing.T) { t.Parallel(); synthesizes(t, dir, "bank") })
	t.Run("another Daybook", func(t *testing.T) { t.Parallel(); upgrades(t, dir) })
}

// The sample shop runs in another module, under another name.
func TestProjectWithTheShop(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: compiles a project")
	}
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	if _, err := Init(t.Context(), Options{Dir: dir, Module: "example.com/store", Name: "store", Sample: Sample, From: "."}); err != nil {
		t.Fatal(err)
	}
	for _, tool := range tools {
		if _, err := os.Stat(filepath.Join("..", tool)); err != nil {
			t.Errorf("not a folder of the sample: %v", err)
		}
		if _, err := os.Stat(filepath.Join(dir, tool)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is in the project: %v", tool, err)
		}
	}
	goIn(t, dir, "vet", "./...")
	goIn(t, dir, "test", "-short", "./...")
	answers(t, dir, nil)
}

// commands are the lines of a text that begin with prefix.
func commands(t *testing.T, path, prefix string) (lines []string) {
	t.Helper()
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(readme)) {
		if strings.HasPrefix(line, prefix) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// answers starts the project's local stack, sends the requests of its README, and
// then calls more, if it is not nil, with the stack's URL.
func answers(t *testing.T, dir string, more func(t *testing.T, url string)) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "localstack")
	goIn(t, dir, "build", "-o", program, "./localstack")
	cmd := exec.Command(program, "-addr", "127.0.0.1:0", "-dynamodb-addr", "", "-data", "")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	t.Cleanup(func() {
		if !ended {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	url := address(t, bufio.NewScanner(stdout))
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	statuses := []int{http.StatusCreated, http.StatusOK, http.StatusOK}
	requests := commands(t, filepath.Join(dir, "README.md"), "curl ")
	if len(requests) != len(statuses) {
		t.Fatalf("the README has the requests %q, want %d", requests, len(statuses))
	}
	for i, line := range requests {
		status, body := request(t, strings.ReplaceAll(line, "http://127.0.0.1:8080", url))
		if status != statuses[i] {
			t.Errorf("%s: %d %s", line, status, body)
		}
		if !strings.Contains(body, `"version":1`) {
			t.Errorf("%s: version 1 is not in %s", line, body)
		}
		if i > 0 && !strings.Contains(body, `"name":"Ann"`) {
			t.Errorf("%s: the name is not in %s", line, body)
		}
	}
	if more != nil {
		more(t, url)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err, ended = cmd.Wait(), true
	if err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, stderr.String())
	}
}

// invoicesAnswer uses what was added to the project: a command, and the view's index.
func invoicesAnswer(t *testing.T, url string) {
	t.Helper()
	if status, body := request(t, "curl "+url+`/commands/create-invoice -d '{"id":"9","payload":{"name":"Ann"}}'`); status != http.StatusCreated {
		t.Fatalf("create-invoice: %d %s", status, body)
	}
	if status, body := request(t, "curl "+url+"/invoices?sort=-name&after=invoice/9@1"); status != http.StatusOK || !strings.Contains(body, `"id":"9","name":"Ann"`) {
		t.Errorf("invoices by name: %d %s", status, body)
	}
	_, description := request(t, "curl "+url+"/openapi.json")
	for _, route := range []string{`"/commands/create-invoice"`, `"/invoices"`, `"/invoices/{key}"`} {
		if !strings.Contains(description, route) {
			t.Errorf("the API's description lacks %s", route)
		}
	}
}

// address is where the local stack says that it is.
func address(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "API "); ok {
			return strings.TrimSpace(url)
		}
	}
	t.Fatal("the local stack did not say where it is")
	return ""
}

// request sends what a command line of curl says.
func request(t *testing.T, line string) (status int, body string) {
	t.Helper()
	method, payload := http.MethodGet, ""
	if m := regexp.MustCompile(` -d '([^']*)'`).FindStringSubmatch(line); m != nil {
		method, payload = http.MethodPost, m[1]
	}
	url := regexp.MustCompile(`http://[^ ']+`).FindString(line)
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	if payload != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// synthesizes looks for the tables of the project's views in its template, with the
// index of the one that was added, and the permissions on it.
func synthesizes(t *testing.T, dir, name string) {
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("Node is not installed: CI has to synthesize the template")
		}
		t.Skip("left out: the CDK synthesizes with Node, which is not installed")
	}
	out := filepath.Join(t.TempDir(), "cdk.out")
	execute(t, dir, []string{"CDK_OUTDIR=" + out, "CDK_CONTEXT_JSON={}"}, "go", "run", "./infra")
	raw, err := os.ReadFile(filepath.Join(out, name+"-dev.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string         `json:"Type"`
			Properties map[string]any `json:"Properties"`
		} `json:"Resources"`
	}
	if err := json.Unmarshal(raw, &template); err != nil {
		t.Fatal(err)
	}
	tables := map[string]string{} // logical ids by names
	for id, r := range template.Resources {
		if r.Type == "AWS::DynamoDB::Table" {
			tables[fmt.Sprint(r.Properties["TableName"])] = id
		}
	}
	accounts, invoices := tables[name+"-dev-accounts-v1"], tables[name+"-dev-invoices-v1"]
	if accounts == "" || invoices == "" {
		t.Fatalf("the views' tables are not among %v", tables)
	}
	if index := fmt.Sprint(template.Resources[invoices].Properties["GlobalSecondaryIndexes"]); !strings.Contains(index, "by-name") {
		t.Errorf("the table has no index by-name: %s", index)
	}
	for _, role := range []string{"QueryRole", "ProjectorRole"} {
		allowed := false
		for id, r := range template.Resources {
			allowed = allowed || r.Type == "AWS::IAM::Policy" && strings.HasPrefix(id, role) && strings.Contains(fmt.Sprint(r.Properties), invoices)
		}
		if !allowed {
			t.Errorf("%s has no permission on the table", role)
		}
	}
	for what, want := range map[string]string{"the index": "/index/by-name", "the view's path": "GET/invoices/*"} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("nobody may query %s: %s is missing", what, want)
		}
	}
}

// upgrades points a copy of the project at another checkout of Daybook, as go.mod
// says how.
func upgrades(t *testing.T, dir string) {
	project := filepath.Join(t.TempDir(), "bank")
	if err := os.CopyFS(project, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(t.TempDir(), "newer")
	if err := os.Mkdir(newer, 0o755); err != nil {
		t.Fatal(err)
	}
	rooms, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range rooms {
		if !room.IsDir() || strings.HasPrefix(room.Name(), ".") || slices.Contains([]string{"build", "cdk.out", "node_modules"}, room.Name()) {
			continue
		}
		if err := os.CopyFS(filepath.Join(newer, room.Name()), os.DirFS(filepath.Join("..", room.Name()))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range files(t, "..", "*.go", "go.mod", "go.sum") {
		data, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(newer, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before := tree(t, project, "go.mod")
	goIn(t, project, "mod", "edit", "-replace", "daybook="+newer)
	goIn(t, project, "test", "./domain/...")
	if tree(t, project, "go.mod") != before {
		t.Error("another Daybook changes files of the project")
	}
	if said := goIn(t, project, "list", "-m", "-f", "{{.Dir}}", "daybook"); strings.TrimSpace(said) != newer {
		t.Errorf("the project uses the Daybook in %s", said)
	}
}

// files are the names in dir that match a pattern.
func files(t *testing.T, dir string, patterns ...string) (names []string) {
	t.Helper()
	for _, p := range patterns {
		paths, err := filepath.Glob(filepath.Join(dir, p))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			names = append(names, filepath.Base(path))
		}
	}
	return names
}

// goIn runs the go command and returns what it printed.
func goIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	said, _ := execute(t, dir, nil, "go", args...)
	return said
}

// execute runs a program that must succeed, without a network for Go modules.
func execute(t *testing.T, dir string, env []string, program string, args ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOPROXY=off"), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(program), strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String(), errs.String()
}
