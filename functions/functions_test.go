package functions_test

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	awsevents "github.com/aws/aws-lambda-go/events"

	"daybook"
	"daybook/dynamo"
	"daybook/functions"
	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
)

// rig is the three functions on an embedded DynamoDB.
type rig struct {
	command, query, projector functions.Handler
	transport                 *faulty
	sqs                       *sqs
	log, metrics              lockedBuffer
}

// lockedBuffer is a buffer that several functions write to at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

// faulty fails requests while it is told to.
type faulty struct {
	http.RoundTripper
	fail func(r *http.Request) bool
}

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.fail != nil && f.fail(r) {
		return nil, errors.New("the network is down")
	}
	return f.RoundTripper.RoundTrip(r)
}

func newRig(t testing.TB) *rig {
	t.Helper()
	return newRigOf(t, testdomain.App())
}

func newRigOf(t testing.TB, app daybook.App) *rig {
	t.Helper()
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &rig{transport: &faulty{RoundTripper: db.RoundTripper()}, sqs: &sqs{sent: map[string][]awsevents.SQSMessage{}}}
	c := functions.Config{
		EventsTable: "test-events", ClaimsTable: "test-claims", ViewPrefix: "test", Region: "eu-west-1", Endpoint: "http://embedded",
		Credentials: dynamo.StaticCredentials("a", "b"), Transport: r.transport, LogTo: &r.log, Metrics: &r.metrics,
		RequestsTable: "test-requests", CommandQueue: "commands-url", DeadQueue: "dead-url", Messaging: r.sqs,
	}
	client := dynamo.New(dynamo.Options{Region: c.Region, Endpoint: c.Endpoint, Credentials: c.Credentials, Transport: db.RoundTripper()})
	specs := []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.ControlTable(), dynamo.RequestsTable()}
	for _, v := range testdomain.Views() {
		specs = append(specs, dynamo.ViewTable(v.Describe()))
	}
	if err := dynamo.Create(t.Context(), client, "test", specs...); err != nil {
		t.Fatal(err)
	}
	for into, construct := range map[*functions.Handler]func(daybook.App, functions.Config) (functions.Handler, error){
		&r.command: functions.NewCommand, &r.query: functions.NewQuery, &r.projector: functions.NewProjector,
	} {
		if *into, err = construct(app, c); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// answer is what API Gateway gets.
type answer struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

func call(t testing.TB, h functions.Handler, method, path, query, body string) answer {
	t.Helper()
	return callWith(t, h, method, path, query, body, nil)
}

// callWith is call with headers.
func callWith(t testing.TB, h functions.Handler, method, path, query, body string, header map[string]string) answer {
	t.Helper()
	headers := map[string]string{"content-type": "application/json"}
	maps.Copy(headers, header)
	event, err := json.Marshal(awsevents.APIGatewayV2HTTPRequest{
		Version: "2.0", RawPath: path, RawQueryString: query, Body: body, Headers: headers,
		RequestContext: awsevents.APIGatewayV2HTTPRequestContext{
			Stage: "$default", RequestID: "request-1", HTTP: awsevents.APIGatewayV2HTTPRequestContextHTTPDescription{Method: method},
			Authorizer: &awsevents.APIGatewayV2HTTPRequestContextAuthorizerDescription{
				JWT: &awsevents.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{"sub": "alice"}},
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return a
}

const ada = `{"id":"7","payload":{"name":"Ada","email":"ada@private.example"}}`

// A command, a query that folds what is not projected yet, the history with the
// verified actor; logs that name types and ids, never payloads.
func TestCommandAndQuery(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := call(t, r.command, "POST", "/commands/create-member", "", ada)
	if a.StatusCode != 201 || !strings.Contains(a.Body, `"token":"member/7@1"`) || a.Headers["x-request-id"] != "request-1" {
		t.Fatalf("create: %+v", a)
	}
	if a = call(t, r.query, "GET", "/members/7", "after=member/7@1", ""); a.StatusCode != 200 || !strings.Contains(a.Body, `"name":"Ada"`) {
		t.Errorf("row: %+v", a)
	}
	if a = call(t, r.query, "GET", "/streams/member/7", "", ""); !strings.Contains(a.Body, `"actor":"alice"`) {
		t.Errorf("history: %+v", a)
	}
	if a = call(t, r.command, "POST", "/commands/create-member", "", ada); a.StatusCode != 422 {
		t.Errorf("create again: %+v", a)
	}
	log := r.log.String()
	if strings.Contains(log, "private") || strings.Contains(log, "Ada") {
		t.Errorf("the log holds a payload: %s", log)
	}
	for _, want := range []string{`"command":"create-member"`, `"stream":"member/7"`, `"requestId":"request-1"`, `"function":"query"`} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in the log: %s", want, log)
		}
	}
}

// measured adds up the values of one metric, and checks each line's form.
func (r *rig) measured(t *testing.T, name string) (sum float64) {
	t.Helper()
	for line := range strings.Lines(r.metrics.String()) {
		var m struct {
			AWS struct {
				Timestamp int64 `json:"Timestamp"`
				Metrics   []struct {
					Namespace  string     `json:"Namespace"`
					Dimensions [][]string `json:"Dimensions"`
					Metrics    []struct {
						Name string `json:"Name"`
						Unit string `json:"Unit"`
					} `json:"Metrics"`
				} `json:"CloudWatchMetrics"`
			} `json:"_aws"`
			Deployment string                    `json:"Deployment"`
			Values     map[string]jsontext.Value `json:",embed"`
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if m.Deployment != "test" || m.AWS.Timestamp == 0 || len(m.AWS.Metrics) != 1 || m.AWS.Metrics[0].Namespace != "School" ||
			fmt.Sprint(m.AWS.Metrics[0].Dimensions) != "[[Deployment]]" || len(m.AWS.Metrics[0].Metrics) != len(m.Values) {
			t.Errorf("line %s", line)
		}
		for _, d := range m.AWS.Metrics[0].Metrics {
			if d.Name == name {
				var v float64
				if err := json.Unmarshal(m.Values[name], &v); err != nil {
					t.Errorf("line %s: %v", line, err)
				}
				sum += v
			}
		}
	}
	return sum
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	batch := `[{"command":"create-member","id":"7","payload":{"name":"A","email":"a@example.com"},"commandId":"c1"},
		{"command":"create-member","id":"8","payload":{"name":"A","email":"b@example.com"},"commandId":"c2"}]`
	call(t, r.command, "POST", "/commands", "", batch)
	call(t, r.command, "POST", "/commands", "", batch)
	call(t, r.command, "POST", "/commands/create-member", "", ada)
	for name, want := range map[string]float64{"accepted": 2, "replays": 2, "rejected": 1, "conflicts": 0, "write-units": 8} {
		if got := r.measured(t, name); got != want {
			t.Errorf("%s: %v, want %v\n%s", name, got, want, &r.metrics)
		}
	}
	if r.measured(t, "read-units") == 0 {
		t.Errorf("no read units: %s", &r.metrics)
	}
	if _, err := r.projector.Invoke(t.Context(), []byte(`{"Records":[`+keys("member/7", 1, "100")+`]}`)); err != nil {
		t.Fatal(err)
	}
	if got := r.measured(t, "gaps-filled"); got != 1 {
		t.Errorf("gaps: %v\n%s", got, &r.metrics)
	}
}

// keys is a stream record without the new image: the projector reads the commit.
func keys(stream string, commit int, sequence string) string {
	return fmt.Sprintf(`{"eventID":"e","eventName":"INSERT","dynamodb":{"Keys":{"stream":{"S":%q},"commit":{"N":"%d"}},"SequenceNumber":%q}}`,
		stream, commit, sequence)
}

// A transient fault is answered with the first failed sequence number and what
// is behind it; the batch delivered again does the rest.
func TestProjectorReportsWhatFailed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, id := range []string{"1", "2", "3"} {
		call(t, r.command, "POST", "/commands/create-member", "", strings.NewReplacer(`"7"`, `"`+id+`"`, "ada@", "ada"+id+"@").Replace(ada))
	}
	batch := `{"Records":[` + keys("member/1", 1, "100") + "," + keys("member/2", 1, "101") + "," + keys("member/3", 1, "102") + `]}`
	r.transport.fail = func(r *http.Request) bool { return mentions(r, "member/2") }
	out, err := r.projector.Invoke(t.Context(), []byte(batch))
	if want := `{"batchItemFailures":[{"itemIdentifier":"101"},{"itemIdentifier":"102"}]}`; err != nil || string(out) != want {
		t.Errorf("answer %s, %v; want %s", out, err, want)
	}
	r.transport.fail = nil
	if out, err = r.projector.Invoke(t.Context(), []byte(batch)); err != nil || string(out) != `{"batchItemFailures":[]}` {
		t.Errorf("answer %s, %v", out, err)
	}
	for _, id := range []string{"1", "2", "3"} {
		if a := call(t, r.query, "GET", "/members/"+id, "", ""); a.StatusCode != 200 {
			t.Errorf("member %s: %+v", id, a)
		}
	}
}

// mentions reads a request's body and puts it back.
func mentions(r *http.Request, text string) bool {
	var b bytes.Buffer
	_, err := b.ReadFrom(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(b.Bytes()))
	return err == nil && strings.Contains(b.String(), text)
}

func TestMalformedEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, payload := range []string{``, `{}`, `null`, `[]`, `{`, `{"Records":7}`, `{"httpMethod":7}`} {
		for _, h := range []functions.Handler{r.command, r.query, r.projector} {
			if out, err := h.Invoke(t.Context(), []byte(payload)); err == nil {
				t.Errorf("%s was answered with %s", payload, out)
			}
		}
	}
}

// When the database is away, a client is told to retry, and nothing of why.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.transport.fail = func(*http.Request) bool { return true }
	a := call(t, r.command, "POST", "/commands/create-member", "", ada)
	if a.StatusCode != 503 || a.Headers["retry-after"] == "" || strings.Contains(a.Body, "network") {
		t.Errorf("answer %+v", a)
	}
	if !strings.Contains(r.log.String(), "the network is down") {
		t.Errorf("the log doesn't say why: %s", &r.log)
	}
}

// build builds the mains as they are deployed, with the test domain in place of what
// they pass.
func build(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	args := []string{"build", "-tags", "lambda.norpc,nethttpomithttp2", "-o", dir, "-overlay", filepath.Join(dir, "overlay.json")}
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for _, name := range []string{"command", "query", "projector", "process"} {
		args = append(args, "./"+name)
		path, err := filepath.Abs(filepath.Join(name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		main, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sample, tested := []byte(`"daybook/domain"`), []byte(`domain "daybook/internal/testdomain"`)
		if !bytes.Contains(main, sample) {
			t.Fatalf("%s does not import %s", path, sample)
		}
		overlay.Replace[path] = filepath.Join(dir, name+".go")
		if err := os.WriteFile(overlay.Replace[path], bytes.Replace(main, sample, tested, 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listed, err := json.Marshal(overlay)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), listed, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func TestMains(t *testing.T) {
	t.Parallel()
	dir := build(t)
	for _, name := range []string{"command", "query", "projector", "process"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lacking(t, filepath.Join(dir, name))
			inLambda(t, filepath.Join(dir, name))
		})
	}
}

// lacking expects a main to say in one line what its environment lacks.
func lacking(t *testing.T, binary string) {
	main := exec.Command(binary)
	main.Env = []string{"DAYBOOK_LOG_LEVEL=loud", "PATH=" + os.Getenv("PATH")}
	out, _ := main.CombinedOutput() // the exit code says it
	if main.ProcessState.ExitCode() != 1 || strings.Count(string(out), "\n") != 1 {
		t.Errorf("exit code %d, %q", main.ProcessState.ExitCode(), out)
	}
	for _, want := range []string{"DAYBOOK_EVENTS_TABLE", "DAYBOOK_VIEW_PREFIX", "AWS_REGION", "DAYBOOK_LOG_LEVEL"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q does not name %s", out, want)
		}
	}
}

// inLambda runs a main against a runtime API, as Lambda does, and a DynamoDB over
// HTTP, and expects an answer to one event.
func inLambda(t *testing.T, binary string) {
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing is kept
	database := httptest.NewServer(db)
	defer database.Close()
	client := dynamo.New(dynamo.Options{Region: "eu-west-1", Endpoint: database.URL, Credentials: dynamo.StaticCredentials("a", "b")})
	if err := dynamo.Create(t.Context(), client, "test", dynamo.EventsTable(), dynamo.ClaimsTable()); err != nil {
		t.Fatal(err)
	}
	event, want := `{"version":"2.0","rawPath":"/commands/create-member","requestContext":{"http":{"method":"POST"}},"headers":{"content-type":"application/json"},"body":`+quoted(t, ada)+`}`, `"statusCode":201`
	switch filepath.Base(binary) {
	case "query":
		event, want = `{"httpMethod":"GET","path":"/health"}`, `"statusCode":200`
	case "projector", "process":
		event, want = `{"Records":[]}`, `{"batchItemFailures":[]}`
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	answers := make(chan string, 1)
	runtime := httptest.NewServer(runtimeAPI(ctx, event, answers))
	defer runtime.Close()
	main := exec.CommandContext(ctx, binary)
	main.Env = environment(database.URL, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(runtime.URL, "http://"))
	var out bytes.Buffer
	main.Stdout, main.Stderr = &out, &out
	if err := main.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- main.Wait() }()
	select {
	case answer := <-answers:
		if !strings.Contains(answer, want) {
			t.Errorf("answer %s, want %s", answer, want)
		}
		stop()
		<-ended // it was killed
	case err := <-ended:
		t.Errorf("no answer: %v\n%s", err, &out)
	}
	if strings.HasSuffix(binary, "command") && !strings.Contains(out.String(), `"accepted":1`) {
		t.Errorf("no metric on standard output: %s", &out)
	}
}

// environment is what a main needs, with a DynamoDB at the URL.
func environment(database string, more ...string) []string {
	return append([]string{
		"DAYBOOK_EVENTS_TABLE=test-events", "DAYBOOK_CLAIMS_TABLE=test-claims", "DAYBOOK_PROCESSES_TABLE=test-processes", "DAYBOOK_VIEW_PREFIX=test",
		"DAYBOOK_SCHEDULE_GROUP=test", "DAYBOOK_SCHEDULE_ROLE=arn:aws:iam::000000000000:role/timers",
		"DAYBOOK_SCHEDULE_TARGET=arn:aws:sqs:eu-west-1:000000000000:test-commands.fifo", "DAYBOOK_EVENT_BUS=test",
		"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_ENDPOINT_URL_DYNAMODB=" + database,
	}, more...)
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// runtimeAPI is Lambda's runtime API with one event.
func runtimeAPI(ctx context.Context, event string, answers chan<- string) http.Handler {
	var once sync.Once
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, _ *http.Request) {
		first := false
		once.Do(func() { first = true })
		if !first {
			<-ctx.Done()
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "invocation-1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		fmt.Fprint(w, event)
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/invocation-1/{kind}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		answers <- fmt.Sprint(r.PathValue("kind"), " ", string(body), " ", err)
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}

func ExampleNewCommand() {
	ctx := context.Background()
	db, err := embedded.Open(ctx, embedded.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close() //nolint:errcheck // nothing is kept
	config := functions.Config{
		EventsTable: "school-events", ClaimsTable: "school-claims", ViewPrefix: "school", Region: "eu-west-1", Endpoint: "http://embedded",
		Credentials: dynamo.StaticCredentials("any", "any"), Transport: db.RoundTripper(), LogTo: &bytes.Buffer{},
	}
	client := dynamo.New(dynamo.Options{Region: config.Region, Endpoint: config.Endpoint, Credentials: config.Credentials, Transport: config.Transport})
	if err := dynamo.Create(ctx, client, "school", dynamo.EventsTable(), dynamo.ClaimsTable()); err != nil {
		fmt.Println(err)
		return
	}
	command, err := functions.NewCommand(testdomain.App(), config)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := command.Invoke(ctx, []byte(`{"version":"2.0","rawPath":"/commands/create-member","requestContext":{"http":{"method":"POST"}},
		"headers":{"content-type":"application/json"},"body":"{\"id\":\"7\",\"payload\":{\"name\":\"Ada\",\"email\":\"ada@example.com\"}}"}`))
	var answer struct {
		StatusCode int            `json:"statusCode"`
		Headers    jsontext.Value `json:"headers"`
		Body       string         `json:"body"`
	}
	err = errors.Join(err, json.Unmarshal(out, &answer))
	fmt.Println(answer.StatusCode, strings.Contains(answer.Body, `"token":"member/7@1"`), err)
	// Output: 201 true <nil>
}
