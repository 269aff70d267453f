package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/functions/names"
)

// AlarmsProps are the properties of NewAlarms.
type AlarmsProps struct {
	Prefix        string
	Metrics       Metrics
	Functions     Functions
	API           API
	Mappings      Mappings
	Failures      awss3.Bucket
	Queue         CommandQueue
	Events        Table
	Tables        []Table // all of them
	LagAlarm      int     // seconds
	LatencyAlarm  int     // milliseconds; 0 for none
	QuietAlarm    int     // requests an hour; 0 for none
	SilenceAlarm  bool
	ConflictAlarm int    // percent; 0 for none
	Topic         string // ARN; "" for none
}

// alarm is one alarm; docs/deploy.md says what to do about each.
type alarm struct {
	name, meaning string
	metric        awscloudwatch.IMetric
	above         float64 // alarm when greater; of silence, when less
	periods       int
	of            int // periods, of which so many must be above
	noData        silence
}

// silence is what it means that a metric has no data, with the reason; each
// alarm's description has it.
type silence struct {
	treat  awscloudwatch.TreatMissingData
	reason string
}

// There is no canary: /health asks for authorization as all routes do, and a
// canary of CloudWatch needs credentials and code of its own. The alarms
// commits-unread and api-quiet ring when there is silence that is not health.
func nothingHappened() silence {
	return silence{awscloudwatch.TreatMissingData_NOT_BREACHING, "No data is well: it is counted only when it happens."}
}

func noWork() silence {
	return silence{awscloudwatch.TreatMissingData_NOT_BREACHING, "No data is well: without work there is nothing to measure; commits-unread rings for work that nobody does."}
}

func noMeasure() silence {
	return silence{awscloudwatch.TreatMissingData_NOT_BREACHING, "No data is well: AWS writes none for what is empty or idle."}
}

func noRequests() silence {
	return silence{awscloudwatch.TreatMissingData_BREACHING, "No data rings: it means no requests."}
}

// NewAlarms makes the alarms of a deployment.
func NewAlarms(scope constructs.Construct, p AlarmsProps) Alarms {
	var all Alarms
	for _, a := range alarms(p) {
		comparison := awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD
		if a.noData.treat == awscloudwatch.TreatMissingData_BREACHING {
			comparison = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD
		}
		made := awscloudwatch.NewAlarm(scope, jsii.String(title(a.name)+"Alarm"), &awscloudwatch.AlarmProps{
			AlarmName:          jsii.String(names.Join(p.Prefix, a.name)),
			AlarmDescription:   jsii.String(a.meaning + " " + a.noData.reason + " See docs/deploy.md, " + a.name + "."),
			Metric:             a.metric,
			Threshold:          jsii.Number(a.above),
			ComparisonOperator: comparison,
			EvaluationPeriods:  jsii.Number(a.of),
			DatapointsToAlarm:  jsii.Number(a.periods),
			TreatMissingData:   a.noData.treat,
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
	all = append(all, tableAlarms(p)...)
	if p.QuietAlarm > 0 {
		all = append(all, alarm{"api-quiet", "The API gets fewer requests in an hour than usual.",
			p.API.hourly, float64(p.QuietAlarm), 1, 1, noRequests()})
	}
	if p.LatencyAlarm > 0 {
		all = append(all, alarm{"api-slow", "One in a hundred requests takes long.", p.API.latency, float64(p.LatencyAlarm), 5, 5, noWork()})
	}
	all = append(all, alarm{"api-faults", "The API answers with 5xx.", p.API.failed, 0, 3, 5, nothingHappened()})
	if p.ConflictAlarm > 0 {
		all = append(all, alarm{"conflicts", "Many commands meet a conflict: a stream is too hot.",
			conflictRatio(p.Metrics, 5), float64(p.ConflictAlarm), 3, 3, nothingHappened()})
	}
	for _, function := range p.Functions.all() {
		all = append(all,
			alarm{function.Name + "-errors", "Invocations of the " + function.Name + " function fail.",
				ofFunction(function, "Errors", "Sum", 1), 0, 1, 1, noWork()},
			alarm{function.Name + "-throttles", "Lambda refuses invocations of the " + function.Name + " function.",
				ofFunction(function, "Throttles", "Sum", 1), 0, 2, 5, noWork()},
			alarm{function.Name + "-slow", "One in a hundred invocations of the " + function.Name + " function takes more than four fifths of its time-out.",
				ofFunction(function, "Duration", "p99", 1), nearTimeout * 1000 * float64(function.Timeout), 3, 5, noWork()})
	}
	return all
}

// streamAlarms are those of what follows the events table's stream.
func streamAlarms(p AlarmsProps) []alarm {
	f, m := p.Functions, p.Mappings
	all := []alarm{
		{"projection-late", "The projector is behind: views are out of date.",
			ofFunction(f.Projector, "IteratorAge", "Maximum", 1), float64(p.LagAlarm) * 1000, 5, 5, noWork()},
		{"streams-parked", "A view can't follow a stream: its rows are out of date until a redrive.",
			own(p.Metrics, names.MetricParked, 1), 0, 1, 1, nothingHappened()},
		{"views-mismatched", "A view's declaration does not fit its table: the view refuses queries and applies no events.",
			own(p.Metrics, names.MetricMismatches, 1), 0, 1, 1, nothingHappened()},
		{"records-failed", "The projector gave records up; they are in the failure bucket.",
			ofMapping(m.Projector, "OnFailureDestinationDeliveredEventCount", 1), 0, 1, 1, nothingHappened()},
		{"records-dropped", "The projector gave records up, and they reached no bucket.",
			ofMapping(m.Projector, "DroppedEventCount", 1), 0, 1, 1, nothingHappened()},
		{"processes-late", "The process function is behind: commands, timers and integration events come late.",
			ofFunction(f.Process, "IteratorAge", "Maximum", 1), float64(p.LagAlarm) * 1000, 5, 5, noWork()},
		{"processes-parked", "A process manager or outbox can't follow a stream: nothing happens there until a redrive.",
			own(p.Metrics, names.MetricProcessParked, 1), 0, 1, 1, nothingHappened()},
		{"process-records-failed", "The process function gave records up; they are in the failure bucket.",
			ofMapping(m.Process, "OnFailureDestinationDeliveredEventCount", 1), 0, 1, 1, nothingHappened()},
		{"process-records-dropped", "The process function gave records up, and they reached no bucket.",
			ofMapping(m.Process, "DroppedEventCount", 1), 0, 1, 1, nothingHappened()},
		{"failure-bucket", "The failure bucket is not empty.", objects(p.Failures), 0, 1, 1, noMeasure()},
	}
	if p.SilenceAlarm {
		all = append(all, alarm{"commits-unread", "Commits are written, and the projector is not invoked: its mapping is off or broken.",
			unread(p.Events, f.Projector, 5), 0, 3, 3, nothingHappened()})
	}
	return all
}

// nearTimeout is the share of a function's time-out at which an alarm rings.
const nearTimeout = 0.8

// tableAlarms ring when DynamoDB refuses reads or writes of a table, an index's
// included.
func tableAlarms(p AlarmsProps) (all []alarm) {
	for _, t := range p.Tables {
		for _, kind := range []string{"Read", "Write"} {
			lower := strings.ToLower(kind)
			all = append(all, alarm{t.spec.Name + "-" + lower + "-throttles", "DynamoDB refuses " + lower + "s of the table " + t.spec.Name + ".",
				ofTable(t, kind+"ThrottleEvents", 1), 0, 3, 5, nothingHappened()})
		}
	}
	return all
}

// queueAlarms are those of commands that are handled later.
func queueAlarms(p AlarmsProps) []alarm {
	return []alarm{
		{"commands-late", "Commands wait in the queue for long.",
			ofQueue(p.Queue.Commands, "ApproximateAgeOfOldestMessage"), float64(p.LagAlarm), 5, 5, noMeasure()},
		{"dead-commands", "There are commands that could not be handled.",
			ofQueue(p.Queue.Dead, "ApproximateNumberOfMessagesVisible"), 0, 1, 1, noMeasure()},
		{"timers-dropped", "A timer went off, and its command did not reach the queue.",
			ofGroup(p.Prefix, "InvocationDroppedCount", 1), 0, 1, 1, nothingHappened()},
	}
}
