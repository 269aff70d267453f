package functions

import (
	"encoding/json/v2"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/view"
)

// Dimension is that of the functions' metrics in CloudWatch; its value is the
// prefix of the query tables' names. Their namespace is the App's title.
const Dimension = "Deployment"

// Names of the functions' metrics. All are counts but the lags and MessageAge, in
// milliseconds.
const (
	MetricAccepted      = "accepted"           // commands that were accepted
	MetricRejected      = "rejected"           // commands that the domain rejected
	MetricConflicts     = "conflicts"          // appends that lost to another writer
	MetricLostAnswers   = "lost-answers"       // appends whose lost answer was recognised as our own
	MetricReplays       = "replays"            // commands answered from memory
	MetricQueued        = "queued"             // commands that were queued
	MetricLate          = "handled-late"       // queued commands that were handled
	MetricPoison        = "poison"             // queued commands that became dead letters
	MetricTriedAgain    = "tried-again"        // queued commands to be delivered again
	MetricMessageAge    = "message-age"        // milliseconds from queueing to handling, the longest of a batch
	MetricReadUnits     = "read-units"         // consumed by an invocation of the command function
	MetricWriteUnits    = "write-units"        // consumed by an invocation of the command function
	MetricDuplicates    = "duplicates-skipped" // commits that came again, counted by view
	MetricGaps          = "gaps-filled"        // commits read from the events table, since the stream was late
	MetricParked        = "streams-parked"     // streams that a view could not follow any more
	MetricHeld          = "commits-held-back"  // commits of parked streams that came, counted by view
	MetricMismatches    = "views-mismatched"   // tables that a batch did not go to: the deployed declaration does not fit
	MetricProjectionLag = "projection-lag"     // milliseconds from commit to projection

	MetricCommandsSent      = "process-commands"           // commands of process managers that were accepted, repeats included
	MetricTimersSet         = "process-timers"             // timers set by process managers
	MetricPublished         = "process-published"          // integration events published
	MetricProcessDuplicates = "process-duplicates-skipped" // commits that came again, counted by reactor
	MetricProcessGaps       = "process-gaps-filled"        // commits read from the events table, since the stream was late
	MetricProcessParked     = "processes-parked"           // streams that a process manager or an outbox could not go on with
	MetricProcessHeld       = "process-commits-held-back"  // commits of parked streams that came, counted by reactor
	MetricProcessRetries    = "process-retries"            // records that are delivered again
	MetricProcessLag        = "process-lag"                // milliseconds from commit to the end of the reaction
)

// metrics writes measurements in CloudWatch's embedded metric format: a JSON line
// that CloudWatch Logs makes metrics of, without a request. A nil metrics writes
// none.
type metrics struct {
	mu         sync.Mutex
	w          io.Writer
	namespace  string
	deployment string
}

func newMetrics(app daybook.App, c Config) *metrics {
	if c.Metrics == nil {
		return nil
	}
	return &metrics{w: c.Metrics, namespace: app.Title(), deployment: c.ViewPrefix}
}

// line is one line of the log. Its members with metrics' values stand beside the
// directive.
type line struct {
	AWS        directive          `json:"_aws"`
	Deployment string             `json:"Deployment"`
	Values     map[string]float64 `json:",embed"`
}

// directive says which members of a line are metrics.
type directive struct {
	Timestamp int64       `json:"Timestamp"` // milliseconds since 1970
	Metrics   []directory `json:"CloudWatchMetrics"`
}

type directory struct {
	Namespace  string       `json:"Namespace"`
	Dimensions [][]string   `json:"Dimensions"`
	Metrics    []definition `json:"Metrics"`
}

type definition struct {
	Name string `json:"Name"`
	Unit string `json:"Unit"`
}

// put writes one line with the values that are not zero; without any it writes
// nothing: a sum misses no zero.
func (m *metrics) put(values map[string]float64) {
	if m == nil {
		return
	}
	maps.DeleteFunc(values, func(_ string, v float64) bool { return v == 0 })
	if len(values) == 0 {
		return
	}
	var defined []definition
	for _, name := range slices.Sorted(maps.Keys(values)) {
		unit := "Count"
		if name == MetricProjectionLag || name == MetricProcessLag || name == MetricMessageAge {
			unit = "Milliseconds"
		}
		defined = append(defined, definition{name, unit})
	}
	data, err := json.Marshal(line{
		AWS: directive{
			Timestamp: time.Now().UnixMilli(),
			Metrics:   []directory{{Namespace: m.namespace, Dimensions: [][]string{{Dimension}}, Metrics: defined}},
		},
		Deployment: m.deployment, Values: values,
	}, json.Deterministic(true))
	if err != nil {
		return // strings and numbers
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.w.Write(append(data, '\n')) // the log is all there is to tell
}

// command measures one command.
func (m *metrics) command(o aggregate.Observation) {
	values := map[string]float64{MetricConflicts: float64(o.Conflicts)}
	e, failed := errors.AsType[*events.Error](o.Err)
	switch {
	case failed && e.Rejected:
		values[MetricRejected] = 1
	case o.Err == nil && o.Replayed:
		values[MetricReplays] = 1
	case o.Err == nil:
		values[MetricAccepted] = 1
	}
	m.put(values)
}

// batch measures one batch of the projector.
func (m *metrics) batch(r view.Report) {
	m.put(map[string]float64{
		MetricDuplicates: float64(r.Skipped), MetricGaps: float64(r.Gaps), MetricParked: float64(len(r.Faults)),
		MetricHeld: float64(r.Held), MetricMismatches: float64(len(r.Mismatches)),
		MetricProjectionLag: float64(r.Lag.Milliseconds()),
	})
}

// usage measures what an invocation consumed.
func (m *metrics) usage(u dynamo.Usage) {
	m.put(map[string]float64{MetricReadUnits: u.ReadUnits, MetricWriteUnits: u.WriteUnits, MetricLostAnswers: float64(u.LostAnswers)})
}
