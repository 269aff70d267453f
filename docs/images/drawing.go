package images

import (
	"fmt"
	"html"
	"strings"
)

// Drawing is a picture of boxes and the arrows between them.
type Drawing struct {
	Title         string // what a screen reader says
	Width, Height int
	Boxes         []Box
	Arrows        []Arrow
}

// Kind decides the colour of a box.
type Kind string

// Kinds of boxes.
const (
	Actor  Kind = "actor"  // who calls, and other systems
	Code   Kind = "code"   // what an application declares
	Stored Kind = "stored" // what is kept
)

// Box is a rectangle with centred lines of text; the first is bold.
type Box struct {
	Name       string // for arrows
	Kind       Kind
	X, Y, W, H int
	Lines      []string
}

// Arrow is a straight line from one box to another, side by side or one above the
// other.
type Arrow struct {
	From, To string
	Text     string
}

// The drawing has a background of its own, so it is legible on any page; the theme
// is the reader's.
const style = `text{font:14px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1d2733;text-anchor:middle}
.first{font-weight:600}.on{font-size:12px;stroke:#fff;stroke-width:4px;paint-order:stroke}
.page{fill:#fff}.actor{fill:#eef1f5;stroke:#5b6b7d}.code{fill:#e2effd;stroke:#1f6fbf}.stored{fill:#fdf0d5;stroke:#a86a00}
.line{fill:none;stroke:#5b6b7d;stroke-width:1.5}.tip{fill:#5b6b7d}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.on{stroke:#11161d}.page{fill:#11161d}
.actor{fill:#252d37;stroke:#93a1b1}.code{fill:#12304d;stroke:#5aa9f2}.stored{fill:#3d2e0e;stroke:#e0a63c}
.line{stroke:#93a1b1}.tip{fill:#93a1b1}}`

// SVG returns the text of the file.
func (d Drawing) SVG() (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n", d.Width, d.Height, d.Width, d.Height)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", html.EscapeString(d.Title), style)
	b.WriteString("<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n")
	fmt.Fprintf(&b, "<rect class=\"page\" width=\"%d\" height=\"%d\" rx=\"8\"/>\n", d.Width, d.Height)
	boxes := map[string]Box{}
	for _, box := range d.Boxes {
		boxes[box.Name] = box
		box.write(&b)
	}
	for _, a := range d.Arrows {
		from, ok := boxes[a.From]
		to, found := boxes[a.To]
		if !ok || !found {
			return "", fmt.Errorf("images: arrow %q: no box %q or %q", a.Text, a.From, a.To)
		}
		if err := a.write(&b, from, to); err != nil {
			return "", err
		}
	}
	b.WriteString("</svg>\n")
	return b.String(), nil
}

const lineHeight = 18

func (box Box) write(b *strings.Builder) {
	fmt.Fprintf(b, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n", box.Kind, box.X, box.Y, box.W, box.H)
	y := box.Y + box.H/2 - (len(box.Lines)-1)*lineHeight/2 + 5
	for i, line := range box.Lines {
		class := ""
		if i == 0 {
			class = ` class="first"`
		}
		fmt.Fprintf(b, "<text%s x=\"%d\" y=\"%d\">%s</text>\n", class, box.X+box.W/2, y+i*lineHeight, html.EscapeString(line))
	}
}

func (a Arrow) write(b *strings.Builder, from, to Box) error {
	x1, y1, x2, y2 := from.X+from.W/2, from.Y+from.H/2, to.X+to.W/2, to.Y+to.H/2
	switch {
	case to.X >= from.X+from.W:
		x1, x2 = from.X+from.W, to.X
	case to.X+to.W <= from.X:
		x1, x2 = from.X, to.X+to.W
	case to.Y >= from.Y+from.H:
		y1, y2 = from.Y+from.H, to.Y
	default:
		y1, y2 = from.Y, to.Y+to.H
	}
	if to.Y+to.H > from.Y && from.Y+from.H > to.Y { // side by side: at the height of the lower box
		if from.H > to.H {
			y1 = y2
		} else {
			y2 = y1
		}
	}
	if x1 != x2 && y1 != y2 {
		return fmt.Errorf("images: the arrow from %s to %s is not straight: move a box", a.From, a.To)
	}
	fmt.Fprintf(b, "<path class=\"line\" marker-end=\"url(#tip)\" d=\"M%d %dL%d %d\"/>\n", x1, y1, x2, y2)
	x, y := (x1+x2)/2, (y1+y2)/2+4
	if y1 == y2 {
		y -= 12 // above the line
	}
	if a.Text != "" {
		fmt.Fprintf(b, "<text class=\"on\" x=\"%d\" y=\"%d\">%s</text>\n", x, y, html.EscapeString(a.Text))
	}
	return nil
}
