package stack_test

import (
	"encoding/json/jsontext"
	"fmt"
	"strings"
	"testing"

	"daybook/infra/bundle"
	"daybook/infra/settings"
	"daybook/infra/stack"
	"daybook/internal/testdomain"
)

func TestFunctions(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		if got, want := len(tpl.ids("AWS::Lambda::Function")), len(bundle.Functions()); got != want {
			t.Errorf("%d functions, want %d: the CDK has added some", got, want)
		}
		s := tpl.Settings
		memory := map[string]int{"command": s.CommandMemory, "query": s.QueryMemory, "projector": s.ProjectorMemory, "process": s.ProcessMemory}
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
			for variable, want := range environments(tpl)[name] {
				same(t, tpl, name+" "+variable, at(environment, variable), want)
			}
			collector := "<nil>"
			if s.OTLP != "" {
				collector = s.OTLP
			}
			same(t, tpl, name+" collector", at(environment, "DAYBOOK_OTLP_ENDPOINT"), collector)
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

// environments are the variables of each function that the others lack.
func environments(tpl *template) map[string]map[string]string {
	prefix := tpl.Settings.Prefix()
	bus := "<AWS::Events::EventBus>"
	if tpl.Settings.EventBus != "" {
		bus = tpl.Settings.EventBus
	}
	return map[string]map[string]string{
		"command": {
			"DAYBOOK_REQUESTS_TABLE": "<" + prefix + "-requests>",
			"DAYBOOK_COMMAND_QUEUE":  "<" + prefix + "-commands.fifo>",
			"DAYBOOK_DEAD_QUEUE":     "<" + prefix + "-dead-commands.fifo>",
		},
		"query": {"DAYBOOK_REQUESTS_TABLE": "<" + prefix + "-requests>"},
		"process": {
			"DAYBOOK_PROCESSES_TABLE": "<" + prefix + "-processes>",
			"DAYBOOK_SCHEDULE_GROUP":  prefix,
			"DAYBOOK_SCHEDULE_ROLE":   timersRole + ".Arn",
			"DAYBOOK_SCHEDULE_TARGET": "<" + prefix + "-commands.fifo>.Arn",
			"DAYBOOK_EVENT_BUS":       bus,
		},
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

func TestStreamMappings(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		s := tpl.Settings
		for function, own := range map[string]struct {
			batch  int
			filter string
		}{
			"projector": {s.BatchSize, `{"eventName":["INSERT"]}`},
			"process":   {s.ProcessBatchSize, `{"dynamodb":{"Keys":{"stream":{"S":[{"prefix":"booking/"},{"prefix":"course/"}]}}},"eventName":["INSERT"]}`},
		} {
			p := tpl.mapping(t, function)
			for property, want := range map[string]string{
				"EventSourceArn":                 "<" + s.Prefix() + "-events>.StreamArn",
				"StartingPosition":               "TRIM_HORIZON",
				"Enabled":                        "true",
				"BatchSize":                      fmt.Sprint(own.batch),
				"MaximumBatchingWindowInSeconds": fmt.Sprint(s.BatchWindow),
				"MaximumRetryAttempts":           fmt.Sprint(s.RetryAttempts),
				"MaximumRecordAgeInSeconds":      fmt.Sprint(s.RecordAge),
				"BisectBatchOnFunctionError":     "true",
				"ParallelizationFactor":          "1",
				"FunctionResponseTypes":          "ReportBatchItemFailures",
			} {
				same(t, tpl, function+" "+property, p[property], want)
			}
			same(t, tpl, function+" on failure", at(p, "DestinationConfig", "OnFailure", "Destination"), "<AWS::S3::Bucket>.Arn")
			same(t, tpl, function+" metrics", at(p, "MetricsConfig", "Metrics"), "EventCount")
			filters, _ := at(p, "FilterCriteria", "Filters").([]any)
			if len(filters) != 1 {
				t.Fatalf("%s: %d filters, want 1", function, len(filters))
			}
			same(t, tpl, function+" filter", at(filters, 0, "Pattern"), own.filter)
		}
	})
}

// mapping is the event source mapping of a function.
func (tpl *template) mapping(t *testing.T, function string) object {
	t.Helper()
	return tpl.named(t, "AWS::Lambda::EventSourceMapping", "FunctionName", "<"+tpl.Settings.Prefix()+"-"+function+">").Properties
}

// Where nothing follows events, the process function gets none.
func TestNothingFollowed(t *testing.T) {
	t.Parallel()
	needNode(t)
	synthesizing.Lock()
	tpl := synthDomain(t, "nothing-followed", `{}`, testdomain.Views())
	synthesizing.Unlock()
	same(t, tpl, "enabled", tpl.mapping(t, "process")["Enabled"], "false")
	same(t, tpl, "enabled", tpl.mapping(t, "projector")["Enabled"], "true")
}

// A pattern has at most 4,096 characters.
func TestFilterOfManyAggregates(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("an-aggregate-%03d", i))
	}
	pattern := stack.CommitsOf(many)
	if n := len(pattern); n > 4096 {
		t.Errorf("a filter for 100 aggregates has %d characters, Lambda takes 4096", n)
	}
	if !jsontext.Value(pattern).IsValid() {
		t.Errorf("the filter is no JSON: %s", pattern)
	}
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
