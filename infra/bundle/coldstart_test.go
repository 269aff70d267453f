package bundle_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"daybook/infra/bundle"
)

// maxColdStart is how much longer than a bare main with a DynamoDB client a
// function may take from the start of its process to its first question for
// work.
const maxColdStart = 1.3

// TestColdStart measures in turns, and compares the best of many: what else the
// machine does only ever adds. On a busy machine it takes more turns before it
// believes that a function is too slow.
func TestColdStart(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: compiles the functions for this machine and measures them")
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skipf("left out: the functions are programs for Linux, which %s/%s does not run", runtime.GOOS, runtime.GOARCH)
	}
	arch, dir := bundle.Arch(runtime.GOARCH), t.TempDir()
	mains := map[string]string{"bare": "./infra/bundle/testdata/bare"}
	for _, name := range bundle.Functions() {
		mains[name] = "./functions/" + name
	}
	for name, pkg := range mains {
		if err := bundle.Binary(t.Context(), root, arch, pkg, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	best := make(map[string]time.Duration)
	for turn := 0; turn < 30 || turn < 300 && slowest(best) > maxColdStart; turn++ {
		for name := range mains {
			took := startToReady(t, filepath.Join(dir, name))
			if best[name] == 0 || took < best[name] {
				best[name] = took
			}
		}
	}
	for _, name := range bundle.Functions() {
		t.Logf("%s: %s from start to ready, a bare main %s", name, best[name], best["bare"])
	}
	if ratio := slowest(best); ratio > maxColdStart {
		t.Errorf("a function takes %.2f times as long as a bare main, at most %.1f is allowed", ratio, maxColdStart)
	}
}

// slowest is how much longer than a bare main the slowest function takes.
func slowest(best map[string]time.Duration) float64 {
	var worst time.Duration
	for _, name := range bundle.Functions() {
		worst = max(worst, best[name])
	}
	return float64(worst) / float64(best["bare"])
}

// startToReady starts a function as Lambda does, and waits until it asks the
// runtime API for its first invocation.
func startToReady(t *testing.T, bootstrap string) time.Duration {
	t.Helper()
	ready := make(chan time.Time, 1)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/2018-06-01/runtime/invocation/next" {
			select {
			case ready <- time.Now():
			default:
			}
		}
		<-r.Context().Done()
	}))
	cmd := exec.Command(bootstrap)
	cmd.Stderr = os.Stderr
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + api.Listener.Addr().String(), "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_LAMBDA_FUNCTION_NAME=f",
		"DAYBOOK_EVENTS_TABLE=daybook-events", "DAYBOOK_CLAIMS_TABLE=daybook-claims", "DAYBOOK_VIEW_PREFIX=daybook",
		"DAYBOOK_REQUESTS_TABLE=daybook-requests", "DAYBOOK_PROCESSES_TABLE=daybook-processes",
		"DAYBOOK_COMMAND_QUEUE=https://sqs.example/1/daybook-commands.fifo", "DAYBOOK_DEAD_QUEUE=https://sqs.example/1/daybook-dead-commands.fifo",
		"DAYBOOK_SCHEDULE_GROUP=daybook", "DAYBOOK_SCHEDULE_ROLE=arn:aws:iam::1:role/timers",
		"DAYBOOK_SCHEDULE_TARGET=arn:aws:sqs:us-east-1:1:daybook-commands.fifo", "DAYBOOK_EVENT_BUS=daybook",
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		api.CloseClientConnections()
		api.Close()
	}()
	select {
	case at := <-ready:
		return at.Sub(begun)
	case <-time.After(20 * time.Second):
		t.Fatalf("%s did not ask for work within 20 s", filepath.Base(bootstrap))
		return 0
	}
}
