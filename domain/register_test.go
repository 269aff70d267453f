package domain_test

import (
	"flag"
	"slices"
	"testing"

	"daybook/aggregate"
	"daybook/daybooktest"
	"daybook/domain"
	"daybook/events/eventstest"
	"daybook/process"
)

var _ = flag.Bool("update", false, "write missing golden files")

// Stored events stay readable and views keep their shapes, whatever is declared.
func TestWhatIsStored(t *testing.T) {
	t.Parallel()
	daybooktest.Golden(t, domain.Aggregates(), domain.Views())
}

func TestEverythingIsWellDeclared(t *testing.T) {
	t.Parallel()
	if _, err := aggregate.NewHandler(&eventstest.Memory{}, domain.Aggregates(), nil); err != nil {
		t.Error(err)
	}
	for _, a := range domain.Aggregates() {
		if err := a.Err(); err != nil {
			t.Error(err)
		}
	}
	names := map[string]bool{}
	for _, v := range domain.Views() {
		if err := v.Err(); err != nil {
			t.Error(err)
		}
		d := v.Describe()
		if names[d.Name] {
			t.Errorf("view %q is listed twice", d.Name)
		}
		names[d.Name] = true
	}
	codec, err := aggregate.Codec(domain.Aggregates())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := process.NewRunner(nil, codec, nil, domain.Processes(), process.Effects{}, nil); err != nil {
		t.Error(err)
	}
	for _, r := range domain.Processes() {
		if err := r.Err(); err != nil {
			t.Error(err)
		}
		if name := r.Describe().Name; names[name] {
			t.Errorf("%q is a view and a process: the command line names them alike", name)
		}
	}
}

// A view that names an event which no aggregate declares would never see it.
func TestViewsFollowDeclaredEvents(t *testing.T) {
	t.Parallel()
	for _, v := range domain.Views() {
		d := v.Describe()
		var declared []string
		for _, a := range domain.Aggregates() {
			if slices.Contains(d.Aggregates, a.Name()) {
				for _, e := range a.Events() {
					declared = append(declared, e.Name)
				}
			}
		}
		for _, e := range d.Events {
			if !slices.Contains(declared, e) {
				t.Errorf("view %q handles %q, which %v do not declare", d.Name, e, d.Aggregates)
			}
		}
	}
}
