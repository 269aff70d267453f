package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"pgregory.net/rapid"

	"daybook/events"
	"daybook/internal/testdomain"
)

// history writes an export of streams that never were, in its order.
func history(t *testing.T, streams, commits, perCommit int) []byte {
	t.Helper()
	var lines [][]byte
	for i := range streams {
		for n := range commits {
			c := events.Commit{
				Stream: events.StreamOf("member", fmt.Sprintf("%05d", i)), Number: int64(n + 1), Version: int64((n + 1) * perCommit), ID: fmt.Sprintf("commit-%d-%d", i, n),
				Time: time.UnixMilli(1_700_000_000_000 + int64(i*1000+n)), Actor: "someone",
			}
			for e := range perCommit {
				c.Events = append(c.Events, events.Event{Name: "member-renamed", Schema: 1, Data: []byte(fmt.Sprintf(`{"name":"Ann %d"}`, e))})
			}
			c.Commands = []events.Command{{ID: fmt.Sprintf("command-%d-%d", i, n), Digest: events.Digest{1, byte(n), 3}, Version: c.Version}}
			if n == 1 {
				c.Trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
				c.Snapshot = &events.Snapshot{Schema: 1, State: []byte(`{"name":"\u00e9"}`), Commands: []events.CommandRecord{{Key: events.Digest{9}, Digest: events.Digest{8}, Version: 1, Started: true, Commit: 1, Hour: 498_000}}, From: 1}
			}
			line, err := encodeLine(&c)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
	}
	return bytes.Join(lines, nil)
}

func (s *site) export(args ...string) string {
	s.t.Helper()
	return s.want(exitOK, append([]string{"export"}, args...)...).out
}

// TestRoundTrip imports 100,000 events, exports them, imports that elsewhere and
// exports again: all three are the same, byte for byte.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.jsonl"), filepath.Join(dir, "second.jsonl")
	want := history(t, 500/slower, 4, 50)
	if err := os.WriteFile(first, want, 0o600); err != nil {
		t.Fatal(err)
	}
	a, b := newSite(t), newSite(t)
	if r := a.want(exitOK, "import", "-yes", first); !strings.Contains(r.errors, fmt.Sprintf("imported %d events", 100_000/slower)) || !strings.Contains(r.errors, fmt.Sprintf("in %d commits", 2000/slower)) {
		t.Errorf("got %q", r.errors)
	}
	if r := a.want(exitOK, "export", "-o", second, "-memory", "1"); !strings.Contains(r.errors, fmt.Sprintf("exported %d events", 100_000/slower)) {
		t.Errorf("got %q", r.errors)
	}
	got, err := os.ReadFile(second)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("the export is not the import: %d and %d bytes, %v", len(got), len(want), err)
	}
	if left, _ := filepath.Glob(second + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	// Lines in any order between streams, and twice, through a pipe.
	lines := bytes.SplitAfter(want, []byte("\n"))
	lines = lines[:len(lines)-1] // what is behind the last
	var mixed strings.Builder
	for n := range 4 {
		for i := n; i < len(lines); i += 4 {
			mixed.Write(lines[i])
		}
	}
	mixed.Write(lines[0])
	if r := b.doWith(t.Context(), mixed.String(), "import", "-", "-yes"); r.code != exitOK {
		t.Fatalf("got %+v", r)
	}
	if again := b.export(); again != string(want) {
		t.Errorf("the export of the other store has %d bytes, want %d", len(again), len(want))
	}
}

func TestExportOfAggregates(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(10)
	all, members, both := s.export(), s.export("-aggregate", "member"), s.export("-aggregate", "member", "-aggregate", "course")
	if strings.Count(members, "\n") != 11 || strings.Contains(members, "course/") || both != all || s.export("-aggregate", "booking") != "" {
		t.Errorf("members %d, both %d, all %d lines", strings.Count(members, "\n"), strings.Count(both, "\n"), strings.Count(all, "\n"))
	}
	other := newSite(t)
	if r := other.doWith(t.Context(), all, "import", "-", "-yes", "-aggregate", "member"); r.code != exitOK {
		t.Fatalf("got %+v", r)
	}
	if other.export() != members {
		t.Error("an import of members is not what was exported of them")
	}
	// The imported store goes on: views, commands, and the memory of commands.
	other.project()
	other.want(exitOK, "verify")
	if r := other.want(exitOK, "send", "rename-member", "-id", "u1", "-payload", `{"name":"Anna"}`, "-command-id", "c-21"); !strings.HasSuffix(r.out, "\treplayed\n") {
		t.Errorf("a command that was answered before the export: %q", r.out)
	}
}

// TestExportGoesOn stops an export in the middle: the parts that were read are
// not read again.
func TestExportGoesOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(30)
	want := s.export()
	path := filepath.Join(t.TempDir(), "out.jsonl")
	x := &exporter{Table: "school-test-events", Segments: 8, Aggregates: nil, parallel: 1, memory: 1 << 20, dir: path + ".parts"}
	if err := x.resume(); err != nil {
		t.Fatal(err)
	}
	// A part that is done, without a run, and a run that was broken off.
	for name, text := range map[string]string{"part-0000003.done": "", "part-0000004-0000.run": "\x07broken"} {
		if err := os.WriteFile(filepath.Join(x.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.want(exitUsage, "export", "-o", path, "-segments", "9")
	s.want(exitOK, "export", "-o", path, "-segments", "8")
	got, err := os.ReadFile(path)
	if err != nil || len(got) == 0 || len(got) >= len(want) {
		t.Errorf("%d bytes of %d, %v: the part that was done was read again", len(got), len(want), err)
	}
	s.want(exitOK, "export", "-o", path, "-segments", "8")
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("the next export is another: %v", err)
	}
}

// TestImportGoesOn stops an import in the middle.
func TestImportGoesOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := t.TempDir()
	path, state := filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "state.json")
	want := history(t, 150, 10, 1)
	lines := bytes.SplitAfter(want, []byte("\n"))
	damaged := slices.Clone(lines)
	damaged[1203] = []byte("{\"stream\":\"member/00120\",\"commit\":x}\n")
	if err := os.WriteFile(path, bytes.Join(damaged, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := s.want(exitFailed, "import", "-yes", path, "-state", state); !strings.Contains(r.errors, "line 1204: ") {
		t.Fatalf("got %q", r.errors)
	}
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
	s.want(exitUsage, "import", "-yes", path, "-state", state, "-stage", "other", "-stage", testStage, filepath.Join(dir, "other"))
	if r := s.want(exitOK, "import", "-yes", path, "-state", state); !strings.Contains(r.errors, "imported 500 events") || !strings.Contains(r.errors, "in 1500 commits") {
		t.Errorf("got %q", r.errors)
	}
	if got := s.export(); got != string(want) {
		t.Errorf("the export has %d bytes, want %d", len(got), len(want))
	}
	if _, err := os.Stat(state); err == nil {
		t.Error("the state stays after the end")
	}
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	lines := strings.SplitAfter(string(history(t, 2, 2, 1)), "\n")
	for name, test := range map[string]struct{ text, want string }{
		"no JSON":               {"hello\n", "line 1: "},
		"no stream":             {"{\"commit\":1}\n", "line 1: it has no stream"},
		"an unknown member":     {strings.Replace(lines[0], `"id"`, `"extra":1,"id"`, 1), "line 1: "},
		"a bad digest":          {strings.Replace(lines[0], `"digest":"01`, `"digest":"zz`, 1), "is not a digest"},
		"a gap":                 {lines[0] + strings.Replace(lines[1], `"commit":2`, `"commit":3`, 1), "line 2: commit 3 of member/00000 has no preceding commit 2"},
		"another version":       {strings.Replace(lines[0], `"version":1`, `"version":7`, 1), "says version 7"},
		"an event without name": {strings.Replace(lines[0], `"member-renamed"`, `""`, 1), "an event has a name"},
		"a stream's bad name":   {strings.Replace(lines[0], `member/`, `Member/`, 1), "is not the name of a stream"},
	} {
		t.Run(name, func(t *testing.T) {
			other := newSite(t)
			if r := other.doWith(t.Context(), test.text, "import", "-", "-yes"); r.code != exitFailed || !strings.Contains(r.errors, test.want) {
				t.Errorf("got %+v", r)
			}
		})
	}
	all := strings.Join(lines, "")
	if r := s.doWith(t.Context(), all, "import", "-", "-yes"); r.code != exitOK {
		t.Fatalf("got %+v", r)
	}
	if r := s.doWith(t.Context(), strings.Replace(all, "commit-1-0", "commit-x", 1), "import", "-", "-yes"); r.code != exitFailed || !strings.Contains(r.errors, "is another commit in the table: commit-1-0, not commit-x") {
		t.Errorf("another commit: %+v", r)
	}
	if r := s.doWith(t.Context(), strings.Replace(all, "Ann 0", "Eve 0", 1), "import", "-", "-yes"); r.code != exitFailed || !strings.Contains(r.errors, "another content") {
		t.Errorf("another content: %+v", r)
	}
	if s.export() != all {
		t.Error("a refused import changed the store")
	}
}

// TestImportNamesTheFirstLine: of several lines that conflict the first is named, whichever
// stream is stored first; lines of its stream before it are stored.
func TestImportNamesTheFirstLine(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	all := strings.SplitAfter(string(history(t, 20, 3, 1)), "\n")
	text := strings.Join(all[:60], "")
	if r := s.doWith(t.Context(), text, "import", "-", "-yes"); r.code != exitOK {
		t.Fatal(r.errors)
	}
	want := s.export()
	for first := range 5 { // from stream first on, the last commits are others
		lines := slices.Clone(all)
		for n := first*3 + 2; n < 60; n += 3 {
			lines[n] = strings.Replace(lines[n], `"id":"commit-`, `"id":"another-`, 1)
		}
		for _, parallel := range []string{"1", "16"} {
			named := fmt.Sprintf("line %d: commit 3 of member/%05d is another commit in the table", first*3+3, first)
			if r := s.doWith(t.Context(), strings.Join(lines, ""), "import", "-", "-yes", "-parallel", parallel); r.code != exitFailed || !strings.Contains(r.errors, named) {
				t.Errorf("-parallel %s: %s, want %s", parallel, r.errors, named)
			}
		}
	}
	if got := s.export(); got != want {
		t.Error("an import that failed changed what is stored")
	}
	// An event that a process can't take in is behind the commit that conflicts.
	booking := func(id, data string) string {
		return strings.NewReplacer("member/00000", "booking/1", "member-renamed", "booking-placed", "commit-0", id, `{"name":"Ann 0"}`, data).Replace(strings.Join(all[:2], ""))
	}
	good := `{"member":"7","currency":"EUR","lines":[]}`
	placed := strings.SplitAfter(booking("commit-0", good), "\n")
	if r := s.doWith(t.Context(), placed[0], "import", "-", "-yes"); r.code != exitOK {
		t.Fatal(r.errors)
	}
	conflicts := strings.SplitAfter(booking("another", good), "\n")[0] + strings.SplitAfter(booking("commit-0", `{"member":7}`), "\n")[1]
	if r := s.doWith(t.Context(), conflicts, "import", "-", "-yes"); r.code != exitFailed || !strings.Contains(r.errors, "line 1: commit 1 of booking/1 is another commit") {
		t.Errorf("behind a conflict: %s", r.errors)
	}
	spoilt := placed[0] + strings.SplitAfter(booking("commit-0", `{"member":7}`), "\n")[1]
	if r := s.doWith(t.Context(), spoilt, "import", "-", "-yes"); r.code != exitFailed || !strings.Contains(r.errors, "line 2: ") {
		t.Errorf("an event that a process can't take in: %s", r.errors)
	}
}

// TestImportOfUnknownEvents: events that the program does not declare are refused
// with their names and numbers before anything is stored, unless they are allowed.
func TestImportOfUnknownEvents(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	known := string(history(t, 2, 3, 2))
	other := strings.ReplaceAll(known, "member/", "member/other")
	text := known + strings.ReplaceAll(other, "member-renamed", "member-beamed") + strings.ReplaceAll(known, "member/", "planet/") +
		strings.NewReplacer("member/", "member/newer", `"schema":1,"data"`, `"schema":9,"data"`).Replace(known)
	path := filepath.Join(t.TempDir(), "in.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []unknownLine{
		{"member", "member-beamed", 1, 12, 7, reasonEvent}, {"planet", "member-renamed", 1, 12, 13, reasonAggregate}, {"member", "member-renamed", 9, 12, 19, reasonSchema},
	}
	r := s.want(exitFound, "import", path, "-yes", "-json")
	if got := decode[unknownLine](t, r); !slices.Equal(got, want) || !strings.Contains(r.errors, "nothing was imported") || !strings.Contains(r.errors, "-allow-unknown") {
		t.Errorf("got %v and %s", got, r.errors)
	}
	if left := s.export(); left != "" {
		t.Errorf("imported was %s", left)
	}
	if r := s.doWith(t.Context(), text, "import", "-", "-yes"); r.code != exitFound || !strings.Contains(r.out, "member-beamed") || s.export() != "" {
		t.Errorf("from standard input: %+v", r)
	}
	s.want(exitFound, "import", path, "-yes", "-aggregate", "member")
	if r := s.want(exitOK, "import", path, "-yes", "-aggregate", "planet", "-allow-unknown"); len(r.lines()) != 1 || r.lines()[0][1] != "member-renamed" {
		t.Errorf("got %+v", r)
	}
	r = s.want(exitOK, "import", path, "-yes", "-allow-unknown", "-json")
	if got := decode[copySummary](t, result{out: r.errors}); len(got) != 1 || !slices.Equal(got[0].Unknown, want) || got[0].Commits != 24 || got[0].Events != 48 {
		t.Errorf("got %+v", r)
	}
}

// TestImportNamesTheTable: a table that is missing is the one that the message
// names, and what is wrong with the data is put down to no table.
func TestImportNamesTheTable(t *testing.T) {
	t.Parallel()
	bubble(t, importNamesTheTable) // what the database refuses is tried ten times
}

func importNamesTheTable(t *testing.T) {
	text := string(history(t, 2, 2, 1))
	for _, table := range []string{"events", "claims", "processes"} {
		s := newSiteInMemory(t)
		if _, err := s.client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("school-test-" + table)}); err != nil {
			t.Fatal(err)
		}
		if r := s.doWith(t.Context(), text, "import", "-", "-yes"); r.code != exitFailed || !strings.Contains(r.errors, "there is no table school-test-"+table+" at") {
			t.Errorf("%s: %+v", table, r)
		}
	}
	s := newSiteInMemory(t)
	booking := strings.NewReplacer("member/", "booking/", "member-renamed", "booking-placed", `{"name":"Ann 0"}`, `{"member":7}`).Replace(text)
	if r := s.doWith(t.Context(), booking, "import", "-", "-yes"); r.code != exitFailed || strings.Contains(r.errors, "table") || !strings.Contains(r.errors, "booking-placed") {
		t.Errorf("an event that can't be read: %+v", r)
	}
	// The database throttles one table after the other.
	for target, table := range map[string]string{"PutItem": "events", "GetItem": "processes"} {
		s := newSiteInMemory(t)
		inner := s.router.Tables
		s.router.Tables = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+target) {
				inner.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException","message":"no"}`)
		})
		text := text
		if table == "processes" {
			text = strings.NewReplacer("member/", "booking/", "member-renamed", "booking-placed", `{"name":"Ann 0"}`, `{"member":"7","currency":"EUR","lines":[]}`).Replace(text)
		}
		r := s.doWith(t.Context(), text, "import", "-", "-yes", "-json")
		if r.code != exitFailed || !strings.Contains(r.errors, "table school-test-"+table+" at ") {
			t.Errorf("%s: %+v", table, r)
		}
	}
}

// lines is a file of commits that no memory holds; look is called now and then.
type endlessFile struct {
	lines, made int
	line        func(n int) []byte
	rest        []byte
	look        func()
}

func (f *endlessFile) Read(p []byte) (int, error) {
	if len(f.rest) == 0 {
		if f.made == f.lines {
			return 0, io.EOF
		}
		if f.made%100 == 0 {
			f.look()
		}
		f.rest = f.line(f.made)
		f.made++
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// TestImportMemory: what an import holds does not grow with the file, neither with
// one stream nor with many.
func TestImportMemory(t *testing.T) {
	data := `{"name":"` + strings.Repeat("x", 64<<10) + `"}`
	for name, stream := range map[string]func(n int) (string, int){
		"one stream":   func(n int) (string, int) { return "member/1", n + 1 },
		"many streams": func(n int) (string, int) { return fmt.Sprint("member/", n), 1 },
	} {
		peak := uint64(0)
		file := &endlessFile{lines: 500, line: func(n int) []byte {
			stream, commit := stream(n)
			return fmt.Appendf(nil, `{"stream":%q,"commit":%d,"version":%d,"id":"c-%d","time":"2026-01-02T03:04:05.000Z","commands":[{"id":"c-%d","digest":"0102030405060708","version":%d}],"events":[{"name":"member-renamed","schema":1,"data":%s}]}`+"\n",
				stream, commit, commit, n, n, commit, data)
		}, look: func() {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}}
		s := newSiteInMemory(t)
		inner := s.router.Tables
		s.router.Tables = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // nothing is kept
			if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem") {
				fmt.Fprint(w, "{}")
				return
			}
			inner.ServeHTTP(w, r)
		})
		file.look()
		before := peak
		var out, errors bytes.Buffer
		a := &app{of: testdomain.App(), stdin: file, stdout: &out, stderr: &errors, transport: s.transport}
		code := a.run(t.Context(), []string{"import", "-", "-yes", "-stage", testStage, "-endpoint", s.endpoint, "-region", "us-east-1"})
		read, grown := uint64(file.lines*len(data)), peak-before
		if code != exitOK || grown > read/2 {
			t.Errorf("%s: exit %d, %s: of %d MB read, %d MB were held", name, code, errors.String(), read>>20, grown>>20)
		}
	}
}

// TestMergeRuns compares the merge of many runs with sorting everything.
func TestMergeRuns(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(base, fmt.Sprint(n))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		w := &runWriter{name: filepath.Join(dir, "x"), limit: rapid.SampledFrom([]int{1, 300, 1 << 20}).Draw(t, "limit")}
		var want []record
		for i := range rapid.IntRange(0, 30).Draw(t, "records") {
			r := record{stream: fmt.Sprint("member/", i*7919%50), number: int64(i), events: int64(i % 3), line: []byte(fmt.Sprint("line ", i, "\n"))}
			want = append(want, r)
			if err := w.add(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(want, compareRecords)
		paths, _ := filepath.Glob(filepath.Join(dir, "*.run"))
		i := 0
		err := mergeRuns(context.Background(), dir, paths, 3, func(r record) error {
			if i >= len(want) || compareRecords(r, want[i]) != 0 || r.events != want[i].events || !bytes.Equal(r.line, want[i].line) {
				t.Fatalf("record %d is %+v", i, r)
			}
			i++
			return nil
		})
		if err != nil || i != len(want) {
			t.Fatalf("%d records of %d, %v", i, len(want), err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*.step")); len(left) > 0 {
			t.Fatalf("left behind: %v", left)
		}
		_ = os.RemoveAll(dir)
	})
}

// FuzzDecodeLine: what is read is written as it was read.
func FuzzDecodeLine(f *testing.F) {
	f.Add([]byte(`{"stream":"member/7","commit":1,"version":1,"id":"x","time":"2026-01-02T03:04:05.006Z","commands":[{"id":"c","digest":"0102030405060708","version":1}],"events":[{"name":"member-created","schema":1,"data":{"a":"\u00e9"}}],"snapshot":{"schema":1,"state":1.50}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := decodeLine(text)
		if err != nil {
			return
		}
		line, err := encodeLine(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeLine(line)
		if err != nil {
			t.Fatalf("%s\nbecame\n%s\nwhich is refused: %v", text, line, err)
		}
		if twice, err := encodeLine(again); err != nil || !bytes.Equal(line, twice) {
			t.Fatalf("%s\nbecame\n%s", line, twice)
		}
	})
}
