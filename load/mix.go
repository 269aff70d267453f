package load

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"daybook/workload"
)

// mix draws what to send.
type mix struct {
	share    float64 // of queries
	commands weighted
	queries  weighted
	kinds    map[string]queryKind
}

// Weights of commands that have none: most change a stream that there is.
const (
	weightCreates = 2
	weightRepeats = 8
	weightOnce    = 1 // takes a stream on, after which other commands may be refused
)

func newMix(plans *workload.Plans, asked []queryKind, weights map[string]float64, share float64) (mix, error) {
	m := mix{share: share, kinds: map[string]queryKind{}}
	for _, plan := range plans.All() {
		switch {
		case plan.Command.Internal: // unknown over HTTP
		case len(plan.Before) == 0:
			m.commands.add(plan.Command.Name, weightCreates)
		case plan.Repeats:
			m.commands.add(plan.Command.Name, weightRepeats)
		case !slices.ContainsFunc(plan.Before, func(name string) bool { before, _ := plans.Of(name); return before.Command.Internal }):
			m.commands.add(plan.Command.Name, weightOnce)
		}
	}
	for _, k := range asked {
		m.queries.add(k.name, 1)
		m.kinds[k.name] = k
	}
	if err := override(weights, &m.commands, &m.queries); err != nil {
		return m, err
	}
	if share < 1 && m.commands.sum == 0 || share > 0 && m.queries.sum == 0 {
		return m, errors.New("nothing to send: no declared command, or no query, can be made from the examples of the payloads")
	}
	return m, nil
}

// checkWeights refuses weights of names that the application does not declare, before
// anything is written.
func (l *loader) checkWeights() error {
	var known []string
	for _, plan := range l.Plans.All() {
		if !plan.Command.Internal {
			known = append(known, plan.Command.Name)
		}
	}
	for _, v := range l.App.Views {
		d := v.Describe()
		known = append(known, d.Name)
		for _, x := range d.Indexes {
			known = append(known, d.Name+"/"+x.Name)
		}
	}
	for name := range l.Weights {
		if !slices.Contains(known, name) {
			return unknownWeight(name, known)
		}
	}
	return nil
}

func unknownWeight(name string, known []string) error {
	return fmt.Errorf("weight %q: no such command or query; there are %s", name, strings.Join(known, ", "))
}

// override replaces weights. Those of a kind of which any is named hold for the named
// only.
func override(weights map[string]float64, all ...*weighted) error {
	var known []string
	named := map[string]bool{}
	for _, w := range all {
		known = append(known, w.names...)
		given := weighted{}
		for _, name := range w.names {
			if weight, ok := weights[name]; ok {
				given.add(name, weight)
				named[name] = true
			}
		}
		if len(given.names) > 0 {
			*w = given
		}
	}
	for name := range weights {
		if !named[name] {
			return unknownWeight(name, known)
		}
	}
	return nil
}

// draw draws a command, or a query with its path.
func (m mix) draw(random *rand.Rand) (name, path string, isQuery bool) {
	if random.Float64() < m.share {
		name := m.queries.draw(random)
		return name, m.kinds[name].path(random), true
	}
	return m.commands.draw(random), "", false
}

// weighted are names with weights.
type weighted struct {
	names []string
	upTo  []float64 // sums of weights
	sum   float64
}

func (w *weighted) add(name string, weight float64) {
	w.sum += weight
	w.names, w.upTo = append(w.names, name), append(w.upTo, w.sum)
}

func (w *weighted) draw(random *rand.Rand) string {
	at, _ := slices.BinarySearch(w.upTo, random.Float64()*w.sum)
	return w.names[min(at, len(w.names)-1)]
}
