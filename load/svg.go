package load

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// Sizes of the plot, in pixels.
const (
	width, panelHeight    = 900, 190
	left, right, top, low = 70, 150, 36, 30
)

// line is one line of a panel.
type line struct {
	name, color string
	value       func(Part) float64 // NaN for a gap
}

// panel is one diagram.
type panel struct {
	title string
	log   bool
	lines []line
}

// Plot writes the intervals of a run as an SVG image: throughput, and the latencies of
// commands, queries and projections, with logarithmic scales.
func (r Report) Plot(w io.Writer) error {
	latency := func(title string, of func(Part) Latency) panel {
		value := func(pick func(Latency) float64) func(Part) float64 {
			return func(p Part) float64 {
				if l := of(p); l.Count > 0 {
					return pick(l)
				}
				return math.NaN()
			}
		}
		return panel{title, true, []line{
			{"p50", "#1f77b4", value(func(l Latency) float64 { return l.P50 })},
			{"p99", "#ff7f0e", value(func(l Latency) float64 { return l.P99 })},
			{"p99.9", "#d62728", value(func(l Latency) float64 { return l.P999 })},
		}}
	}
	rate := func(n func(Part) int) func(Part) float64 {
		return func(p Part) float64 { return float64(n(p)) / p.Seconds }
	}
	panels := []panel{
		{"requests per second", false, []line{
			{"answered", "#2ca02c", rate(func(p Part) int { return p.Answered + p.Rejected })},
			{"429 and 503", "#d62728", rate(func(p Part) int { return p.Overloaded })},
			{"failed", "#7f7f7f", rate(func(p Part) int { return p.Failed })},
		}},
		latency("commands, ms from the intended start", func(p Part) Latency { return p.Commands }),
		latency("queries, ms from the intended start", func(p Part) Latency { return p.Queries }),
		latency("projection lag, ms from the command's answer", func(p Part) Latency { return p.Lag }),
	}
	if r.Idle != (Resources{}) {
		panels = append(panels, panel{"the process under load", true, []line{
			{"MB of memory", "#9467bd", func(p Part) float64 { return float64(p.Process.Bytes) / (1 << 20) }},
			{"goroutines", "#8c564b", func(p Part) float64 { return float64(p.Process.Goroutines) }},
		}})
	}
	var b strings.Builder
	height := panelHeight * len(panels)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(0 %d)">`+"\n", i*panelHeight)
		p.draw(&b, r.Intervals)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// draw draws a panel with its axes.
func (p panel) draw(b *strings.Builder, parts []Part) {
	end := 1.0
	for _, part := range parts {
		end = max(end, part.From+part.Seconds)
	}
	ticks := p.ticks(parts)
	from, to := p.scale(ticks[0]), p.scale(ticks[len(ticks)-1])
	x := func(seconds float64) float64 { return left + seconds/end*(width-left-right) }
	y := func(v float64) float64 {
		return panelHeight - low - (p.scale(v)-from)/(to-from)*(panelHeight-low-top)
	}
	fmt.Fprintf(b, `<text x="%d" y="20" font-weight="bold">%s</text>`+"\n", left, p.title)
	for _, v := range ticks {
		fmt.Fprintf(b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", left, y(v), width-right, left-6, y(v)+4, v)
	}
	for i := range 6 {
		at := end * float64(i) / 5
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%.3g s</text>`+"\n", x(at), panelHeight-10, at)
	}
	for i, l := range p.lines {
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/><text x="%d" y="%d" fill="%s">%s</text>`+"\n",
			path(parts, l.value, x, y), l.color, width-right+12, top+16+18*i, l.color, l.name)
	}
}

// path joins the values of a line, with gaps where there are none.
func path(parts []Part, value func(Part) float64, x, y func(float64) float64) string {
	var d strings.Builder
	begin := true
	for _, part := range parts {
		v := value(part)
		if math.IsNaN(v) {
			begin = true
			continue
		}
		command := "L"
		if begin {
			command = "M"
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", command, x(part.From+part.Seconds/2), y(v))
		if begin {
			d.WriteString("h0.1") // a value between two gaps shows too
		}
		begin = false
	}
	return d.String()
}

func (p panel) scale(v float64) float64 {
	if p.log {
		return math.Log10(max(v, 0.001))
	}
	return v
}

// ticks are the values at the axis, the least and the greatest included: powers of ten,
// or fifths of a round number.
func (p panel) ticks(parts []Part) (all []float64) {
	least, greatest := math.Inf(1), 0.0
	for _, part := range parts {
		for _, l := range p.lines {
			if v := l.value(part); !math.IsNaN(v) {
				least, greatest = min(least, v), max(greatest, v)
			}
		}
	}
	if !p.log {
		step := math.Pow(10, math.Floor(math.Log10(max(greatest, 5)/5)))
		for _, n := range []float64{1, 2, 5, 10} {
			if n*step*5 >= greatest {
				step *= n
				break
			}
		}
		for i := range 6 {
			all = append(all, step*float64(i))
		}
		return all
	}
	if math.IsInf(least, 1) {
		least, greatest = 1, 10
	}
	first := math.Floor(math.Log10(max(least, 0.001)))
	last := max(math.Ceil(math.Log10(max(greatest, 0.001))), first+1)
	for e := first; e <= last; e++ {
		all = append(all, math.Pow(10, e))
	}
	return all
}
