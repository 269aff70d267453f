package cli

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/follow"
	"daybook/functions"
	"daybook/functions/names"
	"daybook/internal/peopledomain"
	"daybook/internal/signedhttp"
	"daybook/personal"
	"daybook/view/projection"
)

// envIAM names the URL of an emulator of AWS that holds callers to their policies, and
// whose root has the key "test": localstack/deploy/check.sh starts one.
const envIAM = "DAYBOOK_TEST_IAM"

const iamRegion = "us-east-1"

// account is an account of AWS with an installation of people.
type account struct {
	t                       *testing.T
	endpoint, stage, prefix string
	users                   int
}

// caller is who signs requests.
type caller struct{ id, secret string }

func root() caller { return caller{"test", "test"} }

func (c caller) credentials() aws.CredentialsProvider {
	return dynamo.StaticCredentials(c.id, c.secret)
}

// ask calls a service as the account's root. body is what the operation takes as JSON; a
// call without an operation is sent as it is.
func (a *account) ask(service, operation, body string, k signedhttp.Call) []byte {
	a.t.Helper()
	var got []byte
	k.Body = []byte(body)
	if operation != "" {
		k.Operation, k.ContentType = []string{operation}, []string{"application/x-amz-json-1.1"}
	}
	k.Read = func(_ context.Context, r *http.Response, answer []byte) error {
		if r.StatusCode/100 != 2 {
			return fmt.Errorf("%d %s", r.StatusCode, answer)
		}
		got = bytes.Clone(answer)
		return nil
	}
	at, err := url.Parse(a.endpoint + "/")
	if err != nil {
		a.t.Fatal(err)
	}
	client := signedhttp.New(signedhttp.Options{
		Locate: func(context.Context, *aws.Credentials) (*signedhttp.Target, error) {
			return &signedhttp.Target{URL: at, Region: iamRegion, Service: service}, nil
		},
		Credentials: root().credentials(), Transport: http.DefaultTransport, Timeout: 10 * time.Second,
		Retryer: signedhttp.NewRetryer(signedhttp.Retries{Attempts: 1}), UserAgent: func() string { return "test" },
	})
	if err := client.Do(a.t.Context(), &k); err != nil {
		a.t.Fatalf("%s %s%s: %v", service, operation, k.Path, err)
	}
	return got
}

// iam calls IAM.
func (a *account) iam(action string, parameters ...string) []byte {
	a.t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	return a.ask("iam", "", form.Encode(), signedhttp.Call{ContentType: []string{"application/x-www-form-urlencoded"}})
}

// user makes a user who holds policies and nothing else.
func (a *account) user(policies ...policy) caller {
	a.t.Helper()
	a.users++
	name := a.prefix + "-" + strconv.Itoa(a.users)
	a.iam("CreateUser", "UserName", name)
	for i, p := range policies {
		document, err := json.Marshal(p)
		if err != nil {
			a.t.Fatal(err)
		}
		a.iam("PutUserPolicy", "UserName", name, "PolicyName", "p"+strconv.Itoa(i), "PolicyDocument", string(document))
	}
	var made struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	if err := xml.Unmarshal(a.iam("CreateAccessKey", "UserName", name), &made); err != nil || made.Secret == "" {
		a.t.Fatalf("an access key: %v", err)
	}
	return caller{made.ID, made.Secret}
}

// run runs a command line with the keys of a caller, who is told of a refusal long before
// the attempts at a call that is throttled are over.
func (a *account) run(as caller, args ...string) result {
	a.t.Helper()
	a.t.Setenv("AWS_ACCESS_KEY_ID", as.id)
	a.t.Setenv("AWS_SECRET_ACCESS_KEY", as.secret)
	ctx, cancel := context.WithTimeout(a.t.Context(), 10*time.Second)
	defer cancel()
	var out, errs bytes.Buffer
	of := &app{of: peopledomain.App(), stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	code := of.run(ctx, append(args, "-stage", a.stage, "-endpoint", a.endpoint, "-region", iamRegion))
	return result{code, out.String(), errs.String()}
}

// install makes the tables, the key, the queues, a log and a bucket, and registers a
// person.
func (a *account) install() {
	a.t.Helper()
	client := dynamo.New(dynamo.Options{Region: iamRegion, Endpoint: a.endpoint, Credentials: root().credentials()})
	specs := []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ControlTable(), dynamo.ClaimsTable(), dynamo.RequestsTable(), dynamo.ProcessesTable(), dynamo.KeysTable()}
	for _, v := range peopledomain.App().Views {
		specs = append(specs, dynamo.ViewTable(v.Describe()))
	}
	if err := dynamo.Create(a.t.Context(), client, a.prefix, specs...); err != nil {
		a.t.Fatal(err)
	}
	var key struct{ KeyMetadata struct{ KeyId string } }
	if err := json.Unmarshal(a.ask("kms", "TrentService.CreateKey", "{}", signedhttp.Call{}), &key); err != nil {
		a.t.Fatal(err)
	}
	a.ask("kms", "TrentService.CreateAlias", fmt.Sprintf(`{"AliasName":%q,"TargetKeyId":%q}`, names.WrappingKey(a.prefix), key.KeyMetadata.KeyId), signedhttp.Call{})
	a.outside()

	sealing, err := functions.Config{
		Region: iamRegion, Credentials: root().credentials(), KMSEndpoint: a.endpoint,
		KeysTable: dynamo.TableName(a.prefix, dynamo.KeysTable()), WrappingKey: names.WrappingKey(a.prefix),
	}.Sealing(peopledomain.App(), client)
	if err != nil {
		a.t.Fatal(err)
	}
	store := dynamo.NewEventStore(client, dynamo.TableName(a.prefix, dynamo.EventsTable()), dynamo.WithClaims(dynamo.TableName(a.prefix, dynamo.ClaimsTable())))
	handler, err := aggregate.NewHandler(sealing.Store(store), peopledomain.App().Aggregates, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	register := func(id, name string) {
		payload := fmt.Sprintf(`{"name":%q,"email":"%s@example.com"}`, name, id)
		if _, err := handler.Handle(a.t.Context(), aggregate.Command{Name: "register-person", ID: id, Payload: []byte(payload), CommandID: id}); err != nil {
			a.t.Fatal(err)
		}
	}
	register("ann", "Ann Archer")
	register("bob", "Bob Binder")
	codec, err := aggregate.Codec(peopledomain.App().Aggregates)
	if err != nil {
		a.t.Fatal(err)
	}
	projector, err := projection.New(sealing.Store(store), codec, sealing.Tables(dynamo.NewTables(client, a.prefix)), peopledomain.App().Views, &projection.Options{Routed: true})
	if err != nil {
		a.t.Fatal(err)
	}
	if r := projector.Project(a.t.Context(), []follow.Delivery{{Stream: "person/ann", Number: 1, Sequence: "1"}, {Stream: "person/bob", Number: 1, Sequence: "2"}}); r.Err != nil {
		a.t.Fatal(r.Err)
	}
	register("eve", "Eve Early") // is in no view: a rehearsal finds it, and queries its stream
	both, err := personal.Marshal([]peopledomain.Text{personal.About("person/ann", "Ann Archer"), personal.About("person/bob", "Bob Binder")})
	if err != nil {
		a.t.Fatal(err)
	}
	planted := events.Commit{ID: "planted", Events: []events.Event{{Name: "planted", Schema: 1, Data: both}}, Commands: []events.Command{{ID: "planted", Version: 1}}}
	if _, err := sealing.Store(store).Append(a.t.Context(), events.Start("letter/both"), planted); err != nil { // takes two data keys at once
		a.t.Fatal(err)
	}
}

// outside makes what is not in tables, with one copy of a value in each.
func (a *account) outside() {
	a.t.Helper()
	queues := sqs.New(sqs.Options{Region: iamRegion, Credentials: root().credentials(), BaseEndpoint: &a.endpoint})
	for _, name := range []string{names.CommandQueue, names.DeadQueue} {
		q, err := queues.CreateQueue(a.t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(names.Join(a.prefix, name)), Attributes: map[string]string{"FifoQueue": "true"}})
		if err != nil {
			a.t.Fatal(err)
		}
		if name != names.DeadQueue {
			continue
		}
		letter := &sqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: aws.String(`"Ann Archer"`), MessageGroupId: aws.String("person/1"), MessageDeduplicationId: aws.String("1")}
		if _, err := queues.SendMessage(a.t.Context(), letter); err != nil {
			a.t.Fatal(err)
		}
	}
	a.ask("scheduler", "", "{}", signedhttp.Call{Path: "schedule-groups/" + a.prefix, ContentType: []string{"application/json"}})
	a.ask("scheduler", "", fmt.Sprintf(`{"GroupName":%q,"ScheduleExpression":"at(2099-01-01T00:00:00)","FlexibleTimeWindow":{"Mode":"OFF"},
		"Target":{"Arn":"arn:aws:sqs:us-east-1:000000000000:%s-commands.fifo","RoleArn":"arn:aws:iam::000000000000:role/r","Input":"Ann Archer","SqsParameters":{"MessageGroupId":"1"}}}`, a.prefix, a.prefix),
		signedhttp.Call{Path: "schedules/timer", ContentType: []string{"application/json"}})
	group := "/" + a.prefix + "/command"
	a.ask("logs", "Logs_20140328.CreateLogGroup", fmt.Sprintf(`{"logGroupName":%q}`, group), signedhttp.Call{})
	a.ask("logs", "Logs_20140328.CreateLogStream", fmt.Sprintf(`{"logGroupName":%q,"logStreamName":"s"}`, group), signedhttp.Call{})
	a.ask("logs", "Logs_20140328.PutLogEvents", fmt.Sprintf(`{"logGroupName":%q,"logStreamName":"s","logEvents":[{"timestamp":%d,"message":"Ann Archer"}]}`, group, time.Now().UnixMilli()), signedhttp.Call{})
	a.ask("s3", "", "", signedhttp.Call{Method: http.MethodPut, Path: a.bucket()})
	a.ask("s3", "", "Ann Archer", signedhttp.Call{Method: http.MethodPut, Path: a.bucket() + "/export"})
}

func (a *account) bucket() string { return a.prefix + "-exports" }

// printed is the policy that a command line prints.
func (a *account) printed(args ...string) (p policy) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.run(caller{}, append(args, "-policy")...).out), &p); err != nil {
		a.t.Fatal(err)
	}
	return p
}

// emulatorFaults grants what MiniStack 1.5.33 asks for in place of AWS's rights: it takes
// every change stream for "*" and every schedule for one of the group "default", and it
// has a right of its own for a batch of messages.
func emulatorFaults() policy {
	return newPolicy(
		allow([]string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}, "*"),
		allow([]string{"scheduler:GetSchedule"}, "arn:aws:scheduler:*:*:schedule/default/*"),
		allow([]string{"sqs:ChangeMessageVisibilityBatch"}, "*"),
	)
}

// lacking is a policy without one action and its batch. What services ask for stays.
func (p policy) lacking(action string) policy {
	p.Statement = slices.Clone(p.Statement)
	for i, s := range p.Statement {
		if s.Condition == nil {
			p.Statement[i].Action = slices.DeleteFunc(slices.Clone(s.Action), func(one string) bool { return strings.TrimSuffix(one, "Batch") == action })
		}
	}
	p.Statement = slices.DeleteFunc(p.Statement, func(s statement) bool { return len(s.Action) == 0 })
	return p
}

// renamed is the policy for an installation of another name.
func (p policy) renamed(prefix, other string) policy {
	p.Statement = slices.Clone(p.Statement)
	for i, s := range p.Statement {
		p.Statement[i].Resource = slices.Clone(s.Resource)
		for j, r := range s.Resource {
			p.Statement[i].Resource[j] = strings.ReplaceAll(r, prefix, other)
		}
	}
	return p
}

// sameRehearsal is a report without its times.
func sameRehearsal(t *testing.T, r result) string {
	t.Helper()
	of := decode[rehearsal](t, r)[0]
	of.Began, of.Seconds = time.Time{}, 0
	for _, v := range of.Views {
		if v.Rebuild != nil {
			v.Rebuild.Seconds = 0
		}
	}
	text, err := json.Marshal(of, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPoliciesUnderIAM: under an engine that enforces IAM, a user who holds what a command
// line prints with -policy gets the result that the account's root gets, may write nothing,
// and without any one action of it is told which is missing.
func TestPoliciesUnderIAM(t *testing.T) {
	endpoint := os.Getenv(envIAM)
	if endpoint == "" {
		t.Skip("make e2e-deployed runs it, on an emulator that enforces IAM: " + envIAM + " is not set")
	}
	withCredentials(t)
	a := &account{t: t, endpoint: endpoint, stage: "iam" + strconv.FormatInt(time.Now().Unix(), 36)}
	a.prefix = peopledomain.App().Prefix(a.stage)
	a.install()
	for name, check := range map[string]func(){"rehearse": a.rehearsal, "verify -privacy": a.privacy} {
		t.Run(name, func(t *testing.T) {
			a.t = t
			check()
		})
	}
}

// rehearsal checks the policy of rehearse.
func (a *account) rehearsal() {
	args := []string{"rehearse", "-json", "-segments", "2", "-patience", "0s"}
	p := a.printed("rehearse")
	all, reader := a.run(root(), args...), a.user(p)
	if r := a.run(reader, args...); all.code != exitFound || r.code != all.code || sameRehearsal(a.t, r) != sameRehearsal(a.t, all) {
		a.t.Errorf("with the policy: %+v, with all rights: %+v", r, all)
	}
	a.bounded(p, args...)
	a.readsOnly(reader)
}

// privacy checks the policy of verify -privacy.
func (a *account) privacy() {
	args := []string{"verify", "-privacy", "person/ann", "-files", "s3://" + a.bucket() + "/"}
	p := a.printed(args...)
	all, reader := a.run(root(), args...), a.user(p, emulatorFaults())
	if r := a.run(reader, args...); all.code != exitFound || strings.Count(all.out, "\n") != 4 || r != all {
		a.t.Errorf("with the policy: %+v, with all rights: %+v", r, all)
	}
	a.bounded(p, args...)
	a.readsOnly(reader)
}

// bounded checks that a command line needs each action of its policy, on the resources of
// its own installation: it names the action that is missing, and fails or, of services
// beside the tables, says what it did not search.
func (a *account) bounded(p policy, args ...string) {
	a.t.Helper()
	told := func(r result, action string) bool {
		return r.code != exitOK && strings.Contains(r.errors, "not authorized to perform: "+action)
	}
	for _, s := range p.Statement {
		for _, action := range s.Action {
			if s.Condition != nil {
				continue // services ask for it, and the emulator's don't
			}
			if r := a.run(a.user(p.lacking(action), emulatorFaults().lacking(action)), args...); !told(r, action) {
				a.t.Errorf("without %s: %+v", action, r)
			}
		}
	}
	if r := a.run(a.user(p.renamed(a.prefix, a.prefix+"2")), args...); r.code != exitFailed || !told(r, "dynamodb:") {
		a.t.Errorf("with the policy of another installation: %+v", r)
	}
}

// readsOnly checks that a caller may not write.
func (a *account) readsOnly(as caller) {
	a.t.Helper()
	if r := a.run(as, "send", "rename-person", "-id", "ann", "-payload", `{"name":"Eve"}`); r.code != exitFailed || !strings.Contains(r.errors, "not authorized to perform: dynamodb:PutItem") {
		a.t.Errorf("a command: %+v", r)
	}
}
