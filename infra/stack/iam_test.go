package stack_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"daybook/dynamo"
)

// What each function may do is written out here once more, statement by
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

func wantedGrants(tpl *template) map[string][]string {
	prefix := tpl.Settings.Prefix()
	table := func(name string) string { return "<" + prefix + "-" + name + ">.Arn" }
	grants := make(map[string][]string)
	may := func(function, sid, actions string, resources ...string) {
		slices.Sort(resources)
		grants[function] = append(grants[function], fmt.Sprintf("Allow %s: %s on %s", sid, actions, strings.Join(resources, " ")))
	}
	for _, f := range []string{"command", "query", "projector"} {
		may(f, "Logs", "logs:CreateLogStream logs:PutLogEvents", "</"+prefix+"/"+f+">.Arn")
		if tpl.Settings.Tracing {
			may(f, "", "xray:PutTelemetryRecords xray:PutTraceSegments", "*")
		}
		if key := keyArn(tpl); key != "" {
			may(f, "KeyDynamodb", cryptography, key)
		}
	}
	may("command", "Events", "dynamodb:BatchGetItem dynamodb:ConditionCheckItem dynamodb:PutItem dynamodb:Query", table("events"))
	may("command", "Claims", "dynamodb:BatchGetItem dynamodb:DeleteItem dynamodb:PutItem", table("claims"))
	may("query", "Events", "dynamodb:Query", table("events"))
	may("query", "Control", "dynamodb:GetItem", table("control"))
	may("projector", "Control", "dynamodb:GetItem dynamodb:PutItem", table("control"))
	may("projector", "Events", "dynamodb:Query", table("events"))
	may("projector", "Stream", "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams", "<"+prefix+"-events>.StreamArn")
	may("projector", "ListFailures", "s3:ListBucket", "<AWS::S3::Bucket>.Arn")
	may("projector", "PutFailures", "s3:PutObject", "<AWS::S3::Bucket>.Arn/*")
	if key := keyArn(tpl); key != "" {
		may("projector", "KeyS3", cryptography, key)
	}
	for _, v := range tpl.Schema.Views {
		arn := "<" + dynamo.TableName(prefix, v.Table) + ">.Arn"
		sid := "View" + strings.ToUpper(v.Table.Name[:1]) + strings.ReplaceAll(v.Table.Name[1:], "-v", "V")
		may("query", sid, "dynamodb:BatchGetItem dynamodb:GetItem", arn, arn+"-g*")
		var indexes []string
		for _, index := range v.Indexes {
			indexes = append(indexes, arn+"/index/"+index, arn+"-g*/index/"+index)
		}
		may("query", sid+"Indexes", "dynamodb:Query", indexes...)
		may("projector", sid, "dynamodb:BatchGetItem dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem", arn, arn+"-g*")
	}
	return grants
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
// Denying everything is no permission.
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

// Roles are assumed by one service each, hold no foreign policies but the one
// that API Gateway's account role needs, and nobody else gets in.
func TestRoles(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		for _, id := range tpl.ids("AWS::IAM::Role") {
			r := tpl.Resources[id]
			managed := tpl.texts(r.Properties["ManagedPolicyArns"])
			gateway := strings.HasPrefix(id, "RestLogRole")
			if want := "arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"; gateway && !slices.Equal(managed, []string{want}) {
				t.Errorf("%s has the policies %v", id, managed)
			}
			if !gateway && r.Properties["ManagedPolicyArns"] != nil {
				t.Errorf("%s has the policies %v, want none but its own", id, managed)
			}
			want := "lambda.amazonaws.com"
			if gateway {
				want = "apigateway.amazonaws.com"
			}
			same(t, tpl, id+" assumed by", at(r.Properties, "AssumeRolePolicyDocument", "Statement", 0, "Principal", "Service"), want)
			if n := len(at(r.Properties, "AssumeRolePolicyDocument", "Statement").([]any)); n != 1 {
				t.Errorf("%s can be assumed in %d ways, want 1", id, n)
			}
		}
		if users := append(tpl.ids("AWS::IAM::User"), tpl.ids("AWS::IAM::AccessKey")...); len(users) > 0 {
			t.Errorf("the stack makes users: %v", users)
		}
	})
}

// Functions are invoked by this API alone, and by nothing public.
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
