package report

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Ratio is a peer's expense divided by Daybook's, in one scenario of one run: above 1
// Daybook needs less.
type Ratio struct {
	Name  string
	Value float64
}

// Ratios compares every peer with Daybook, in processor time and in the cost of units,
// where both have the scenario.
func Ratios(r *Results) (ratios []Ratio) {
	for _, theirs := range r.All {
		ours := r.Of(Daybook, theirs.Scenario)
		if theirs.Peer == Daybook || ours == nil || theirs.Ops == 0 || ours.Ops == 0 || theirs.Error != "" {
			continue
		}
		name := fmt.Sprintf("%s-%s-", theirs.Peer, theirs.Scenario)
		ratios = append(ratios, Ratio{name + "processor", theirs.Processor / ours.Processor})
		if ours.Cost() > 0 {
			ratios = append(ratios, Ratio{name + "cost", theirs.Cost() / ours.Cost()})
		}
	}
	return ratios
}

// PrintRatios writes a line "ratio NAME VALUE" for each.
func PrintRatios(w io.Writer, ratios []Ratio) error {
	for _, r := range ratios {
		if _, err := fmt.Fprintf(w, "ratio %s %.3g\n", r.Name, r.Value); err != nil {
			return err
		}
	}
	return nil
}

// Fallen returns an error that names the recorded ratios that were not measured or fell
// by more than a fifth. recorded has a line "NAME VALUE" for each.
func Fallen(ratios []Ratio, recorded string) error {
	measured := map[string]float64{}
	for _, r := range ratios {
		measured[r.Name] = r.Value
	}
	var errs []error
	for line := range strings.Lines(recorded) {
		var name string
		var want float64
		if _, err := fmt.Sscan(line, &name, &want); err != nil {
			errs = append(errs, fmt.Errorf("the recorded line %q: %w", strings.TrimSpace(line), err))
			continue
		}
		got, ok := measured[name]
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%s was not measured", name))
		case got < want*0.8:
			errs = append(errs, fmt.Errorf("%s fell to %.3g, more than a fifth below the recorded %g", name, got, want))
		}
	}
	return errors.Join(errs...)
}
