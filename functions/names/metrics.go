package names

// Dimension is that of the functions' metrics in CloudWatch; its value is the
// prefix of the deployment's names. Their namespace is the App's title.
const Dimension = "Deployment"

// Metric is a metric of the functions.
type Metric int

// The metrics.
const (
	MetricAccepted      Metric = iota // commands that were accepted
	MetricRejected                    // commands that the domain rejected
	MetricConflicts                   // appends that lost to another writer
	MetricLostAnswers                 // appends whose lost answer was recognised as our own
	MetricReplays                     // commands answered from memory
	MetricQueued                      // commands that were queued
	MetricLate                        // queued commands that were handled
	MetricTriedAgain                  // queued commands to be delivered again
	MetricPoison                      // queued commands that became dead letters
	MetricMessageAge                  // from queueing to handling, the longest of a batch
	MetricReadUnits                   // consumed by an invocation of the command function
	MetricWriteUnits                  // consumed by an invocation of the command function
	MetricDuplicates                  // commits that came again, counted by view
	MetricGaps                        // commits read from the events table, since the stream was late
	MetricParked                      // streams that a view could not follow any more
	MetricHeld                        // commits of parked streams that came, counted by view
	MetricMismatches                  // tables that a batch did not go to: the deployed declaration does not fit
	MetricProjectionLag               // from commit to projection

	MetricCommandsSent      // commands of process managers that were accepted, repeats included
	MetricTimersSet         // timers set by process managers
	MetricPublished         // integration events published
	MetricProcessDuplicates // commits that came again, counted by reactor
	MetricProcessGaps       // commits read from the events table, since the stream was late
	MetricProcessRetries    // records that are delivered again
	MetricProcessParked     // streams that a process manager or an outbox could not go on with
	MetricProcessHeld       // commits of parked streams that came, counted by reactor
	MetricProcessLag        // from commit to the end of the reaction

	metrics // how many there are
)

// Graph is the graph of the dashboard that shows a metric.
type Graph int

// The graphs.
const (
	GraphCommands Graph = iota + 1
	GraphUnits
	GraphOutcomes
	GraphMessageAge
	GraphProjection
	GraphProjectionLag
	GraphEffects
	GraphProcess
	GraphProcessLag
)

// kind is a metric's unit and the statistic that tells most of it.
type kind struct{ unit, statistic string }

var (
	count    = kind{"Count", "Sum"}
	average  = kind{"Count", "Average"}
	duration = kind{"Milliseconds", "p99"}
)

type definition struct {
	name string
	kind
	graph Graph
}

// definitions say all there is to say of each metric: what the functions write,
// and where the dashboard shows it.
var definitions = [metrics]definition{
	MetricAccepted:      {"accepted", count, GraphCommands},
	MetricRejected:      {"rejected", count, GraphCommands},
	MetricConflicts:     {"conflicts", count, GraphCommands},
	MetricLostAnswers:   {"lost-answers", count, GraphCommands},
	MetricReplays:       {"replays", count, GraphCommands},
	MetricQueued:        {"queued", count, GraphOutcomes},
	MetricLate:          {"handled-late", count, GraphOutcomes},
	MetricTriedAgain:    {"tried-again", count, GraphOutcomes},
	MetricPoison:        {"poison", count, GraphOutcomes},
	MetricMessageAge:    {"message-age", duration, GraphMessageAge},
	MetricReadUnits:     {"read-units", average, GraphUnits},
	MetricWriteUnits:    {"write-units", average, GraphUnits},
	MetricDuplicates:    {"duplicates-skipped", count, GraphProjection},
	MetricGaps:          {"gaps-filled", count, GraphProjection},
	MetricParked:        {"streams-parked", count, GraphProjection},
	MetricHeld:          {"commits-held-back", count, GraphProjection},
	MetricMismatches:    {"views-mismatched", count, GraphProjection},
	MetricProjectionLag: {"projection-lag", duration, GraphProjectionLag},

	MetricCommandsSent:      {"process-commands", count, GraphEffects},
	MetricTimersSet:         {"process-timers", count, GraphEffects},
	MetricPublished:         {"process-published", count, GraphEffects},
	MetricProcessDuplicates: {"process-duplicates-skipped", count, GraphProcess},
	MetricProcessGaps:       {"process-gaps-filled", count, GraphProcess},
	MetricProcessRetries:    {"process-retries", count, GraphProcess},
	MetricProcessParked:     {"processes-parked", count, GraphProcess},
	MetricProcessHeld:       {"process-commits-held-back", count, GraphProcess},
	MetricProcessLag:        {"process-lag", duration, GraphProcessLag},
}

// Metrics returns all metrics.
func Metrics() []Metric {
	all := make([]Metric, metrics)
	for i := range all {
		all[i] = Metric(i)
	}
	return all
}

// String returns the metric's name in CloudWatch.
func (m Metric) String() string { return definitions[m].name }

// Unit returns the metric's unit, in CloudWatch's words.
func (m Metric) Unit() string { return definitions[m].unit }

// Statistic returns the statistic that dashboard and alarms take.
func (m Metric) Statistic() string { return definitions[m].statistic }

// Graph returns the graph that shows the metric.
func (m Metric) Graph() Graph { return definitions[m].graph }
