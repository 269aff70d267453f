package report

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

//go:embed benchmarks.md.tmpl
var page string

// The README's table stands between these lines.
const (
	readmeBegin = "<!-- benchmarks -->\n"
	readmeEnd   = "<!-- end of benchmarks -->\n"
)

// unlike explains the mark of a load that brings another state.
const unlike = `\* the state is not what the events give.`

// Files writes docs/benchmarks.md, the README's table and the plots below root.
func Files(r *Results, root string) error {
	files, err := Make(r, root)
	if err != nil {
		return err
	}
	var errs []error
	for name, text := range files {
		errs = append(errs, os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755))
		errs = append(errs, os.WriteFile(filepath.Join(root, name), text, 0o644))
	}
	return errors.Join(errs...)
}

// Make returns the files that Files writes, by their paths below root, from which it
// reads the README.
func Make(r *Results, root string) (map[string][]byte, error) {
	doc, err := r.page()
	if err != nil {
		return nil, err
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return nil, err
	}
	before, rest, begun := strings.Cut(string(readme), readmeBegin)
	_, after, ended := strings.Cut(rest, readmeEnd)
	if !begun || !ended {
		return nil, fmt.Errorf("README.md has no lines %q and %q around the table", readmeBegin, readmeEnd)
	}
	m := measures()
	images := filepath.Join("docs", "images", "benchmarks")
	return map[string][]byte{
		filepath.Join("docs", "benchmarks.md"): doc,
		"README.md":                            []byte(before + readmeBegin + r.summary() + "\n\n" + unlike + "\n" + readmeEnd + after),
		filepath.Join(images, "processor.svg"): r.dots("Processor time of the client, as a multiple of Daybook's", m["processor"], plotted()),
		filepath.Join(images, "cost.svg"):      r.dots("Cost of the units, as a multiple of Daybook's", m["cost"], plotted()),
		filepath.Join(images, "growth.svg"):    r.lines("Read units of a load", m["read"], LoadAt),
		filepath.Join(images, "time.svg"):      r.lines("Processor time of a cold append, in microseconds", m["processor"], AppendAt),
	}, nil
}

// plotted are the scenarios of the plots of multiples.
func plotted() []string {
	return []string{Create, AppendWarm, AppendCold, Append10, Load20, Load1000, LoadAt(10_000)}
}

func (r *Results) page() ([]byte, error) {
	m := measures()
	funcs := template.FuncMap{
		"amounts":      func(name string) string { return r.amounts(m[name], steps()) },
		"relative":     func(name string) string { return r.relative(m[name], steps()) },
		"loadGrowth":   func(name string) string { return r.amounts(m[name], grown(LoadAt)) },
		"appendGrowth": func(name string) string { return r.amounts(m[name], grown(AppendAt)) },
		"states":       r.states,
		"refused":      r.refused,
		"equinox":      func() string { return computed(equinox(r.Run.Payload)) },
		"powertools":   func() string { return computed(powertools()) },
		"versions":     r.versions,
		"reads": func(scenario string) string {
			if result := r.Of(Daybook, scenario); result != nil {
				return amount(result.ReadUnits)
			}
			return "–"
		},
	}
	t, err := template.New("benchmarks.md").Funcs(funcs).Parse(page)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, r.Run)
	return out.Bytes(), err
}

func (r *Results) versions() string {
	var out []string
	for _, tool := range slices.Sorted(maps.Keys(r.Run.Versions)) {
		out = append(out, tool+" "+r.Run.Versions[tool])
	}
	return strings.Join(out, ", ")
}
