package stack_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"daybook/infra/settings"
)

// A rule is a check that cdk-nag's AwsSolutions pack makes too, by its id there,
// so that a finding can be looked up. The pack itself is not published as a Go
// module.
type rule struct {
	id, meaning string
	// find returns a finding for each resource that breaks the rule.
	find func(tpl *template) []string
}

// each finds the resources of the kinds that are not ok.
func each(ok func(tpl *template, r resource) bool, kinds ...string) func(tpl *template) []string {
	return func(tpl *template) (found []string) {
		for _, kind := range kinds {
			for _, id := range tpl.ids(kind) {
				if !ok(tpl, tpl.Resources[id]) {
					found = append(found, kind+" "+id)
				}
			}
		}
		return found
	}
}

var rules = []rule{
	{"L1", "functions use the latest runtime", each(func(_ *template, r resource) bool {
		return r.Properties["Runtime"] == "provided.al2023"
	}, "AWS::Lambda::Function")},
	{"DDB3", "tables have point-in-time recovery", each(func(_ *template, r resource) bool {
		return at(r.Properties, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") == true
	}, "AWS::DynamoDB::Table")},
	{"APIG1", "stages write access logs", each(func(_ *template, r resource) bool {
		return at(r.Properties, "AccessLogSettings", "DestinationArn") != nil || at(r.Properties, "AccessLogSetting", "DestinationArn") != nil
	}, "AWS::ApiGatewayV2::Stage", "AWS::ApiGateway::Stage")},
	{"APIG4", "routes ask for authorization", each(func(tpl *template, r resource) bool {
		kind, _ := r.Properties["AuthorizationType"].(string)
		preflight := r.Properties["RouteKey"] == "OPTIONS /{proxy+}" && len(tpl.Settings.CORSOrigins) > 0 // answered by the gateway
		return preflight || kind != "" && kind != "NONE"
	}, "AWS::ApiGatewayV2::Route", "AWS::ApiGateway::Method")},
	{"APIG6", "REST stages log errors", each(func(_ *template, r resource) bool {
		level := at(r.Properties, "MethodSettings", 0, "LoggingLevel")
		return level == "ERROR" || level == "INFO"
	}, "AWS::ApiGateway::Stage")},
	{"S2", "buckets are closed to the public", each(func(_ *template, r resource) bool {
		block, _ := r.Properties["PublicAccessBlockConfiguration"].(object)
		return len(block) == 4 && !slices.ContainsFunc(sorted(block), func(k string) bool { return block[k] != true })
	}, "AWS::S3::Bucket")},
	{"S10", "buckets are used over TLS only", func(tpl *template) (found []string) {
		for _, id := range tpl.ids("AWS::S3::Bucket") {
			if !slices.ContainsFunc(tpl.statements(), func(s statement) bool {
				return s.kind == "AWS::S3::BucketPolicy" && s.effect == "Deny" && at(s.condition, "Bool", "aws:SecureTransport") == "false"
			}) {
				found = append(found, id)
			}
		}
		return found
	}},
	{"S3-SSE", "buckets are encrypted", each(func(_ *template, r resource) bool {
		return at(r.Properties, "BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault", "SSEAlgorithm") != nil
	}, "AWS::S3::Bucket")},
	{"SQS2", "queues are encrypted", each(func(_ *template, r resource) bool {
		return r.Properties["SqsManagedSseEnabled"] == true || r.Properties["KmsMasterKeyId"] != nil
	}, "AWS::SQS::Queue")},
	{"SQS3", "queues have a dead-letter queue, or are one", each(func(_ *template, r resource) bool {
		return at(r.Properties, "RedrivePolicy", "deadLetterTargetArn") != nil || at(r.Properties, "RedriveAllowPolicy", "sourceQueueArns") != nil
	}, "AWS::SQS::Queue")},
	{"SQS4", "queues are used over TLS only", func(tpl *template) (found []string) {
		secured := make(map[string]bool)
		for _, id := range tpl.ids("AWS::SQS::QueuePolicy") {
			p := tpl.Resources[id].Properties
			for _, s := range tpl.statements() {
				if strings.Contains(s.where, " "+id+" ") && s.effect == "Deny" && at(s.condition, "Bool", "aws:SecureTransport") == "false" {
					for _, queue := range p["Queues"].([]any) {
						secured[at(queue, "Ref").(string)] = true
					}
				}
			}
		}
		for _, id := range tpl.ids("AWS::SQS::Queue") {
			if !secured[id] {
				found = append(found, id)
			}
		}
		return found
	}},
	{"EVB1", "event buses are open to nobody", each(func(tpl *template, r resource) bool {
		return r.Properties["Policy"] == nil && len(tpl.ids("AWS::Events::EventBusPolicy")) == 0 && r.Properties["Name"] != nil
	}, "AWS::Events::EventBus")},
	{"KMS5", "keys are rotated", each(func(_ *template, r resource) bool {
		return r.Properties["EnableKeyRotation"] == true
	}, "AWS::KMS::Key")},
	{"IAM4", "no policies that AWS manages", each(func(_ *template, r resource) bool {
		return r.Properties["ManagedPolicyArns"] == nil
	}, "AWS::IAM::Role")},
	{"IAM5", "no wildcards", wildcards},
	{"LOG-retention", "logs end some day", each(func(_ *template, r resource) bool {
		return r.Properties["RetentionInDays"] != nil
	}, "AWS::Logs::LogGroup")},
	{"S1", "buckets write access logs", each(func(_ *template, r resource) bool {
		return r.Properties["LoggingConfiguration"] != nil
	}, "AWS::S3::Bucket")},
	{"APIG2", "the gateway validates requests", each(func(_ *template, r resource) bool { return false },
		"AWS::ApiGateway::RestApi")},
	{"APIG3", "REST stages have a web ACL", func(tpl *template) []string {
		if len(tpl.ids("AWS::WAFv2::WebACLAssociation")) > 0 {
			return nil
		}
		return tpl.ids("AWS::ApiGateway::Stage")
	}},
}

// accepted are the findings that stay, with their reasons.
var accepted = []struct {
	id, reason string
	in         func(s settings.Settings) bool
}{
	{"S1", "the bucket holds records that failed, written by Lambda only; CloudTrail's data events tell more where they are wanted", always},
	{"APIG2", "the functions validate against the schemas of the declared commands, with better answers", isREST},
	{"APIG3", "a web ACL costs by itself: the setting clientRate asks for it", func(s settings.Settings) bool { return isREST(s) && s.ClientRate == 0 }},
	{"IAM4", "API Gateway's account role, CodeDeploy's and AWS Backup's take these policies in AWS's own instructions; TestRoles names each", func(s settings.Settings) bool {
		return isREST(s) && s.AccessLogRole || s.Rollout == settings.Canary || s.BackupDays > 0
	}},
	{"APIG4", "authorization=none was asked for in so many words, and warns", settings.Settings.OpenToAll},
}

func always(settings.Settings) bool { return true }

func isREST(s settings.Settings) bool { return s.API == settings.REST }

func TestPolicies(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		for _, r := range rules {
			expected := false
			for _, a := range accepted {
				expected = expected || a.id == r.id && a.in(tpl.Settings)
			}
			found := r.find(tpl)
			if len(found) > 0 && !expected {
				t.Errorf("%s, %s: %s", r.id, r.meaning, strings.Join(found, "; "))
			}
			if len(found) == 0 && expected {
				t.Errorf("%s is accepted, but there is no such finding any more", r.id)
			}
		}
	})
}

// Each rule finds what it is there to find: a resource of its kind with nothing
// set breaks it.
func TestRulesFind(t *testing.T) {
	t.Parallel()
	bare := &template{Resources: make(map[string]resource)}
	for i, kind := range []string{
		"AWS::Lambda::Function", "AWS::DynamoDB::Table", "AWS::ApiGatewayV2::Stage", "AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Route",
		"AWS::ApiGateway::Method", "AWS::ApiGateway::RestApi", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Logs::LogGroup",
		"AWS::SQS::Queue", "AWS::Events::EventBus",
	} {
		bare.Resources[fmt.Sprint("R", i)] = resource{Type: kind, Properties: object{}}
	}
	bare.Resources["Role"] = resource{Type: "AWS::IAM::Role", Properties: object{"ManagedPolicyArns": []any{"arn:aws:iam::aws:policy/AdministratorAccess"}}}
	bare.Resources["Policy"] = resource{Type: "AWS::IAM::Policy", Properties: object{
		"Roles":          []any{object{"Ref": "Role"}},
		"PolicyDocument": object{"Statement": []any{object{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}}},
	}}
	for _, r := range rules {
		if len(r.find(bare)) == 0 {
			t.Errorf("%s finds nothing on bare resources", r.id)
		}
	}
}

// The wildcard check is not fooled by what looks excused.
func TestWildcardsFound(t *testing.T) {
	t.Parallel()
	for _, s := range []object{
		{"Effect": "Allow", "Action": "dynamodb:Query", "Resource": "*"},
		{"Effect": "Allow", "Action": "dynamodb:Batch*", "Resource": "arn:aws:dynamodb:::table/x"},
		{"Effect": "Allow", "Action": "dynamodb:Query", "Resource": "arn:aws:dynamodb:::table/*"},
		{"Effect": "Allow", "Action": []any{"xray:PutTraceSegments", "s3:GetObject"}, "Resource": "*"},
		{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:r:a:api/*"},
		{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:r:a:*/stage/GET/users/*"},
		{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::*/*"},
		{"Effect": "Allow", "Action": []any{"scheduler:CreateSchedule", "scheduler:DeleteSchedule"}, "Resource": "arn:aws:scheduler:r:1:schedule/*"},
		{"Effect": "Allow", "Action": []any{"scheduler:CreateSchedule", "scheduler:DeleteSchedule"}, "Resource": "arn:aws:scheduler:r:1:schedule/*/*"},
		{"Effect": "Allow", "Action": "scheduler:GetSchedule", "Resource": "arn:aws:scheduler:r:1:schedule/x/*"},
		{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": object{"AWS": "arn:aws:iam::1:root"}},
	} {
		tpl := &template{Resources: map[string]resource{"P": {Type: "AWS::IAM::Policy", Properties: object{
			"Roles": []any{object{"Ref": "R"}}, "PolicyDocument": object{"Statement": []any{s}},
		}}}}
		if len(wildcards(tpl)) == 0 {
			t.Errorf("not found: %v", s)
		}
	}
}
