package report

import (
	"fmt"
	"math"
	"strings"
)

// theme are the colours of a plot. It has a ground of its own, so that it is readable
// on any page; a test holds the contrasts.
type theme struct {
	ground, text, grid string
	series             []string // in the order of Peers
}

func light() theme {
	return theme{"#ffffff", "#1f2328", "#d1d9e0", []string{"#0b5cad", "#57606a", "#a04100", "#8a2fa8", "#1a7f37", "#b3261e"}}
}

func dark() theme {
	return theme{"#0d1117", "#e6edf3", "#3d444d", []string{"#6cb6ff", "#9198a1", "#f0a050", "#d9a0f0", "#57c46b", "#ff8a80"}}
}

// style declares the classes of a plot in both themes.
func style() string {
	rules := func(t theme) string {
		var b strings.Builder
		fmt.Fprintf(&b, ".ground{fill:%s}.grid{stroke:%s}.axis{stroke:%s}text{fill:%s}", t.ground, t.grid, t.text, t.text)
		for i, c := range t.series {
			fmt.Fprintf(&b, ".f%d{fill:%s}.l%d{stroke:%s}", i, c, i, c)
		}
		return b.String()
	}
	return "<style>text{font:13px system-ui,sans-serif}.title{font-weight:600;font-size:15px}.grid,.axis{stroke-width:1}.line{fill:none;stroke-width:2}" +
		rules(light()) + "@media (prefers-color-scheme:dark){" + rules(dark()) + "}</style>"
}

// canvas gathers the elements of an SVG.
type canvas struct {
	strings.Builder
	width, height int
}

func (c *canvas) add(format string, args ...any) { fmt.Fprintf(c, format+"\n", args...) }

func (c *canvas) text(x, y float64, anchor, class, text string) {
	c.add(`<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>`, x, y, anchor, class, text)
}

// marker draws the series' sign: its form differs as well as its colour.
func (c *canvas) marker(series int, x, y float64) {
	switch series {
	case 0:
		c.add(`<circle cx="%.1f" cy="%.1f" r="5.5" class="f0"/>`, x, y)
	case 1:
		c.add(`<rect x="%.1f" y="%.1f" width="9" height="9" class="f1"/>`, x-4.5, y-4.5)
	case 2:
		c.polygon(series, x, y, 0, -6, 6, 5, -6, 5)
	case 3:
		c.polygon(series, x, y, 0, -6.5, 6.5, 0, 0, 6.5, -6.5, 0)
	case 4:
		c.polygon(series, x, y, 0, 6, 6, -5, -6, -5)
	default:
		c.polygon(series, x, y, -6, -2, -2, -6, 2, -6, 6, -2, 6, 2, 2, 6, -2, 6, -6, 2)
	}
}

func (c *canvas) polygon(series int, x, y float64, by ...float64) {
	var points []string
	for i := 0; i < len(by); i += 2 {
		points = append(points, fmt.Sprintf("%.1f,%.1f", x+by[i], y+by[i+1]))
	}
	c.add(`<polygon points="%s" class="f%d"/>`, strings.Join(points, " "), series)
}

// legend names the series from first on, in rows of three.
func (c *canvas) legend(x, y float64, first int) {
	for i, p := range Peers()[first:] {
		cx, cy := x+float64(i%3)*210, y+float64(i/3)*20
		c.marker(first+i, cx, cy-4)
		c.text(cx+12, cy, "start", "", label(p))
	}
}

func (c *canvas) svg(title string) []byte {
	return fmt.Appendf(nil, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n%s\n<rect width=\"%d\" height=\"%d\" class=\"ground\"/>\n%s</svg>\n",
		c.width, c.height, c.width, c.height, title, style(), c.width, c.height, c.String())
}

// logScale maps values to positions on a logarithmic axis.
type logScale struct{ low, high, from, to float64 }

func (s logScale) at(v float64) float64 {
	return s.from + (s.to-s.from)*(math.Log(v)-math.Log(s.low))/(math.Log(s.high)-math.Log(s.low))
}

// dots draws a measure of the peers as multiples of Daybook's, a row for each scenario.
func (r *Results) dots(title string, m measure, scenarios []string) []byte {
	const left, right, rowHeight = 250.0, 700.0, 34.0
	c := &canvas{width: 740, height: 110 + int(rowHeight)*len(scenarios) + 40}
	values := map[string]map[int]float64{}
	low, high := 1.0, 1.0
	for _, s := range scenarios {
		values[s] = r.multiples(m, s)
		for _, v := range values[s] {
			low, high = min(low, v), max(high, v)
		}
	}
	scale := logScale{low / 1.3, high * 1.3, left, right}
	c.text(20, 28, "start", "title", title)
	c.legend(28, 56, 1)
	top, bottom := 96.0, 96+rowHeight*float64(len(scenarios))
	for _, v := range ticks(scale) {
		class := "grid"
		if v == 1 {
			class = "axis"
		}
		c.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`, scale.at(v), top, scale.at(v), bottom, class)
		name := fmt.Sprintf("%g ×", v)
		if v == 1 {
			name = "Daybook"
		}
		c.text(scale.at(v), bottom+18, "middle", "", name)
	}
	for i, s := range scenarios {
		y := top + rowHeight*(float64(i)+0.5)
		c.text(left-16, y+4, "end", "", told(s))
		for series := 1; series < len(Peers()); series++ {
			if v, ok := values[s][series]; ok {
				c.marker(series, scale.at(v), y)
			}
		}
	}
	return c.svg(title)
}

// ticks are 1, 3, 10 and so on within a scale.
func ticks(s logScale) (out []float64) {
	for power := math.Floor(math.Log10(s.low)); math.Pow(10, power) <= s.high; power++ {
		for _, v := range []float64{math.Pow(10, power), 3 * math.Pow(10, power)} {
			if v >= s.low && v <= s.high {
				out = append(out, v)
			}
		}
	}
	return out
}

// multiples are a measure of the peers in a scenario, by their place in Peers.
func (r *Results) multiples(m measure, scenario string) map[int]float64 {
	ours := r.Of(Daybook, scenario)
	out := map[int]float64{}
	for i, p := range Peers()[1:] {
		theirs := r.Of(p, scenario)
		if ours == nil || theirs == nil || theirs.Ops == 0 || theirs.failed() || theirs.partial() || m.of(ours) == 0 || m.of(theirs) == 0 {
			continue
		}
		out[i+1] = m.of(theirs) / m.of(ours)
	}
	return out
}

// lines draws a measure of all peers over the stream's length.
func (r *Results) lines(title string, m measure, scenario func(int) string) []byte {
	c := &canvas{width: 740, height: 440}
	low, high := math.Inf(1), 0.0
	points := map[int]map[int]float64{}
	for i, p := range Peers() {
		points[i] = map[int]float64{}
		for _, n := range Lengths() {
			result := r.Of(p, scenario(n))
			if result == nil || result.failed() || result.partial() || m.of(result) <= 0 {
				continue
			}
			v := m.of(result)
			points[i][n] = v
			low, high = min(low, v), max(high, v)
		}
	}
	lengths := Lengths()
	x := logScale{float64(lengths[0]), float64(lengths[len(lengths)-1]), 90, 700}
	y := logScale{low / 1.3, high * 1.3, 390, 106}
	c.text(20, 28, "start", "title", title)
	c.legend(28, 56, 0)
	for _, n := range lengths {
		c.add(`<line x1="%.1f" y1="106" x2="%.1f" y2="390" class="grid"/>`, x.at(float64(n)), x.at(float64(n)))
		c.text(x.at(float64(n)), 408, "middle", "", thousands(fmt.Sprint(n)))
	}
	c.text(395, 428, "middle", "", "events in the stream")
	for _, v := range ticks(y) {
		c.add(`<line x1="90" y1="%.1f" x2="700" y2="%.1f" class="grid"/>`, y.at(v), y.at(v))
		c.text(80, y.at(v)+4, "end", "", amount(v))
	}
	for i := range Peers() {
		r.line(c, i, points[i], x, y)
	}
	return c.svg(title)
}

func (r *Results) line(c *canvas, series int, points map[int]float64, x, y logScale) {
	var path []string
	for _, n := range Lengths() {
		if v, ok := points[n]; ok {
			path = append(path, fmt.Sprintf("%.1f,%.1f", x.at(float64(n)), y.at(v)))
		}
	}
	c.add(`<polyline points="%s" class="line l%d"/>`, strings.Join(path, " "), series)
	for _, n := range Lengths() {
		if v, ok := points[n]; ok {
			c.marker(series, x.at(float64(n)), y.at(v))
		}
	}
}
