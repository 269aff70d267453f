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
	"daybook/functions/names"
	"daybook/view/projection"
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
func (m *metrics) put(values map[names.Metric]float64) {
	if m == nil {
		return
	}
	maps.DeleteFunc(values, func(_ names.Metric, v float64) bool { return v == 0 })
	if len(values) == 0 {
		return
	}
	var defined []definition
	line := map[string]any{names.Dimension: m.deployment}
	for _, metric := range slices.Sorted(maps.Keys(values)) {
		defined = append(defined, definition{metric.String(), metric.Unit()})
		line[metric.String()] = values[metric]
	}
	line["_aws"] = directive{
		Timestamp: time.Now().UnixMilli(),
		Metrics:   []directory{{Namespace: m.namespace, Dimensions: [][]string{{names.Dimension}}, Metrics: defined}},
	}
	data, err := json.Marshal(line, json.Deterministic(true))
	if err != nil {
		return // strings and numbers
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.w.Write(append(data, '\n')) // the log is all there is to tell
}

// command measures one command.
func (m *metrics) command(o aggregate.Observation) {
	values := map[names.Metric]float64{names.MetricConflicts: float64(o.Conflicts)}
	e, failed := errors.AsType[*events.Error](o.Err)
	switch {
	case failed && e.Rejected:
		values[names.MetricRejected] = 1
	case o.Err == nil && o.Replayed:
		values[names.MetricReplays] = 1
	case o.Err == nil:
		values[names.MetricAccepted] = 1
	}
	m.put(values)
}

// batch measures one batch of the projector.
func (m *metrics) batch(r projection.Report) {
	m.put(map[names.Metric]float64{
		names.MetricDuplicates: float64(r.Skipped), names.MetricGaps: float64(r.Gaps), names.MetricParked: float64(len(r.Faults)),
		names.MetricHeld: float64(r.Held), names.MetricMismatches: float64(len(r.Mismatches)),
		names.MetricProjectionLag: float64(r.Lag.Milliseconds()),
	})
}

// usage measures what an invocation consumed.
func (m *metrics) usage(u dynamo.Usage) {
	m.put(map[names.Metric]float64{names.MetricReadUnits: u.ReadUnits, names.MetricWriteUnits: u.WriteUnits, names.MetricLostAnswers: float64(u.LostAnswers)})
}
