package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo"
	"daybook/events"
	"daybook/inspect"
	"daybook/internal/testdomain"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
	"daybook/view/projection"
	"daybook/view/viewtest"
)

func TestViews(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(20)
	lines := s.want(exitOK, "views").lines()
	if len(lines) != len(testdomain.Views()) || strings.Join(lines[0][:5], " ") != "members 2 rows ACTIVE 20" || lines[2][2] != "keyed" {
		t.Errorf("got %q", lines)
	}
	s.send("retire-course", "p2", `{}`)
	s.project()
	s.send("rename-member", "u3", `{"name":"Late"}`)
	_, err := s.client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("school-test-bookings-v1")})
	if err != nil {
		t.Fatal(err)
	}
	exact := decode[viewLine](t, s.want(exitOK, "views", "-exact", "-json"))
	members, courses, areas, bookings := exact[0].Exact, exact[1].Exact, exact[2].Exact, exact[3]
	if members.Rows != 20 || members.Behind != 1 || members.Seconds <= 0 || courses.Rows != 19 || courses.Hidden != 1 ||
		areas.Rows != 3 || areas.Checkpoints != 20 || bookings.Status != missingTable || bookings.Exact != nil {
		t.Errorf("got %+v %+v %+v %+v", members, courses, areas, bookings)
	}
	if lines := s.want(exitOK, "views", "-exact", "members").lines(); len(lines) != 1 || len(lines[0]) != 13 {
		t.Errorf("got %q", lines)
	}
}

func TestLag(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(20)
	if got := s.want(exitOK, "lag", "-max", "0s", "members", "areas").out; got != "members\t2\t20\t0\t0\t0\t0s\nareas\t1\t20\t0\t0\t0\t0s\n" {
		t.Errorf("got %q", got)
	}
	s.send("rename-member", "u3", `{"name":"Late"}`)
	s.send("rename-member", "u3", `{"name":"Later"}`)
	s.send("create-member", "new", `{"name":"New","email":"new@example.com"}`)
	lines := decode[inspect.Lag](t, s.want(exitFound, "lag", "-json", "-max", "0s"))
	if u := lines[0]; u.Streams != 21 || u.Behind != 2 || u.Commits != 3 || u.Seconds <= 0 || lines[1].Behind != 0 {
		t.Errorf("got %+v", lines)
	}
	part := decode[inspect.Lag](t, s.want(exitOK, "lag", "-json", "-fraction", "0.5", "members"))
	if part[0].Streams >= 21 {
		t.Errorf("half of 21 streams are %d", part[0].Streams)
	}
}

// park makes a stream that no view can follow behind its first commit.
func (s *site) park(id string) {
	s.send("create-member", id, `{"name":"Ann","email":"a@example.com"}`)
	s.raw(events.StreamOf("member", id), events.Event{Name: "member-renamed", Schema: 1, Data: []byte(`{"name":7}`)})
	s.project()
}

func TestParked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(3)
	if r := s.want(exitOK, "parked", "-check"); r.out != "" {
		t.Errorf("got %q", r.out)
	}
	if r := s.want(exitOK, "redrive"); r.out != "" {
		t.Errorf("got %q", r.out)
	}
	s.park("bad")
	line := decode[inspect.ParkedStream](t, s.want(exitOK, "parked", "-json"))[0]
	if line.View != "members" || line.Stream != "member/bad" || line.Commit != 2 || line.Attempts != 1 || line.Code != events.CodeInternal || line.Text == "" || line.Time.IsZero() {
		t.Errorf("got %+v", line)
	}
	if lines := s.want(exitFound, "parked", "-check", "members").lines(); len(lines) != 1 || lines[0][1] != "member/bad" {
		t.Errorf("got %q", lines)
	}
	if lines := s.want(exitOK, "views", "members").lines(); lines[0][6] != "1" {
		t.Errorf("got %q", lines)
	}
	if lag := decode[inspect.Lag](t, s.want(exitOK, "lag", "members", "-json")); lag[0].Parked != 1 || lag[0].Behind != 0 {
		t.Errorf("got %+v", lag)
	}
	if r := s.want(exitFound, "verify", "members"); !strings.HasPrefix(r.out, "members\tparked\trow bad\tcommit 1 of 2; commit 2: ") || !strings.Contains(r.out, "then run school redrive members -table v2\n") {
		t.Errorf("got %q", r.out)
	}
	for _, args := range [][]string{{"redrive"}, {"redrive", "members"}, {"redrive", "members", "member/bad", "-json"}} {
		if r := s.want(exitFound, args...); !strings.Contains(r.out, "member/bad") {
			t.Errorf("%q: %q", args, r.out)
		}
	}
	if r := s.want(exitOK, "redrive", "members", "member/u1"); r.out != "members\tmember/u1\t2\t-\n" {
		t.Errorf("got %q", r.out)
	}
	s.want(exitNotFound, "redrive", "members", "course/p1")
}

// damage is what a person at the console can do to a table.
type damage struct {
	table, key string
	change     func(item map[string]types.AttributeValue) // nil deletes
	copyTo     string                                     // another key
}

func (s *site) damage(d damage) {
	s.t.Helper()
	table := aws.String("school-test-" + d.table)
	key := map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: d.key}}
	if d.change == nil && d.copyTo == "" {
		if _, err := s.client.DeleteItem(s.t.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: key}); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	out, err := s.client.GetItem(s.t.Context(), &dynamodb.GetItemInput{TableName: table, Key: key})
	if err != nil || len(out.Item) == 0 {
		s.t.Fatalf("item %s of %s: %v", d.key, d.table, err)
	}
	if d.copyTo != "" {
		out.Item["key"] = &types.AttributeValueMemberS{Value: d.copyTo}
	} else {
		d.change(out.Item)
	}
	if _, err := s.client.PutItem(s.t.Context(), &dynamodb.PutItemInput{TableName: table, Item: out.Item}); err != nil {
		s.t.Fatal(err)
	}
}

func setTo(name string, v types.AttributeValue) func(map[string]types.AttributeValue) {
	return func(item map[string]types.AttributeValue) { item[name] = v }
}

func TestVerify(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(40)
	if r := s.want(exitOK, "verify"); !strings.Contains(r.out, "members v2: 40 rows of 40 streams compared, all as the events say") ||
		!strings.Contains(r.out, "80 streams, 82 events in") {
		t.Fatalf("got %q", r.out)
	}
	number := func(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }
	s.damage(damage{table: "members-v2", key: "u3"})
	s.damage(damage{table: "members-v2", key: "u4", change: setTo("name", &types.AttributeValueMemberS{Value: "Eve"})})
	s.damage(damage{table: "members-v2", key: "u5", copyTo: "nobody"})
	s.damage(damage{table: "members-v2", key: "u6", change: setTo("_v", &types.AttributeValueMemberS{Value: "x"})})
	s.damage(damage{table: "courses-v1", key: "p1", change: func(item map[string]types.AttributeValue) {
		item["_c"], item["_v"], item["fee"] = number(1), number(1), number(1001)
		item["_s-by-fee"] = number(1001)
	}})
	s.damage(damage{table: "areas-v1", key: "c1", change: setTo("units", number(1))})
	s.damage(damage{table: "areas-v1", key: "@stream/course/p2"})
	r := s.want(exitFound, "verify", "-patience", "0s")
	for _, want := range []string{
		"members\tmissing\trow u3\t\n",
		"members\tdifferent\trow u4\tname is \"Eve\", should be \"Ann 4\"\n",
		"members\textra\trow nobody\tthere is no such stream\n",
		"members\tunreadable\trow u6\t",
		"courses\tstale\trow p1\tcommit 1 of 2\n",
		"areas\tdifferent\trow c1\tunits is 1, should be 65\n",
		"areas\tmissing\tcheckpoint of course/p2\t\n",
		"areas\tdifferent\trow c2\tcourses is 13, should be 12; units is 65, should be 60; ",
		"1 different, 1 extra, 1 missing, 1 unreadable\n",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("%q is not in\n%s", want, r.out)
		}
	}
	report := decode[struct {
		Clean bool `json:"clean"`
		admin.VerifyReport
	}](t, s.want(exitFound, "verify", "-patience", "0s", "-json", "-limit", "2"))[0]
	if report.Clean || report.Views[0].Found() != 4 || len(report.Views[0].Findings) != 2 || report.Views[2].Counts[admin.FoundDifferent] != 2 {
		t.Errorf("got %+v", report)
	}
	if r := s.want(exitFound, "verify", "members", "-patience", "0s", "-limit", "1"); !strings.Contains(r.out, "members\t… and 3 more\n") {
		t.Errorf("got %q", r.out)
	}
	if r := s.want(exitOK, "verify", "bookings", "-fraction", "0.1", "-seed", "5"); !strings.Contains(r.out, "a part of 0.1, seed 5: ") {
		t.Errorf("got %q", r.out)
	}
}

// TestVerifyGoesOn keeps a state: a check that failed goes on from it.
func TestVerifyGoesOn(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	s.school(20)
	s.damage(damage{table: "members-v2", key: "u3"})
	s.spoil("member/damaged", 1)
	state := filepath.Join(t.TempDir(), "state.json")
	whole := s.transport
	s.transport = refusing{whole, "Scan", "school-test-areas-v1"} // behind the events and other tables
	if r := s.want(exitFailed, "verify", "-state", state, "-patience", "0s", "-parallel", "1"); !strings.Contains(r.errors, "to resume from") || !strings.Contains(r.errors, "not today") {
		t.Fatalf("got %q", r.errors)
	}
	s.transport = whole
	if r := s.want(exitUsage, "verify", "members", "-state", state); !strings.Contains(r.errors, "-state") {
		t.Errorf("got %q", r.errors)
	}
	kept, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(elsewhere, bytes.Replace(kept, []byte(`{"origin":"`), []byte(`{"origin":"0`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := s.want(exitUsage, "verify", "-state", elsewhere); !strings.Contains(r.errors, "another build of the program, or of another installation") {
		t.Errorf("got %q", r.errors)
	}
	if r := s.want(exitFound, "verify", "-state", state, "-patience", "0s"); strings.Count(r.out, "members\tmissing\trow u3") != 1 ||
		strings.Count(r.out, "damaged\tmember/damaged\t") != 1 || !strings.Contains(r.out, "40 streams, 42 events") {
		t.Errorf("got %q", r.out)
	}
	if _, err := os.Stat(state); err == nil {
		t.Error("the state stays after the end")
	}
	if err := os.WriteFile(state, []byte("no state"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.want(exitUsage, "verify", "-state", state)
}

// refusing refuses an action on a table.
type refusing struct {
	to            http.RoundTripper
	action, table string
}

// RoundTrip implements http.RoundTripper.
func (r refusing) RoundTrip(q *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	q.Body = io.NopCloser(bytes.NewReader(body))
	if !strings.HasSuffix(q.Header.Get("X-Amz-Target"), "."+r.action) || !bytes.Contains(body, []byte(`"`+r.table+`"`)) {
		return r.to.RoundTrip(q)
	}
	answer := `{"__type":"com.amazon.coral.validate#ValidationException","message":"not today"}`
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(answer)), ContentLength: int64(len(answer)), Request: q,
	}, nil
}

// TestRepair does what docs/operate.md says about rows that are not as the events
// say.
func TestRepair(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(10)
	s.damage(damage{table: "members-v2", key: "u3"})
	s.damage(damage{table: "members-v2", key: "u4", change: setTo("name", &types.AttributeValueMemberS{Value: "Eve"})})
	s.damage(damage{table: "members-v2", key: "u5", copyTo: "nobody"})
	s.send("create-member", "new", `{"name":"New","email":"new@example.com"}`) // its record is lost
	s.want(exitFound, "verify", "-patience", "0s")
	s.damage(damage{table: "members-v2", key: "u4"})
	s.damage(damage{table: "members-v2", key: "nobody"})
	for _, id := range []string{"u3", "u4", "new"} {
		s.want(exitOK, "redrive", "members", "member/"+id)
	}
	s.want(exitOK, "verify", "-patience", "0s")
}

// A table that another declaration filled is named by views and verify, with what
// to do about it.
func TestTableOfAnotherDeclaration(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(3)
	viewtest.FilledBy(t, s.tables, driver.Target{View: "members", Version: 2, Generation: 1}, func(s *view.Shape) { s.Indexes["by-name"] = view.IndexShape{Sort: "name", Shards: 4} })
	const words = "index by-name of members v2 has shards: 4, not 1: raise Version(3), keep v2 as it was in Previous, and run the subcommand rebuild members; or take the change back"
	if r := s.want(exitOK, "views"); r.lines()[0][7] != "v2* does not fit" || r.lines()[1][7] != "v1*" || r.errors != "members v2 does not fit: "+words+"\n" {
		t.Errorf("got %+v", r)
	}
	if lines := decode[viewLine](t, s.want(exitOK, "views", "-json")); lines[0].Tables[0].Mismatch != words || lines[1].Tables[0].Mismatch != "" {
		t.Errorf("got %+v", lines)
	}
	if r := s.want(exitFound, "verify", "members"); !strings.HasPrefix(r.out, "members\tmismatch\ttable v2\t"+words+"\n") {
		t.Errorf("got %q", r.out)
	}
	if r := s.want(exitFound, "verify", "-json", "members"); !strings.Contains(r.out, `"clean":false`) || !strings.Contains(r.out, `"mismatches":[{"view":"members","table":"v2","text":"index`) {
		t.Errorf("got %q", r.out)
	}
	s.want(exitOK, "verify", "courses")
}

// A declared version that nothing fills yet, as after an upgrade, is listed, with
// what to run.
func TestViewsListsAnUnfilledVersion(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	older := view.Versions([]view.View{testdomain.Members})[:1]
	if err := dynamo.Create(t.Context(), s.client, "school-"+testStage, dynamo.ViewTable(older[0].Describe())); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.p, err = projection.New(s.store, s.codec, s.tables, older, &projection.Options{Routed: true}); err != nil {
		t.Fatal(err)
	}
	s.school(3)
	const words = "members v2 is declared and not filled, so an older version answers: run the subcommands rebuild members and switch members\n"
	if r := s.want(exitOK, "views", "members"); r.lines()[0][7] != "v1*, v2 not filled" || r.errors != words {
		t.Errorf("got %+v", r)
	}
	r := s.want(exitOK, "views", "members", "-json")
	if tables := decode[viewLine](t, r)[0].Tables; len(tables) != 2 || tables[1].State != inspect.TableUnfilled || tables[1].Table != "v2" || r.errors != "" {
		t.Errorf("got %+v", r)
	}
	s.want(exitOK, "rebuild", "members")
	if r := s.want(exitOK, "views", "members"); r.lines()[0][7] != "v1*, v2" || r.errors != "" {
		t.Errorf("got %+v", r)
	}
}
