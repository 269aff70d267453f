package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"daybook/infra/settings"
)

// Props are what a deployment is made of.
type Props struct {
	Settings settings.Settings // as settings.Load returns them
	Schema   Schema
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
		Description:           jsii.String("Daybook: commands, events, views (" + s.Stage + ")"),
		Env:                   &awscdk.Environment{Account: optional(s.Account), Region: optional(s.Region)},
		TerminationProtection: jsii.Bool(s.RemovalPolicy == settings.Retain),
		Tags:                  &map[string]*string{"daybook:stage": jsii.String(s.Stage)},
	})
	retain := s.RemovalPolicy == settings.Retain
	key := NewKey(stack, "Key", s.KMSKey, s.Prefix(), retain)
	events := NewTable(stack, "Events", TableProps{Prefix: s.Prefix(), Spec: p.Schema.Events, Key: key, Retain: retain})
	claims := NewTable(stack, "Claims", TableProps{Prefix: s.Prefix(), Spec: p.Schema.Claims, Key: key, Retain: retain})
	control := NewTable(stack, "Control", TableProps{Prefix: s.Prefix(), Spec: p.Schema.Control, Key: key, Retain: retain})
	views := make([]Table, len(p.Schema.Views))
	for i, view := range p.Schema.Views {
		views[i] = NewTable(stack, "View"+title(view.Table.Name), TableProps{Prefix: s.Prefix(), Spec: view.Table, Key: key, Retain: retain})
	}
	functions := newFunctions(stack, s, p.Code, events, claims, control, views, p.Schema.Views, key)
	failures := NewFailureBucket(stack, "Failures", key, retain)
	mapping := NewMapping(stack, "Mapping", MappingProps{
		Events: events, Projector: functions.Projector, Failures: failures, Key: key,
		BatchSize: s.BatchSize, BatchWindow: s.BatchWindow, RetryAttempts: s.RetryAttempts, RecordAge: s.RecordAge,
	})
	tellAuthorization(functions.Query, s)
	api := NewAPI(stack, s, functions, key)
	if s.Authorization == settings.IAM {
		newCallerPolicies(stack, s.Prefix(), api, p.Schema.Views)
	}
	alarms := NewAlarms(stack, AlarmsProps{
		Prefix: s.Prefix(), Functions: functions, API: api, Mapping: mapping, Failures: failures,
		LagAlarm: s.LagAlarm, ConflictAlarm: s.ConflictAlarm, Topic: s.AlarmTopic,
	})
	NewDashboard(stack, "Dashboard", DashboardProps{Prefix: s.Prefix(), API: api, Functions: functions, Events: events, Alarms: alarms})
	outputs(stack, api, events, *failures.BucketName())
	warn(stack, s)
	return stack
}

func outputs(stack awscdk.Stack, api API, events Table, failures string) {
	out := func(id, value, meaning string) {
		awscdk.NewCfnOutput(stack, jsii.String(id), &awscdk.CfnOutputProps{Value: jsii.String(value), Description: jsii.String(meaning)})
	}
	out("ApiUrl", api.URL, "Where to send requests")
	if api.Target != "" {
		out("DomainTarget", api.Target, "What the DNS record of the domain name must point to")
	}
	out("EventsTable", *events.TableName(), "The table of events")
	out("FailureBucket", failures, "Where records are that the projector gave up")
}

// warn says at synthesis what a team should not find out later.
func warn(stack awscdk.Stack, s settings.Settings) {
	add := func(id, text string) {
		awscdk.Annotations_Of(stack).AddWarningV2(jsii.String("daybook:"+id), jsii.String(text))
	}
	if s.OpenToAll() {
		add("open", "authorization=none: anybody who knows the address can send commands and read everything, events included")
	}
	if s.AlarmTopic == "" {
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
