package functions

import (
	"encoding/json/jsontext"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
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

// line is the values in CloudWatch's embedded metric format: each as a member, and under
// _aws which members are metrics. A tenant is a member that logs can be searched by, and
// no dimension: each value of one is billed as a metric of its own. It is appended by hand, since a function writes it for
// each command.
func (m *metrics) line(at time.Time, tenant string, values map[names.Metric]float64) []byte {
	sorted := slices.AppendSeq(make([]names.Metric, 0, len(values)), maps.Keys(values))
	slices.Sort(sorted)
	b := make([]byte, 0, 512)
	b = append(b, `{"_aws":{"Timestamp":`...)
	b = strconv.AppendInt(b, at.UnixMilli(), 10)
	b = append(b, `,"CloudWatchMetrics":[{"Namespace":`...)
	b = quote(b, m.namespace)
	b = append(b, `,"Dimensions":[[`...)
	b = append(quote(b, names.Dimension), `]],"Metrics":[`...)
	for i, metric := range sorted {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(append(b, `{"Name":`...), metric.String())
		b = quote(append(b, `,"Unit":`...), metric.Unit())
		b = append(b, '}')
	}
	b = append(b, `]}]},`...)
	b = quote(append(quote(b, names.Dimension), ':'), m.deployment)
	if tenant != "" {
		b = quote(append(quote(append(b, ','), "tenant"), ':'), tenant)
	}
	for _, metric := range sorted {
		b = append(quote(append(b, ','), metric.String()), ':')
		b = strconv.AppendFloat(b, values[metric], 'f', -1, 64)
	}
	return append(b, '}', '\n')
}

// quote appends a name as JSON.
func quote(b []byte, name string) []byte {
	b, _ = jsontext.AppendQuote(b, name) // names are valid UTF-8
	return b
}

// put writes one line with the values that are not zero; without any it writes
// nothing: a sum misses no zero.
func (m *metrics) put(values map[names.Metric]float64) { m.putOf("", values) }

// putOf is put for what a tenant did.
func (m *metrics) putOf(tenant string, values map[names.Metric]float64) {
	if m == nil {
		return
	}
	maps.DeleteFunc(values, func(_ names.Metric, v float64) bool { return v == 0 })
	if len(values) == 0 {
		return
	}
	line := m.line(time.Now(), tenant, values)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.w.Write(line) // the log is all there is to tell
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
	m.putOf(o.Stream.Tenant(), values)
}

// batch measures one batch of the projector.
func (m *metrics) batch(r projection.Report) {
	m.put(map[names.Metric]float64{
		names.MetricDuplicates: float64(r.Skipped), names.MetricGaps: float64(r.Gaps), names.MetricParked: float64(len(r.Faults)),
		names.MetricHeld: float64(r.Held), names.MetricMismatches: float64(len(r.Mismatches)),
		names.MetricProjectionLag: float64(r.Lag.Milliseconds()),
	})
}

// usage measures what an invocation consumed, for one tenant where it was a request.
func (m *metrics) usage(tenant string, u dynamo.Usage) {
	m.putOf(tenant, map[names.Metric]float64{names.MetricReadUnits: u.ReadUnits, names.MetricWriteUnits: u.WriteUnits, names.MetricLostAnswers: float64(u.LostAnswers)})
}
