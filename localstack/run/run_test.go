package run

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"daybook/dynamo"
	"daybook/localstack/gateway"
)

// binary is the built command; only TestMain sets it.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "daybook")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
		binary = filepath.Join(dir, "localstack")
		if out, err := exec.Command("go", "build", "-o", binary, "./testdata/stack").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// process is a running localstack.
type process struct {
	t       *testing.T
	command *exec.Cmd
	welcome string
	url     string
	rest    *bytes.Buffer // of standard output, to be read after the end
	stderr  *bytes.Buffer
	ended   chan struct{}
}

// begin starts the binary on free ports and waits for its welcome.
func begin(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, stderr: &bytes.Buffer{}, rest: &bytes.Buffer{}, ended: make(chan struct{})}
	p.command = exec.Command(binary, append([]string{"-addr", "127.0.0.1:0", "-dynamodb-addr", "127.0.0.1:0"}, args...)...)
	p.command.Stderr = p.stderr
	out, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.end(syscall.SIGKILL) })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		p.welcome += lines.Text() + "\n"
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			break
		}
	}
	go func() {
		for lines.Scan() {
			fmt.Fprintln(p.rest, lines.Text())
		}
		close(p.ended)
	}()
	p.url = field(p.welcome, "API")
	if p.url == "" {
		p.end(syscall.SIGKILL)
		t.Fatalf("no welcome; standard error: %s", p.stderr)
	}
	return p
}

// field reads a line of the welcome.
func field(welcome, name string) string {
	m := regexp.MustCompile(`(?m)^  ` + name + ` +(\S+)`).FindStringSubmatch(welcome)
	if m == nil {
		return ""
	}
	return m[1]
}

// end sends a signal and returns the exit code, -1 for a killed process.
func (p *process) end(s os.Signal) int {
	_ = p.command.Process.Signal(s) // it may have ended
	<-p.ended
	_ = p.command.Wait() // the exit code says it
	return p.command.ProcessState.ExitCode()
}

// fails runs the binary, which is to fail with one line that holds the words.
func fails(t *testing.T, args []string, words ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	command := exec.CommandContext(ctx, binary, append([]string{"-addr", "127.0.0.1:0", "-dynamodb-addr", ""}, args...)...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	_ = command.Run() // the exit code says it
	if code := command.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	line := stderr.String()
	if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "school: ") || stdout.Len() > 0 {
		t.Errorf("not one line of error: %q, and on standard output %q", line, &stdout)
	}
	for _, word := range words {
		if !strings.Contains(line, word) {
			t.Errorf("%q does not name %q", line, word)
		}
	}
}

// curl is a command line of the welcome, as far as it uses curl.
type curl struct {
	url, header, json string
}

func curls(t *testing.T, welcome string) (all []curl) {
	t.Helper()
	quoted := `'([^']*)'`
	for _, line := range strings.Split(welcome, "\n") {
		rest, ok := strings.CutPrefix(line, "  curl ")
		if !ok {
			continue
		}
		var c curl
		if m := regexp.MustCompile(`-H ` + quoted + ` `).FindStringSubmatch(rest); m != nil {
			c.header, rest = m[1], strings.Replace(rest, m[0], "", 1)
		}
		if m := regexp.MustCompile(`--json ` + quoted + ` `).FindStringSubmatch(rest); m != nil {
			c.json, rest = m[1], strings.Replace(rest, m[0], "", 1)
		}
		c.url = strings.Trim(rest, "'")
		if strings.ContainsAny(c.url, " '") || !strings.HasPrefix(c.url, "http://") {
			t.Fatalf("a curl line that is not understood: %s", line)
		}
		all = append(all, c)
	}
	return all
}

// patience bounds the wait for a projection, and by far for all else.
const patience = 30 * time.Second

// answer sends the request, again as long as the answer says that it is stale.
func (c curl) answer(t *testing.T) (int, string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		status, header, body := c.exchange(t)
		if header.Get("Daybook-Stale") == "" || time.Now().After(deadline) {
			return status, body
		}
	}
}

func (c curl) send(t *testing.T) (int, string) {
	t.Helper()
	status, _, body := c.exchange(t)
	return status, body
}

func (c curl) exchange(t *testing.T) (int, http.Header, string) {
	t.Helper()
	method := http.MethodGet
	if c.json != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, c.url, strings.NewReader(c.json))
	if err != nil {
		t.Fatal(err)
	}
	if c.json != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if name, value, ok := strings.Cut(c.header, ": "); ok {
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}

// The printed commands work on the first start and on the next, and Ctrl-C is a
// clean end.
func TestWelcome(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	for start := range 2 {
		p := begin(t, "-data", data)
		if got := field(p.welcome, "Data"); got != data {
			t.Errorf("data at %q, want %q", got, data)
		}
		lines := curls(t, p.welcome)
		if len(lines) != 3 {
			t.Fatalf("%d curl lines in %s", len(lines), p.welcome)
		}
		for _, line := range lines {
			if status, body := line.answer(t); status != 200 && status != 201 || !strings.Contains(body, "hello") {
				t.Errorf("start %d, %+v: %d %s", start, line, status, body)
			}
		}
		if status, body := (curl{url: p.url + "/health"}).send(t); status != 200 {
			t.Errorf("health: %d %s", status, body)
		}
		checkMemory(t, p)
		if code := p.end(os.Interrupt); code != 0 || p.stderr.Len() > 0 || p.rest.String() != "School has stopped.\n" {
			t.Errorf("exit code %d, %q, %q", code, p.rest, p.stderr)
		}
		// Two seconds are promised for the start alone, and on a machine that
		// has nothing else to do; the processor's time counts what was done.
		state := p.command.ProcessState
		if took := state.UserTime() + state.SystemTime(); took > 2*time.Second {
			t.Errorf("start, requests and end took %s of the processor", took)
		}
	}
}

// checkMemory holds the idle process to 60 MB, where the system tells.
func checkMemory(t *testing.T, p *process) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return
	}
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	var kilobytes int
	if m == nil {
		return
	}
	if _, err := fmt.Sscan(string(m[1]), &kilobytes); err != nil || kilobytes > 60_000 {
		t.Errorf("the process holds %d kB, %v", kilobytes, err)
	}
	t.Logf("the process holds %d kB", kilobytes)
}

func TestTerminate(t *testing.T) {
	t.Parallel()
	if code := begin(t, "-data", "").end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	fails(t, []string{"-data", "", "-addr", addr}, addr, "in use", "-addr")
	fails(t, []string{"-data", "", "-dynamodb-addr", addr}, addr, "in use", "-dynamodb-addr")
}

func TestDataThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	write := func(t *testing.T, path string, data []byte) {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("a foreign directory", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		write(t, filepath.Join(dir, "thesis.doc"), []byte("years of work"))
		fails(t, []string{"-data", dir}, dir, "thesis.doc", "-data")
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("something was put into a foreign directory: %v", entries)
		}
	})
	t.Run("a file", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "file")
		write(t, file, []byte("x"))
		fails(t, []string{"-data", file}, file)
	})
	t.Run("a foreign database", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		write(t, filepath.Join(dir, "dynamodb", "log-00000000000000000001"), []byte("SQLite format 3\x00, or so it seems"))
		fails(t, []string{"-data", dir}, dir)
	})
	t.Run("damaged data", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		p := begin(t, "-data", dir)
		for _, line := range curls(t, p.welcome) {
			line.send(t)
		}
		p.end(os.Interrupt)
		logs, err := filepath.Glob(filepath.Join(dir, "dynamodb", "log-*"))
		if err != nil || len(logs) == 0 {
			t.Fatalf("logs %v, %v", logs, err)
		}
		data, err := os.ReadFile(logs[0])
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 0xff
		write(t, logs[0], data)
		fails(t, []string{"-data", dir}, dir)
	})
}

func TestSecondInstance(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin(t, "-data", dir)
	fails(t, []string{"-data", dir}, dir, "another", "-data")
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flag string
		code int
		want string
	}{
		{"-help", 0, "-dynamodb-addr"},
		{"-nonsense", 2, "school: there is no flag -nonsense (see -help)\n"},
		{"-dynamo-addr=x", 2, `did you mean "-dynamodb-addr"?`},
		{"-seed=x", 2, "-seed"},
		{"-demo", 2, "school: -demo: the application has no demo"},
	} {
		command := exec.Command(binary, tt.flag)
		out, _ := command.CombinedOutput() // the exit code says it
		if code := command.ProcessState.ExitCode(); code != tt.code || !strings.Contains(string(out), tt.want) {
			t.Errorf("%s: exit code %d, %s", tt.flag, code, out)
		}
	}
	command := exec.Command(binary, "start")
	if out, _ := command.CombinedOutput(); command.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), `"start"`) {
		t.Errorf("an argument that is not a flag: %d, %s", command.ProcessState.ExitCode(), out)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	o, m, err := parse("daybook", nil, io.Discard)
	if err != nil || m != (mode{}) || o.Addr != "127.0.0.1:8080" || o.DynamoDBAddr != "127.0.0.1:8000" || o.Data != ".daybook" || o.Endpoint != "" ||
		o.Hostile != nil || o.Outbox != "" || o.Format != gateway.HTTPAPI || o.Stage != "" || o.LogLevel != slog.LevelWarn {
		t.Errorf("the defaults: %+v, %v", o, err)
	}
	o, _, err = parse("daybook", []string{"-addr", "a:1", "-data", "", "-dynamodb-addr", "", "-endpoint", "e", "-outbox", "o", "-rest", "-stage", "s", "-hostile", "-seed", "9", "-log-level", "debug"}, io.Discard)
	if err != nil || o.Addr != "a:1" || o.DynamoDBAddr != "" || o.Data != "" || o.Endpoint != "e" || o.Outbox != "o" ||
		o.Hostile == nil || o.Hostile.Seed != 9 || o.Format != gateway.RESTAPI || o.Stage != "s" || o.LogLevel != slog.LevelDebug {
		t.Errorf("all flags: %+v, %v", o, err)
	}
	o, _, err = parse("daybook", []string{"-otlp", "http://localhost:4318"}, io.Discard)
	if err != nil || o.OTLP != "http://localhost:4318" {
		t.Errorf("collector: %q, %v", o.OTLP, err)
	}
	o, _, err = parse("daybook", []string{"-cors-origin", "http://localhost:5173,https://shop.example"}, io.Discard)
	if err != nil || !slices.Equal(o.CORSOrigins, []string{"http://localhost:5173", "https://shop.example"}) {
		t.Errorf("origins: %+v, %v", o.CORSOrigins, err)
	}
	if o, _, err = parse("daybook", []string{"-rate", "2.5"}, io.Discard); err != nil || o.Rate != 2.5 {
		t.Errorf("rate: %v, %v", o.Rate, err)
	}
	for says, args := range map[string][]string{
		"-rate: -1 is not within 0 (no limit) to 10000":  {"-rate", "-1"},
		"-rate: NaN is not within 0 (no limit) to 10000": {"-rate", "nan"},
		`"http://localhost:5173/" is not an origin`:      {"-cors-origin", "http://localhost:5173/"},
		`"" is not an origin`:                            {"-cors-origin", "*,"},
		"leave out -rest":                                {"-cors-origin", "*", "-rest"},
		`"localhost:4318" is not the URL of an OTLP`:     {"-otlp", "localhost:4318"},
	} {
		var stderr bytes.Buffer
		if _, _, err := parse("daybook", args, &stderr); err == nil || !strings.Contains(stderr.String(), says) || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%v: %v, %s", args, err, &stderr)
		}
	}
	if o, m, err := parse("daybook", []string{"-reset"}, io.Discard); err != nil || m != (mode{reset: true}) || o.Data != ".daybook" {
		t.Errorf("-reset: %+v, %v, %v", o, m, err)
	}
	for _, args := range [][]string{{"-reset", "-data", ""}, {"-reset", "-endpoint", "http://127.0.0.1:1"}, {"-reset", "all"}} {
		if _, _, err := parse("daybook", args, io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

// TestReset deletes data, damaged ones too, but not while a stack runs on them.
func TestReset(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	p := begin(t, "-data", dir)
	for _, line := range curls(t, p.welcome) {
		line.send(t)
	}
	fails(t, []string{"-data", dir, "-reset"}, dir, "runs on", "stop it")
	if code := p.end(os.Interrupt); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "dynamodb", "log-*"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("logs %v, %v", logs, err)
	}
	if err := os.Truncate(logs[0], 40); err != nil { // in the middle of a record, or of the header
		t.Fatal(err)
	}
	for _, want := range []string{"was deleted", "There is no data"} {
		out, err := exec.Command(binary, "-data", dir, "-reset").CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) || !strings.Contains(string(out), dir) {
			t.Errorf("%v, %s, want %s", err, out, want)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("the directory is there: %v", err)
		}
	}
	begin(t, "-data", dir).end(os.Interrupt)
}

func TestDataNowhere(t *testing.T) {
	t.Parallel()
	p := begin(t, "-data", "")
	for _, line := range curls(t, p.welcome) {
		if status, body := line.send(t); status >= 300 {
			t.Errorf("%+v: %d %s", line, status, body)
		}
	}
	if got := field(p.welcome, "Data"); got != "kept" {
		t.Errorf("the welcome speaks of data %q", got)
	}
}

// Any AWS client reaches the embedded DynamoDB, and a second stack uses it in
// place of its own, as it would use LocalStack.
func TestDynamoDBForOthers(t *testing.T) {
	t.Parallel()
	first := begin(t, "-data", "")
	endpoint := field(first.welcome, "DynamoDB")
	client := dynamo.New(dynamo.Options{Endpoint: endpoint, Region: "eu-west-1", Credentials: dynamo.StaticCredentials("any", "any")})
	tables, err := client.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil || len(tables.TableNames) < 5 {
		t.Fatalf("tables %v, %v", tables, err)
	}

	second := begin(t, "-data", t.TempDir(), "-endpoint", endpoint)
	for _, line := range curls(t, second.welcome) {
		if status, body := line.send(t); status >= 300 {
			t.Errorf("%+v: %d %s", line, status, body)
		}
	}
	if status, body := (curl{url: first.url + "/members/hello?after=member/hello@1"}).send(t); status != 200 {
		t.Errorf("the first stack doesn't see what the second wrote: %d %s", status, body)
	}
	if code := second.end(os.Interrupt); code != 0 {
		t.Errorf("exit code %d, %s", code, second.stderr)
	}
	fails(t, []string{"-data", "", "-endpoint", "http://127.0.0.1:1"}, "http://127.0.0.1:1")
}

// load sends creates of members until ctx ends, and returns the answers.
func load(ctx context.Context, url string, clients int, enough func()) map[string]string {
	var mu sync.Mutex
	answers := make(map[string]string)
	var all sync.WaitGroup
	for n := range clients {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("u%d-%d", n, i)
				body, _, err := createMember(ctx, url, id)
				mu.Lock()
				answers[id] = body
				if err != nil {
					answers[id] = ""
				}
				if len(answers) == 400 {
					enough()
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return answers
}

func createMember(ctx context.Context, url, id string) (body string, replayed bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/commands/create-member",
		strings.NewReader(`{"id":"`+id+`","payload":{"name":"Ada","email":"`+id+`@example.com"}}`))
	if err != nil {
		return "", false, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "key-"+id)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", false, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return "", false, err
	}
	if response.StatusCode != http.StatusCreated {
		return "", false, fmt.Errorf("%d %s", response.StatusCode, data)
	}
	return string(data), response.Header.Get("Idempotent-Replayed") == "true", nil
}

// kill -9 in the middle of a load: what was acknowledged is there after the
// restart, and every command sent again has the answer it had, or would have had.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, "-data", dir)
	ctx, stop := context.WithCancel(t.Context())
	answers := load(ctx, p.url, 8, func() { p.end(syscall.SIGKILL); stop() })
	p = begin(t, "-data", dir)
	acknowledged := 0
	for id, before := range answers {
		now, replayed, err := createMember(t.Context(), p.url, id)
		if err != nil {
			t.Errorf("%s sent again: %v", id, err)
			continue
		}
		if before != "" {
			acknowledged++
			if !replayed || now != before {
				t.Errorf("%s was acknowledged with %s; sent again: %s, replayed %t", id, before, now, replayed)
			}
		}
		var answer struct {
			Version int64  `json:"version"`
			Token   string `json:"token"`
		}
		if err := json.Unmarshal([]byte(now), &answer); err != nil || answer.Version != 1 {
			t.Errorf("%s: %s, %v", id, now, err)
		}
		if status, body := (curl{url: p.url + "/members/" + id + "?after=" + answer.Token}).send(t); status != 200 {
			t.Errorf("%s: %d %s", id, status, body)
		}
	}
	if acknowledged < 300 {
		t.Errorf("%d of %d commands were acknowledged before the kill", acknowledged, len(answers))
	}
	if code := p.end(os.Interrupt); code != 0 {
		t.Errorf("exit code %d: %s", code, p.stderr)
	}
}
