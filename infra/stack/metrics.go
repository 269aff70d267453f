package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// Namespace and Dimension tell the metrics that the functions write into their
// logs, in CloudWatch's embedded metric format: Dimension has the prefix of the
// deployment (DAYBOOK_VIEW_PREFIX) as its value.
const (
	Namespace = "Daybook"
	Dimension = "Deployment"
)

// The names of the functions' metrics.
const (
	Accepted          = "accepted"                   // commands that were accepted
	Rejected          = "rejected"                   // commands that the domain rejected
	Conflicts         = "conflicts"                  // appends that lost to another
	LostAnswers       = "lost-answers"               // own writes recognised after their answer was lost
	Replays           = "replays"                    // commands answered from memory
	Duplicates        = "duplicates-skipped"         // commits that came again
	Gaps              = "gaps-filled"                // commits read from the events table, since the stream was late
	Parked            = "streams-parked"             // streams that a view could not follow
	ProjectionLag     = "projection-lag"             // milliseconds from commit to projection
	ParkedProcesses   = "processes-parked"           // streams that a process manager or outbox could not follow
	ProcessCommands   = "process-commands"           // commands of process managers
	ProcessTimers     = "process-timers"             // timers set
	Published         = "process-published"          // integration events
	ProcessRetries    = "process-retries"            // records to come again
	ProcessDuplicates = "process-duplicates-skipped" // commits that came again
	ProcessGaps       = "process-gaps-filled"        // commits read from the events table
	ProcessLag        = "process-lag"                // milliseconds from commit to the end of the reaction
	Queued            = "queued"                     // commands that were queued to be handled later
	HandledLate       = "handled-late"               // queued commands that were handled
	TriedAgain        = "tried-again"                // queued commands to come again
	Poison            = "poison"                     // queued commands that can't be handled
	MessageAge        = "message-age"                // milliseconds from queueing to handling
	ReadUnits         = "read-units"                 // consumed by a command
	WriteUnits        = "write-units"                // consumed by a command
)

// Metrics returns the names of all metrics of the functions.
func Metrics() []string {
	return []string{Accepted, Rejected, Conflicts, LostAnswers, Replays, Duplicates, Gaps, Parked, ProjectionLag,
		ParkedProcesses, ProcessCommands, ProcessTimers, Published, ProcessRetries, ProcessDuplicates, ProcessGaps, ProcessLag,
		Queued, HandledLate, TriedAgain, Poison, MessageAge, ReadUnits, WriteUnits}
}

// minutes is a period.
func minutes(n int) awscdk.Duration { return awscdk.Duration_Minutes(jsii.Number(n)) }

// own is a metric that the functions write.
func own(prefix, name, statistic string, period int) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String(Namespace), MetricName: jsii.String(name),
		DimensionsMap: &map[string]*string{Dimension: jsii.String(prefix)},
		Statistic:     jsii.String(statistic), Period: minutes(period),
	})
}

// ofMapping is a metric of an event source mapping.
func ofMapping(mapping awslambda.CfnEventSourceMapping, name string, period int) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("AWS/Lambda"), MetricName: jsii.String(name),
		DimensionsMap: &map[string]*string{"EventSourceMappingUUID": mapping.AttrId()},
		Statistic:     jsii.String("Sum"), Period: minutes(period),
	})
}

// ofGroup is a metric of the timers' schedule group.
func ofGroup(group, name string, period int) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("AWS/Scheduler"), MetricName: jsii.String(name),
		DimensionsMap: &map[string]*string{"ScheduleGroup": jsii.String(group)},
		Statistic:     jsii.String("Sum"), Period: minutes(period),
	})
}

// ofQueue is a metric of a queue.
func ofQueue(queue awssqs.Queue, name string) awscloudwatch.IMetric {
	return queue.Metric(jsii.String(name), &awscloudwatch.MetricOptions{Statistic: jsii.String("Maximum"), Period: minutes(1)})
}

// objects is how many objects a bucket has. S3 counts once a day.
func objects(bucket awss3.Bucket) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("AWS/S3"), MetricName: jsii.String("NumberOfObjects"),
		DimensionsMap: &map[string]*string{"BucketName": bucket.BucketName(), "StorageType": jsii.String("AllStorageTypes")},
		Statistic:     jsii.String("Average"), Period: awscdk.Duration_Days(jsii.Number(1)),
	})
}

// ofFunction is a metric of a function.
func ofFunction(f Function, name, statistic string, period int) awscloudwatch.IMetric {
	return f.Metric(jsii.String(name), &awscloudwatch.MetricOptions{
		Statistic: jsii.String(statistic), Period: minutes(period),
	})
}

// conflictRatio is the share of commands, in percent, that met a conflict, 0
// while there are too few to tell: fewer than 100 in a period.
func conflictRatio(prefix string, period int) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String("IF(FILL(accepted,0)+FILL(rejected,0)>=100,100*FILL(conflicts,0)/(FILL(accepted,0)+FILL(rejected,0)),0)"),
		UsingMetrics: &map[string]awscloudwatch.IMetric{
			"accepted":  own(prefix, Accepted, "Sum", period),
			"rejected":  own(prefix, Rejected, "Sum", period),
			"conflicts": own(prefix, Conflicts, "Sum", period),
		},
		Label: jsii.String("conflicts, percent of commands"), Period: minutes(period),
	})
}
