package images

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the drawings")

// TestDrawings: the files are what the declarations give, well-formed, and shown
// with a text for who can't see them.
func TestDrawings(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "concepts.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.svg")
	if err != nil {
		t.Fatal(err)
	}
	drawings := Drawings()
	for name, d := range drawings {
		svg, err := d.SVG()
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name, []byte(svg), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		file, err := os.ReadFile(name)
		if err != nil || string(file) != svg {
			t.Errorf("%s is not what the declarations give: run go generate ./docs/images (%v)", name, err)
		}
		if err := wellFormed(svg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if before, _, shown := strings.Cut(string(page), "](images/"+name+")"); !shown || strings.HasSuffix(before, "![") {
			t.Errorf("docs/concepts.md does not show %s with a text", name)
		}
	}
	for _, name := range files {
		if _, ok := drawings[name]; !ok {
			t.Errorf("nothing draws %s: remove the file, or declare it in Drawings", name)
		}
	}
}

// TestBoxesFit: boxes are inside the drawing and don't overlap.
func TestBoxesFit(t *testing.T) {
	t.Parallel()
	for name, d := range Drawings() {
		for i, a := range d.Boxes {
			if a.X < 0 || a.Y < 0 || a.X+a.W > d.Width || a.Y+a.H > d.Height {
				t.Errorf("%s: box %s is outside", name, a.Name)
			}
			if slices.ContainsFunc(d.Boxes[i+1:], func(b Box) bool {
				return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
			}) {
				t.Errorf("%s: box %s overlaps another", name, a.Name)
			}
		}
	}
}

// TestArrowsThatCannotBeDrawn: an arrow to a box that is not there, or that is not
// straight, is an error and not a wrong picture.
func TestArrowsThatCannotBeDrawn(t *testing.T) {
	t.Parallel()
	a, b := Box{Name: "a", W: 10, H: 10}, Box{Name: "b", X: 20, Y: 20, W: 10, H: 10}
	for want, boxes := range map[string][]Box{"no box": {a}, "not straight": {a, b}} {
		d := Drawing{Boxes: boxes, Arrows: []Arrow{{From: "a", To: "b"}}}
		if _, err := d.SVG(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func wellFormed(svg string) error {
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
