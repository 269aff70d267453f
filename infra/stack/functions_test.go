package stack_test

import (
	"encoding/json/v2"
	"fmt"
	"strings"
	"testing"

	"daybook/infra/bundle"
	"daybook/infra/settings"
)

func TestFunctions(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		if got, want := len(tpl.ids("AWS::Lambda::Function")), len(bundle.Functions()); got != want {
			t.Errorf("%d functions, want %d: the CDK has added some", got, want)
		}
		s := tpl.Settings
		memory := map[string]int{"command": s.CommandMemory, "query": s.QueryMemory, "projector": s.ProjectorMemory}
		roles := make(map[string]bool)
		for _, name := range bundle.Functions() {
			r := tpl.named(t, "AWS::Lambda::Function", "FunctionName", s.Prefix()+"-"+name)
			same(t, tpl, name+" runtime", r.Properties["Runtime"], "provided.al2023")
			same(t, tpl, name+" architecture", r.Properties["Architectures"], string(s.Architecture))
			same(t, tpl, name+" memory", r.Properties["MemorySize"], fmt.Sprint(memory[name]))
			same(t, tpl, name+" log group", at(r.Properties, "LoggingConfig", "LogGroup"), "</"+s.Prefix()+"/"+name+">")
			same(t, tpl, name+" log format", at(r.Properties, "LoggingConfig", "LogFormat"), "JSON")
			tracing := "<nil>"
			if s.Tracing {
				tracing = "Active"
			}
			same(t, tpl, name+" tracing", at(r.Properties, "TracingConfig", "Mode"), tracing)
			environment := at(r.Properties, "Environment", "Variables")
			same(t, tpl, name+" events table", at(environment, "DAYBOOK_EVENTS_TABLE"), "<"+s.Prefix()+"-events>")
			same(t, tpl, name+" claims table", at(environment, "DAYBOOK_CLAIMS_TABLE"), "<"+s.Prefix()+"-claims>")
			same(t, tpl, name+" view prefix", at(environment, "DAYBOOK_VIEW_PREFIX"), s.Prefix())
			same(t, tpl, name+" log level", at(environment, "DAYBOOK_LOG_LEVEL"), s.LogLevel)
			describesAuthorization(t, tpl, name, environment)
			roles[tpl.roleOf(name)] = true
		}
		if len(roles) != len(bundle.Functions()) {
			t.Errorf("the functions share roles: %v", sorted(roles))
		}
	})
}

// describesAuthorization: the query function, which answers /openapi.json, and no
// other is told what the gateway asks of callers.
func describesAuthorization(t *testing.T, tpl *template, function string, environment any) {
	t.Helper()
	s := tpl.Settings
	want := map[string]string{"DAYBOOK_AUTHORIZATION": "<nil>", "DAYBOOK_JWT_ISSUER": "<nil>", "DAYBOOK_SCOPES": "<nil>"}
	if function == "query" {
		want["DAYBOOK_AUTHORIZATION"] = string(s.Authorization)
		if s.Authorization == settings.JWT {
			want["DAYBOOK_JWT_ISSUER"] = s.JWTIssuer
			want["DAYBOOK_SCOPES"] = s.WriteScope + " " + s.ReadScope + " " + s.HistoryScope
		}
	}
	for name, value := range want {
		same(t, tpl, function+" "+name, at(environment, name), value)
	}
}

func TestLogGroups(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		for _, name := range append(bundle.Functions(), "access") {
			r := tpl.named(t, "AWS::Logs::LogGroup", "LogGroupName", "/"+tpl.Settings.Prefix()+"/"+name)
			same(t, tpl, name+" retention", r.Properties["RetentionInDays"], fmt.Sprint(tpl.Settings.LogRetention))
			key := keyArn(tpl)
			if key == "" {
				key = "<nil>"
			}
			same(t, tpl, name+" key", r.Properties["KmsKeyId"], key)
		}
	})
}

func TestMapping(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		p, s := tpl.only(t, "AWS::Lambda::EventSourceMapping").Properties, tpl.Settings
		for property, want := range map[string]string{
			"EventSourceArn":                 "<" + s.Prefix() + "-events>.StreamArn",
			"FunctionName":                   "<" + s.Prefix() + "-projector>",
			"StartingPosition":               "TRIM_HORIZON",
			"BatchSize":                      fmt.Sprint(s.BatchSize),
			"MaximumBatchingWindowInSeconds": fmt.Sprint(s.BatchWindow),
			"MaximumRetryAttempts":           fmt.Sprint(s.RetryAttempts),
			"MaximumRecordAgeInSeconds":      fmt.Sprint(s.RecordAge),
			"BisectBatchOnFunctionError":     "true",
			"ParallelizationFactor":          "1",
			"FunctionResponseTypes":          "ReportBatchItemFailures",
		} {
			same(t, tpl, property, p[property], want)
		}
		same(t, tpl, "on failure", at(p, "DestinationConfig", "OnFailure", "Destination"), "<AWS::S3::Bucket>.Arn")
		same(t, tpl, "metrics", at(p, "MetricsConfig", "Metrics"), "EventCount")
		filters, _ := at(p, "FilterCriteria", "Filters").([]any)
		if len(filters) != 1 {
			t.Fatalf("%d filters, want 1", len(filters))
		}
		var pattern map[string][]string
		if err := json.Unmarshal([]byte(at(filters, 0, "Pattern").(string)), &pattern); err != nil {
			t.Fatal(err)
		}
		if len(pattern) != 1 || len(pattern["eventName"]) != 1 || pattern["eventName"][0] != "INSERT" {
			t.Errorf("filter = %v, want inserts alone", pattern)
		}
	})
}

func TestFailureBucket(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		r := tpl.only(t, "AWS::S3::Bucket")
		for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			same(t, tpl, block, at(r.Properties, "PublicAccessBlockConfiguration", block), "true")
		}
		rule := at(r.Properties, "BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault")
		if key := keyArn(tpl); key == "" {
			same(t, tpl, "encryption", at(rule, "SSEAlgorithm"), "AES256")
		} else {
			same(t, tpl, "encryption", at(rule, "SSEAlgorithm"), "aws:kms")
			same(t, tpl, "key", at(rule, "KMSMasterKeyID"), key)
		}
		policy := "Retain"
		if tpl.Settings.RemovalPolicy == "destroy" {
			policy = "Delete"
		}
		same(t, tpl, "on deletion", r.DeletionPolicy, policy)
		same(t, tpl, "expiry", at(r.Properties, "LifecycleConfiguration", "Rules", 0, "ExpirationInDays"), "90")
		insecure := false
		for _, s := range tpl.statements() {
			insecure = insecure || s.kind == "AWS::S3::BucketPolicy" && s.effect == "Deny" &&
				at(s.condition, "Bool", "aws:SecureTransport") == "false" && strings.Join(s.actions, "") == "s3:*"
		}
		if !insecure {
			t.Error("the bucket can be used without TLS")
		}
	})
}

func TestKey(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		if tpl.Settings.KMSKey != "create" {
			if ids := tpl.ids("AWS::KMS::Key"); len(ids) > 0 {
				t.Errorf("there is a key that nobody asked for: %v", ids)
			}
			return
		}
		r := tpl.only(t, "AWS::KMS::Key")
		same(t, tpl, "rotation", r.Properties["EnableKeyRotation"], "true")
		same(t, tpl, "on deletion", r.DeletionPolicy, "Retain")
		for _, s := range tpl.statements() {
			if s.kind == "AWS::KMS::Key" && s.sid == "Logs" {
				want := ":log-group:/" + tpl.Settings.Prefix() + "/*"
				if arn := tpl.text(at(s.condition, "ArnLike", "kms:EncryptionContext:aws:logs:arn")); !strings.HasSuffix(arn, want) {
					t.Errorf("logs may use the key for %s, want …%s", arn, want)
				}
			}
		}
	})
}
