package bundle_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"daybook/infra/bundle"
)

// maxColdStart is how much longer than a bare main with a DynamoDB client a
// function may take from the start of its process to its first question for
// work.
const maxColdStart = 1.3

// An invocation that calls no AWS service, and a part of its answer.
type invocation struct{ event, answer string }

var invocations = map[string]invocation{
	"bare":      {`{}`, `null`},
	"sdk":       {`{}`, `null`},
	"command":   {request("POST", "/commands/none"), `"statusCode":404`},
	"query":     {request("GET", "/health"), `"statusCode":200`},
	"projector": {`{"Records":1}`, `read the stream event`}, // an empty batch reads the routes
	"process":   {`{"Records":[]}`, `"batchItemFailures":[]`},
}

// request is API Gateway's event of a request.
func request(method, path string) string {
	return `{"version":"2.0","rawPath":"` + path + `","requestContext":{"http":{"method":"` + method + `"}},` +
		`"headers":{"content-type":"application/json"},"body":"{}"}`
}

// TestColdStart measures processor time in turns of a bare main and each function.
// A function is compared twice: its best turn with the bare main's best, since what
// else the machine does only ever adds; and turn by turn, of which the middle counts,
// since on a busy machine one program has a luckier best than another. A function that
// is too slow is so in both. It takes more turns before it believes that, for about two
// minutes, in which the packages that are tested beside it end.
func TestColdStart(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: compiles the functions for this machine and measures them")
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skipf("left out: the functions are programs for Linux, which %s/%s does not run", runtime.GOOS, runtime.GOARCH)
	}
	dir := binaries(t, append(bundle.Functions(), "bare")...)
	// Some kernels count processor time in ticks longer than a start.
	fine := start(t, dir, "bare", false).processor > time.Millisecond
	turns := make(starts)
	for turn := 0; turn < 30 || turn < 1200 && turns.slowest() > maxColdStart; turn++ {
		for _, name := range append(bundle.Functions(), "bare") {
			s := start(t, dir, name, false)
			took := s.toReady
			if fine {
				took = s.processor
			}
			turns[name] = append(turns[name], took)
		}
	}
	for _, name := range bundle.Functions() {
		best, middle := turns.ratios(name)
		t.Logf("%s: %s from start to ready, %.2f times a bare main; %.2f in the middle turn (processor time: %t)",
			name, slices.Min(turns[name]), best, middle, fine)
	}
	if ratio := turns.slowest(); ratio > maxColdStart {
		t.Errorf("a function takes %.2f times as long as a bare main, at most %.1f is allowed", ratio, maxColdStart)
	}
}

// starts are the times of programs, turn by turn, by their names.
type starts map[string][]time.Duration

// ratios are how much longer than a bare main a function takes: by the best turns of
// both, and in the middle one of all turns.
func (s starts) ratios(name string) (best, middle float64) {
	each := make([]float64, len(s[name]))
	for turn, took := range s[name] {
		each[turn] = float64(took) / float64(s["bare"][turn])
	}
	slices.Sort(each)
	return float64(slices.Min(s[name])) / float64(slices.Min(s["bare"])), each[len(each)/2]
}

// slowest is how much longer than a bare main the slowest function takes.
func (s starts) slowest() (worst float64) {
	for _, name := range bundle.Functions() {
		worst = max(worst, min(s.ratios(name)))
	}
	return worst
}

// binaries compiles mains for this machine: the functions, and those of testdata.
func binaries(tb testing.TB, names ...string) (dir string) {
	tb.Helper()
	sources(tb)
	dir = tb.TempDir()
	for _, name := range names {
		pkg := "./functions/" + name
		if !slices.Contains(bundle.Functions(), name) {
			pkg = "./infra/bundle/testdata/" + name
			if _, err := os.Stat(filepath.Join("testdata", name, "main.go")); err != nil { // as sources does
				tb.Fatal(err)
			}
		}
		if err := bundle.Binary(tb.Context(), root, bundle.Arch(runtime.GOARCH), bundle.Options{}, pkg, filepath.Join(dir, name)); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// runtimeAPI is Lambda's runtime API for one invocation. It sends on asked when
// the function asks for it, which gets it if answer says so, and on answered when it has answered: nil, or what is
// wrong with the answer.
func runtimeAPI(in invocation, answer bool, asked chan<- time.Time, answered chan<- error) *httptest.Server {
	const id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
	var given atomic.Bool
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/invocation/"); {
		case path == "next" && !given.Swap(true):
			asked <- time.Now()
			if !answer {
				<-r.Context().Done()
				return
			}
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
			_, _ = io.WriteString(w, in.event) // a function that does not get it does not answer
		case path == "next":
			<-r.Context().Done()
		default:
			got, err := io.ReadAll(r.Body)
			if err == nil && !strings.Contains(string(got), in.answer) {
				err = fmt.Errorf("the function said %s: %s", path, got)
			}
			answered <- err
			w.WriteHeader(http.StatusAccepted)
		}
	}))
}

// started is what a start took: until the function asked for its first invocation,
// until it had answered it, and of all processors.
type started struct{ toReady, toAnswer, processor time.Duration }

// start starts a function as Lambda does. With answer it gets an invocation and is
// ended when it has answered; else it is ended when it asks.
func start(tb testing.TB, dir, name string, answer bool) started {
	tb.Helper()
	asked, answered := make(chan time.Time, 1), make(chan error, 1)
	api := runtimeAPI(invocations[name], answer, asked, answered)
	cmd := exec.Command(filepath.Join(dir, name))
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + api.Listener.Addr().String(), "AWS_REGION=us-east-1",
		"AWS_ENDPOINT_URL=http://127.0.0.1:9", // nothing leaves the machine
		"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_LAMBDA_FUNCTION_NAME=f",
		"DAYBOOK_EVENTS_TABLE=daybook-events", "DAYBOOK_CLAIMS_TABLE=daybook-claims", "DAYBOOK_VIEW_PREFIX=daybook",
		"DAYBOOK_REQUESTS_TABLE=daybook-requests", "DAYBOOK_PROCESSES_TABLE=daybook-processes",
		"DAYBOOK_COMMAND_QUEUE=https://sqs.example/1/daybook-commands.fifo", "DAYBOOK_DEAD_QUEUE=https://sqs.example/1/daybook-dead-commands.fifo",
		"DAYBOOK_SCHEDULE_GROUP=daybook", "DAYBOOK_SCHEDULE_ROLE=arn:aws:iam::1:role/timers",
		"DAYBOOK_SCHEDULE_TARGET=arn:aws:sqs:us-east-1:1:daybook-commands.fifo", "DAYBOOK_EVENT_BUS=daybook",
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	stop := func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		api.CloseClientConnections()
		api.Close()
	}
	var took started
	var err error
	select {
	case at := <-asked:
		took.toReady = at.Sub(begun)
	case <-time.After(20 * time.Second):
		err = errors.New("it did not ask for work within 20 s")
	}
	if answer && err == nil {
		select {
		case err = <-answered:
		case <-time.After(20 * time.Second):
			err = errors.New("no answer within 20 s")
		}
		took.toAnswer = time.Since(begun)
	}
	stop()
	if err != nil {
		tb.Fatalf("%s: %v\n%s", name, err, said.String())
	}
	took.processor = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return took
}

// BenchmarkColdStart compares the functions with a bare main from the start of the
// process to its first answered invocation, by processor time as TestColdStart does. The
// ratio is that of the slowest function, the larger the better.
func BenchmarkColdStart(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skipf("left out: the functions are programs for Linux, which %s does not run", runtime.GOOS)
	}
	dir := binaries(b, append(bundle.Functions(), "bare")...)
	turns := make(starts)
	for b.Loop() {
		for _, name := range append(bundle.Functions(), "bare") {
			turns[name] = append(turns[name], start(b, dir, name, true).processor)
		}
	}
	b.ReportMetric(1/turns.slowest(), "cold-start-ratio")
}

// BenchmarkSDKClients measures what the SDK's clients for SQS, EventBridge and
// EventBridge Scheduler would add to the start of the process function, beside
// package messaging: the difference between two bare mains, one of them with the
// clients (docs/adr/0012-small-signed-calls.md).
func BenchmarkSDKClients(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skipf("left out: the functions are programs for Linux, which %s does not run", runtime.GOOS)
	}
	names := []string{"process", "bare", "sdk"}
	dir := binaries(b, names...)
	took := map[string][]float64{}
	var added []float64
	for b.Loop() {
		turn := map[string]float64{}
		for _, i := range rand.Perm(len(names)) {
			turn[names[i]] = float64(start(b, dir, names[i], true).toAnswer) / float64(time.Millisecond)
		}
		for name, ms := range turn {
			took[name] = append(took[name], ms)
		}
		added = append(added, (turn["sdk"]-turn["bare"])/turn["process"])
	}
	for _, name := range names {
		b.ReportMetric(median(took[name]), name+"-ms")
		b.ReportMetric(slices.Min(took[name]), name+"-best-ms")
	}
	b.ReportMetric(median(added), "sdk-adds")
}

func median(xs []float64) float64 {
	slices.Sort(xs)
	return xs[len(xs)/2]
}
