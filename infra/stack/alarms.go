package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
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
	Mappings      Mappings
	Failures      awss3.Bucket
	Queue         CommandQueue
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

// alarms are those of the API and of each function's invocations, and of what
// runs behind them.
func alarms(p AlarmsProps) []alarm {
	all := append(streamAlarms(p), queueAlarms(p)...)
	all = append(all, alarm{"api-faults", "The API answers with 5xx.", p.API.failed, 0, 3, 5})
	if p.ConflictAlarm > 0 {
		all = append(all, alarm{"conflicts", "Many commands meet a conflict: a stream is too hot.",
			conflictRatio(p.Prefix, 5), float64(p.ConflictAlarm), 3, 3})
	}
	for _, function := range p.Functions.all() {
		all = append(all,
			alarm{function.Name + "-errors", "Invocations of the " + function.Name + " function fail.",
				ofFunction(function, "Errors", "Sum", 1), 0, 1, 1},
			alarm{function.Name + "-throttles", "Lambda refuses invocations of the " + function.Name + " function.",
				ofFunction(function, "Throttles", "Sum", 1), 0, 2, 5})
	}
	return all
}

// streamAlarms are those of what follows the events table's stream.
func streamAlarms(p AlarmsProps) []alarm {
	f, m := p.Functions, p.Mappings
	return []alarm{
		{"projection-late", "The projector is behind: views are out of date.",
			ofFunction(f.Projector, "IteratorAge", "Maximum", 1), float64(p.LagAlarm) * 1000, 5, 5},
		{"streams-parked", "A view can't follow a stream: its rows are out of date until a redrive.",
			own(p.Prefix, Parked, "Sum", 1), 0, 1, 1},
		{"records-failed", "The projector gave records up; they are in the failure bucket.",
			ofMapping(m.Projector, "OnFailureDestinationDeliveredEventCount", 1), 0, 1, 1},
		{"records-dropped", "The projector gave records up, and they reached no bucket.",
			ofMapping(m.Projector, "DroppedEventCount", 1), 0, 1, 1},
		{"processes-late", "The process function is behind: commands, timers and integration events come late.",
			ofFunction(f.Process, "IteratorAge", "Maximum", 1), float64(p.LagAlarm) * 1000, 5, 5},
		{"processes-parked", "A process manager or outbox can't follow a stream: nothing happens there until a redrive.",
			own(p.Prefix, ParkedProcesses, "Sum", 1), 0, 1, 1},
		{"process-records-failed", "The process function gave records up; they are in the failure bucket.",
			ofMapping(m.Process, "OnFailureDestinationDeliveredEventCount", 1), 0, 1, 1},
		{"process-records-dropped", "The process function gave records up, and they reached no bucket.",
			ofMapping(m.Process, "DroppedEventCount", 1), 0, 1, 1},
		{"failure-bucket", "The failure bucket is not empty.", objects(p.Failures), 0, 1, 1},
	}
}

// queueAlarms are those of commands that are handled later.
func queueAlarms(p AlarmsProps) []alarm {
	return []alarm{
		{"commands-late", "Commands wait in the queue for long.",
			ofQueue(p.Queue.Commands, "ApproximateAgeOfOldestMessage"), float64(p.LagAlarm), 5, 5},
		{"dead-commands", "There are commands that could not be handled.",
			ofQueue(p.Queue.Dead, "ApproximateNumberOfMessagesVisible"), 0, 1, 1},
		{"timers-dropped", "A timer went off, and its command did not reach the queue.",
			ofGroup(p.Prefix, "InvocationDroppedCount", 1), 0, 1, 1},
	}
}
