package cli

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json/v2"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"daybook"
	"daybook/docs/samples/person"
	"daybook/dynamo"
	"daybook/events"
	"daybook/functions/names"
	"daybook/internal/peopledomain"
	"daybook/localstack/stack"
)

// town is a running system with people in it.
type town struct {
	*stack.Stack
	t   *testing.T
	log string      // file
	of  daybook.App // of the command lines
}

func newTown(t *testing.T) *town {
	t.Helper()
	p := &town{t: t, log: filepath.Join(t.TempDir(), "log"), of: peopledomain.App()}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	s, err := stack.Start(t.Context(), peopledomain.App(), stack.Options{DynamoDBAddr: "127.0.0.1:0", LogTo: log, LogLevel: slog.LevelDebug})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	p.Stack = s
	return p
}

// run runs one command line on it.
func (p *town) run(stdin string, args ...string) (code int, out, errs string) {
	p.t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(p.t.Context(), p.of, append([]string{"-endpoint", p.DynamoDBURL()}, args...), strings.NewReader(stdin), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func (p *town) post(path, body string) { p.t.Helper(); p.send(path, body, false) }

func (p *town) send(path, body string, queued bool) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.URL()+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if queued {
		r.Header.Set("Prefer", "respond-async")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode >= 300 {
		p.t.Fatalf("%s: %d %s", path, answer.StatusCode, text)
	}
}

func (p *town) get(path string) string {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.URL()+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return fmt.Sprint(answer.StatusCode, " ", string(text))
}

// settled waits until everything stored was followed.
func (p *town) settled() {
	p.t.Helper()
	for range 200 {
		if code, _, _ := p.run("", "lag", "-max", "0s"); code == exitOK {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Fatal("views stay behind")
}

// person7 gives person/7 fifty values, in every place where one can be, and returns them.
func (p *town) person7() (values []string) {
	p.t.Helper()
	value := func(of string) string {
		values = append(values, fmt.Sprintf("%s-%02d-of-Quux", of, len(values)))
		return values[len(values)-1]
	}
	p.post("/commands/register-person", fmt.Sprintf(`{"id":"7","payload":{"name":%q,"email":%q,"home":{"street":%q,"town":%q}}}`,
		value("Annabella"), value("mail")+"@example.com", value("Elmstreet"), value("Ulmstadt")))
	for range 20 { // long ones, so that snapshots are taken
		p.post("/commands/rename-person", fmt.Sprintf(`{"id":"7","payload":{"name":"%s%s"}}`, value("Bella"), strings.Repeat(" x", 35)))
	}
	for n := range 26 { // some by the queue
		p.send("/commands/write-letter", fmt.Sprintf(`{"id":"l%d","payload":{"to":"7","text":%q}}`, n, value("letter")), n%2 == 0)
	}
	for n := range 26 {
		for try := 0; !strings.HasPrefix(p.get(fmt.Sprintf("/streams/letter/l%d", n)), "200"); try++ {
			if time.Sleep(20 * time.Millisecond); try > 500 {
				p.t.Fatal("a queued letter was not written")
			}
		}
	}
	return values
}

func TestErase(t *testing.T) {
	t.Parallel()
	p := newTown(t)
	values := p.person7()
	p.post("/commands/register-person", `{"id":"8","payload":{"name":"Bobby Tables","email":"bob@example.com"}}`)
	p.settled()
	if len(values) != 50 {
		t.Fatalf("%d values", len(values))
	}
	if got := p.get("/people/7?after=person/7@21"); !strings.Contains(got, values[23]) || !strings.Contains(got, values[3]) {
		t.Errorf("before: %s", got)
	}
	list := strings.Join(values, "\n") + "\n"

	// Only what the domain copied without a mark can be read: the town, in two views.
	code, out, errs := p.run(list, "verify", "-privacy", "person/7", "-values", "-")
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "4\t") || !strings.Contains(line, "people") && !strings.Contains(line, "towns") {
			t.Errorf("readable before the erasure: %s", line)
		}
	}
	if code != exitFound || out == "" {
		t.Fatalf("%d %s%s", code, out, errs)
	}

	if code, out, errs = p.run("", "erase", "-dry-run", "person/7"); code != exitOK || !strings.Contains(out, "would be erased") || !strings.Contains(out, "\t27\t47\t0\tforget-person") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	if got := p.get("/people/7"); !strings.Contains(got, values[23]) {
		t.Errorf("after a dry run: %s", got)
	}
	kept := filepath.Join(t.TempDir(), "values")
	if code, out, errs = p.run("", "erase", "-yes", "-wait", "500ms", "-values", kept, "person/7"); code != exitOK || !strings.Contains(out, "\terased\t") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	p.settled()

	// Nothing can be read, everything works.
	export := filepath.Join(t.TempDir(), "export.jsonl")
	if code, _, errs := p.run("", "export", "-o", export); code != exitOK {
		t.Fatalf("export: %d %s", code, errs)
	}
	for _, from := range []string{kept, "-"} {
		if code, out, errs = p.run(list, "verify", "-privacy", "person/7", "-values", from, "-files", export, "-files", p.log); code != exitOK {
			t.Errorf("readable after the erasure: %d %s%s", code, out, errs)
		}
	}
	if code, out, errs = p.run("", "verify"); code != exitOK {
		t.Errorf("verify: %d %s%s", code, out, errs)
	}
	for path, want := range map[string]string{
		"/people/7":  `200 {"id":"7","name":null,"email":null,"version":22}`,
		"/people/8":  `200 {"id":"8","name":"Bobby Tables","email":"bob@example.com","initial":"B","version":1}`,
		"/towns/all": `200 {"id":"all","names":{"7":null,"8":"Bobby Tables"},"towns":"  "}`,
	} {
		if got := strings.TrimSpace(p.get(path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	// The address is free again, as the erasing command declares.
	p.post("/commands/register-person", fmt.Sprintf(`{"id":"9","payload":{"name":"Another","email":"%s@example.com"}}`, values[1]))
	// Again is fine, and keeps the values that can't be read any more.
	before, err := os.ReadFile(kept)
	if err != nil || len(before) == 0 {
		t.Fatal(before, err)
	}
	if code, out, errs = p.run("", "erase", "-yes", "-wait", "0s", "-values", kept, "person/7"); code != exitOK || !strings.Contains(errs, "had no key") || !strings.Contains(errs, "stays as it is") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	if after, err := os.ReadFile(kept); string(after) != string(before) || err != nil {
		t.Errorf("%q became %q, %v", before, after, err)
	}
}

// TestEraseOfNothing: a misspelt name is not reported as erased, and values of an earlier
// erasure stay beside those that a file gets.
func TestEraseOfNothing(t *testing.T) {
	t.Parallel()
	p := newTown(t)
	p.post("/commands/register-person", `{"id":"7","payload":{"name":"Ann Archer","email":"ann@example.com","home":{"street":"Elm","town":"Here"}}}`)
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"person/77":                      {exitNotFound, "nothing is stored of person/77"},
		"persn/7":                        {exitUsage, `did you mean "person"?`},
		"-dry-run person/77":             {exitNotFound, "nothing is stored of person/77"},
		"-wait -5s person/7":             {exitUsage, "-wait not negative"},
		"-wait 0s -segments 0 person/7":  {exitUsage, "-segments must be from 1"},
		"-dry-run person/7 -stage other": {exitFailed, "there is no table"},
	} {
		if code, out, errs := p.run("", append([]string{"erase", "-yes"}, strings.Fields(args)...)...); code != want.code || !strings.Contains(errs, want.text) {
			t.Errorf("erase %s: %d, %s%s", args, code, out, errs)
		}
	}
	for _, args := range []string{"verify -privacy person/7", "verify -privacy person/7 -values -"} {
		if code, out, errs := p.run("Ann Archer\n", append(strings.Fields(args), "-stage", "other")...); code != exitFailed || !strings.Contains(errs, "there is no table") {
			t.Errorf("%s: %d, %s%s", args, code, out, errs)
		}
	}
	kept := filepath.Join(t.TempDir(), "values")
	if err := os.WriteFile(kept, []byte("Zoe of before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := p.run("", "erase", "-dry-run", "-values", kept, "person/7"); code != exitOK {
		t.Errorf("%d, %s%s", code, out, errs)
	}
	if got, err := os.ReadFile(kept); err != nil || !strings.Contains(string(got), "Ann Archer\n") || !strings.Contains(string(got), "Zoe of before\n") {
		t.Errorf("%q, %v", got, err)
	}
}

// A text that looks sealed in a field that is not marked is answered as it was sent, and
// found by its index: the town is such a field of the row.
func TestTownThatLooksSealed(t *testing.T) {
	t.Parallel()
	p := newTown(t)
	p.post("/commands/register-person", `{"id":"7","payload":{"name":"Ann Archer","email":"ann@example.com","home":{"street":"Elm","town":"~p1.aaaaaaaa.AAAA"}}}`)
	p.settled()
	const row = `{"id":"7","name":"Ann Archer","email":"ann@example.com","town":"~p1.aaaaaaaa.AAAA","initial":"A","version":1}`
	for path, want := range map[string]string{"/people/7": row, "/people?town=~p1.aaaaaaaa.AAAA": `{"items":[` + row + `]}`} {
		if got := strings.TrimSpace(p.get(path)); got != "200 "+want {
			t.Errorf("%s: %s", path, got)
		}
	}
	if code, out, errs := p.run("", "verify"); code != exitOK {
		t.Errorf("%d %s%s", code, out, errs)
	}
}

// The key is kept with the data, and a stack that starts again reads what another wrote.
func TestKeysSurviveARestart(t *testing.T) {
	t.Parallel()
	o := stack.Options{Data: filepath.Join(t.TempDir(), "data"), LogTo: io.Discard, LogLevel: slog.LevelError}
	for n := range 2 {
		s, err := stack.Start(t.Context(), peopledomain.App(), o)
		if err != nil {
			t.Fatal(err)
		}
		p := &town{t: t, Stack: s, of: peopledomain.App()}
		if n == 0 {
			p.post("/commands/register-person", `{"id":"7","payload":{"name":"Ann Archer","email":"ann@example.com"}}`)
		} else if got := p.get("/people/7?after=person/7@1"); !strings.Contains(got, `"name":"Ann Archer"`) {
			t.Errorf("after a restart: %s", got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What is planted by hand is found where it is.
func TestVerifyPrivacyFinds(t *testing.T) {
	t.Parallel()
	p := newTown(t)
	client := p.Client()
	const value = `Qüux "Ann" \ Müller`
	quoted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	put := func(table, key, attribute string, v types.AttributeValue) {
		t.Helper()
		item := map[string]types.AttributeValue{key: &types.AttributeValueMemberS{Value: "planted"}, attribute: v}
		if table == "queues" {
			item["part"] = text("planted")
		}
		name := "people-local-" + table
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &name, Item: item}); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
	}
	put("claims", "claim", "x", text(strings.ToUpper(value)))
	// A kept command, in a commit that is compressed.
	planted := events.Commit{
		ID: "planted", Events: []events.Event{{Name: "letter-written", Schema: 1, Data: []byte(`{"to":"7","text":"` + strings.Repeat("no ", 700) + `"}`)}},
		Commands: []events.Command{{ID: "planted", Version: 1, Kept: &events.KeptCommand{Name: "write-letter", Payload: []byte(`{"to":"7","text":` + string(quoted) + `}`)}}},
	}
	if _, err := dynamo.NewEventStore(client, "people-local-events").Append(t.Context(), events.Start("letter/planted"), planted); err != nil {
		t.Fatal(err)
	}
	put("requests", "command", "x", text(string(quoted)))
	put("processes", "key", "x", &types.AttributeValueMemberB{Value: []byte("{" + string(quoted) + "}")})
	put("control", "key", "x", &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{value: text("")}})
	put("keys", "subject", "x", &types.AttributeValueMemberL{Value: []types.AttributeValue{text("a"), text(value)}})
	put("people-v1", "key", "_p-by-town", text(value))
	put("towns-v1", "key", "x", &types.AttributeValueMemberSS{Value: []string{value}})
	put("queues", "queue", "x", text("body "+string(quoted)))
	letters := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: aws.String(p.DynamoDBURL()), Credentials: dynamo.StaticCredentials("a", "b")})
	queue := "people-local-" + names.DeadQueue
	at, err := letters.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := letters.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: at.QueueUrl, MessageBody: aws.String(`{"payload":{"name":` + string(quoted) + `}}`), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("d"),
	}); err != nil {
		t.Fatal(err)
	}
	timers := scheduler.New(scheduler.Options{Region: "us-east-1", BaseEndpoint: aws.String(p.DynamoDBURL()), Credentials: dynamo.StaticCredentials("a", "b")})
	if _, err := timers.CreateSchedule(t.Context(), &scheduler.CreateScheduleInput{
		Name: aws.String("planted"), GroupName: aws.String("people-local"), ScheduleExpression: aws.String("at(2099-01-01T00:00:00)"),
		FlexibleTimeWindow: &schedulertypes.FlexibleTimeWindow{Mode: "OFF"},
		Target: &schedulertypes.Target{
			Arn: aws.String("arn:aws:sqs:us-east-1:000000000000:q.fifo"), RoleArn: aws.String("arn:aws:iam::000000000000:role/r"), Input: aws.String(string(quoted)),
			SqsParameters: &schedulertypes.SqsParameters{MessageGroupId: aws.String("g")},
		},
	}); err != nil {
		t.Fatal(err)
	}
	files := t.TempDir()
	for name, text := range map[string]string{
		"log": "msg=" + string(quoted), "export.jsonl": `{"data":{"name":` + string(quoted) + `}}`,
		"ascii": `{"name":"Q\u00fcux \"Ann\" \\ M\u00fcller"}`, "record": "x" + base64.StdEncoding.EncodeToString([]byte("yz"+value+"!")),
		"late": strings.Repeat("-", window-5) + value, "clean": strings.Repeat("Qüux Müller", 1000),
	} {
		if err := os.WriteFile(filepath.Join(files, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := p.run("\nab\n"+value+"\n", "verify", "-privacy", "person/7", "-values", "-", "-files", files)
	var where []string
	for line := range strings.Lines(out) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if cells[0] != "3" || strings.Contains(line, "Qüux") {
			t.Errorf("line %s", line)
		}
		where = append(where, cells[1]+" "+filepath.Base(cells[2]))
	}
	slices.Sort(where)
	want := "change stream people-local-events, commit people-local-events, dead letter dead-commands.fifo, file ascii, file export.jsonl, file late, file log, file record, table people-local-claims, table people-local-control, table people-local-keys, " +
		"table people-local-people-v1, table people-local-processes, table people-local-queues, table people-local-requests, table people-local-schedules, table people-local-towns-v1, timer people-local"
	if got := strings.Join(slices.Compact(where), ", "); got != want || code != exitFound || !strings.Contains(errs, "1 values of fewer than 4 bytes") || !strings.Contains(errs, "logs: this endpoint has none; search files of your own with -files") {
		t.Errorf("%d found\n%s, want\n%s\n%s", code, got, want, errs)
	}
}

// No value is shown, wherever it is found: in a key, in a stream's id, in a path.
func TestVerifyPrivacyShowsNoValue(t *testing.T) {
	t.Parallel()
	p := newTown(t)
	p.post("/commands/register-person", `{"id":"Ann-Archer","payload":{"name":"Bobby Tables","email":"bob@example.com"}}`)
	p.settled()
	file := filepath.Join(t.TempDir(), "of-ann-archer")
	if err := os.WriteFile(file, []byte("Ann-Archer"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := p.run("ann-archer\n", "verify", "-privacy", "person/7", "-values", "-", "-files", file)
	if code != exitFound || strings.Contains(strings.ToLower(out+errs), "ann-archer") || !strings.Contains(out, "/of-…\t") || !strings.Contains(out, "\tstream of person/… 1") {
		t.Errorf("%d %s%s", code, out, errs)
	}
}

// The lines of "Try it" in docs/privacy.md do what they say, as printed but for addresses and
// the minute for which functions hold a key: they start anew.
func TestTryPrivacy(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/privacy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "## Try it\n")
	text, _, _ = strings.Cut(text, "\n## ")
	dir, ran := t.TempDir(), 0
	p := &town{t: t, of: person.App()}
	p.start(dir)
	t.Cleanup(func() { _ = p.Close() })
	for block := range strings.SplitSeq(text, "```sh\n") {
		block, _, found := strings.Cut(block, "```")
		if !found {
			continue
		}
		for line := range strings.Lines(block) {
			if line = strings.TrimSpace(line); tryLine(p, dir, line) {
				ran++
			}
		}
	}
	if ran != 9 {
		t.Errorf("%d lines ran", ran)
	}
}

// start starts the stack with the data in a directory.
func (p *town) start(dir string) {
	p.t.Helper()
	var err error
	o := stack.Options{DynamoDBAddr: "127.0.0.1:0", Data: filepath.Join(dir, "data"), LogTo: io.Discard}
	if p.Stack, err = stack.Start(p.t.Context(), p.of, o); err != nil {
		p.t.Fatal(err)
	}
}

// tryLine runs a line that is a request or a command line of people, and compares it with the
// comment behind it. It reports whether it is one.
func tryLine(p *town, dir, line string) bool {
	p.t.Helper()
	line, want, _ := strings.Cut(line, "  # ")
	address := regexp.MustCompile(`http://localhost:8080(/[^\s']*)`).FindStringSubmatch(line)
	input, command, isCommand := strings.Cut(line, "build/people ")
	switch {
	case strings.HasPrefix(line, "curl ") && strings.Contains(line, " -d '"):
		_, body, _ := strings.Cut(line, " -d '")
		body, _, _ = strings.Cut(body, "'")
		p.post(address[1], body)
		p.settled()
	case strings.HasPrefix(line, "curl "):
		if got := strings.TrimSpace(p.get(address[1])); got != "200 "+want {
			p.t.Errorf("%s: %s", line, got)
		}
	case isCommand && !strings.HasPrefix(line, "GOTOOLCHAIN"):
		input = strings.TrimSuffix(strings.TrimPrefix(input, "echo "), " | ")
		args := strings.Fields(command)
		for i, arg := range args {
			if strings.HasSuffix(arg, ".txt") || strings.HasSuffix(arg, ".jsonl") {
				args[i] = filepath.Join(dir, arg)
			}
		}
		if args[0] == "erase" {
			args = append(args, "-wait", "0s")
			defer p.start(dir)
			defer func() { _ = p.Close() }()
		}
		code, out, errs := p.run(input+"\n", args...)
		if fmt.Sprint("exit ", code) != cmp.Or(want, "exit 0") {
			p.t.Errorf("%s: %d %s%s", line, code, out, errs)
		}
	default:
		return false
	}
	return true
}

func TestEraseMistakes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(4)
	for _, args := range []string{
		"erase", "erase member", "erase member/1", "verify -privacy member/1", "verify -values x", "verify -privacy x", "verify members -privacy member/1 -values -",
		"verify -privacy member/1 -values no-such-file", "erase -parallel 0 member/1",
	} {
		if r := s.do(strings.Fields(args)...); r.code != exitUsage || r.errors == "" {
			t.Errorf("%s: %+v", args, r)
		}
	}
	if r := s.doWith(t.Context(), "Somebody Else\n", "verify", "-privacy", "member/1", "-values", "-"); r.code != exitOK {
		t.Errorf("an application without marks can be searched: %+v", r)
	}
}
