package load

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// kind is what is measured.
type kind int

const (
	commands kind = iota
	queries
	lag // from a command's answer to its row
	kinds
)

// longest is the longest latency that is told apart; longer ones count as it.
const longest = 2 * time.Minute

// histogram keeps latencies in microseconds with three digits.
type histogram struct{ of *hdrhistogram.Histogram }

func newHistogram() histogram {
	return histogram{hdrhistogram.New(1, longest.Microseconds(), 3)}
}

func (h histogram) record(d time.Duration) {
	// In range, so that it can't fail.
	_ = h.of.RecordValue(min(max(d.Microseconds(), 1), longest.Microseconds()))
}

// Latency is a distribution of latencies, in milliseconds.
type Latency struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
}

func (h histogram) latency() Latency {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	return Latency{h.of.TotalCount(), ms(h.of.ValueAtQuantile(50)), ms(h.of.ValueAtQuantile(99)), ms(h.of.ValueAtQuantile(99.9)), ms(h.of.Max())}
}

// Counts are numbers of answers.
type Counts struct {
	Answered   int `json:"answered"`
	Rejected   int `json:"rejected"`   // by the business: an answer too
	Overloaded int `json:"overloaded"` // 429 and 503
	Failed     int `json:"failed"`     // other answers, and none
	// WithoutRetryAfter are those of Overloaded that do not say when to send again.
	WithoutRetryAfter int `json:"withoutRetryAfter"`
}

func (c *Counts) add(a answer) {
	switch a.outcome {
	case answered:
		c.Answered++
	case rejected:
		c.Rejected++
	case overloaded:
		c.Overloaded++
		if !a.retryAfter {
			c.WithoutRetryAfter++
		}
	case failed:
		c.Failed++
	}
}

// Part is a part of a run: the whole, a phase or an interval.
type Part struct {
	From    float64 `json:"from"`    // seconds since the load began
	Seconds float64 `json:"seconds"` // that it took
	Counts
	Commands Latency   `json:"commands"`
	Queries  Latency   `json:"queries"`
	Lag      Latency   `json:"lag"`
	Process  Resources `json:"process,omitzero"` // at the end
}

// gauge measures one part.
type gauge struct {
	counts     Counts
	histograms [kinds]histogram
}

func newGauge() *gauge {
	g := &gauge{}
	for k := range g.histograms {
		g.histograms[k] = newHistogram()
	}
	return g
}

// add adds an answer. One that refused for overload has no latency: it would make the
// others look fast.
func (g *gauge) add(k kind, a answer, d time.Duration) {
	g.counts.add(a)
	if a.outcome != overloaded {
		g.histograms[k].record(d)
	}
}

func (g *gauge) part(from, length time.Duration) Part {
	return Part{
		From: from.Seconds(), Seconds: length.Seconds(), Counts: g.counts,
		Commands: g.histograms[commands].latency(), Queries: g.histograms[queries].latency(), Lag: g.histograms[lag].latency(),
	}
}

// reset empties it.
func (g *gauge) reset() {
	g.counts = Counts{}
	for _, h := range g.histograms {
		h.of.Reset()
	}
}

// recorder measures a run as a whole, by phases and by intervals. It is safe for
// concurrent use.
type recorder struct {
	mu        sync.Mutex
	begun     time.Time
	surge     [2]time.Duration // when the surge begins and ends
	whole     *gauge
	phases    [3]*gauge
	interval  *gauge
	intervals []Part
	errors    map[string]int  // texts of failures
	sent      map[string]int  // accepted commands and answered queries by name
	asked     map[string]bool // names of queries
}

func newRecorder(begun time.Time, surge [2]time.Duration) *recorder {
	r := &recorder{begun: begun, surge: surge, whole: newGauge(), interval: newGauge(), errors: map[string]int{}, sent: map[string]int{}, asked: map[string]bool{}}
	for p := range r.phases {
		r.phases[p] = newGauge()
	}
	return r
}

// mostErrors bounds the different texts of failures that are kept.
const mostErrors = 10

// add adds the answer to a request that was meant to begin at a time.
func (r *recorder) add(k kind, name string, a answer, intended time.Time) {
	latency := time.Since(intended)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range []*gauge{r.whole, r.phases[r.phase(intended)], r.interval} {
		g.add(k, a, latency)
	}
	switch a.outcome {
	case answered:
		r.sent[name]++
		if k == queries {
			r.asked[name] = true
		}
	case failed:
		text := failure(name, a)
		if _, known := r.errors[text]; known || len(r.errors) < mostErrors {
			r.errors[text]++
		}
	}
}

// seen adds the lag of a row.
func (r *recorder) seen(answered time.Time) {
	d := time.Since(answered)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range []*gauge{r.whole, r.phases[r.phase(answered)], r.interval} {
		g.histograms[lag].record(d)
	}
}

// longestLag is the longest lag so far.
func (r *recorder) longestLag() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Duration(r.whole.histograms[lag].of.Max()) * time.Microsecond
}

// phase is before, in or after the surge.
func (r *recorder) phase(at time.Time) int {
	switch since := at.Sub(r.begun); {
	case since < r.surge[0]:
		return 0
	case since < r.surge[1]:
		return 1
	}
	return 2
}

// tick ends an interval.
func (r *recorder) tick(from, to time.Duration, process Resources) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.interval.part(from, to-from)
	p.Process = process
	r.intervals = append(r.intervals, p)
	r.interval.reset()
}
