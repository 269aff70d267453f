package stack_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"daybook/infra/bundle"
	"daybook/infra/stack"
)

// The permissions of each function are written out here once more, statement by
// statement: a new permission has to be put here too, and so be seen.
func TestWhatEachFunctionMayDo(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		for function, want := range wantedGrants(tpl) {
			got := tpl.grants(function)
			for _, g := range got {
				if !slices.Contains(want, g) {
					t.Errorf("%s may do too much: %s", function, g)
				}
			}
			for _, w := range want {
				if !slices.Contains(got, w) {
					t.Errorf("%s may not: %s", function, w)
				}
			}
		}
	})
}

// wanted are the grants of each function, as template.grants writes them.
type wanted struct {
	tpl    *template
	prefix string
	grants map[string][]string
}

func (w wanted) may(function, sid, actions string, resources ...string) {
	slices.Sort(resources)
	w.grants[function] = append(w.grants[function], fmt.Sprintf("Allow %s: %s on %s", sid, actions, strings.Join(resources, " ")))
}

// arn is that of a table or queue.
func (w wanted) arn(name string) string { return "<" + w.prefix + "-" + name + ">.Arn" }

func wantedGrants(tpl *template) map[string][]string {
	w := wanted{tpl: tpl, prefix: tpl.Settings.Prefix(), grants: make(map[string][]string)}
	for _, f := range bundle.Functions() {
		w.may(f, "Logs", "logs:CreateLogStream logs:PutLogEvents", "</"+w.prefix+"/"+f+">.Arn")
		if tpl.Settings.Tracing {
			w.may(f, "", "xray:PutTelemetryRecords xray:PutTraceSegments", "*")
		}
		if key := keyArn(tpl); key != "" {
			w.may(f, "KeyDynamodb", cryptography, key)
		}
	}
	w.command()
	w.reading()
	w.projector()
	w.process()
	return w.grants
}

func (w wanted) deciding(f string) {
	w.may(f, "Events", "dynamodb:BatchGetItem dynamodb:ConditionCheckItem dynamodb:PutItem dynamodb:Query", w.arn("events"))
	w.may(f, "Claims", "dynamodb:BatchGetItem dynamodb:DeleteItem dynamodb:PutItem", w.arn("claims"))
}

func (w wanted) command() {
	w.deciding("command")
	w.may("command", "Requests", "dynamodb:GetItem dynamodb:PutItem", w.arn("requests"))
	w.may("command", "Enqueue", "sqs:SendMessage", w.arn("commands.fifo"), w.arn("dead-commands.fifo"))
	w.may("command", "Queue", "sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage", w.arn("commands.fifo"))
	if key := keyArn(w.tpl); key != "" {
		w.may("command", "KeySqs", cryptography, key)
	}
}

func (w wanted) reading() {
	w.may("query", "Events", "dynamodb:Query", w.arn("events"))
	w.may("query", "Control", "dynamodb:GetItem", w.arn("control"))
	w.may("query", "Requests", "dynamodb:GetItem", w.arn("requests"))
	for _, v := range w.tpl.Schema.Views {
		arn := w.arn(v.Table.Name)
		var indexes []string
		for _, index := range v.Indexes {
			indexes = append(indexes, arn+"/index/"+index, arn+"-g*/index/"+index)
		}
		w.may("query", viewSID(v), "dynamodb:BatchGetItem dynamodb:GetItem", arn, arn+"-g*")
		w.may("query", viewSID(v)+"Indexes", "dynamodb:Query", indexes...)
	}
}

func (w wanted) projector() {
	w.following("projector")
	w.may("projector", "Control", "dynamodb:GetItem dynamodb:PutItem", w.arn("control"))
	w.may("projector", "Events", "dynamodb:Query", w.arn("events"))
	for _, v := range w.tpl.Schema.Views {
		arn := w.arn(v.Table.Name)
		w.may("projector", viewSID(v), "dynamodb:BatchGetItem dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem", arn, arn+"-g*")
	}
}

func (w wanted) process() {
	w.following("process")
	w.deciding("process")
	w.may("process", "Processes", "dynamodb:BatchGetItem dynamodb:GetItem dynamodb:PutItem", w.arn("processes"))
	w.may("process", "Timers", "scheduler:CreateSchedule scheduler:DeleteSchedule", arnOf(w.tpl, "scheduler", "schedule/"+w.prefix+"/*"))
	w.may("process", "TimersRole", "iam:PassRole", timersRole+".Arn")
	w.may("process", "Publish", "events:PutEvents", busArn(w.tpl))
}

// following is what Lambda does in a function's name to hand it the stream.
func (w wanted) following(f string) {
	w.may(f, "Stream", "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams", "<"+w.prefix+"-events>.StreamArn")
	w.may(f, "ListFailures", "s3:ListBucket", "<AWS::S3::Bucket>.Arn")
	w.may(f, "PutFailures", "s3:PutObject", "<AWS::S3::Bucket>.Arn/*")
	if key := keyArn(w.tpl); key != "" {
		w.may(f, "KeyS3", cryptography, key)
	}
}

// viewSID is the statement's id for a view's table.
func viewSID(v stack.View) string {
	return "View" + strings.ToUpper(v.Table.Name[:1]) + strings.ReplaceAll(v.Table.Name[1:], "-v", "V")
}

// arnOf is the ARN of something of this account and region that the template does
// not make itself.
func arnOf(tpl *template, service, resource string) string {
	region, account := tpl.Settings.Region, tpl.Settings.Account
	if region == "" {
		region = "<AWS::Region>"
	}
	if account == "" {
		account = "<AWS::AccountId>"
	}
	return "arn:<AWS::Partition>:" + service + ":" + region + ":" + account + ":" + resource
}

func busArn(tpl *template) string {
	switch bus := tpl.Settings.EventBus; {
	case bus == "":
		return "<AWS::Events::EventBus>.Arn"
	case strings.HasPrefix(bus, "arn:"):
		return bus
	default:
		return arnOf(tpl, "events", "event-bus/"+bus)
	}
}

// timersRole is how text calls the role that schedules assume, as any role without
// a name; TestTimersRole sees that it is that one.
const timersRole = "<AWS::IAM::Role>"

// timersRoleID is its logical id: the only role that the scheduler may assume.
func timersRoleID(t *testing.T, tpl *template) string {
	t.Helper()
	var found []string
	for _, id := range tpl.ids("AWS::IAM::Role") {
		if tpl.text(at(tpl.Resources[id].Properties, "AssumeRolePolicyDocument", "Statement", 0, "Principal", "Service")) == "scheduler.amazonaws.com" {
			found = append(found, id)
		}
	}
	if len(found) != 1 {
		t.Fatalf("the scheduler may assume %v, want one role", found)
	}
	return found[0]
}

const cryptography = "kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext kms:ReEncryptFrom kms:ReEncryptTo"

func keyArn(tpl *template) string {
	switch tpl.Settings.KMSKey {
	case "aws-owned":
		return ""
	case "create":
		return "<AWS::KMS::Key>.Arn"
	}
	return tpl.Settings.KMSKey
}

// unavoidable are the wildcards that AWS leaves no choice about, or that stand
// for a path and not for a resource. Every other one is a failure.
var unavoidable = []struct {
	reason string
	holds  func(s statement, resource string) bool
}{
	{"X-Ray has no resources to name", func(s statement, r string) bool {
		return r == "*" && slices.Equal(s.actions, []string{"xray:PutTelemetryRecords", "xray:PutTraceSegments"})
	}},
	{"in a key policy * is the key itself", func(s statement, r string) bool {
		return r == "*" && s.kind == "AWS::KMS::Key"
	}},
	{"the schedules of one group, which are named after timers", func(s statement, r string) bool {
		_, schedule, ok := strings.Cut(r, ":schedule/")
		return ok && strings.Count(schedule, "*") == 1 && strings.HasSuffix(schedule, "/*") && len(schedule) > 2 &&
			slices.Equal(s.actions, []string{"scheduler:CreateSchedule", "scheduler:DeleteSchedule"})
	}},
	{"the objects of one bucket, whose names Lambda chooses", func(s statement, r string) bool {
		return r == "<AWS::S3::Bucket>.Arn/*" && slices.Equal(s.actions, []string{"s3:PutObject"})
	}},
	{"tables that rebuilds make, named after the view's table", func(_ statement, r string) bool {
		table, rest, ok := strings.Cut(r, ">.Arn-g*")
		return ok && strings.Contains(table, "-v") && !strings.Contains(rest, "*") && (rest == "" || strings.HasPrefix(rest, "/index/"))
	}},
	{"an API's policy names paths, and ids are part of them", func(s statement, r string) bool {
		_, path, ok := strings.Cut(r, ":execute-api:")
		return ok && slices.Equal(s.actions, []string{"execute-api:Invoke"}) && strings.Count(path, "*") == 1 && strings.HasSuffix(path, "/*") && strings.Count(path, "/") >= 4
	}},
}

func TestNoWildcards(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		for _, problem := range wildcards(tpl) {
			t.Error(problem)
		}
	})
}

// wildcards are the actions and resources with a wildcard that nothing excuses.
// Denying everything is not a permission.
func wildcards(tpl *template) []string {
	var all []string
	for _, s := range tpl.statements() {
		if s.effect != "Allow" {
			continue
		}
		for _, a := range s.actions {
			root := s.kind == "AWS::KMS::Key" && strings.Contains(s.principals, ":root")
			if strings.Contains(a, "*") && !(root && a == "kms:*") { // the account administers its key by IAM
				all = append(all, "wildcard action in "+s.String())
			}
		}
		for _, r := range s.resources {
			excused := !strings.Contains(r, "*")
			for _, u := range unavoidable {
				excused = excused || u.holds(s, r)
			}
			if !excused {
				all = append(all, "wildcard resource in "+s.String())
			}
		}
	}
	return all
}

// roleServices are the services that may assume a role of the stack, with AWS's
// policy that the role of it has; "" is none.
var roleServices = map[string]string{
	"lambda.amazonaws.com":     "",
	"scheduler.amazonaws.com":  "",
	"apigateway.amazonaws.com": "AmazonAPIGatewayPushToCloudWatchLogs",
	"backup.amazonaws.com":     "AWSBackupServiceRolePolicyForBackup",
	"codedeploy.amazonaws.com": "AWSCodeDeployRoleForLambdaLimited",
}

// Roles are assumed by one service each, hold no foreign policies but the ones
// that AWS writes for the service, and nobody else gets in.
func TestRoles(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		for _, id := range tpl.ids("AWS::IAM::Role") {
			r := tpl.Resources[id]
			managed := tpl.texts(r.Properties["ManagedPolicyArns"])
			service := tpl.text(at(r.Properties, "AssumeRolePolicyDocument", "Statement", 0, "Principal", "Service"))
			policy, known := roleServices[service]
			if !known {
				t.Errorf("%s is assumed by %s", id, service)
			}
			if service == "scheduler.amazonaws.com" && id != timersRoleID(t, tpl) {
				t.Errorf("the scheduler may assume %s", id)
			}
			if policy == "" && r.Properties["ManagedPolicyArns"] != nil {
				t.Errorf("%s has the policies %v, want none but its own", id, managed)
			}
			if want := "arn:<AWS::Partition>:iam::aws:policy/service-role/" + policy; policy != "" && !slices.Equal(managed, []string{want}) {
				t.Errorf("%s has the policies %v, want %s", id, managed, want)
			}
			if n := len(at(r.Properties, "AssumeRolePolicyDocument", "Statement").([]any)); n != 1 {
				t.Errorf("%s can be assumed in %d ways, want 1", id, n)
			}
		}
		if users := append(tpl.ids("AWS::IAM::User"), tpl.ids("AWS::IAM::AccessKey")...); len(users) > 0 {
			t.Errorf("the stack makes users: %v", users)
		}
	})
}

// The timers' role is for schedules of this deployment's group, which send to the
// command queue and do nothing else, and the process function hands it to the
// scheduler only.
func TestTimersRole(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		id, prefix := timersRoleID(t, tpl), tpl.Settings.Prefix()
		same(t, tpl, "group", tpl.only(t, "AWS::Scheduler::ScheduleGroup").Properties["Name"], prefix)
		account := tpl.Settings.Account
		if account == "" {
			account = "<AWS::AccountId>"
		}
		trust := at(tpl.Resources[id].Properties, "AssumeRolePolicyDocument", "Statement", 0)
		same(t, tpl, "trusted account", at(trust, "Condition", "StringEquals", "aws:SourceAccount"), account)
		same(t, tpl, "trusted group", at(trust, "Condition", "StringEquals", "aws:SourceArn"), "<AWS::Scheduler::ScheduleGroup>.Arn")
		want := []string{"Send: sqs:SendMessage on <" + prefix + "-commands.fifo>.Arn"}
		if key := keyArn(tpl); key != "" {
			want = append(want, "KeySqs: "+cryptography+" on "+key)
		}
		slices.Sort(want)
		var got []string
		passed := false
		for _, s := range tpl.statements() {
			if s.role == id {
				got = append(got, s.sid+": "+strings.Join(s.actions, " ")+" on "+strings.Join(s.resources, " "))
			}
			if s.sid == "TimersRole" {
				passed = true
				same(t, tpl, "passed to", at(s.condition, "StringEquals", "iam:PassedToService"), "scheduler.amazonaws.com")
				same(t, tpl, "passed", at(s.raw, "Resource", "Fn::GetAtt", 0), id)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("timers may %v, want %v", got, want)
		}
		if !passed {
			t.Error("the process function can't hand the role to the scheduler")
		}
	})
}

// Functions are invoked by this API only, and by nothing public.
func TestInvocation(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		ids := tpl.ids("AWS::Lambda::Permission")
		if len(ids) == 0 {
			t.Error("the API may not invoke the functions")
		}
		for _, id := range ids {
			p := tpl.Resources[id].Properties
			same(t, tpl, id+" principal", p["Principal"], "apigateway.amazonaws.com")
			same(t, tpl, id+" action", p["Action"], "lambda:InvokeFunction")
			if arn := tpl.text(p["SourceArn"]); !strings.Contains(arn, ":<AWS::ApiGateway") {
				t.Errorf("%s: source %s is not this API", id, arn)
			}
		}
		if urls := tpl.ids("AWS::Lambda::Url"); len(urls) > 0 {
			t.Errorf("functions have URLs of their own: %v", urls)
		}
	})
}
