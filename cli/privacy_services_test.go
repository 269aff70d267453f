package cli

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/functions"
	"daybook/functions/names"
	"daybook/internal/peopledomain"
	"daybook/localstack/embedded"
	"daybook/localstack/kms"
	"daybook/localstack/queue"
	"daybook/localstack/schedule"
	"daybook/localstack/wire"
	"daybook/personal"
	"daybook/sealed"
)

// withCredentials gives the AWS SDK some, and no files.
func withCredentials(t *testing.T) {
	t.Helper()
	for name, v := range map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_PROFILE": ""} {
		t.Setenv(name, v)
	}
}

const (
	cloudRegion = "eu-west-1"
	cloudPrefix = "people-prod"
	failures    = "people-prod-failures1a2b"
	exports     = "the exports"
)

// cloud is an installation of people as AWS has it: each service at its own address. The
// queue and the schedules are of no table of the installation.
type cloud struct {
	t        *testing.T
	inside   http.RoundTripper // DynamoDB, its streams, SQS, Scheduler, KMS
	client   *dynamo.Client
	store    *dynamo.EventStore
	sealing  sealed.With
	handler  *aggregate.Handler
	sqs      *sqs.Client
	schedule *scheduler.Client
	handled  int
	sent     int

	mu      sync.Mutex
	logs    map[string][]string
	objects map[string]map[string][]byte // by bucket and key
	called  map[string]bool              // actions, as IAM names them
	denied  string                       // service
	slow    int                          // requests for logs to be throttled
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	credentials := dynamo.StaticCredentials("a", "b")
	c := &cloud{t: t, logs: map[string][]string{}, objects: map[string]map[string][]byte{failures: {}, exports: {}}, called: map[string]bool{}}
	c.client = dynamo.New(dynamo.Options{Region: cloudRegion, Endpoint: "http://dynamodb.embedded", Credentials: credentials, Transport: db.RoundTripper()})
	if err := dynamo.Create(t.Context(), c.client, "engine", queue.Table(), schedule.Table()); err != nil {
		t.Fatal(err)
	}
	specs := []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ControlTable(), dynamo.ClaimsTable(), dynamo.RequestsTable(), dynamo.ProcessesTable(), dynamo.KeysTable()}
	for _, v := range peopledomain.App().Views {
		specs = append(specs, dynamo.ViewTable(v.Describe()))
	}
	if err := dynamo.Create(t.Context(), c.client, cloudPrefix, specs...); err != nil {
		t.Fatal(err)
	}
	queues, err := queue.Open(t.Context(), queue.Options{Client: c.client, Table: "engine-queues", Region: cloudRegion})
	if err != nil {
		t.Fatal(err)
	}
	schedules, err := schedule.Open(t.Context(), schedule.Options{Client: c.client, Table: "engine-schedules", Groups: []string{cloudPrefix}, Region: cloudRegion})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := kms.Open("", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		schedules.Close()
		queues.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	c.inside = wire.Transport(&wire.Router{Tables: db, Queue: queues, Schedules: schedules, Keys: keys})
	client := &http.Client{Transport: c.inside}
	c.sqs = sqs.New(sqs.Options{Region: cloudRegion, Credentials: credentials, HTTPClient: client})
	c.schedule = scheduler.New(scheduler.Options{Region: cloudRegion, Credentials: credentials, HTTPClient: client})
	for _, name := range []string{names.CommandQueue, names.DeadQueue} {
		if _, err := c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(names.Join(cloudPrefix, name)), Attributes: map[string]string{"FifoQueue": "true"}}); err != nil {
			t.Fatal(err)
		}
	}
	c.open(credentials)
	return c
}

// open opens the event store and the handler of commands.
func (c *cloud) open(credentials aws.CredentialsProvider) {
	c.t.Helper()
	var err error
	c.sealing, err = functions.Config{
		Region: cloudRegion, Credentials: credentials, Messaging: c.inside,
		KeysTable: dynamo.TableName(cloudPrefix, dynamo.KeysTable()), WrappingKey: names.WrappingKey(cloudPrefix),
	}.Sealing(peopledomain.App(), c.client)
	if err != nil {
		c.t.Fatal(err)
	}
	c.store = dynamo.NewEventStore(c.client, dynamo.TableName(cloudPrefix, dynamo.EventsTable()), dynamo.WithClaims(dynamo.TableName(cloudPrefix, dynamo.ClaimsTable())))
	if c.handler, err = aggregate.NewHandler(c.sealing.Store(c.store), peopledomain.App().Aggregates, nil); err != nil {
		c.t.Fatal(err)
	}
}

// RoundTrip is the way to AWS: what IAM would be asked for is recorded.
func (c *cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	service, ok := strings.CutSuffix(r.URL.Host, "."+cloudRegion+".amazonaws.com")
	if !ok {
		return nil, fmt.Errorf("no such host: %s", r.URL.Host)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	service = strings.TrimPrefix(service, "streams.")
	c.mu.Lock()
	denied := c.denied == service
	c.called[actionOf(service, operation, r)] = true
	c.mu.Unlock()
	w := httptest.NewRecorder()
	switch {
	case denied:
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"you may not"}`)
	case service == "logs":
		c.answerLogs(w, r, operation)
	case service == "lambda":
		fmt.Fprintf(w, `{"EventSourceMappings":[{"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:s3:::%s"}}},{"DestinationConfig":null}],"NextMarker":null}`, failures)
	case service == "s3":
		c.answerObjects(w, r)
	default:
		return c.inside.RoundTrip(r)
	}
	return w.Result(), nil
}

// actionOf is the right that a request needs.
func actionOf(service, operation string, r *http.Request) string {
	switch service {
	case "scheduler":
		if operation = "GetSchedule"; r.URL.Path == "/schedules" {
			operation = "ListSchedules"
		}
	case "lambda":
		operation = "ListEventSourceMappings"
	case "s3":
		if operation = "GetObjectVersion"; r.URL.Query().Has("versions") {
			operation = "ListBucketVersions"
		}
	}
	return service + ":" + strings.TrimSuffix(operation, "Batch")
}

// answerLogs answers with one line a page, and with pages without any.
func (c *cloud) answerLogs(w http.ResponseWriter, r *http.Request, operation string) {
	var in struct {
		Prefix string `json:"logGroupNamePrefix"`
		Group  string `json:"logGroupName"`
		Start  int64  `json:"startTime"`
		Next   int    `json:"nextToken,string"`
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slow--; c.slow >= 0 {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
		return
	}
	if err := json.UnmarshalRead(r.Body, &in); err != nil {
		c.t.Error(err)
	}
	if operation == "DescribeLogGroups" {
		var groups []string
		for _, name := range slices.Sorted(maps.Keys(c.logs)) {
			if strings.HasPrefix(name, in.Prefix) {
				groups = append(groups, fmt.Sprintf(`{"logGroupName":%q}`, name))
			}
		}
		fmt.Fprintf(w, `{"logGroups":[%s]}`, strings.Join(groups, ","))
		return
	}
	lines := c.logs[in.Group]
	if in.Start == 0 || in.Next > 2*len(lines) {
		c.t.Errorf("logs since %d from %d", in.Start, in.Next)
	}
	event := ""
	if in.Next%2 == 1 {
		line, _ := json.Marshal(lines[in.Next/2])
		event = fmt.Sprintf(`{"logStreamName":"stream","timestamp":1,"message":%s}`, line)
	}
	next := ""
	if in.Next < 2*len(lines) {
		next = fmt.Sprintf(`,"nextToken":"%d"`, in.Next+1)
	}
	fmt.Fprintf(w, `{"events":[%s]%s}`, event, next)
}

// answerObjects lists one version a page, and gives parts of them.
func (c *cloud) answerObjects(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	c.mu.Lock()
	defer c.mu.Unlock()
	objects, ok := c.objects[bucket]
	if !ok || r.Header.Get("X-Amz-Content-Sha256") == "" {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `<?xml version="1.0"?><Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>`)
		return
	}
	q := r.URL.Query()
	if q.Has("versions") {
		fmt.Fprint(w, `<?xml version="1.0"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType><DeleteMarker><Key>gone</Key></DeleteMarker>`)
		for _, name := range slices.Sorted(maps.Keys(objects)) {
			if name <= q.Get("key-marker") || !strings.HasPrefix(name, q.Get("prefix")) {
				continue
			}
			escaped := strings.ReplaceAll(name, " ", "+")
			fmt.Fprintf(w, `<Version><Key>%s</Key><VersionId>v1</VersionId><Size>%d</Size></Version><IsTruncated>true</IsTruncated><NextKeyMarker>%s</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>`,
				escaped, len(objects[name]), escaped)
			break
		}
		fmt.Fprint(w, `</ListVersionsResult>`)
		return
	}
	first, last, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-")
	from, err := strconv.Atoi(first)
	to, failed := strconv.Atoi(last)
	if data := objects[key]; err != nil || failed != nil || to >= len(data) || q.Get("versionId") != "v1" {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
	} else {
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(data[from : to+1])
	}
}

// run runs a command line on it.
func (c *cloud) run(stdin string, args ...string) (code int, out, errs string) {
	c.t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{of: peopledomain.App(), stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr, transport: c}
	code = a.run(c.t.Context(), append(args, "-stage", "prod", "-region", cloudRegion))
	return code, stdout.String(), stderr.String()
}

// handle handles a command.
func (c *cloud) handle(name, id, payload string) {
	c.t.Helper()
	c.handled++
	if _, err := c.handler.Handle(c.t.Context(), aggregate.Command{Name: name, ID: id, Payload: jsontext.Value(payload), CommandID: fmt.Sprint("command-", c.handled)}); err != nil {
		c.t.Fatal(err)
	}
}

// url is the address of a queue.
func (c *cloud) url(queue string) *string {
	c.t.Helper()
	out, err := c.sqs.GetQueueUrl(c.t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(names.Join(cloudPrefix, queue))})
	if err != nil {
		c.t.Fatal(err)
	}
	return out.QueueUrl
}

// send sends a message of a group to a queue.
func (c *cloud) send(queue, group, message string) {
	c.t.Helper()
	c.sent++
	id := fmt.Sprint("m-", c.sent)
	if _, err := c.sqs.SendMessage(c.t.Context(), &sqs.SendMessageInput{QueueUrl: c.url(queue), MessageBody: &message, MessageGroupId: &group, MessageDeduplicationId: &id}); err != nil {
		c.t.Fatal(err)
	}
}

// both appends an event about person/7, which is value, and another person.
func (c *cloud) both(value string) {
	c.t.Helper()
	data, err := personal.Marshal([]peopledomain.Text{personal.About("person/7", value), personal.About("person/8", "Bobby Tables")})
	if err != nil {
		c.t.Fatal(err)
	}
	c.append(c.sealing.Store(c.store), "letter/both", data)
}

// append starts a stream with an event.
func (c *cloud) append(store events.Store, stream events.Stream, data jsontext.Value) {
	c.t.Helper()
	commit := events.Commit{ID: "planted", Events: []events.Event{{Name: "planted", Schema: 1, Data: data}}, Commands: []events.Command{{ID: "planted", Version: 1}}}
	if _, err := store.Append(c.t.Context(), events.Start(stream), commit); err != nil {
		c.t.Fatal(err)
	}
}

// plant puts a message where commands wait, are dead and are timed, lines into two logs,
// and a record and an export into buckets.
func (c *cloud) plant(name, message string, record []byte) {
	c.t.Helper()
	c.send(names.CommandQueue, name, message)
	c.send(names.DeadQueue, name, message)
	_, err := c.schedule.CreateSchedule(c.t.Context(), &scheduler.CreateScheduleInput{
		Name: &name, GroupName: aws.String(cloudPrefix), ScheduleExpression: aws.String("at(2099-01-01T00:00:00)"), FlexibleTimeWindow: &schedulertypes.FlexibleTimeWindow{Mode: "OFF"},
		Target: &schedulertypes.Target{
			Arn: aws.String("arn:aws:sqs:" + cloudRegion + ":000000000000:" + cloudPrefix + "-commands.fifo"), RoleArn: aws.String("arn:aws:iam::000000000000:role/r"), Input: &message,
			SqsParameters: &schedulertypes.SqsParameters{MessageGroupId: &name},
		},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, group := range []string{"/people-prod/command", "/people-prod/api"} {
		c.logs[group] = append(c.logs[group], "nothing", message)
	}
	c.objects[failures]["aws/lambda/"+name] = record
	// On the border of two parts.
	c.objects[exports]["2026 11/"+name] = append(bytes.Repeat([]byte("-"), 4<<20-len(message)/2), message...)
}

// stored returns a commit of the events table as Lambda writes it when a function gave it
// up.
func (c *cloud) stored(stream events.Stream, number int64) []byte {
	c.t.Helper()
	key := map[string]types.AttributeValue{"stream": &types.AttributeValueMemberS{Value: string(stream)}, "commit": &types.AttributeValueMemberN{Value: fmt.Sprint(number)}}
	out, err := c.client.GetItem(c.t.Context(), &dynamodb.GetItemInput{TableName: aws.String(dynamo.TableName(cloudPrefix, dynamo.EventsTable())), Key: key})
	if err != nil {
		c.t.Fatal(err)
	}
	image := map[string]any{}
	for name, v := range out.Item {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			image[name] = map[string]any{"S": v.Value}
		case *types.AttributeValueMemberN:
			image[name] = map[string]any{"N": v.Value}
		case *types.AttributeValueMemberB:
			image[name] = map[string]any{"B": v.Value}
		default:
			c.t.Fatalf("attribute %s is %T", name, v)
		}
	}
	keys := map[string]any{"stream": image["stream"], "commit": image["commit"]}
	event, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"eventID": "1", "eventName": "INSERT", "dynamodb": map[string]any{"ApproximateCreationDateTime": 1e9, "Keys": keys, "NewImage": image, "SequenceNumber": "1"},
	}}})
	if err != nil {
		c.t.Fatal(err)
	}
	record, err := json.Marshal(map[string]any{"DDBStreamBatchInfo": map[string]any{"batchSize": 1}, "payload": string(event)})
	if err != nil {
		c.t.Fatal(err)
	}
	return record
}

// TestPrivacyOnAWS: of a person with fifty values in every place that there is on AWS, none
// can be read after the erasure, before it none either; each is found in every place where
// it is planted by hand; and the policy allows what was called and nothing else.
func TestPrivacyOnAWS(t *testing.T) {
	withCredentials(t)
	bubble(t, func(t *testing.T) {
		c := newCloud(t)
		var values []string
		value := func() string {
			values = append(values, fmt.Sprintf("value-%02d-of-Quux", len(values)))
			return values[len(values)-1]
		}
		c.handle("register-person", "7", fmt.Sprintf(`{"name":%q,"email":"%s@example.com"}`, value(), value()))
		for range 20 {
			c.handle("rename-person", "7", fmt.Sprintf(`{"name":%q}`, value()+strings.Repeat(" x", 35)))
		}
		for n := range 27 {
			c.handle("write-letter", fmt.Sprint("l", n), fmt.Sprintf(`{"to":"7","text":%q}`, value()))
		}
		c.both(value())
		m, err := c.sealing.Encode(c.handler)(t.Context(), aggregate.Command{Name: "write-letter", ID: "late", CommandID: "late", Payload: jsontext.Value(`{"to":"7","text":"value-49-of-Quux"}`)})
		if err != nil {
			t.Fatal(err)
		}
		c.plant("sealed", string(m.Body), c.stored("person/7", 1))
		list := strings.Join(values, "\n") + "\n"
		everywhere := []string{"verify", "-privacy", "person/7", "-queue", "-files", "s3://" + exports + "/2026 11/"}
		clear(c.called)
		c.slow = 2
		for _, args := range [][]string{everywhere, append(everywhere, "-values", "-")} {
			if code, out, errs := c.run(list, args...); code != exitOK || !strings.Contains(errs, "person/7: 50 values searched for in 19 places, 0 found") || strings.Count(errs, "not searched") != 2 || !strings.Contains(errs, "not searched: integration events that outbox people-news has published") {
				t.Errorf("before: %d %s%s", code, out, errs)
			}
		}
		c.checkPolicy()
		if code, out, errs := c.run("", "erase", "-yes", "person/7"); code != exitOK {
			t.Fatalf("%d %s%s", code, out, errs)
		}
		if code, out, errs := c.run(list, append(everywhere, "-values", "-")...); code != exitOK {
			t.Errorf("after: %d %s%s", code, out, errs)
		}

		all, err := json.Marshal(strings.Repeat(strings.Join(values, " "), 2))
		if err != nil {
			t.Fatal(err)
		}
		c.append(c.store, "letter/planted", jsontext.Value(`{"a":`+string(all)+`}`))
		record := c.stored("letter/planted", 1)
		if bytes.Contains(record, []byte("Quux")) {
			t.Fatal("the commit is not compressed")
		}
		c.plant("planted", `{"a":`+string(all)+`}`, record)
		if _, err := c.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("people-prod-claims"), Item: map[string]types.AttributeValue{
			"claim": &types.AttributeValueMemberS{Value: "planted"}, "x": &types.AttributeValueMemberS{Value: string(all)},
		}}); err != nil {
			t.Fatal(err)
		}
		code, out, _ := c.run(list, append(everywhere, "-values", "-")...)
		found := map[string]map[string]bool{}
		for line := range strings.Lines(out) {
			cells := strings.Split(strings.TrimSpace(line), "\t")
			if strings.Contains(line, "sealed") || len(cells) != 4 {
				t.Fatalf("found %s", line)
			}
			if at := cells[1] + " " + cells[2]; found[at] == nil {
				found[at] = map[string]bool{}
			}
			found[cells[1]+" "+cells[2]][cells[0]] = true
		}
		want := []string{
			"change stream people-prod-events", "command queue commands.fifo", "commit people-prod-events", "dead letter dead-commands.fifo", "failure bucket s3://people-prod-failures1a2b/aws/lambda/planted",
			"log /people-prod/api", "log /people-prod/command", "object s3://the exports/2026 11/planted", "table people-prod-claims", "timer people-prod",
		}
		if got := slices.Sorted(maps.Keys(found)); code != exitFound || !slices.Equal(got, want) {
			t.Errorf("%d, found %q, want %q", code, got, want)
		}
		for at, of := range found {
			if len(of) != len(values) {
				t.Errorf("%s: %d of %d values found", at, len(of), len(values))
			}
		}
	})
}

// checkPolicy compares what was called with what the policy allows.
func (c *cloud) checkPolicy() {
	c.t.Helper()
	called := slices.Sorted(maps.Keys(c.called))
	_, out, errs := c.run("", "verify", "-privacy", "person/7", "-policy", "-files", "s3://other/x", "-files", "here")
	var p policy
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		c.t.Fatalf("%v: %s%s", err, out, errs)
	}
	var allowed, resources []string
	for _, s := range p.Statement {
		allowed, resources = append(allowed, s.Action...), append(resources, s.Resource...)
	}
	slices.Sort(allowed)
	if !slices.Equal(allowed, called) {
		c.t.Errorf("the policy allows\n%q, called were\n%q", allowed, called)
	}
	for _, want := range []string{"arn:aws:s3:::other/*", "arn:aws:s3:::people-prod*", "arn:aws:logs:*:*:log-group:/people-prod/*", "arn:aws:dynamodb:*:*:table/people-prod-*"} {
		if !slices.Contains(resources, want) {
			c.t.Errorf("%s is not among %q", want, resources)
		}
	}
}

// TestPrivacySaysWhatItCantSearch: services that refuse, commands that wait unless asked
// for, and messages behind the first ten of their stream.
func TestPrivacySaysWhatItCantSearch(t *testing.T) {
	withCredentials(t)
	bubble(t, func(t *testing.T) {
		c := newCloud(t)
		for n := range 12 { // of one stream
			c.send(names.DeadQueue, "one", fmt.Sprint("d", n))
			c.send(names.CommandQueue, "one", fmt.Sprint("c", n))
		}
		search := []string{"verify", "-privacy", "person/7", "-values", "-", "-logs", "0s"}
		for _, test := range []struct {
			denied string
			args   []string
			want   []string
		}{
			{"", nil, []string{"2 of about 12 dead letters", "about 12 commands in the command queue", "logs: -logs is 0"}},
			{"", []string{"-queue"}, []string{"2 of about 12 dead letters", "2 of about 12 commands in the command queue", "logs: -logs is 0"}},
			{"sqs", []string{"-logs", "1h"}, []string{"queues: queue people-prod-"}},
			{"logs", []string{"-logs", "1h"}, []string{"logs: Logs_20140328.DescribeLogGroups: AccessDeniedException (403): you may not"}},
			{"scheduler", nil, []string{"timers: GET /schedules: AccessDeniedException"}},
			{"lambda", nil, []string{"failure bucket: GET /2015-03-31/event-source-mappings/: AccessDeniedException"}},
			{"s3", nil, []string{"failure bucket people-prod-failures1a2b: GET /people-prod-failures1a2b: AccessDeniedException"}},
		} {
			c.denied = test.denied
			code, out, errs := c.run("Somebody\n", append(search, test.args...)...)
			for _, want := range test.want {
				if !strings.Contains(errs, "not searched: "+want) {
					t.Errorf("%s%q: %q is not in %s", test.denied, test.args, want, errs)
				}
			}
			if code != exitOK {
				t.Errorf("%s%q: %d %s%s", test.denied, test.args, code, out, errs)
			}
		}
		c.denied = ""
		// Looking left all messages where they are, received twice at most.
		for _, name := range []string{names.DeadQueue, names.CommandQueue} {
			out, err := c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: c.url(name), MaxNumberOfMessages: 10, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"ApproximateReceiveCount"}})
			if err != nil || len(out.Messages) != 10 {
				t.Fatalf("%s: %v, %v", name, out, err)
			}
			if n := out.Messages[0].Attributes["ApproximateReceiveCount"]; name == names.CommandQueue && n != "2" {
				t.Errorf("%s: received %s times", name, n)
			}
		}
		if code, _, errs := c.run("Somebody\n", append(search, "-files", "s3://nowhere")...); code != exitFailed || !strings.Contains(errs, "NoSuchBucket (404)") {
			t.Errorf("%d %s", code, errs)
		}
	})
}
