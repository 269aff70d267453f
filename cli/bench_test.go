package cli

import (
	"bytes"
	"encoding/json/v2"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daybook/internal/testdomain"
	"daybook/localstack/stack"
)

// aLoad is what the tests read of a report.
type aLoad struct {
	Answered, Failed, Unseen int
	Commands, Queries, Lag   struct{ Count int64 }
	Broken                   []string
	Idle                     struct{ Goroutines int }
}

func benchOf(t *testing.T, args ...string) (result, aLoad) {
	t.Helper()
	r := ofMembers(t, append([]string{"bench", "-json", "-for", "1s", "-rate", "60", "-streams", "3", "-queries", "0.5"}, args...)...)
	var report aLoad
	if err := json.Unmarshal([]byte(r.out), &report, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%q, %q: %v", r.out, r.errors, err)
	}
	return r, report
}

// A load on a stack of its own, whose record is a trace that cost reads.
func TestBenchStartsAStack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plot, record := filepath.Join(dir, "bench.svg"), filepath.Join(dir, "bench.jsonl")
	r, report := benchOf(t, "-plot", plot, "-record", record, "-weight", "create-member=1", "-weight", "rename-member=4")
	if r.code != exitOK || report.Failed > 0 || report.Commands.Count < 10 || report.Queries.Count < 10 || report.Lag.Count == 0 || report.Unseen > 0 || report.Idle.Goroutines == 0 {
		t.Errorf("exit %d, %+v, %s", r.code, report, r.errors)
	}
	if svg, err := os.ReadFile(plot); err != nil || !bytes.HasPrefix(svg, []byte("<svg ")) {
		t.Errorf("the plot begins %.20q, %v", svg, err)
	}
	if b := bill(t, "-trace", record, "-days", "1"); len(b.Bill.Commands) < 2 || len(b.Unknown) > 0 {
		t.Errorf("the record is no trace: %+v", b)
	}
}

// A load on an installation that runs, and a limit that is broken.
func TestBenchOfAURL(t *testing.T) {
	t.Parallel()
	s, err := stack.Start(t.Context(), testdomain.App(), stack.Options{Outbox: stack.NoOutbox, LogTo: io.Discard, LogLevel: slog.LevelError})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	r, report := benchOf(t, "-url", s.URL(), "-p99", "1us", "-weight", "rename-member=1", "-weight", "members=1")
	if r.code != exitFound || len(report.Broken) != 2 || !strings.Contains(report.Broken[0], "99th percentile of commands") {
		t.Errorf("exit %d, broken %q, %s", r.code, report.Broken, r.errors)
	}
	if report.Idle.Goroutines != 0 {
		t.Error("the resources of this process are taken for those of another")
	}
}

func TestBenchRefuses(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	for want, args := range map[string][]string{
		"bench takes no arguments": {"x"}, "-rate must be above 0": {"-rate", "0"}, "-for must be between 1s and 10m0s": {"-for", "11m"},
		"-surge must be": {"-surge", "0.5"}, "-queries must be a share": {"-queries", "2"}, "-streams and": {"-streams", "0"},
		"pass -yes to confirm": {"-url", "https://example.com"}, "is not the URL of an API": {"-url", "example"}, "-weight: \"x\"": {"-weight", "x"},
		"leave out -url": {"-url", "http://127.0.0.1:1", "-goroutines", "1"},
	} {
		if r := s.want(exitUsage, append([]string{"bench"}, args...)...); !strings.Contains(r.errors, want) {
			t.Errorf("%q says %q, want %q", args, r.errors, want)
		}
	}
	if r := s.want(exitFailed, "bench", "-url", "http://127.0.0.1:1"); !strings.Contains(r.errors, "127.0.0.1:1") {
		t.Errorf("an API that is not there: %q", r.errors)
	}
}
