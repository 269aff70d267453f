package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/aggregate"
	"daybook/functions/names"
	"daybook/infra/settings"
)

// Props are what a deployment is made of.
type Props struct {
	Settings settings.Settings // as settings.Load returns them
	Schema   Schema
	// Commands are the declared commands: their scopes become policies.
	Commands []aggregate.Description
	// Code tells the zip file with the bootstrap of a function.
	Code func(function string) string
}

// NewApp returns a CDK app that writes its cloud assembly to out, or where the
// CDK command line wants it when out is "".
func NewApp(out string) awscdk.App {
	props := &awscdk.AppProps{AnalyticsReporting: jsii.Bool(false)}
	if out != "" {
		props.Outdir = jsii.String(out)
	}
	return awscdk.NewApp(props)
}

// New adds the one stack of a deployment, named after its prefix, to app.
func New(app awscdk.App, p Props) awscdk.Stack {
	s := p.Settings
	stack := awscdk.NewStack(app, jsii.String(s.Prefix()), &awscdk.StackProps{
		Description:           jsii.String(s.Application().Title() + ": commands, events, views (" + s.Stage + ")"),
		Env:                   &awscdk.Environment{Account: optional(s.Account), Region: optional(s.Region)},
		TerminationProtection: jsii.Bool(s.RemovalPolicy == settings.Retain),
		Tags:                  tags(s),
	})
	retain := s.RemovalPolicy == settings.Retain
	key := NewKey(stack, "Key", s.KMSKey, s.Prefix(), retain)
	st := newStores(stack, s, p.Schema, key)
	if s.BackupDays > 0 {
		newBackup(stack, s, st.events, key, retain)
	}
	storeOutputs(stack, st)
	if s.Functions != settings.NoFunctions {
		newService(stack, s, p, st, key)
	}
	warn(stack, s, aggregate.Scopes(p.Commands))
	return stack
}

// newService makes the functions and all that is before and behind them: the API,
// the event source mappings, alarms and the dashboard.
func newService(stack awscdk.Stack, s settings.Settings, p Props, st stores, key Key) {
	functions := newFunctions(stack, s, p.Code, st, key)
	failures := NewFailureBucket(stack, "Failures", key, s.RemovalPolicy == settings.Retain)
	mappings := newMappings(stack, s, st, functions, failures, key)
	tellAuthorization(functions.Query, s)
	commands := aggregate.Public(p.Commands)
	api := NewAPI(stack, s, functions, commands, p.Schema.TenantClaim, key)
	if s.Authorization == settings.IAM {
		newCallerPolicies(stack, s.Prefix(), api, commands, p.Schema.Views)
	}
	metrics := Metrics{Namespace: s.Application().Title(), Prefix: s.Prefix()}
	alarms := NewAlarms(stack, AlarmsProps{
		Prefix: s.Prefix(), Metrics: metrics, Functions: functions, API: api, Mappings: mappings, Failures: failures, Queue: st.queue,
		Events: st.events, Tables: st.tables(), LagAlarm: s.LagAlarm, LatencyAlarm: s.LatencyAlarm, QuietAlarm: s.QuietAlarm,
		SilenceAlarm: s.SilenceAlarm, ConflictAlarm: s.ConflictAlarm, Topic: s.AlarmTopic,
	})
	if s.Rollout == settings.Canary {
		newRollouts(stack, functions, alarms)
	}
	NewDashboard(stack, "Dashboard", DashboardProps{Prefix: s.Prefix(), Metrics: metrics, API: api, Functions: functions, Events: st.events, Tables: st.tables(), Queue: st.queue, Alarms: alarms})
	serviceOutputs(stack, api, *failures.BucketName())
}

// tags are on every resource that can have some.
func tags(s settings.Settings) *map[string]*string {
	all := map[string]*string{"daybook:stage": jsii.String(s.Stage)}
	for _, tag := range s.Tags {
		name, value, _ := strings.Cut(tag, "=")
		all[name] = jsii.String(value)
	}
	return &all
}

// Mappings are the event source mappings of a deployment.
type Mappings struct {
	Projector, Process, Queue awslambda.CfnEventSourceMapping
}

// newMappings hands commits to the projector, those of followed aggregates to the
// process function, and queued commands to the command function. Without a process
// manager or outbox that follows anything, the mapping is there and hands over
// nothing.
func newMappings(scope constructs.Construct, s settings.Settings, st stores, f Functions, failures awss3.Bucket, key Key) Mappings {
	props := MappingProps{
		Events: st.events, Function: f.Projector, Failures: failures, Key: key, Filter: Commits,
		BatchSize: s.BatchSize, BatchWindow: s.BatchWindow, RetryAttempts: s.RetryAttempts, RecordAge: s.RecordAge,
	}
	m := Mappings{Projector: NewMapping(scope, "Mapping", props)}
	props.Function, props.BatchSize, props.Disabled = f.Process, s.ProcessBatchSize, true
	if len(st.schema.Followed) > 0 {
		props.Filter, props.Disabled = CommitsOf(st.schema.Followed), false
		if st.schema.TenantClaim != "" {
			props.Filter = Commits // the function passes over those that nothing follows
		}
	}
	m.Process = NewMapping(scope, "ProcessMapping", props)
	m.Queue = NewQueueMapping(scope, "QueueMapping", st.queue, f.queued(), s.QueueConcurrency)
	return m
}

func output(stack awscdk.Stack, o names.Output, value string) {
	awscdk.NewCfnOutput(stack, jsii.String(o.String()), &awscdk.CfnOutputProps{Value: jsii.String(value), Description: jsii.String(o.Meaning())})
}

func serviceOutputs(stack awscdk.Stack, api API, failures string) {
	output(stack, names.OutputURL, api.URL)
	if api.Target != "" {
		output(stack, names.OutputDomainTarget, api.Target)
	}
	output(stack, names.OutputFailureBucket, failures)
}

func storeOutputs(stack awscdk.Stack, st stores) {
	output(stack, names.OutputEventsTable, *st.events.TableName())
	output(stack, names.OutputCommandQueue, *st.queue.Commands.QueueUrl())
	output(stack, names.OutputDeadQueue, *st.queue.Dead.QueueUrl())
	output(stack, names.OutputEventBus, st.bus.Name)
}

// warn says at synthesis what a team should not find out later.
func warn(stack awscdk.Stack, s settings.Settings, scopes []string) {
	add := func(id, text string) {
		awscdk.Annotations_Of(stack).AddWarningV2(jsii.String("daybook:"+id), jsii.String(text), nil)
	}
	if s.OpenToAll() && s.Functions != settings.NoFunctions {
		add("open", "authorization=none: anybody who knows the address can send commands and read everything, events included")
	}
	if s.OpenToAll() && len(scopes) > 0 && s.Functions != settings.NoFunctions {
		add("scopes", "authorization=none: nobody has a scope, so commands that need one are refused: "+strings.Join(scopes, ", "))
	}
	if s.Functions == settings.NoFunctions {
		add("functions", "functions=none: there are no functions, no API and no alarms; something else has to run the handlers")
	} else if s.AlarmTopic == "" {
		add("alarms", "alarmTopic is not set: alarms tell nobody")
	}
	if s.RemovalPolicy == settings.Destroy {
		add("destroy", "removalPolicy=destroy: deleting the stack deletes the events")
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
