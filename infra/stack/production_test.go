package stack_test

import (
	"slices"
	"strings"
	"testing"

	"daybook/infra/bundle"
	"daybook/infra/settings"
)

// production are the variants of the profile production, one of each kind of API.
var production = []string{"http-production", "rest-production"}

func eachProduction(t *testing.T, test func(t *testing.T, tpl *template)) {
	t.Helper()
	for _, name := range production {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, variant(t, name))
		})
	}
}

// Callers get the alias of a version, and CodeDeploy moves it a tenth at a time
// and back when an alarm rings.
func TestRollout(t *testing.T) {
	t.Parallel()
	eachProduction(t, func(t *testing.T, tpl *template) {
		if got, want := len(tpl.ids("AWS::Lambda::Version")), len(bundle.Functions()); got != want {
			t.Errorf("%d versions, want %d", got, want)
		}
		for _, name := range bundle.Functions() {
			alias := tpl.named(t, "AWS::Lambda::Alias", "FunctionName", "<"+tpl.Settings.Prefix()+"-"+name+">")
			same(t, tpl, name+" alias", alias.Properties["Name"], "live")
			group := tpl.rollout(t, name)
			same(t, tpl, name+" configuration", group["DeploymentConfigName"], "CodeDeployDefault.LambdaCanary10Percent5Minutes")
			same(t, tpl, name+" rolls back on", at(group, "AutoRollbackConfiguration", "Events"), "DEPLOYMENT_FAILURE,DEPLOYMENT_STOP_ON_REQUEST,DEPLOYMENT_STOP_ON_ALARM")
			want := []string{name + "-errors", name + "-slow"}
			if name == "command" || name == "query" {
				want = append(want, "api-faults")
			}
			var got []string
			alarms, _ := at(group, "AlarmConfiguration", "Alarms").([]any)
			for _, a := range alarms {
				id, _ := at(a, "Name", "Ref").(string)
				got = append(got, strings.TrimPrefix(tpl.text(tpl.Resources[id].Properties["AlarmName"]), tpl.Settings.Prefix()+"-"))
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s watches %v, want %v", name, got, want)
			}
		}
		tpl.onlyAliasesAreInvoked(t)
	})
}

// rollout is the deployment group of a function.
func (tpl *template) rollout(t *testing.T, function string) object {
	t.Helper()
	for _, id := range tpl.ids("AWS::CodeDeploy::DeploymentGroup") {
		if strings.HasPrefix(strings.ToLower(id), function+"rollout") {
			return tpl.Resources[id].Properties
		}
	}
	t.Fatalf("nothing rolls %s out", function)
	return nil
}

// onlyAliasesAreInvoked: no mapping and no permission of the API is for a function
// itself, whose code changes at once.
func (tpl *template) onlyAliasesAreInvoked(t *testing.T) {
	t.Helper()
	for _, kind := range []string{"AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission"} {
		for _, id := range tpl.ids(kind) {
			ref, _ := at(tpl.Resources[id].Properties, "FunctionName", "Ref").(string)
			if tpl.Resources[ref].Type != "AWS::Lambda::Alias" {
				t.Errorf("%s is for %s, not for an alias", id, ref)
			}
		}
	}
}

// The standard profile replaces functions in place and reserves nothing.
func TestReservedConcurrency(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		want := map[string]string{"command": "<nil>", "query": "<nil>", "projector": "<nil>", "process": "<nil>"}
		if tpl.Settings.Profile == settings.Production {
			want["projector"], want["process"] = "20", "20"
		} else if ids := tpl.ids("AWS::Lambda::Alias"); len(ids) > 0 {
			t.Errorf("there are aliases: %v", ids)
		}
		for name, reserved := range want {
			p := tpl.named(t, "AWS::Lambda::Function", "FunctionName", tpl.Settings.Prefix()+"-"+name).Properties
			same(t, tpl, name+" reserved", p["ReservedConcurrentExecutions"], reserved)
		}
	})
}

// The events, and nothing else, are backed up each night into a vault of their own.
func TestBackup(t *testing.T) {
	t.Parallel()
	eachProduction(t, func(t *testing.T, tpl *template) {
		vault := tpl.only(t, "AWS::Backup::BackupVault")
		same(t, tpl, "key of the vault", vault.Properties["EncryptionKeyArn"], "<AWS::KMS::Key>.Arn")
		same(t, tpl, "vault on deletion", vault.DeletionPolicy, "Retain")
		denied := false
		for _, s := range tpl.statements() {
			denied = denied || s.kind == "AWS::Backup::BackupVault" && s.effect == "Deny" && slices.Contains(s.actions, "backup:DeleteRecoveryPoint")
		}
		if !denied {
			t.Error("a backup can be deleted by hand")
		}
		rule := at(tpl.only(t, "AWS::Backup::BackupPlan").Properties, "BackupPlan", "BackupPlanRule", 0)
		same(t, tpl, "kept for days", at(rule, "Lifecycle", "DeleteAfterDays"), "35")
		copied := tpl.Settings.BackupCopyTo
		if copied == "" {
			copied = "<nil>"
		}
		same(t, tpl, "copied to", at(rule, "CopyActions", 0, "DestinationBackupVaultArn"), copied)
		same(t, tpl, "what", at(tpl.only(t, "AWS::Backup::BackupSelection").Properties, "BackupSelection", "Resources"), "<"+tpl.Settings.Prefix()+"-events>.Arn")
	})
	if ids := variant(t, "http-iam").ids("AWS::Backup::BackupVault"); len(ids) > 0 {
		t.Errorf("the standard profile backs up: %v", ids)
	}
}

// The access log names the caller where it is asked to, and nowhere else.
func TestCallerInAccessLog(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		want := map[bool]map[settings.Authorization]string{true: {
			settings.IAM: `"caller":"$context.identity.userArn"`, settings.JWT: `"caller":"$context.authorizer.claims.sub"`,
		}}[tpl.Settings.AccessLogCaller][tpl.Settings.Authorization]
		kind, property := "AWS::ApiGatewayV2::Stage", "AccessLogSettings"
		if tpl.Settings.API == settings.REST {
			kind, property = "AWS::ApiGateway::Stage", "AccessLogSetting"
		}
		line := tpl.text(at(tpl.only(t, kind).Properties, property, "Format"))
		if want != "" && !strings.Contains(line, want) || want == "" && strings.Contains(line, `"caller"`) {
			t.Errorf("the access log is %s, want %q in it", line, want)
		}
	})
}

// A client that sends too much is refused by itself, with a problem.
func TestClientRate(t *testing.T) {
	t.Parallel()
	tpl := variant(t, "rest-production")
	p := tpl.only(t, "AWS::WAFv2::WebACL").Properties
	rule := at(p, "Rules", 0)
	same(t, tpl, "limit", at(rule, "Statement", "RateBasedStatement", "Limit"), "3000")
	same(t, tpl, "for each", at(rule, "Statement", "RateBasedStatement", "AggregateKeyType"), "IP")
	same(t, tpl, "status", at(rule, "Action", "Block", "CustomResponse", "ResponseCode"), "429")
	if body := tpl.text(at(p, "CustomResponseBodies", "throttled", "Content")); !strings.Contains(body, `"code":"throttled"`) {
		t.Errorf("it is refused with %s", body)
	}
	association := tpl.only(t, "AWS::WAFv2::WebACLAssociation").Properties
	if arn := tpl.text(association["ResourceArn"]); !strings.Contains(arn, "/stages/") {
		t.Errorf("the web ACL is before %s", arn)
	}
	if ids := variant(t, "http-production").ids("AWS::WAFv2::WebACL"); len(ids) > 0 {
		t.Errorf("an HTTP API has a web ACL: %v", ids)
	}
}

// Tags of the stack are the deployment's: CloudFormation puts them on each resource.
func TestTags(t *testing.T) {
	t.Parallel()
	tpl := variant(t, "http-production")
	for _, want := range []string{`"team": "shop"`, `"cost-centre": "4711"`, `"daybook:stage": "prod"`} {
		if !strings.Contains(tpl.Manifest, want) {
			t.Errorf("the stack lacks the tag %s", want)
		}
	}
}

// Without functions there is what they would work on, and nothing that waits for
// them.
func TestWithoutFunctions(t *testing.T) {
	t.Parallel()
	needNode(t)
	synthesizing.Lock()
	tpl := synth(t, "functions-none", `{"functions":"none","authorization":"none"}`)
	synthesizing.Unlock()
	kinds := make(map[string]int)
	for _, r := range tpl.Resources {
		kinds[r.Type]++
	}
	want := map[string]int{
		"AWS::DynamoDB::Table": len(tpl.Schema.Views) + 5, "AWS::SQS::Queue": 2, "AWS::SQS::QueuePolicy": 2, "AWS::Events::EventBus": 1,
		"AWS::Scheduler::ScheduleGroup": 1, "AWS::IAM::Role": 1, "AWS::IAM::Policy": 1,
	}
	for kind, n := range want {
		if kinds[kind] != n {
			t.Errorf("%d of %s, want %d", kinds[kind], kind, n)
		}
		delete(kinds, kind)
	}
	delete(kinds, "AWS::CDK::Metadata")
	if len(kinds) > 0 {
		t.Errorf("there are more resources: %v", kinds)
	}
	if tpl.Outputs["EventsTable"] == nil || tpl.Outputs["ApiUrl"] != nil {
		t.Errorf("outputs are %v", sorted(tpl.Outputs))
	}
	if !strings.Contains(tpl.Manifest, "functions=none") {
		t.Error("nothing warns that there are no functions")
	}
}
