package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"daybook/functions/names"
)

// minutes is a period.
func minutes(n int) awscdk.Duration { return awscdk.Duration_Minutes(jsii.Number(n)) }

// Metrics is where the functions of a deployment write metrics.
type Metrics struct {
	Namespace string // the App's title
	Prefix    string // the value of names.Dimension
}

// own is a metric that the functions write.
func own(of Metrics, metric names.Metric, period int) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String(of.Namespace), MetricName: jsii.String(metric.String()),
		DimensionsMap: &map[string]*string{names.Dimension: jsii.String(of.Prefix)},
		Statistic:     jsii.String(metric.Statistic()), Period: minutes(period),
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

// ofTable is a metric of a table.
func ofTable(table Table, name string, period int) awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("AWS/DynamoDB"), MetricName: jsii.String(name),
		DimensionsMap: &map[string]*string{"TableName": table.TableName()},
		Statistic:     jsii.String("Sum"), Period: minutes(period),
	})
}

// unread is 1 while commits are written to the events table and the projector is
// not invoked, else 0.
func unread(events Table, projector Function, period int) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String("IF(FILL(written,0)>0 AND FILL(invoked,0)==0,1,0)"),
		UsingMetrics: &map[string]awscloudwatch.IMetric{
			"written": ofTable(events, "ConsumedWriteCapacityUnits", period),
			"invoked": ofFunction(projector, "Invocations", "Sum", period),
		},
		Label: jsii.String("commits are written and not projected"), Period: minutes(period),
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
func conflictRatio(of Metrics, period int) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String("IF(FILL(accepted,0)+FILL(rejected,0)>=100,100*FILL(conflicts,0)/(FILL(accepted,0)+FILL(rejected,0)),0)"),
		UsingMetrics: &map[string]awscloudwatch.IMetric{
			"accepted":  own(of, names.MetricAccepted, period),
			"rejected":  own(of, names.MetricRejected, period),
			"conflicts": own(of, names.MetricConflicts, period),
		},
		Label: jsii.String("conflicts, percent of commands"), Period: minutes(period),
	})
}
