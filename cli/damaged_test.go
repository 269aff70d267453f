package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/internal/testdomain"
	"daybook/process"
	"daybook/rehearse"
	"daybook/view/admin"
)

func commitKeyOf(stream events.Stream, number int64) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"stream": &types.AttributeValueMemberS{Value: string(stream)}, "commit": &types.AttributeValueMemberN{Value: fmt.Sprint(number)},
	}
}

// spoil leaves of a commit its key only.
func (s *site) spoil(stream events.Stream, number int64) {
	s.t.Helper()
	if _, err := s.client.PutItem(s.t.Context(), &dynamodb.PutItemInput{TableName: aws.String("school-test-events"), Item: commitKeyOf(stream, number)}); err != nil {
		s.t.Fatal(err)
	}
}

// lose deletes a commit.
func (s *site) lose(stream events.Stream, number int64) {
	s.t.Helper()
	if _, err := s.client.DeleteItem(s.t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("school-test-events"), Key: commitKeyOf(stream, number)}); err != nil {
		s.t.Fatal(err)
	}
}

// damagedSchool is a projected school of ten members and courses, some of whose streams
// are damaged afterwards in every way.
func damagedSchool(t *testing.T) (*site, []events.Damage) {
	t.Helper()
	s := newSiteInMemory(t)
	s.school(10)
	s.send("rename-member", "u2", `{"name":"Bea"}`)
	s.send("rename-member", "u2", `{"name":"Beatrice"}`)
	s.project()
	s.spoil("member/u1", 2)    // its last
	s.lose("member/u2", 2)     // in the middle
	s.lose("course/p1", 1)     // its first
	s.spoil("course/p4", 1)    // its only one
	s.spoil("member/alien", 1) // nothing ever was there
	return s, []events.Damage{
		{Stream: "course/p1", Version: 0, Commit: 1, Reason: "commit 1 is missing"},
		{Stream: "course/p4", Version: 0, Commit: 1, Reason: "commit 1 can't be read: an attribute is missing or has another type"},
		{Stream: "member/alien", Version: 0, Commit: 1, Reason: "commit 1 can't be read: an attribute is missing or has another type"},
		{Stream: "member/u1", Version: 1, Commit: 2, Reason: "commit 2 can't be read: an attribute is missing or has another type"},
		{Stream: "member/u2", Version: 1, Commit: 2, Reason: "commit 2 is missing"},
	}
}

func wantDamaged(t *testing.T, what string, got events.Damages, want []events.Damage) {
	t.Helper()
	if got.Count != int64(len(want)) || !slices.Equal(got.Streams, want) {
		t.Errorf("%s: damaged are %+v, want %+v", what, got, want)
	}
}

// TestVerifyWithDamagedStreams: a damaged stream is named, and all others are compared.
func TestVerifyWithDamagedStreams(t *testing.T) {
	t.Parallel()
	s, want := damagedSchool(t)
	for _, segments := range []string{"1", "64"} {
		r := decode[struct {
			Clean bool `json:"clean"`
			admin.VerifyReport
			Claims claimReport `json:"claims"`
		}](t, s.want(exitFound, "verify", "-json", "-patience", "0s", "-segments", segments))[0]
		wantDamaged(t, "verify", r.Damaged, want)
		if r.Clean || r.Streams != 16 || r.Torn != 0 || r.Claims.Found != 0 {
			t.Errorf("got %+v", r)
		}
		for _, v := range r.Views {
			if v.Found() != 0 || v.Streams != map[string]int64{"members": 8, "courses": 8, "areas": 8}[v.Name] {
				t.Errorf("%s: %d streams compared, found %+v", v.Name, v.Streams, v.Findings)
			}
		}
	}
	// What else is wrong is found beside them, and one view is verified as all are.
	s.damage(damage{table: "members-v2", key: "u5"})
	got := s.want(exitFound, "verify", "members", "-patience", "0s").out
	for _, line := range []string{
		"members\tmissing\trow u5\t\n",
		"damaged\tmember/u2\tversion 1\tcommit 2 is missing\n",
		"damaged: 5 streams can't be read beyond the version told, and nothing of them was compared",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("no %q in %s", line, got)
		}
	}
}

// TestDamagedStreamsAreBounded: twenty are named, and all are counted.
func TestDamagedStreamsAreBounded(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	s.school(3)
	for i := range 25 {
		s.spoil(events.StreamOf("member", fmt.Sprintf("alien%02d", i)), 1)
	}
	state := filepath.Join(t.TempDir(), "state.json")
	for _, r := range []string{
		s.want(exitFound, "verify", "-patience", "0s", "-state", state).out, s.want(exitFound, "rehearse").out,
		s.want(exitFound, "export").errors, s.want(exitFound, "claims").errors,
	} {
		if strings.Count(r, "damaged\tmember/alien") != 20 || !strings.Contains(r, "damaged\tmember/alien19\t") || !strings.Contains(r, "damaged\t… and 5 more\n") || !strings.Contains(r, "damaged: 25 streams") {
			t.Errorf("got %s", r)
		}
	}
}

// TestRehearseWithDamagedStreams: a damaged stream makes no difference of the code, and
// hides none.
func TestRehearseWithDamagedStreams(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	busySchool(s)
	before := decode[rehearsal](t, s.as(nextApp(), s.transport, exitFound, "rehearse", "-json"))[0]
	s.spoil("course/p0", 1) // contributes to a row of a keyed view
	s.spoil("member/u0", 1)
	s.lose("course/p1", 1)
	want := []events.Damage{
		{Stream: "course/p0", Commit: 1, Reason: "commit 1 can't be read: an attribute is missing or has another type"},
		{Stream: "course/p1", Commit: 1, Reason: "commit 1 is missing"},
		{Stream: "member/u0", Commit: 1, Reason: "commit 1 can't be read: an attribute is missing or has another type"},
	}
	for _, memory := range []string{"64", "1"} {
		r := decode[rehearsal](t, s.as(nextApp(), s.transport, exitFound, "rehearse", "-json", "-memory", memory))[0]
		wantDamaged(t, "rehearse", r.Damaged, want)
		if !r.Differs || r.Unread != 0 || len(r.Faults) > 0 || r.Streams != before.Streams-3 {
			t.Errorf("got %+v", r)
		}
		for i, v := range r.Views {
			if !maps.Equal(v.Changes.Rows, before.Views[i].Changes.Rows) || v.Behind != 0 {
				t.Errorf("%s: changes %+v, were %+v; %d behind", v.Name, v.Changes.Rows, before.Views[i].Changes.Rows, v.Behind)
			}
		}
	}
	r := decode[rehearsal](t, s.want(exitFound, "rehearse", "-json"))[0]
	wantDamaged(t, "the same code", r.Damaged, want)
	if r.Differs {
		t.Errorf("the same code: %+v", r)
	}
}

// TestRehearseProcessesWithDamagedStreams: what a process did because of a damaged stream,
// or shows there only, is no difference.
func TestRehearseProcessesWithDamagedStreams(t *testing.T) {
	t.Parallel()
	s := &tellSite{site: newSiteInMemory(t)}
	for _, id := range []string{"u1", "u2", "u3", "u4"} {
		s.send("create-member", id, fmt.Sprintf(`{"name":"%s","email":"%[1]s@example.com"}`, id))
		s.send("rename-member", id, fmt.Sprintf(`{"name":"Anna%s"}`, id))
		s.send("rename-member", id, fmt.Sprintf(`{"name":"An%s"}`, id))
	}
	type memory struct {
		Name string `json:"name,omitzero"`
	}
	reactors := []process.Reactor{
		teller("", "example.org", time.Minute, false),
		process.New[memory]("rememberer", "member").On(func(_ memory, e memberRenamed, _ process.Meta) (memory, process.Reaction) {
			return memory(e), process.Reaction{}
		}),
	}
	s.send("create-member", "u5", `{"name":"Eve","email":"eve@example.com"}`)
	s.react(reactors...)
	s.send("rename-member", "u5", `{"name":"Eva"}`)
	s.react(reactors[1])
	s.project()
	app := testdomain.App()
	app.Processes = reactors
	whole := decode[rehearsal](t, s.as(app, s.transport, exitOK, "rehearse", "-json"))[0]
	s.spoil("member/u1", 2)
	s.spoil("member/u2", 5) // shows what was sent because of commit 3
	s.lose("member/u3", 3)  // behind a commit whose effects can be compared
	s.spoil("member/u5", 2) // its last, which is remembered
	for _, memory := range []string{"64", "1"} {
		r := decode[rehearsal](t, s.as(app, s.transport, exitFound, "rehearse", "-json", "-memory", memory))[0]
		if r.Damaged.Count != 4 || r.Differs || len(r.Processes) != 2 || r.Processes[1].Commands[rehearse.EffectSame] != 3 || whole.Processes[1].Commands[rehearse.EffectSame] != 8 {
			t.Errorf("differs %v, %d damaged, %+v, and undamaged %+v", r.Differs, r.Damaged.Count, r.Processes, whole.Processes)
		}
	}
}

// TestExportWithDamagedStreams: an export holds all other streams whole, is named
// incomplete, and can be imported.
func TestExportWithDamagedStreams(t *testing.T) {
	t.Parallel()
	bubble(t, exportWithDamagedStreams) // an import waits for the youngest commits
}

func exportWithDamagedStreams(t *testing.T) {
	t.Helper()
	s, want := damagedSchool(t)
	path := filepath.Join(t.TempDir(), "school.jsonl")
	summary := s.want(exitFound, "export", "-json", "-o", path, "-memory", "1").errors
	wantDamaged(t, "export", decode[copySummary](t, result{out: summary})[0].Damaged, want)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".parts"); err == nil {
		t.Error("the parts stay after the end")
	}
	if strings.Count(string(text), "\n") != 16 || strings.Contains(string(text), `"member/u1"`) || !strings.Contains(string(text), `"member/u3"`) {
		t.Errorf("exported %s", text)
	}
	if r := s.want(exitFound, "export"); r.out != string(text) || !strings.Contains(r.errors, "damaged\tmember/u1\tversion 1\t") || !strings.Contains(r.errors, "exported 16 events") {
		t.Errorf("to standard output %d bytes of %d, %s", len(r.out), len(text), r.errors)
	}
	courses := s.want(exitFound, "export", "-aggregate", "course")
	if strings.Contains(courses.errors, "member/") || !strings.Contains(courses.errors, "damaged: 2 streams") {
		t.Errorf("of one aggregate: %s", courses.errors)
	}
	other := newSiteInMemory(t)
	other.want(exitOK, "import", path, "-yes")
	if back := other.export(); back != string(text) {
		t.Errorf("imported %d bytes of %d", len(back), len(text))
	}
	// An import beside damaged streams stores everything, and names them.
	s.lose("course/p7", 1)
	if r := s.want(exitOK, "import", path, "-yes"); !strings.Contains(r.errors, "imported 16 events") || !strings.Contains(r.errors, "damaged: 5 streams") {
		t.Errorf("imported: %s", r.errors)
	}
}

// TestRehearseOfDamagedExport: a stream with a line that can't be read, or without one, is
// damaged.
func TestRehearseOfDamagedExport(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	s.school(5)
	lines := strings.SplitAfter(s.export(), "\n")
	path := filepath.Join(t.TempDir(), "school.jsonl")
	spoilt := slices.Clone(lines)
	for i, l := range spoilt {
		switch {
		case strings.Contains(l, `"course/p0"`):
			spoilt[i] = strings.Replace(l, `"id"`, `"it"`, 1)
		case strings.Contains(l, `"member/u1","commit":1,`):
			spoilt[i] = ""
		}
	}
	write(t, path, strings.Join(spoilt, ""))
	r := decode[rehearsal](t, s.want(exitFound, "rehearse", "-json", "-export", path))[0]
	if r.Damaged.Count != 2 || r.Streams != 8 || r.Differs || r.Unread != 0 ||
		r.Damaged.Streams[0].Stream != "course/p0" || !strings.HasPrefix(r.Damaged.Streams[0].Reason, "line 1: ") ||
		r.Damaged.Streams[1] != (events.Damage{Stream: "member/u1", Commit: 1, Reason: "line 8: it is commit 2, and commit 1 is not in front of it"}) {
		t.Errorf("got %+v", r)
	}
	write(t, path, "an export of nothing\n")
	if r := s.want(exitFailed, "rehearse", "-export", path); !strings.Contains(r.errors, "line 1: ") {
		t.Errorf("of another file: %s", r.errors)
	}
}

// TestClaimsWithDamagedStreams: the values of other streams are compared and restored.
func TestClaimsWithDamagedStreams(t *testing.T) {
	t.Parallel()
	s, want := damagedSchool(t)
	want = slices.DeleteFunc(want, func(d events.Damage) bool { return d.Stream == "member/u2" || d.Stream == "course/p1" }) // the comparison of claims looks for no gaps
	r := s.want(exitFound, "claims", "-json")
	wantDamaged(t, "claims", decode[claimsSummary](t, result{out: r.errors})[0].Damaged, want)
	if r.out != "" {
		t.Errorf("found %s", r.out)
	}
	for _, id := range []string{"ann3", "ann1"} {
		if _, err := s.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("school-test-claims"), Key: map[string]types.AttributeValue{
			"claim": &types.AttributeValueMemberS{Value: "member-email=" + id + "@example.com"},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	if r := s.want(exitFound, "claims"); r.out != "member-email=ann3@example.com\tmember/u3\t-\n" {
		t.Errorf("found %s", r.out)
	}
	if r := s.want(exitFound, "claims", "-restore"); r.out != "" || !strings.Contains(r.errors, "9 values held, 0 not") {
		t.Errorf("restored: %+v", r)
	}
}

// TestRepairOfDamagedStreams does what docs/operate.md says about them.
func TestRepairOfDamagedStreams(t *testing.T) {
	t.Parallel()
	bubble(t, repairOfDamagedStreams) // an import waits for the youngest commits
}

func repairOfDamagedStreams(t *testing.T) {
	t.Helper()
	s := newSiteInMemory(t)
	s.school(5)
	path := filepath.Join(t.TempDir(), "school.jsonl")
	s.want(exitOK, "export", "-o", path)
	s.spoil("member/u1", 1)
	s.spoil("course/p2", 1)
	s.lose("course/p1", 1)
	s.want(exitFound, "verify", "-patience", "0s")
	s.lose("member/u1", 1)
	s.lose("course/p2", 1)
	s.want(exitOK, "import", path, "-yes")
	s.want(exitOK, "verify", "-patience", "0s")
	again := filepath.Join(t.TempDir(), "again.jsonl")
	s.want(exitOK, "export", "-o", again)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(again); err != nil || string(after) != string(before) {
		t.Errorf("after the repair %d bytes, want %d: %v", len(after), len(before), err)
	}
}

// TestListsWithDamagedStreams: streams, lag and explain look at all other streams; one tenant
// is told of its own.
func TestListsWithDamagedStreams(t *testing.T) {
	t.Parallel()
	s, want := damagedSchool(t)
	r := s.want(exitOK, "streams")
	if got := r.lines(); len(got) != 19 || !strings.Contains(r.errors, "damaged\tmember/alien\t") || !strings.Contains(r.errors, "damaged: 3 streams") {
		t.Errorf("streams: %d, %s", len(got), r.errors)
	}
	spoilt := slices.DeleteFunc(slices.Clone(want), func(d events.Damage) bool { return !strings.Contains(d.Reason, "can't be read") }) // a list looks for no gaps
	wantDamaged(t, "streams", decode[damagedNote](t, result{out: s.want(exitOK, "streams", "-json").errors})[0].Damaged, spoilt)
	if r := s.want(exitOK, "lag"); len(r.lines()) != len(testdomain.Views()) || !strings.Contains(r.errors, "3 streams are damaged") {
		t.Errorf("lag: %+v", r)
	}
	if r := s.want(exitOK, "explain", "c-2"); !strings.Contains(r.out, "course/p0@1") {
		t.Errorf("explain: %s", r.out)
	}

	s = newSiteInMemory(t)
	s.raw("acme:member/7", created("ann"))
	s.spoil("acme:member/8", 1)
	s.spoil("globex:member/8", 1)
	s.tenancy = tenants
	if r := s.want(exitOK, "streams", "-tenant", "acme"); len(r.lines()) != 1 || !strings.Contains(r.errors, "damaged\tacme:member/8\t") || strings.Contains(r.errors, "globex") {
		t.Errorf("streams of one tenant: %+v", r)
	}
	if r := s.want(exitFound, "export", "-tenant", "acme"); strings.Count(r.out, "\n") != 1 || !strings.Contains(r.errors, "damaged\tacme:member/8\t") || strings.Contains(r.errors, "globex") {
		t.Errorf("export of one tenant: %+v", r)
	}
}

// TestLagOfDamagedStreams: what a view lacks of a damaged stream is counted.
func TestLagOfDamagedStreams(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	s.school(3)
	s.send("rename-member", "u0", `{"name":"Al"}`)
	s.send("rename-member", "u0", `{"name":"Ali"}`)
	s.spoil("member/u0", 2)
	r := s.want(exitOK, "lag", "members")
	if got := r.lines(); len(got) != 1 || strings.Join(got[0][2:6], " ") != "3 1 2 0" || !strings.Contains(r.errors, "1 streams are damaged") {
		t.Errorf("got %+v", r)
	}
}
