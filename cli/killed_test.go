package cli

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"daybook/internal/testdomain"
)

// asProcess makes the test binary the program itself: see TestMain.
const asProcess = "DAYBOOK_TEST_PROCESS"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) == "" {
		os.Exit(m.Run())
	}
	a := &app{of: testdomain.App(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, lease: 200 * time.Millisecond}
	os.Exit(a.run(context.Background(), os.Args[1:]))
}

// process runs a command line in a process of its own, which is killed (kill -9)
// at its request with the given number, or ends by itself when that is 0.
func (s *site) process(kill int64, args ...string) (killed bool, out string) {
	s.t.Helper()
	to, err := url.Parse(s.endpoint)
	if err != nil {
		s.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) {} // of a client that is gone
	var p *exec.Cmd
	var requests atomic.Int64
	started := make(chan struct{})
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-started
		if requests.Add(1) == kill {
			if rand.IntN(2) == 0 { // the request is carried out, its answer lost
				proxy.ServeHTTP(httptest.NewRecorder(), r)
			}
			_ = p.Process.Kill() // it may have ended
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer between.Close()
	var errors bytes.Buffer
	p = exec.Command(os.Args[0], append(args, "-stage", testStage, "-endpoint", between.URL, "-region", "us-east-1")...)
	p.Env = append(os.Environ(), asProcess+"=1")
	var stdout bytes.Buffer
	p.Stdout, p.Stderr = &stdout, &errors
	if err := p.Start(); err != nil {
		s.t.Fatal(err)
	}
	close(started)
	_ = p.Wait() // the state says it
	if code := p.ProcessState.ExitCode(); code > 0 && code != exitFound {
		s.t.Fatalf("daybook %s: exit code %d, %s", strings.Join(args, " "), code, &errors)
	}
	return !p.ProcessState.Exited(), stdout.String()
}

// TestRebuildIsKilled: a rebuild's process is killed ten times, at any of its
// requests, while commands go on; the next goes on where it was, and the table
// is right.
func TestRebuildIsKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(150)
	rebuild := []string{"rebuild", "courses", "-segments", "32", "-parallel", "2"}
	for n := range 10 {
		if killed, out := s.process(1+rand.Int64N(30), rebuild...); !killed {
			t.Fatalf("run %d was not killed: %s", n, out)
		}
		s.send("extend-course", "p2", `{"quantity":5}`)
	}
	s.project()
	if _, out := s.process(0, rebuild...); !strings.Contains(out, "v1-g2") {
		t.Errorf("the last run: %s", out)
	}
	if r := s.want(exitOK, "verify", "courses", "-table", "v1-g2", "-patience", "0s"); !strings.Contains(r.out, "courses v1-g2: 150 rows of 150 streams compared, all as the events say") {
		t.Errorf("got %s", r.out)
	}
	s.switchNow("v1-g2")
	s.want(exitOK, "verify", "-patience", "0s")
}
