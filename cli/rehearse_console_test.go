package cli

import (
	"context"
	"encoding/json/v2"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"daybook/console"
)

// pageOf asks the console at a printed address for its rehearsal.
func pageOf(t *testing.T, url string) (r console.Rehearsal) {
	t.Helper()
	base, token, _ := strings.Cut(url, "#token=")
	token, page, _ := strings.Cut(token, "/")
	if page != "rehearsal" {
		t.Errorf("the address %s does not lead to the page", url)
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"api/rehearsal", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("X-Daybook-Console", token)
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if err := json.UnmarshalRead(a.Body, &r); err != nil || a.StatusCode != http.StatusOK {
		t.Fatal(a.StatusCode, err)
	}
	return r
}

// gate holds back scans of one table until it is opened.
type gate struct {
	to      http.RoundTripper
	scans   atomic.Int64
	pass    int64
	reached chan struct{}
	open    chan struct{}
}

func (g *gate) RoundTrip(q *http.Request) (*http.Response, error) {
	if strings.HasSuffix(q.Header.Get("X-Amz-Target"), ".Scan") {
		if n := g.scans.Add(1); n == g.pass {
			close(g.reached)
		} else if n < g.pass {
			return g.to.RoundTrip(q)
		}
		<-g.open
	}
	return g.to.RoundTrip(q)
}

// TestRehearsalInTheConsole: the page shows how far it is and what was found so far,
// then the result, until it is stopped. The exit code is that of the result.
func TestRehearsalInTheConsole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	busySchool(s)
	g := &gate{to: http.DefaultTransport, pass: 40, reached: make(chan struct{}), open: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	out, errs := &watched{wrote: make(chan struct{}, 1)}, &watched{wrote: make(chan struct{}, 1)}
	code := make(chan int, 1)
	go func() {
		a := &app{of: nextApp(), stdout: out, stderr: errs, transport: g}
		code <- a.run(ctx, []string{"rehearse", "-console", "-addr", "127.0.0.1:0", "-json", "-stage", testStage, "-endpoint", s.endpoint, "-region", "us-east-1"})
	}()
	<-errs.wrote
	var served servedLine
	first, _, _ := strings.Cut(errs.String(), "\n")
	if err := json.Unmarshal([]byte(first), &served); err != nil || served.Write {
		t.Fatalf("%s, %v", errs, err)
	}
	<-g.reached
	r := pageOf(t, served.URL)
	if r.State != console.RehearsalRunning || r.Total != 47 || r.Commits == 0 || r.Commits >= 47 || r.Report.App != "school" || !strings.Contains(r.Report.Store, "school-test at http://127.0.0.1:") || r.Report.Build == "" {
		t.Errorf("while it runs: %+v", r)
	}
	if n := r.Report.Events; n == 0 || n >= 47 || len(r.Report.Views) != 6 {
		t.Errorf("while it runs: %d events of %d views", n, len(r.Report.Views))
	}
	close(g.open)
	<-out.wrote
	for r.State == console.RehearsalRunning {
		r = pageOf(t, served.URL)
	}
	shown, _ := json.Marshal(r.Report, json.Deterministic(true))
	var printed rehearsal
	if err := json.Unmarshal([]byte(out.String()), &printed); err != nil {
		t.Fatal(err, out)
	}
	want, _ := json.Marshal(printed, json.Deterministic(true))
	if r.State != console.RehearsalDone || !r.Report.Differs || string(shown) != string(want) {
		t.Errorf("at the end: %s %s, printed %s", r.State, shown, want)
	}
	stop()
	if got := <-code; got != exitFound {
		t.Errorf("exit code %d, %s", got, errs)
	}

	// What was printed is shown by another console later.
	path := filepath.Join(t.TempDir(), "rehearsal.json")
	if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	kept, err := keptRehearsal(path, "school")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(kept().Report, json.Deterministic(true))
	if string(again) != string(want) || kept().State != console.RehearsalDone {
		t.Errorf("from the file: %s", again)
	}
	errs, code = &watched{wrote: make(chan struct{}, 1)}, make(chan int, 1)
	ctx, stop = context.WithCancel(t.Context())
	go func() {
		a := &app{of: nextApp(), stdout: io.Discard, stderr: errs}
		code <- a.run(ctx, []string{"console", "-rehearsal", path, "-addr", "127.0.0.1:0", "-endpoint", "http://127.0.0.1:1", "-region", "us-east-1"})
	}()
	for !strings.Contains(errs.String(), "only the page Rehearsal works: unavailable: nothing listens at http://127.0.0.1:1") {
		<-errs.wrote
	}
	stop()
	if got := <-code; got != exitOK {
		t.Errorf("exit code %d, %s", got, errs)
	}
	if _, err := keptRehearsal(path, "bank"); exitCode(t.Context(), err) != exitUsage || !strings.Contains(err.Error(), `"school"`) {
		t.Errorf("of another application: %v", err)
	}
	for _, text := range []string{"", "{}", "no report"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := s.do("console", "-rehearsal", path); r.code != exitUsage || !strings.Contains(r.errors, "not a report of rehearse -json") {
			t.Errorf("%q: %+v", text, r)
		}
	}
}

// TestRehearsalFailsInTheConsole: the reason is told and shown, until it is stopped.
func TestRehearsalFailsInTheConsole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := filepath.Join(t.TempDir(), "export.jsonl")
	if err := os.WriteFile(path, []byte("no commit\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	errs, code := &watched{wrote: make(chan struct{}, 1)}, make(chan int, 1)
	go func() {
		a := &app{of: nextApp(), stdout: io.Discard, stderr: errs}
		code <- a.run(ctx, []string{"rehearse", "-console", "-addr", "127.0.0.1:0", "-export", path, "-stage", testStage, "-endpoint", s.endpoint, "-region", "us-east-1"})
	}()
	for !strings.Contains(errs.String(), "until Ctrl-C") {
		<-errs.wrote
	}
	first, more, _ := strings.Cut(errs.String(), "\n")
	r := pageOf(t, strings.TrimPrefix(first, "The rehearsal is shown at "))
	if r.State != console.RehearsalFailed || !strings.Contains(r.Error, "line 1") || r.Report.Store != "export "+path || !strings.Contains(more, "it failed: ") {
		t.Errorf("%+v, %s", r, more)
	}
	stop()
	if got := <-code; got != exitFailed {
		t.Errorf("exit code %d", got)
	}
	for _, args := range [][]string{{"-addr", "127.0.0.1:0"}, {"-console", "-addr", "0.0.0.0:8071"}} {
		s.want(exitUsage, append([]string{"rehearse"}, args...)...)
	}
}

// TestRehearsalIsKilled: its process is killed (kill -9) at any of its requests, again
// and again; what the last one reports is as of one run.
func TestRehearsalIsKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(60)
	s.raw("member/u1", renamedToSeven(), renamedToSeven())
	args := []string{"rehearse", "-json", "-patience", "0s", "-segments", "32", "-parallel", "1"}
	whole := decode[rehearsal](t, s.want(exitFound, args...))[0]
	args = append(args, "-resume", filepath.Join(t.TempDir(), "state"))
	kills, out := 0, ""
	for at := int64(10); ; at += 10 {
		killed, text := s.process(at, args...)
		if !killed {
			out = text
			break
		}
		kills++
	}
	got := decode[rehearsal](t, result{out: out})[0]
	if kills < 3 || whole.Faults[0].Count != 2 || whole.Streams != 120 {
		t.Errorf("killed %d times; %+v", kills, whole)
	}
	a, b := without(t, got), without(t, whole)
	if a != b {
		t.Errorf("after %d kills:\n%s\nwhole:\n%s", kills, a, b)
	}
}

// without is a report without times and what the code is.
func without(t *testing.T, r rehearsal) string {
	t.Helper()
	r.Seconds, r.Build, r.Store, r.Began = 0, "", "", time.Time{}
	for i := range r.Views {
		if r.Views[i].Rebuild != nil {
			r.Views[i].Rebuild.Seconds = 0
		}
	}
	text, err := json.Marshal(r, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
