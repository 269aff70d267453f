package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/functions/names"
)

// DashboardProps are the properties of NewDashboard.
type DashboardProps struct {
	Prefix    string
	Metrics   Metrics
	API       API
	Functions Functions
	Events    Table
	Tables    []Table // all of them
	Queue     CommandQueue
	Alarms    Alarms
}

// NewDashboard makes one dashboard that reads from the caller to the tables:
// alarms, API, commands, projection, queue, processes, functions, capacity.
func NewDashboard(scope constructs.Construct, id string, p DashboardProps) awscloudwatch.Dashboard {
	board := awscloudwatch.NewDashboard(scope, jsii.String(id), &awscloudwatch.DashboardProps{
		DashboardName: jsii.String(p.Prefix),
	})
	alarms := make([]interfacesawscloudwatch.IAlarmRef, len(p.Alarms))
	for i, a := range p.Alarms {
		alarms[i] = a
	}
	board.AddWidgets(awscloudwatch.NewAlarmStatusWidget(&awscloudwatch.AlarmStatusWidgetProps{
		Title: jsii.String("Alarms"), Alarms: &alarms, Width: jsii.Number(24), Height: jsii.Number(4),
	}))
	of := func(g names.Graph, others ...awscloudwatch.IMetric) (all []awscloudwatch.IMetric) {
		for _, metric := range names.Metrics() {
			if metric.Graph() == g {
				all = append(all, own(p.Metrics, metric, 1))
			}
		}
		return append(all, others...)
	}
	each := func(metric, statistic string) (all []awscloudwatch.IMetric) {
		for _, f := range p.Functions.all() {
			all = append(all, ofFunction(f, metric, statistic, 1))
		}
		return all
	}
	board.AddWidgets(graph("API: requests, refused, failed", p.API.count, p.API.refused, p.API.failed), graph("API: latency p99, ms", p.API.latency))
	board.AddWidgets(graph("Commands", of(names.GraphCommands)...),
		graph("Commands: conflicts, percent", conflictRatio(p.Metrics, 5)))
	board.AddWidgets(graph("Projection: lag p99 and age of the stream, ms", of(names.GraphProjectionLag, ofFunction(p.Functions.Projector, "IteratorAge", "Maximum", 1))...),
		graph("Projection: events out of line", of(names.GraphProjection)...))
	board.AddWidgets(graph("Queued commands: oldest, s", ofQueue(p.Queue.Commands, "ApproximateAgeOfOldestMessage")),
		graph("Queued commands: waiting, in work, dead", ofQueue(p.Queue.Commands, "ApproximateNumberOfMessagesVisible"),
			ofQueue(p.Queue.Commands, "ApproximateNumberOfMessagesNotVisible"), ofQueue(p.Queue.Dead, "ApproximateNumberOfMessagesVisible")),
		graph("Queued commands: outcomes", of(names.GraphOutcomes)...))
	board.AddWidgets(graph("Processes: lag p99 and age of the stream, ms", of(names.GraphProcessLag, ofFunction(p.Functions.Process, "IteratorAge", "Maximum", 1))...),
		graph("Processes: commands, timers, published", of(names.GraphEffects)...),
		graph("Processes: events out of line", of(names.GraphProcess)...))
	board.AddWidgets(graph("Queued commands: age p99, ms", of(names.GraphMessageAge)...),
		graph("Timers: gone off, failed, dropped", ofGroup(p.Prefix, "InvocationAttemptCount", 1), ofGroup(p.Prefix, "TargetErrorCount", 1), ofGroup(p.Prefix, "InvocationDroppedCount", 1)))
	board.AddWidgets(graph("Functions: duration p99, ms", each("Duration", "p99")...),
		graph("Functions: errors", each("Errors", "Sum")...), graph("Functions: concurrency", each("ConcurrentExecutions", "Maximum")...))
	board.AddWidgets(graph("Units of a command", of(names.GraphUnits)...),
		graph("Events table: units consumed", consumed(p.Events, "Read"), consumed(p.Events, "Write")),
		graph("Tables: throttled", throttled(p.Tables)...))
	return board
}

// throttled are the refused reads and writes of each table.
func throttled(tables []Table) (all []awscloudwatch.IMetric) {
	for _, t := range tables {
		all = append(all, ofTable(t, "ReadThrottleEvents", 1), ofTable(t, "WriteThrottleEvents", 1))
	}
	return all
}

func consumed(t Table, kind string) awscloudwatch.IMetric {
	options := &awscloudwatch.MetricOptions{Statistic: jsii.String("Sum"), Period: minutes(1), Label: jsii.String(kind)}
	table := t.Table
	if kind == "Read" {
		return table.MetricConsumedReadCapacityUnits(options)
	}
	return table.MetricConsumedWriteCapacityUnits(options)
}

// graph is a third or half of a row, as CloudWatch packs them.
func graph(heading string, metrics ...awscloudwatch.IMetric) awscloudwatch.IWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
		Title: jsii.String(heading), Left: &metrics, Width: jsii.Number(8), Height: jsii.Number(6),
	})
}
