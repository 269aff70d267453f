package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// AlarmsProps are the properties of NewAlarms.
type AlarmsProps struct {
	Prefix        string
	Functions     Functions
	API           API
	Mapping       awslambda.CfnEventSourceMapping
	Failures      awss3.Bucket
	LagAlarm      int    // seconds
	ConflictAlarm int    // percent; 0 for none
	Topic         string // ARN; "" for none
}

// alarm is one alarm; docs/deploy.md says what to do about each.
type alarm struct {
	name, meaning string
	metric        awscloudwatch.IMetric
	above         float64 // alarm when greater
	periods       int
	of            int // periods, of which so many must be above
}

// NewAlarms makes the alarms of a deployment. Missing data is no alarm: an idle
// system writes none.
func NewAlarms(scope constructs.Construct, p AlarmsProps) []awscloudwatch.Alarm {
	var all []awscloudwatch.Alarm
	for _, a := range alarms(p) {
		made := awscloudwatch.NewAlarm(scope, jsii.String(title(a.name)+"Alarm"), &awscloudwatch.AlarmProps{
			AlarmName:          jsii.String(p.Prefix + "-" + a.name),
			AlarmDescription:   jsii.String(a.meaning + " See docs/deploy.md, " + a.name + "."),
			Metric:             a.metric,
			Threshold:          jsii.Number(a.above),
			ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
			EvaluationPeriods:  jsii.Number(a.of),
			DatapointsToAlarm:  jsii.Number(a.periods),
			TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
		})
		if p.Topic != "" {
			made.AddAlarmAction(toTopic(scope, p.Topic))
			made.AddOkAction(toTopic(scope, p.Topic))
		}
		all = append(all, made)
	}
	return all
}

func toTopic(scope constructs.Construct, arn string) awscloudwatch.IAlarmAction {
	topic, ok := scope.Node().TryFindChild(jsii.String("AlarmTopic")).(awssns.ITopic)
	if !ok {
		topic = awssns.Topic_FromTopicArn(scope, jsii.String("AlarmTopic"), jsii.String(arn))
	}
	return awscloudwatchactions.NewSnsAction(topic)
}

func alarms(p AlarmsProps) []alarm {
	f := p.Functions
	all := []alarm{
		{"projection-late", "The projector is behind: views are out of date.",
			ofFunction(f.Projector, "IteratorAge", "Maximum", 1), float64(p.LagAlarm) * 1000, 5, 5},
		{"streams-parked", "A view can't follow a stream: its rows are out of date until a redrive.",
			own(p.Prefix, Parked, "Sum", 1), 0, 1, 1},
		{"records-failed", "The projector gave records up; they are in the failure bucket.",
			ofMapping(p.Mapping, "OnFailureDestinationDeliveredEventCount", 1), 0, 1, 1},
		{"records-dropped", "The projector gave records up, and they reached no bucket.",
			ofMapping(p.Mapping, "DroppedEventCount", 1), 0, 1, 1},
		{"failure-bucket", "The failure bucket is not empty.", objects(p.Failures), 0, 1, 1},
		{"api-faults", "The API answers with 5xx.", p.API.failed, 0, 3, 5},
	}
	if p.ConflictAlarm > 0 {
		all = append(all, alarm{"conflicts", "Many commands meet a conflict: a stream is too hot.",
			conflictRatio(p.Prefix, 5), float64(p.ConflictAlarm), 3, 3})
	}
	for _, function := range []Function{f.Command, f.Query, f.Projector} {
		all = append(all,
			alarm{function.Name + "-errors", "Invocations of the " + function.Name + " function fail.",
				ofFunction(function, "Errors", "Sum", 1), 0, 1, 1},
			alarm{function.Name + "-throttles", "Lambda refuses invocations of the " + function.Name + " function.",
				ofFunction(function, "Throttles", "Sum", 1), 0, 2, 5})
	}
	return all
}
