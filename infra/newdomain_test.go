package main

import (
	"bufio"
	"bytes"
	"encoding/json/v2"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A team that adds an aggregate and a view writes a folder of its own and its
// lines in domain/register.go. Everything else follows: the table and its index,
// the permissions, the routes, on AWS and on one machine.
func TestNewDomainNeedsNoOtherEdit(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: compiles the app and the local stack in a copy of the repository")
	}
	t.Parallel()
	repo := copyOfRepository(t)
	addInvoices(t, repo)
	t.Run("on one machine", func(t *testing.T) { t.Parallel(); invoicesAnswer(t, repo) })
	t.Run("on AWS", func(t *testing.T) { t.Parallel(); invoicesSynthesize(t, repo) })
}

// copyOfRepository copies the Go code to a temporary directory.
func copyOfRepository(t *testing.T) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "daybook")
	skipped := []string{".git", "build", "cdk.out", "node_modules", ".daybook"}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel("..", path)
		if d.IsDir() {
			if slices.Contains(skipped, name) {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		}
		if !d.Type().IsRegular() || filepath.Ext(name) != ".go" && filepath.Base(name) != "go.mod" && filepath.Base(name) != "go.sum" {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// addInvoices does what the team does, and nothing else.
func addInvoices(t *testing.T, repo string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(repo, "domain", "invoice"), os.DirFS("testdata/invoice")); err != nil {
		t.Fatal(err)
	}
	register := filepath.Join(repo, "domain", "register.go")
	data, err := os.ReadFile(register)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, line := range [][2]string{
		{"\t\"daybook/domain/order\"\n", "\t\"daybook/domain/invoice\"\n"},
		{"\t\torder.Order,\n", "\t\tinvoice.Invoice,\n"},
		{"\t\torder.Orders,\n", "\t\tinvoice.Invoices,\n"},
	} {
		if !strings.Contains(text, line[0]) {
			t.Fatalf("domain/register.go has no line %q to write another one above", line[0])
		}
		text = strings.Replace(text, line[0], line[1]+line[0], 1)
	}
	if err := os.WriteFile(register, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// invoicesSynthesize looks for the table, its index and the permissions in the
// template that the app of the copy writes.
func invoicesSynthesize(t *testing.T, repo string) {
	needNode(t)
	out := filepath.Join(t.TempDir(), "cdk.out")
	cmd := exec.Command("go", "run", "./infra")
	cmd.Dir = repo
	cmd.Env = append(os.Environ(), "CDK_OUTDIR="+out, "CDK_CONTEXT_JSON={}")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go run ./infra: %v\n%s", err, said)
	}
	raw, err := os.ReadFile(filepath.Join(out, "daybook-dev.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var tpl struct {
		Resources map[string]struct {
			Type       string         `json:"Type"`
			Properties map[string]any `json:"Properties"`
		} `json:"Resources"`
	}
	if err := json.Unmarshal(raw, &tpl); err != nil {
		t.Fatal(err)
	}
	table := ""
	for id, r := range tpl.Resources {
		if r.Type == "AWS::DynamoDB::Table" && r.Properties["TableName"] == "daybook-dev-invoices-v1" {
			table = id
			if !strings.Contains(fmt.Sprint(r.Properties["GlobalSecondaryIndexes"]), "by-customer") {
				t.Errorf("the table has no index by-customer: %v", r.Properties)
			}
		}
	}
	if table == "" {
		t.Fatal("the template has no table daybook-dev-invoices-v1")
	}
	for _, role := range []string{"QueryRole", "ProjectorRole"} {
		if !slices.ContainsFunc(sortedKeys(tpl.Resources), func(id string) bool {
			r := tpl.Resources[id]
			return r.Type == "AWS::IAM::Policy" && strings.HasPrefix(id, role) && strings.Contains(fmt.Sprint(r.Properties), table)
		}) {
			t.Errorf("%s has no permission on the table", role)
		}
	}
	if !bytes.Contains(raw, []byte("/index/by-customer")) {
		t.Error("nobody may query the index")
	}
	if !bytes.Contains(raw, []byte("GET/invoices/*")) {
		t.Error("the policy for readers lacks the view's path")
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// invoicesAnswer starts the local stack of the copy, sends a command, and queries
// the view by its index.
func invoicesAnswer(t *testing.T, repo string) {
	url := startLocalStack(t, repo)
	status, body := send(t, "POST", url+"/commands/issue-invoice", `{"id":"9","payload":{"customer":"ada","total":1200}}`)
	if status != http.StatusCreated {
		t.Fatalf("issue-invoice: %d %s", status, body)
	}
	status, body = send(t, "GET", url+"/invoices?customer=ada&sort=-total&after=invoice/9@1", "")
	var page struct {
		Items []struct {
			ID    string `json:"id"`
			Total int64  `json:"total"`
		} `json:"items"`
	}
	if err := json.Unmarshal(body, &page); err != nil || status != http.StatusOK {
		t.Fatalf("invoices: %d %s", status, body)
	}
	if len(page.Items) != 1 || page.Items[0].ID != "9" || page.Items[0].Total != 1200 {
		t.Errorf("invoices of ada = %s", body)
	}
	_, description := send(t, "GET", url+"/openapi.json", "")
	for _, route := range []string{`"/commands/issue-invoice"`, `"/invoices"`, `"/invoices/{key}"`} {
		if !bytes.Contains(description, []byte(route)) {
			t.Errorf("the API's description lacks %s", route)
		}
	}
}

// startLocalStack runs localstack until the test ends, and returns its URL.
func startLocalStack(t *testing.T, repo string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "localstack")
	build := exec.Command("go", "build", "-o", program, "./localstack")
	build.Dir = repo
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./localstack: %v\n%s", err, said)
	}
	cmd := exec.Command(program, "-addr", "127.0.0.1:0", "-dynamodb-addr", "", "-data", "")
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "API "); ok {
			go func() { _, _ = io.Copy(io.Discard, stdout) }()
			return strings.TrimSpace(url)
		}
	}
	t.Fatal("the local stack did not say where it is")
	return ""
}

func send(t *testing.T, method, url, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
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
	return resp.StatusCode, answer
}

// needNode leaves a test out on a machine without Node, which the CDK runs on.
// In CI that is a failure.
func needNode(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("Node is not installed: CI has to synthesize the template")
	}
	t.Skip("left out: the CDK synthesizes with Node, which is not installed")
}
